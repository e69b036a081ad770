"""A page of the documentation plays a recorded run: the view itself draws it, without a kernel."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from browser.expectation import expect
from playwright.sync_api import Page, Route
from website import players

ROOT = Path(__file__).parents[2]
ORIGIN = "http://docs.example"
PAGE = """<!doctype html><meta charset="utf-8">
<figure class="player" data-ops="approval.json"></figure>
<script type="module" src="player.js"></script>"""


def test_a_recorded_run_is_played_without_a_kernel(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "READING_S", 0)
    with ThreadPoolExecutor() as thread:  # playwright's loop runs in this one
        recorded = thread.submit(lambda: asyncio.run(players.record(*players.SCENES["approval"]())))
    messages = recorded.result()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        if name == "":
            route.fulfill(body=PAGE, content_type="text/html")
        elif name == "approval.json":
            route.fulfill(body=json.dumps(messages), content_type="application/json")
        elif name == "player.js":
            route.fulfill(path=ROOT / "docs/website/assets/player.js")
        else:
            route.fulfill(path=ROOT / "nbagent/static" / name.removeprefix("view/"))

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")
    view = page.locator(".nbagent")
    expect(view).to_contain_text("Done")
    expect(view).to_contain_text("25.00 € went to Ada.")
    page.get_by_role("button", name="Play again").click()
    expect(view.get_by_role("button", name="Stop")).to_be_visible()
    expect(view).to_contain_text("Done")
