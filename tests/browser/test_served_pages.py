"""Pages in a real browser as clients of a real server: the printed ones, and one with `useChat`."""

import json
import os
import subprocess
from pathlib import Path

import httpx2
import pytest
from adapters.pages.serving import MODULES, bundle
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from browser.expectation import expect
from parsers import environment
from playwright.sync_api import Page
from server.served import Process, Words

from nbagent.agent import Agent
from nbagent.server import serve

HELLO = "Hello there."


def show_page(page: Page, url: str, script: str) -> None:
    """Show a page with a script at an address of the server, which has no such page itself."""
    html = f'<!doctype html><meta charset="utf-8"><body><script src="{url}/script.js"></script>'
    page.route(
        f"{url}/script.js",
        lambda route: route.fulfill(body=script, content_type="text/javascript; charset=utf-8"),
    )
    page.route(f"{url}/page", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{url}/page")


def test_the_printed_pages_show_the_answers_of_a_server(page: Page) -> None:
    with (
        ModelServer(*[chat("Hello ", "there.")] * 5) as model,
        serve(Agent("test-1", client=model.client(), api="chat", name="chatbot"), port=0) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        ids = {"session": client.post("/agents/chatbot/sessions").json()["session_id"]}
        ids["thread"] = client.post("/threads").json()["id"]
        ids["run"] = client.post(
            f"/threads/{ids['thread']}/runs", json={"message": "Hello"}
        ).json()["id"]
        show_page(page, server.url, bundle("browser.tsx"))
        for system in ("dexto", "nearai", "status.tokens"):
            seen = page.evaluate(
                "(system_and_ids) => see(system_and_ids[0], '', system_and_ids[1])", [system, ids]
            )
            assert HELLO in (seen["text"] or "".join(seen["notes"])), system
            assert seen["errors"] == [], system

        page.evaluate("draw('')")  # React
        bodies = []
        page.on(
            "request",
            lambda request: bodies.append(request.post_data_json) if request.post_data else None,
        )
        for _ in range(2):
            page.get_by_role("textbox").fill("Hello")
            page.get_by_role("button", name="Send").click()
            expect(page.get_by_role("button", name="Send")).to_be_enabled()
            expect(page.locator(".messages")).to_contain_text(HELLO)
    assert ["sessionId" in body for body in bodies] == [False, True]


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


def hold(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send(chat_chunk({"content": "Hel"}))
    exchange.hold()


@pytest.mark.proof
def test_use_chat_shows_a_tool_and_an_answer_and_stops_one(page: Page) -> None:
    modules = environment.folder() / "node" / "node_modules"
    source = str(Path(__file__).with_name("use_chat.jsx"))
    options = [
        "--bundle",
        "--minify",
        "--jsx=automatic",
        "--log-level=error",
        '--define:process.env.NODE_ENV="production"',
    ]
    command = [str(MODULES / "esbuild" / "bin" / "esbuild"), source, *options]
    script = subprocess.run(
        command,
        env={**os.environ, "NODE_PATH": str(modules)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    with ModelServer(
        chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3."), hold, chat("Again.")
    ) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            show_page(page, server.url, script)
            send, state = page.get_by_role("button", name="Send"), page.locator("output")
            page.get_by_role("textbox").fill("1 + 2?")
            send.click()
            expect(page.locator(".assistant").last).to_have_text(
                "tool-add output-availableIt is 3."
            )
            expect(state).to_have_text("ready")
            send.click()
            expect(page.locator(".assistant").last).to_have_text("Hel")
            page.get_by_role("button", name="Stop").click()
            expect(state).to_have_text("ready")
            assert model.hung_up.wait(10)
            send.click()
            expect(page.locator(".assistant").last).to_have_text("Again.")


FOLLOW = """([url, ends]) => new Promise((resolve) => {
  const seen = (window.seen = { data: [], ids: [], opened: 0 });
  const source = new EventSource(url);
  source.onopen = () => { seen.opened += 1; };
  const take = ({ type, data, lastEventId }) => {
    seen.data.push(data);
    seen.ids.push(lastEventId);
    if (type === "message" && !data.includes(ends)) return;
    source.close();
    resolve(seen);
  };
  source.onmessage = take;
  for (const name of ["done", "error"]) source.addEventListener(name, (event) => event.data !== undefined && take(event));
})"""  # noqa: E501
"""Reads a stream with the browser's `EventSource`, as the printed pages do, until an event that
ends it.
"""


@pytest.fixture
def words() -> Words:
    return Words()


def seen_when(page: Page, word: str) -> None:
    """Wait until a page has a word of a stream."""
    page.wait_for_function("(word) => window.seen?.data.join().includes(word)", arg=word)


@pytest.mark.proof
def test_an_event_source_goes_on_when_the_process_that_it_reads_from_was_killed(
    page: Page, words: Words, tmp_path: Path
) -> None:
    store, deleted = tmp_path / "runs.db", tmp_path / "deleted"
    with (
        ModelServer(words) as model,
        Process(model.base_url, store, deleted) as owner,
        Process(model.base_url, store, deleted) as read,
    ):
        run = httpx2.post(f"{owner.url}/runs", json={"message": "go"}).json()["id"]
        show_page(page, read.url, "")
        page.evaluate(
            f"(args) => {{ window.ended = ({FOLLOW})(args); }}",
            [f"/runs/{run}/events", '"type":"run.end"'],
        )
        words.let_go(20)
        seen_when(page, "word19 ")
        read.kill()
        words.let_go(20)
        read.start()
        words.let_go(20)
        seen = page.evaluate("() => window.ended")
        events = [json.loads(data) for data in seen["data"]]
    numbers = [event["seq"] for event in events]  # of deltas that were joined, the last
    assert numbers == sorted(set(numbers))
    assert "".join(
        event.get("delta", "") for event in events if event["type"] == "text.delta"
    ) == "".join(words.words)
    assert (events[-1]["status"], seen["opened"]) == ("completed", 2)


@pytest.mark.proof
def test_an_event_source_ends_when_the_process_of_its_run_was_killed(
    page: Page, words: Words, tmp_path: Path
) -> None:
    with (
        ModelServer(words) as model,
        Process(model.base_url, tmp_path / "runs.db", tmp_path / "deleted") as server,
    ):
        session = httpx2.post(f"{server.url}/agents/assistant/sessions").json()["session_id"]
        show_page(page, server.url, "")
        address = f"/agents/assistant/sessions/{session}/messages/stream?message=go"
        page.evaluate(f"(args) => {{ window.ended = ({FOLLOW})(args); }}", [address, "[DONE]"])
        words.let_go(20)
        seen_when(page, "word19 ")
        server.kill()
        server.start()
        seen = page.evaluate("() => window.ended")
    chunks = [json.loads(data) for data in seen["data"] if data.startswith("{")]
    text = "".join(chunk.get("chunk", "") for chunk in chunks)
    assert text == "".join(words.words[:20])
    assert len(set(seen["ids"])) == len(seen["ids"])
    assert "server_stopped" in seen["data"][-1]
    assert (len(model.exchanges), seen["opened"]) == (1, 2)
