"""A real S3 server that verifies signatures, see tests/peers/s3.mjs."""

import os
import shutil
import signal
import subprocess

import pytest

from processes import free_port, wait_for
from web import request

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")


class S3Server:
    key = "SHOTFLEETTEST"
    secret = "not/the+default:key="

    def __init__(self, folder):
        if not os.path.isdir(os.path.join(PEERS, "node_modules", "s3rver")):
            pytest.skip("npm ci --prefix tests/peers has not run")
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, *buckets):
        os.makedirs(self.folder, exist_ok=True)
        self.process = subprocess.Popen(
            [shutil.which("node"), "--openssl-legacy-provider",  # s3rver pages with DES
             os.path.join(PEERS, "s3.mjs"), self.folder, str(self.port),
             self.key, self.secret, *buckets],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=None)
        wait_for(self.answers, 30, "the S3 server")

    def answers(self):
        try:
            return request("GET", self.url + "/").status
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(90)
            self.process = None

    def environment(self, place):
        return {"SHOTFLEET_STORAGE": f"s3://{place}", "AWS_ENDPOINT_URL": self.url,
                "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}

    def object(self, bucket, key):
        """(bytes, content type) as the server keeps them."""
        path = os.path.join(self.folder, bucket, key)
        with open(path + "._S3rver_object", "rb") as data, \
                open(path + "._S3rver_metadata.json", encoding="utf-8") as metadata:
            return data.read(), metadata.read()
