"""The server's web page in a browser without Jupyter: a chat, a question, Stop, another tab, and a
run that is watched.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from browser.expectation import expect
from browser.lab import screenshot
from browser.views import AXE
from openai import AsyncOpenAI
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, ViewportSize
from server.served import Process, Words

import nbagent
from nbagent.demo import DemoServer


@nbagent.tool(approve=True)
def delete_rows(table: str) -> str:
    """Delete the old rows of a table.

    Args:
        table: its name.
    """
    return f"deleted 12 rows of {table}"


@dataclass
class Tabs:
    """Tabs of one browser at a server.

    Attributes:
        url: of the server.
        demo: the model.
        complaints: errors of the pages, and what their policy has refused.
    """

    browser: Browser
    url: str
    demo: DemoServer
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "", **context: Any) -> Page:
        """Open a tab."""
        size: ViewportSize = {"width": 1100, "height": 760}
        page = self.browser.new_context(viewport=size, **context).new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.url}/{place}")
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium's note on a page that goes elsewhere while it connects, as a reader may.
        left_early = message.text.endswith("closed before the connection is established.")
        if message.type in ("error", "warning") and not left_early:
            self.complaints.append(message.text)

    def ask(self, page: Page, text: str) -> None:
        """Write a prompt as a reader does, who finds the cursor in the input line."""
        expect(page.get_by_label("Your message")).to_be_focused()
        page.keyboard.type(text)
        page.keyboard.press("Enter")


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    with DemoServer(tokens_per_second=float("inf")) as demo:
        client = AsyncOpenAI(base_url=demo.base_url, api_key=demo.api_key)
        agent = nbagent.Agent("demo", tools=[delete_rows], client=client, name="assistant")
        with nbagent.serve(agent, port=0) as server:
            tabs = Tabs(browser, server.url, demo)
            yield tabs
            for context in browser.contexts:
                if any(page.url.startswith(server.url) for page in context.pages):
                    context.close()
    assert tabs.complaints == []


def test_a_chat_asks_goes_on_in_another_tab_and_survives_a_reload(tabs: Tabs) -> None:
    page = tabs.open()
    tabs.ask(page, "Call delete_rows for sales")
    other = tabs.open(page.url.removeprefix(tabs.url + "/"), color_scheme="dark")
    page.get_by_role("button", name="Allow", exact=True).click()
    for tab in (page, other):
        expect(tab.locator(".nb-log")).to_contain_text("returned deleted 12 rows of sales")
        expect(tab.locator(".nb-status")).to_contain_text("Done in")
    assert "Thought" not in page.locator(".nb-log").inner_text()  # the server hides thoughts
    screenshot(other, "page-dark")
    page.reload()
    expect(page.locator(".nb-log")).to_contain_text("returned deleted 12 rows of sales")
    page.get_by_role("button", name="Inspect").click()
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("listbox", name="Events")).to_contain_text("tool.result")
    page.get_by_role("button", name="Inspect").click()
    page.set_viewport_size({"width": 380, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(page, "page-narrow")


def going_on(page: Page) -> Locator:
    """Return the list of the runs that go on."""
    return page.locator("section", has=page.get_by_role("heading", name="Running now"))


def test_a_run_of_a_program_is_listed_watched_and_stopped(tabs: Tabs) -> None:
    page = tabs.open()
    run = httpx2.post(f"{tabs.url}/runs", json={"message": "Call delete_rows for sales"}).json()[
        "id"
    ]
    going_on(page).get_by_role("link", name="assistant").click()
    assert page.url == f"{tabs.url}/#{run}"
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    screenshot(page, "page-run")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".nb-status")).to_contain_text("Stopped")
    expect(going_on(page)).to_have_count(0)
    assert '"status":"cancelled"' in httpx2.get(f"{tabs.url}/runs/{run}/events").text


def test_a_run_that_is_chosen_while_the_page_begins_its_chat_stays(tabs: Tabs) -> None:
    page = tabs.open("#run-aaaaaaaaaaaa")
    held: list[Route] = []
    page.route("**/sessions", lambda route: held.append(route))
    with page.expect_request("**/sessions"):
        page.get_by_role("link", name="Start anew").click()
    httpx2.post(f"{tabs.url}/runs", json={"message": "Call delete_rows for sales"})
    going_on(page).get_by_role("link", name="assistant").click()
    chosen = page.url
    with page.expect_response("**/sessions"):
        held[0].continue_()
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    assert page.url == chosen


def test_a_narrow_page_lists_runs_by_their_prompts_and_has_a_heading(tabs: Tabs) -> None:
    prompt = "<img src=x onerror=alert(1)> Call delete_rows for sales, and then say what is left"
    httpx2.post(f"{tabs.url}/runs", json={"message": prompt})
    for theme in ("light", "dark"):
        page = tabs.open(color_scheme=theme)
        page.set_viewport_size({"width": 360, "height": 640})
        expect(page.get_by_role("heading", level=1)).to_have_text("Agents and runs")
        expect(going_on(page).get_by_role("link")).to_contain_text("<img src=x onerror=alert(1)>")
        screenshot(page, f"page-360-list-{theme}")
        going_on(page).get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Call delete_rows")
        expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
        screenshot(page, f"page-360-run-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(({ violations }) => violations.map((v) => v.id))")
        assert found == []


def test_stop_keeps_what_has_come_and_a_lost_connection_comes_back(tabs: Tabs) -> None:
    tabs.demo.tokens_per_second = 100
    page = tabs.open()
    tabs.ask(page, "Write a long text")
    expect(page.locator(".nb-log p").nth(1)).to_be_visible()
    page.context.set_offline(True)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".page-connection")).to_be_hidden()
    page.get_by_role("button", name="Stop").first.click()
    expect(page.locator(".nb-status")).to_contain_text("Stopped")
    tabs.demo.tokens_per_second = float("inf")
    page.get_by_label("Your message").click()
    tabs.ask(page, "Call delete_rows for sales")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()


def test_what_the_server_has_not_is_said(tabs: Tabs) -> None:
    page = tabs.open("#run-aaaaaaaaaaaa")
    expect(page.get_by_role("alert")).to_contain_text("there is no run")
    page.get_by_role("link", name="Start anew").click()
    expect(page.get_by_label("Your message")).to_be_focused()


TOKEN, READ_TOKEN = "a-long-secret-word", "a-word-to-read"


@pytest.mark.proof
def test_a_token_opens_the_page_and_the_read_token_lets_only_watch(
    browser: Browser, page: Page
) -> None:
    with DemoServer(tokens_per_second=100) as demo:
        client = AsyncOpenAI(base_url=demo.base_url, api_key=demo.api_key)
        agent = nbagent.Agent("demo", tools=[delete_rows], client=client, name="assistant")
        with nbagent.serve(agent, port=0, token=TOKEN, read_token=READ_TOKEN) as server:
            page.goto(server.url)
            expect(page.get_by_label("The server's token")).to_be_focused()
            page.keyboard.type("another-word")
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).to_have_text("That is not a token of this server.")
            page.keyboard.type(TOKEN)
            page.keyboard.press("Enter")
            tabs = Tabs(browser, server.url, demo)
            tabs.ask(page, "Write a long text")
            expect(page.locator(".nb-log p").nth(1)).to_be_visible()
            reader = tabs.open()
            reader.get_by_label("The server's token").fill(READ_TOKEN)
            reader.keyboard.press("Enter")
            # The only run that goes on is shown at once.
            expect(reader.locator(".nb-log p").nth(1)).to_be_visible()
            expect(reader.get_by_text("New chat")).to_have_count(0)
            expect(reader.get_by_role("button", name="Stop")).to_have_count(0)
            page.get_by_role("button", name="Stop").first.click()
            for tab in (page, reader):
                expect(tab.locator(".nb-status")).to_contain_text("Stopped")
            demo.tokens_per_second = float("inf")
            page.get_by_label("Your message").click()
            tabs.ask(page, "Call delete_rows for sales")
            going_on(reader).get_by_role("link", name="assistant").click()
            expect(reader.locator(".nb-log")).to_contain_text(
                "It waits for somebody who may answer."
            )
            expect(reader.get_by_role("button", name="Allow")).to_have_count(0)
            page.get_by_role("button", name="Allow", exact=True).click()
            expect(reader.locator(".nb-log")).to_contain_text("deleted 12 rows of sales")
            reader.context.close()


@pytest.mark.proof
def test_a_page_goes_on_when_its_server_was_killed_and_started_again(
    page: Page, tmp_path: Path
) -> None:
    words, answer = Words(), Words()
    store, deleted = tmp_path / "runs.db", tmp_path / "deleted"
    with (
        ModelServer(words, answer, chat("Again here.")) as model,
        Process(model.base_url, store, deleted) as owner,
        Process(model.base_url, store, deleted) as shown,
    ):
        # A run of another process.
        run = httpx2.post(f"{owner.url}/runs", json={"message": "go"}).json()["id"]
        page.goto(f"{shown.url}/#{run}")
        words.let_go(20)
        expect(page.locator(".nb-log")).to_contain_text("word19")
        shown.kill()
        expect(page.locator(".page-connection")).to_contain_text("lost")
        words.let_go(20)
        shown.start()
        words.let_go(20)
        expect(page.locator(".nb-status")).to_contain_text("Done in")
        expect(page.locator(".nb-text")).to_have_text("".join(words.words).strip())

        # A chat, whose answer ends with its process; a prompt that is written while there is none.
        session = httpx2.post(f"{shown.url}/agents/assistant/sessions").json()["session_id"]
        page.goto(f"{shown.url}/#chat/assistant/{session}")
        expect(page.get_by_label("Your message")).to_be_focused()
        page.keyboard.type("Many words, please")
        page.keyboard.press("Enter")
        answer.let_go(20)
        expect(page.locator(".nb-log")).to_contain_text("word19")
        shown.kill()
        expect(page.locator(".page-connection")).to_contain_text("lost")
        shown.start()
        expect(page.locator(".page-connection")).to_be_hidden()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        log = page.locator(".nb-log")
        expect(log.get_by_text("Many words, please")).to_have_count(1)
        expect(page.locator(".nb-log")).to_contain_text("".join(answer.words[:20]).strip())
        shown.kill()
        expect(page.locator(".page-connection")).to_contain_text("lost")
        page.get_by_label("Your message").fill("Are you there?")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sending…")).to_be_visible()
        shown.start()
        expect(page.locator(".nb-log")).to_contain_text("Again here.")
        expect(log.get_by_text("Are you there?")).to_have_count(1)
        expect(page.get_by_label("Your message")).to_have_value("")
    assert len(model.exchanges) == 3
