"""Receives callbacks: pip install standardwebhooks; python3 receive.py 8090"""
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["CALLBACK_SECRET"])  # whsec_...
seen = set()  # yours: a table with webhook-id as its key


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            told = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            self.send_response(401)
            self.end_headers()
            return
        if self.headers["webhook-id"] not in seen:
            print(told["type"], told["data"]["jobId"], told["data"]["url"], flush=True)
        seen.add(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8090),
           Handler).serve_forever()
