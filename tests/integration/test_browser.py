"""A person with a browser: signs in, reads the list and a machine, approves. Needs Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from serving.store import IncidentKind, Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on the PATH"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def _sign_in(page: Any, api: Any, path: str = "/") -> None:
    page.goto(api.url + path)
    page.get_by_label("Token").fill(api.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(api.url + path)


def test_a_person_signs_in_and_sees_the_worst_machine_first(page: Any, api: Any) -> None:
    _sign_in(page, api)
    assert page.get_by_role("heading", level=1).inner_text() == "Machines by risk"
    first = page.locator("tbody tr").first
    assert first.get_by_role("link").inner_text() == "P1"
    assert "Maintenance required" in first.inner_text()
    assert "Waiting for approval" in first.inner_text()


def test_signing_in_leads_to_the_page_that_was_asked_for(page: Any, api: Any) -> None:
    _sign_in(page, api, "/machines/P2")
    assert page.locator("svg.chart").count() == 1


def test_a_wrong_token_is_told(page: Any, api: Any) -> None:
    page.goto(api.url + "/")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "That is not the token" in page.get_by_role("alert").inner_text()


def test_approve_from_the_list_without_javascript(page: Any, api: Any) -> None:
    _sign_in(page, api)
    page.get_by_role("button", name="Approve: Replace DE-bearing").first.click()
    page.wait_for_url(api.url + "/")
    first = page.locator("tbody tr").first
    assert "Approved, on its way to the ERP" in first.inner_text()
    assert first.get_by_role("button").count() == 0


def test_what_waits_for_a_person_is_found_and_ended_by_keyboard(page: Any, api: Any) -> None:
    with closing(Store(f"sqlite:///{api.folder}/store.db")) as store:
        store.incidents.open(
            IncidentKind.STORM, "north/rolling_bearing", "2 of 3 machines", {"machines": ["P1", "P2"]}, now=api.now
        )
    _sign_in(page, api)
    link = page.get_by_role("link", name="Attention")
    assert "1 thing waits for a person" in " ".join(link.inner_text().split())
    link.press("Enter")
    page.wait_for_url(api.url + "/attention")
    card = page.locator("article").filter(has_text="Many machines at once: rolling bearing at north")
    assert card.get_by_role("link").all_inner_texts() == ["P1", "P2"]
    button = card.get_by_role("button", name="It is dealt with")
    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("here => here === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(api.url + "/attention")
    assert "Nothing waits for a person" in page.locator("main").inner_text()


def test_no_page_loads_anything_from_another_host(page: Any, api: Any) -> None:
    hosts, refused = set(), []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    _sign_in(page, api)
    for path in ("/", "/machines/P1", "/attention", "/docs"):
        page.goto(api.url + path)
    assert hosts == {urlsplit(api.url).netloc}
    assert refused == []


@pytest.mark.parametrize("width", [1366, 390])
def test_no_page_is_wider_than_the_screen(browser: Any, api: Any, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    _sign_in(page, api)
    for path in ("/", "/machines/P1", "/attention", "/docs"):
        page.goto(api.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_session_cookie_is_out_of_reach_of_scripts(browser: Any, api: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    _sign_in(page, api)
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    context.close()
