"""<shotfleet-capture> in pages of another origin, as docs/embed.md has them."""

import json
import os
import re
import subprocess

import pytest

from doubles import HttpDouble
from harness import ROOT
from page import PEERS, THEMES, Page
from processes import wait_for
from web import request

KEY = "only-the-server-knows"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def example(language):
    """The first block in this language of docs/embed.md."""
    with open(os.path.join(ROOT, "docs", "embed.md")) as f:
        return re.search(rf"```{language}\n(.*?)```", f.read(), re.S).group(1)


class Shop(HttpDouble):
    """Somebody's own web server: its pages, and POST /captures with the key."""

    def __init__(self, stack):
        self.stack = stack
        self.pages = {}
        super().__init__()

    def handle(self, method, path, headers, body):
        if method == "POST" and path == "/captures":
            answer = request("POST", self.stack.api_url + "/v1/captures", body,
                             {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
            return answer.status, {"Content-Type": answer.headers["Content-Type"]}, answer.body
        return self.pages.get(path, (404, HTML, b""))

    def add(self, path, text, kind="text/html"):
        text = text.replace("http://127.0.0.1:8080", self.stack.api_url)
        self.pages[path] = (200, {"Content-Type": f"{kind}; charset=utf-8"}, text.encode())


@pytest.fixture
def shop(stack):
    server = Shop(stack)
    stack.env["SHOTFLEET_API_KEYS"] = KEY
    stack.env["SHOTFLEET_CORS_ORIGINS"] = server.url
    yield server
    server.close()


@pytest.fixture
def page(browser, shop):
    seen = Page(browser, shop.url)
    seen.screen(800)
    return seen


@pytest.fixture
def provider(stack, provider):
    """One that does nothing by itself."""
    provider.script = provider.drop
    return provider


def element(shop, attributes, after=""):
    shop.add("/", f"""<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
        <meta name="color-scheme" content="light dark"><title>Shop</title>
        <style>body {{ background: Canvas }}</style> <!-- axe-core takes none for white -->
        <main><h1>Shop</h1><shotfleet-capture {attributes}></shotfleet-capture></main>{after}
        <script type="module" src="http://127.0.0.1:8080/page/shotfleet-capture.js"></script>""")


def state(page):
    return page.js("return document.querySelector('shotfleet-capture').getAttribute('state')")


def wait_state(page, wanted, timeout_s=30):
    wait_for(lambda: state(page) == wanted, timeout_s, f"the element to be {wanted}")


def wait_width(page, width):
    wait_for(lambda: part(page, "image")[1] == width, 15, f"a picture {width} pixels wide")


def via(page):
    return page.js("return document.querySelector('shotfleet-capture').getAttribute('via')")


def part(page, name):
    """Text of a part, and the width of its picture if it is one."""
    return page.js("""const node = document.querySelector('shotfleet-capture').shadowRoot
        .querySelector(`[part=${arguments[0]}]`);
        return node && [node.textContent, node.naturalWidth ?? null];""", name)


def ask(page, url):
    page.js("""const field = document.querySelector('shotfleet-capture').shadowRoot.querySelector('input');
        field.value = arguments[0]; field.form.requestSubmit();""", url)


def taken(provider, n=1):
    wait_for(lambda: len(provider.captures) >= n, 30, "the provider to be asked")
    return provider.captures[n - 1]


def test_the_plain_example(stack, shop, page):
    stack.start_all()
    shop.add("/", example("html"))
    page.open()
    wait_for(lambda: part(page, "input"), 15, "the element")
    ask(page, stack.api_url + "/demo/")
    wait_state(page, "ready", 60)
    wait_width(page, 1366)
    assert page.browser.title == f"{stack.api_url}/demo/ is 1366 pixels wide"
    assert KEY not in str(page.transferred()) + page.browser.page_source
    assert page.complaints() == []


def test_the_react_example(stack, shop, page, tmp_path):
    stack.start_all()
    (tmp_path / "app.jsx").write_text(example("jsx"))
    built = subprocess.run(
        [os.path.join(PEERS, "esbuild", "bin", "esbuild"), str(tmp_path / "app.jsx"),
         "--bundle", "--jsx=automatic", "--define:process.env.NODE_ENV=\"production\""],
        env={**os.environ, "NODE_PATH": PEERS}, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    shop.add("/app.js", built.stdout, "text/javascript")
    shop.add("/", f"""<!doctype html><title>React</title><body data-url="{stack.api_url}/demo/">
        <div id="root"></div>
        <script type="module" src="http://127.0.0.1:8080/page/shotfleet-capture.js"></script>
        <script type="module" src="/app.js"></script>""")
    page.open()
    page.wait_text("#size", "375 × 812", 60)
    wait_width(page, 375)
    assert page.complaints() == []


@pytest.mark.parametrize("way", ["websocket", "sse", "polling"])
def test_each_way_brings_the_picture(stack, shop, page, provider, way):
    stack.start_all("ingest", "worker", "poller", "api")
    element(shop, f'submit="/captures" transports="{way}"')
    page.open()
    wait_for(lambda: part(page, "input"), 15, "the element")
    ask(page, "https://example.com/")
    capture = taken(provider)
    wait_for(lambda: via(page) == way, 15, way)
    wait_for(lambda: part(page, "status")[0] == "Being captured", 15, "the submission")
    provider.send(capture, "progress", progress=40)
    wait_for(lambda: part(page, "status")[0] == "Being captured, 40 %", 15, "the progress")
    provider.complete(capture)
    wait_state(page, "ready")
    wait_width(page, 4)


def test_it_falls_back_where_less_comes_through(stack, shop, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    # what proxies do: the one refuses sockets, the other holds streams back
    broken = {"sse": "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 10); } close() {} };",
              "polling": "window.WebSocket = class { close() {} }; window.EventSource = class extends EventTarget { close() {} };"}
    for n, (way, script) in enumerate(broken.items(), 1):
        element(shop, 'submit="/captures" url="https://example.com/" auto', f"<script>{script}</script>")
        page.open()
        capture = taken(provider, n)
        wait_for(lambda: via(page) == way, 30, way)
        provider.complete(capture)
        wait_state(page, "ready")


def test_it_comes_back_after_api_was_killed(stack, shop, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    element(shop, 'submit="/captures" url="https://example.com/" auto')
    page.open()
    capture = taken(provider)
    wait_for(lambda: via(page), 15, "a line")
    stack.kill("api")
    provider.complete(capture)
    stack.wait_for_job(capture.job_id, "completed")
    assert state(page) == "waiting"
    stack.start("api")
    wait_state(page, "ready")
    wait_width(page, 4)


def test_it_follows_what_was_submitted_elsewhere(stack, shop, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    receipt = stack.api("POST", "/v1/captures", {"url": "https://example.com/"},
                        {"Authorization": f"Bearer {KEY}"}).json()
    element(shop, f'job="{receipt["jobId"]}" token="{receipt["watchToken"]}"')
    page.open()
    wait_state(page, "waiting")
    provider.complete(taken(provider))
    wait_state(page, "ready")
    # a token of another capture opens nothing
    other = stack.queue("https://other.example/")
    element(shop, f'job="{other}" token="{receipt["watchToken"]}"')
    page.open()
    wait_state(page, "failed")
    assert part(page, "error")[0] != ""


def test_failures_are_told_and_can_be_tried_again(stack, shop, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    element(shop, 'submit="/captures"', """<script>
        window.told = [];
        for (const name of ["submitted", "ready", "failed"])
          document.addEventListener(`shotfleet-${name}`, (event) => told.push([name, event.detail]));
        </script>""")
    page.open()
    wait_for(lambda: part(page, "input"), 15, "the element")
    ask(page, "ftp://example.com/")
    wait_state(page, "failed")
    assert "must begin with http" in part(page, "error")[0]
    ask(page, "https://example.com/")
    wait_state(page, "waiting")
    assert part(page, "error")[0] == ""
    provider.fail(taken(provider), "INVALID_REQUEST", "it is broken")
    wait_state(page, "failed")
    assert part(page, "error")[0] == "it is broken"
    ask(page, "https://example.com/")
    provider.complete(taken(provider, 2))
    wait_state(page, "ready")
    told = json.loads(page.js("return JSON.stringify(told)"))
    assert [name for name, _ in told] == ["failed", "submitted", "failed", "submitted", "ready"]
    assert told[2][1]["error"]["code"] == "INVALID_REQUEST"
    assert told[4][1]["image"]["width"] == 4


def test_it_is_accessible_in_every_state(stack, shop, page, provider):
    stack.start_all("ingest", "worker", "poller", "api")
    element(shop, 'submit="/captures"')
    for n, theme in enumerate(THEMES, 1):
        page.theme(theme)
        page.open()
        wait_for(lambda: part(page, "input"), 15, "the element")
        for width in (320, 800):
            page.screen(width)
            assert page.violations() == [] and page.overflowing() == []
        ask(page, "ftp://example.com/")
        wait_state(page, "failed")
        assert page.violations() == []
        ask(page, "https://example.com/")
        wait_state(page, "waiting")
        assert page.violations() == []
        provider.complete(taken(provider, n))
        wait_state(page, "ready")
        assert page.violations() == []
