"""The integration tests' fixtures, and `browser`: a real one, for the page.

To be run in a pytest of its own (pytest tests/browser): together with the
integration tests there would be two sets of servers, and each would take the
other one for something left behind.
"""

import importlib.util
import os
import shutil
import sys

import pytest

INTEGRATION = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                           "integration")
sys.path.insert(0, INTEGRATION)


def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# under another name, because this file is called conftest as well
_fixtures = _load("integration_fixtures", os.path.join(INTEGRATION, "conftest.py"))
servers = _fixtures.servers
stack = _fixtures.stack
pages = _fixtures.pages
provider = _fixtures.provider
pytest_runtest_makereport = _fixtures.pytest_runtest_makereport

webdriver = pytest.importorskip("selenium.webdriver",
                                reason="python3-selenium is not installed")

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage"]


@pytest.fixture
def browser(stack):
    """Chromium, driven by chromedriver; before `stack`, so that it ends first."""
    from selenium.webdriver.chrome.service import Service

    driver = shutil.which("chromedriver")
    chromium = shutil.which("chromium")
    if not driver or not chromium:
        pytest.skip("chromium-driver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(service=Service(driver), options=options)
    try:
        yield opened
    finally:
        opened.quit()


@pytest.fixture
def page(stack, browser):
    from page import Page

    seen = Page(browser, stack.api_url)
    seen.screen(1440)
    return seen
