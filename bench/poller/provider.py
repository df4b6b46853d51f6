"""A provider that answers as fast as nginx does, and profiles that let the poller
ask it as fast as it can."""

import json
import os
import shutil

from lab import ROOT
from processes import free_port

FAST = {"status_per_s": 10000, "status_at_once": 100}


def start(lab, status):
    """nginx takes every capture and says `status` of all; returns its URL."""
    port = free_port()
    taken = json.dumps({"success": True, "jobId": "c1", "status": "queued",
                        "statusUrl": "/screenshot/c1"})
    said = {"jobId": "c1", "status": status, "completed": status == "completed",
            "failed": status == "failed"}
    if status == "failed":
        said.update(error="the selector matches nothing", errorCode="SELECTOR_NOT_FOUND")
    lab.nginx(f"provider-{status}", port, f"""
        default_type application/json;
        location = /screenshot {{ return 202 '{taken}'; }}
        location /screenshot/ {{ return 200 '{json.dumps(said)}'; }}""")
    return f"http://127.0.0.1:{port}"


def use(stack, url, limits=None):
    """The fleet's provider from now on."""
    folder = os.path.join(stack.folder, "providers")
    if not os.path.exists(folder):
        shutil.copytree(os.path.join(ROOT, "providers"), folder)
    path = os.path.join(folder, "screenshotly.json")
    with open(path) as f:
        profile = json.load(f)
    profile["limits"] = {**profile.get("limits", {}), **(limits or FAST)}
    with open(path, "w") as f:
        json.dump(profile, f)
    stack.env.update(SHOTFLEET_PROVIDERS_DIR=folder, SHOTFLEET_PROVIDER_URL=url)
