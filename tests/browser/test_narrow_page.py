"""The server's web page on a telephone: nothing is cut off, and no control lies over a text."""

import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from browser.expectation import expect
from browser.lab import screenshot
from playwright.sync_api import Page

import nbagent
from nbagent.agent import Agent

LONG = "and so it goes on, over more lines than one " * 4
ANSWERS = [
    LONG,
    f"```text\n{'x' * 300}\n```",
    f"| a | b |\n|---|---|\n| 1 | {LONG} |",
    f"> {LONG}",
    f"- one\n- {LONG}",
    f"1. {LONG}\n\n   ```text\n   {'x' * 300}\n   ```",
    "$$\nx = 1\n$$",
]

SIDES = """buttons => buttons.map((button) => {
  const { left, right } = button.getBoundingClientRect();
  return [left >= 0 && right <= innerWidth, button.textContent];
})"""

COVERED = """message => {
  const bar = message.querySelector('.nb-text-bar').getBoundingClientRect();
  const meets = (box) =>
    box.right > bar.left && box.left < bar.right && box.bottom > bar.top && box.top < bar.bottom;
  const answer = message.querySelector('.nb-markdown');
  const texts = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
  const covered = [];
  while (texts.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const text = texts.currentNode.data.trim();
    if (text && [...range.getClientRects()].some(meets)) covered.push(text);
  }
  return covered;
}"""


@pytest.mark.parametrize("width", [360, 700])
def test_the_actions_of_prompts_and_answers_are_whole_and_cover_no_text(
    page: Page, width: int
) -> None:
    with ModelServer(*map(chat, ANSWERS)) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with nbagent.serve(agent, port=0) as server:
            page.set_viewport_size({"width": width, "height": 640})
            page.goto(server.url)
            for number, _ in enumerate(ANSWERS, 1):
                expect(page.get_by_label("Your message")).to_be_focused()
                page.keyboard.insert_text(f"{number}: {LONG}")
                page.keyboard.press("Enter")
                expect(page.locator(".nb-text-bar")).to_have_count(number)
                expect(page.get_by_label(f"Edit message {number}")).to_have_count(1)
            messages = page.locator(".nb-message")
            for number, answer in enumerate(ANSWERS):
                message = messages.nth(number)
                message.hover()
                screenshot(page, f"page-{width}-answer-{number}")
                assert (answer, message.evaluate(COVERED)) == (answer, [])
            page.locator(".nb-prompt").first.hover()
            screenshot(page, f"page-{width}-prompt")
            buttons = page.locator(".nb-log button").evaluate_all(SIDES)
            assert [text for is_whole, text in buttons if not is_whole] == []
