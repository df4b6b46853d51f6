"""docker-compose.yml: what it sets is what the programs read."""

import os
import re
import subprocess

import pytest
import yaml

from harness import BIN, ROOT

S3 = {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN"}


@pytest.fixture(scope="module")
def services():
    with open(os.path.join(ROOT, "docker-compose.yml"), encoding="utf-8") as f:
        return yaml.safe_load(f)["services"]


def filled(environment, given):
    """As compose fills ${NAME:-default}."""
    return {name: re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: given.get(m[1]) or m[2], str(value))
            for name, value in environment.items()}


def known(program):
    said = subprocess.run([os.path.join(BIN, program), "--help"], capture_output=True, text=True,
                          check=True).stdout
    return set(re.findall(r"^\s*([A-Z][A-Z0-9_]+)", said, re.M))


def test_every_name_is_one_that_some_program_reads(services):
    read = {s["command"][0]: known(s["command"][0]) for s in services.values()
            if s.get("command", [""])[0].startswith("shotfleet")}
    assert {"shotfleet-worker", "shotfleet-api", "shotfleet-poller", "shotfleet-ingest"} <= set(read)
    everything = set().union(*read.values())
    for name, service in services.items():
        if service.get("command", [""])[0] in read:
            unknown = {n.removesuffix("_FILE") for n in service["environment"]} - everything
            assert not unknown, f"{name}: {unknown}"


def test_the_keys_of_the_storage_go_to_whom_they_concern(services):
    has = {name for name, s in services.items() if S3 & set(s.get("environment", {}))}
    assert has == {"worker", "api", "poller"}
    for name in has:
        environment = services[name]["environment"]
        assert S3 <= set(environment)
        assert S3 <= known(f"shotfleet-{name}")
        mine = filled(environment, {"SHOTFLEET_STORAGE": "s3://shots/a", "AWS_SECRET_ACCESS_KEY": "x"})
        assert mine["SHOTFLEET_STORAGE"] == "s3://shots/a" and mine["AWS_SECRET_ACCESS_KEY"] == "x"
        assert mine["AWS_REGION"] == "us-east-1" and mine["AWS_ENDPOINT_URL"] == ""


@pytest.mark.parametrize("name", ["worker", "api", "poller"])
def test_without_s3_its_empty_settings_do_no_harm(stack, services, name):
    environment = filled({n: v for n, v in services[name]["environment"].items() if n in S3}, {})
    stack.start(name, **environment)
