"""Submits a page and asks until it is there: python3 poll.py https://example.com/"""
import json
import os
import sys
import time
import urllib.request

api = os.environ.get("SHOTFLEET_API_URL", "http://127.0.0.1:8080")
key = os.environ.get("SHOTFLEET_API_KEY")


def ask(path, body=None):
    request = urllib.request.Request(api + path, body and json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


job = ask("/v1/captures", {"url": sys.argv[1], "fullPage": True})["jobId"]
pause = 0.25
while (capture := ask(f"/v1/captures/{job}"))["status"] in ("queued", "submitted"):
    time.sleep(pause)
    pause = min(pause * 1.5, 5)
print(capture["status"], api + capture["image"]["url"] if capture["image"]
      else capture["error"]["message"])
