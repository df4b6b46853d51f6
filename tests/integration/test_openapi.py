"""The server answers as docs/openapi.yaml says: every operation, every status."""

import http.client
import json
import os
import re
import shutil
import uuid

import jsonschema
import pytest

from doubles import png
from openapi import Document, routes
from processes import wait_for
from test_api import JSON, UNKNOWN, complete, submit
from web import Answer, request

URL = "https://example.com/"


@pytest.fixture(scope="module")
def document():
    return Document()


# the document by itself

def test_every_route_is_documented_and_every_operation_has_a_route(document):
    documented = set(document.operations)
    assert documented - routes() == set(), "documented, and not served"
    assert routes() - documented == set(), "served, and not documented"


def test_the_document_holds_together(document):
    assert document.root["openapi"].startswith("3.1.")
    used = document.references()
    for reference in used:
        assert document.resolve({"$ref": reference}) is not None
    for schema in document.root["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [o["operationId"] for o in document.operations.values()]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document.root["tags"]}
    for (_, path), operation in document.operations.items():
        assert set(operation["tags"]) <= tags
        names = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert names == set(re.findall(r"{(\w+)}", path))
    for kind, components in document.root["components"].items():
        if kind != "securitySchemes":
            for name in components:
                assert f"#/components/{kind}/{name}" in used, f"{kind}/{name} is of no use"


def test_a_wrong_answer_is_found(document):
    """The checks themselves: they must be able to fail."""
    operation = document.operations["GET", "/v1/captures"]
    good = {"captures": [], "nextCursor": None}

    def answer(status=200, kind="application/json", body=good, **headers):
        return Answer(status, {"Content-Type": kind, **headers}, json.dumps(body).encode())

    document.check(operation, answer())
    for wrong in (answer(status=418), answer(kind="text/html"), answer(body={"captures": []}),
                  answer(body={**good, "nextCursor": "7"}), answer(RateLimit="60"),
                  answer(body={**good, "captures": [{}]}), answer(status=503),
                  answer(status=401, kind="application/problem+json", body={"status": 401})):
        with pytest.raises(AssertionError):
            document.check(operation, wrong)


# the server

class Driver:
    """Asks, and holds each answer to the document."""

    def __init__(self, stack, document):
        self.stack = stack
        self.document = document
        self.seen = set()  # (operationId, status)

    def ask(self, method, path, template=None, body=None, **headers):
        """`path` may have {id} filled in and a query; `template` is as documented."""
        operation = self.document.operations[method, template or path.split("?")[0]]
        if "/events" in path or path == "/v1/live":
            answer = self.head_of_stream(path, headers)
        else:
            answer = request(method, self.stack.api_url + path, body, headers)
        self.document.check(operation, answer)
        self.seen.add((operation["operationId"], answer.status))
        return answer

    def head_of_stream(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.ports["api"], timeout=90)
        try:
            connection.request("GET", path, headers=headers)
            got = connection.getresponse()
            return Answer(got.status, got.headers, b"" if got.status < 300 else got.read())
        finally:
            connection.close()

    def ask_or_none(self, method, path):
        try:
            return self.ask(method, path, body=b"{}", **{**JSON, "X-API-Key": "unknown"})
        except OSError:
            return None

    def each(self, status, name, body=None, unless=(), **headers):
        """Every documented operation that may answer so, with {id} as `name`."""
        for (method, path), operation in self.document.operations.items():
            if (status not in self.document.statuses(operation)
                    or operation["operationId"] in unless):
                continue
            sends = {**JSON, **headers} if method == "POST" else headers
            answer = self.ask(method, path.replace("{id}", name), path,
                              body if method == "POST" else None, **sends)
            assert answer.status == status, (method, path, answer)


@pytest.fixture
def driver(stack, document):
    return Driver(stack, document)


def letter(stack, job=None):
    [row] = stack.sql(
        "insert into dead_letters (entry_id, stream, job_id, payload, error, received_at) values "
        "(%s, 'webhook', %s::uuid, '\\xff00', 'no', now()) returning id::text",
        f"webhook:{uuid.uuid4()}", job)
    return row[0]


def drive_successes(d, stack, **key):
    submit_ = d.document.operations["POST", "/v1/captures"]
    one = {"url": URL, "device": "mobile", "metadata": {"order": 7}, "viewport": {"width": 400}}
    many = {"captures": [one, {"url": "nonsense"}, one]}
    assert d.document.check_body(submit_, one) and d.document.check_body(submit_, many)
    job = d.ask("POST", "/v1/captures", body=one, **key).json()["jobId"]
    batch = d.ask("POST", "/v1/captures", body=many,
                  **{"Idempotency-Key": "k", **key}).json()["batchId"]
    assert d.ask("POST", "/v1/captures", body=many,
                 **{"Idempotency-Key": "k", **key}).headers["Idempotency-Replayed"]
    failed, done = (d.ask("POST", "/v1/captures", body=one, **key).json()["jobId"] for _ in "12")
    stack.sql("update jobs set status = 'failed', failed_at = now(), error = 'slow', "
              "error_code = 'TIMEOUT' where id = %s::uuid", failed)
    complete(stack, done, png())
    for path in ("/v1/captures", "/v1/captures?limit=1&status=queued&metadata[order]=7",
                 "/v1/captures?url=nothing", f"/v1/captures?batch={batch}&provider=screenshotly",
                 "/v1/captures?submittedAfter=2020-01-01T00:00:00Z"):
        d.ask("GET", path, **key)
    for name in (job, failed, done):
        d.ask("GET", f"/v1/captures/{name}", "/v1/captures/{id}", **key)
        d.ask("GET", f"/v1/captures/{name}/history", "/v1/captures/{id}/history", **key)
        d.ask("GET", f"/v1/captures/{name}/events", "/v1/captures/{id}/events", **key)
    d.ask("GET", f"/v1/events?batch={batch}", **key)
    d.ask("GET", f"/v1/events?batch={UNKNOWN}", **key)
    drive_ends(d, stack, failed, batch, **key)
    drive_live(d, **key)
    image = (f"/v1/captures/{done}/image", "/v1/captures/{id}/image")
    tag = d.ask("GET", *image, **key).headers["ETag"]
    d.ask("GET", *image, **{"Range": "bytes=0-9", **key})
    d.ask("GET", *image, **{"Range": "bytes=9999999-", **key})
    d.ask("GET", *image, **{"If-None-Match": tag, **key})
    d.ask("GET", f"/v1/captures/{job}/image", image[1], **key)
    drive_thumbnails(d, stack, done, job, **key)
    stack.sql("update jobs set image_removed_at = now() where id = %s::uuid", done)
    d.ask("GET", f"/v1/captures/{done}", "/v1/captures/{id}", **key)
    assert d.ask("GET", *image, **key).status == 410
    thumbnail = ("/v1/captures/{id}/thumbnail".replace("{id}", done), "/v1/captures/{id}/thumbnail")
    assert d.ask("GET", *thumbnail, **key).status == 410
    stack.sql("update jobs set image_removed_at = null where id = %s::uuid", done)
    shutil.rmtree(os.path.join(stack.storage, "screenshots"))
    shutil.rmtree(os.path.join(stack.storage, "thumbnails"))
    assert d.ask("GET", *image, **key).status == 500
    assert d.ask("GET", *thumbnail, **key).status == 500
    for wish in ({"jobId": job}, {"batchId": batch}, {"pictures": True}):
        d.ask("POST", "/v1/watch-tokens", body=wish, **key)
    d.ask("DELETE", f"/v1/captures/{job}", "/v1/captures/{id}", **key)
    d.ask("DELETE", f"/v1/captures/{done}", "/v1/captures/{id}", **key)
    for name in (failed, done):
        d.ask("POST", f"/v1/captures/{name}/retry", "/v1/captures/{id}/retry", **key)
    d.ask("GET", f"/v1/captures/{failed}/history", "/v1/captures/{id}/history", **key)
    d.ask("GET", "/v1/batches?limit=1", **key)
    d.ask("GET", f"/v1/batches/{batch}", "/v1/batches/{id}", **key)
    d.ask("GET", "/v1/fleet", **key)
    stack.sql("insert into provider_days (day, provider) values (utc_day(now()), 'screenshotly')")
    d.ask("GET", "/v1/providers", **key)
    drive_dead_letters(d, stack, **key)
    conflict = d.ask("POST", "/v1/captures", body=one, **{"Idempotency-Key": "k", **key})
    assert conflict.status == 409
    for path in ("/v1/captures", "/v1/watch-tokens"):
        d.ask("POST", path, body=b"{}", **{"Content-Type": "text/plain", **key})
        d.ask("POST", path, body=b"x" * 2000000, **{**JSON, **key})


def drive_ends(d, stack, failed, batch, **key):
    """An EventSource that comes back to what has ended."""
    stack.sql("update jobs set status = 'failed', failed_at = now(), error_code = 'X' "
              "where batch_id = %s::uuid", batch)
    for path, template in ((f"/v1/captures/{failed}/events", "/v1/captures/{id}/events"),
                           (f"/v1/events?batch={batch}", "/v1/events")):
        text = request("GET", stack.api_url + path, headers=key).body.decode()
        end = text.rsplit("\nid: ", 1)[1].split("\n")[0]
        assert d.ask("GET", path, template, **{"Last-Event-ID": end, **key}).status == 204


def drive_thumbnails(d, stack, done, waiting, **key):
    template = "/v1/captures/{id}/thumbnail"
    thumbnail = (template.replace("{id}", done), template)
    answer = d.ask("GET", *thumbnail, **key)
    d.ask("GET", *thumbnail, **{"If-None-Match": answer.headers["ETag"], **key})
    assert d.ask("GET", template.replace("{id}", waiting), template, **key).status == 404
    pdf = d.ask("POST", "/v1/captures", body={"url": URL}, **key).json()["jobId"]
    complete(stack, pdf, b"%PDF-1.7\n", "application/pdf")
    assert d.ask("GET", template.replace("{id}", pdf), template, **key).status == 302


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
HANDSHAKE = {**UPGRADE, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def drive_live(d, **key):
    assert d.ask("GET", "/v1/live", **key).status == 426
    assert d.ask("GET", "/v1/live", **{**UPGRADE, **key}).status == 400
    assert d.ask("GET", "/v1/live", **{**HANDSHAKE, **key}).status == 101


def drive_settings(d, stack, events):
    """What depends on how api is set up: S3, no secrets, one live client."""
    job = submit(stack, url=URL).json()["jobId"]
    complete(stack, job, png())
    stack.stop("api")
    stack.start("api", SHOTFLEET_STORAGE="s3://shots/of/today", SHOTFLEET_WEBHOOK_SECRETS="",
                SHOTFLEET_LIVE_CLIENTS=1, AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret")
    answer = d.ask("GET", f"/v1/captures/{job}/image", "/v1/captures/{id}/image")
    assert answer.status == 302 and "X-Amz-Signature" in answer.headers["Location"]
    assert d.ask("POST", "/v1/watch-tokens", body={"pictures": True}).status == 409
    assert events("/v1/events").answer.status == 200
    assert d.ask("GET", "/v1/live", **HANDSHAKE).status == 503


def drive_dead_letters(d, stack, **key):
    one, two = letter(stack), letter(stack)
    item, retry = "/v1/dead-letters/{id}", "/v1/dead-letters/{id}/retry"
    d.ask("GET", "/v1/dead-letters?limit=1&waiting=person", **key)
    d.ask("GET", item.replace("{id}", one), item, **key)
    d.ask("POST", retry.replace("{id}", one), retry, **key)
    for _ in range(2):  # the second time there is nothing left to drop
        d.ask("DELETE", item.replace("{id}", two), item, **key)
    d.ask("POST", retry.replace("{id}", two), retry, **key)


def drive_unknown_keys(d, stack):
    """api starts while the database, which knows the keys, is away."""
    stack.stop("api")
    stack.start("api", wait=False, SHOTFLEET_API_KEYS="operator")
    for method, path in d.document.operations:
        if path in ("/v1/watch-tokens", "/v1/live"):
            answer = wait_for(lambda: d.ask_or_none(method, path), 20, "api to listen")
            assert answer.status == 503


def test_every_operation_and_every_answer(stack, driver, document, events):
    stack.start("api")
    driver.each(403, UNKNOWN, Host="elsewhere.example")
    driver.each(404, UNKNOWN, unless=("submitCaptures", "followAll"))
    drive_successes(driver, stack)
    drive_settings(driver, stack, events)
    stack.stop("api")

    stack.start("api", SHOTFLEET_API_KEYS="operator")
    keys = {name: stack.cli("keys", "create", name, *options, check=True).stdout.strip()
            for name, options in (("reader", ("--scope", "read")),
                                  ("slow", ("--scope", "admin", "--limit", "1")))}
    for key in keys.values():
        wait_for(lambda: request("GET", stack.api_url + "/v1/batches", None,
                                 {"X-API-Key": key}).status != 401, 10, "the key to be known")
    driver.each(401, UNKNOWN)
    driver.each(401, UNKNOWN, **{"X-API-Key": "wrong"})
    driver.each(403, UNKNOWN, **{"X-API-Key": keys["reader"]},
                unless=readable(document))
    driver.each(429, UNKNOWN, **{"X-API-Key": keys["slow"]})
    driver.each(404, UNKNOWN, **{"X-API-Key": "operator"}, unless=("submitCaptures", "followAll"))
    drive_bad_requests(driver, **{"X-API-Key": "operator"})
    stack.postgres_server.stop()
    wait_for(lambda: request("GET", stack.programs["api"].admin_url + "/readyz").status == 503,
             10, "api to notice")
    driver.each(503, UNKNOWN, {"url": URL}, unless=("live", "makeWatchToken"),
                **{"X-API-Key": "operator"})
    drive_unknown_keys(driver, stack)
    stack.postgres_server.start()

    missing = {(o["operationId"], status) for o in document.operations.values()
               for status in document.statuses(o)}
    missing -= driver.seen
    assert not missing, f"documented, and never answered: {sorted(missing)}"


def readable(document):
    """Operations that a key with the scope read may use."""
    return [o["operationId"] for o in document.operations.values() if "`read`" in o["description"]]


def drive_bad_requests(d, **key):
    for (method, path), operation in d.document.operations.items():
        if 400 not in d.document.statuses(operation) or path == "/v1/live":
            continue
        if method == "POST":
            answer = d.ask(method, path, body={"url": "nonsense"}, **key)
        else:
            answer = d.ask(method, f"{path.replace('{id}', UNKNOWN)}?batch=7&nonsense=1", path, **key)
        assert answer.status == 400, (path, answer)


BODIES = [
    {"url": URL}, {"url": URL, "width": 320}, {"url": URL, "device": None},
    {"captures": [{"url": URL}]}, {"url": URL, "format": "pdf", "pdfOptions": {"scale": 2}},
    {"url": URL, "geolocation": {"latitude": 90, "longitude": -180}},
    {}, {"url": 7}, {"url": URL, "width": 319}, {"url": URL, "devce": "mobile"},
    {"url": URL, "device": "phone"}, {"captures": []}, {"url": URL, "quality": 101},
    {"captures": [{"url": URL}], "width": 400}, {"url": URL, "delay": 10001},
    {"url": URL, "viewport": {"widht": 1}}, {"url": URL, "timeout": 999},
    {"captures": [{"url": URL}] * 1001}, [], {"url": URL, "fullPage": "yes"},
    {"url": URL, "html": "<p>"}, {"url": URL, "hideSelectors": ["a"] * 101},
    {"url": URL, "deviceScaleFactor": 3.1}, {"url": URL, "metadata": []},
]


def test_the_document_takes_what_the_server_takes(stack, document):
    stack.start("api")
    operation = document.operations["POST", "/v1/captures"]
    for body in BODIES:
        answer = stack.api("POST", "/v1/captures", body)
        assert answer.status in (202, 400), body
        assert document.check_body(operation, body) == (answer.status == 202), body
