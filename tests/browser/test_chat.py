"""A chat in the cell."""

from collections.abc import Callable

import nbformat
import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_static_copy import wait_until_saved

CELLS = (
    """
import nbagent
def rates(year: int) -> str:
    "Return the rates of a year."
    return f"rates of {year}"
agent = nbagent.Agent("demo", tools=[rates], name="analyst")
""",
    'chat = nbagent.chat(agent.session("sales", store="chats.db"))',
    "print(len(chat.messages), chat.session.name)",
)


def say(book: Notebook, text: str) -> None:
    """Type a prompt into the input line, and send it with Enter."""
    field = book.widget(1).get_by_role("textbox", name="Your message")
    field.click()
    field.press_sequentially(text)
    field.press("Enter")


def ended(book: Notebook, count: int, year: int) -> None:
    """Wait for the end of the answer about a year."""
    expect(book.widget(1).locator(".nb-prompt")).to_have_count(count)
    expect(book.widget(1).locator(".nb-text").last).to_contain_text(f"rates of {year}")
    expect(book.widget(1).locator(".nb-status", has_text="Done in")).to_be_visible()


@pytest.mark.proof
def test_a_conversation_is_had_edited_reloaded_and_resumed(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("chat.ipynb", CELLS)
    book.speed_up()
    book.run(0)
    book.run(1)
    widget = book.widget(1)
    expect(widget.locator(".nb-status")).to_have_text("Ready")
    say(book, "rates 2023")
    ended(book, 1, 2023)
    say(book, "rates 2024")
    ended(book, 2, 2024)
    expect(widget.locator(".nb-tool")).to_have_count(2)
    book.shot("chat-light")
    # Edit the second prompt: what came after it is an earlier version.
    prompt = widget.locator(".nb-prompt").nth(1)
    prompt.hover()
    prompt.get_by_role("button", name="Edit").click()
    field = widget.get_by_role("textbox", name="Your message")
    expect(field).to_have_value("rates 2024")
    field.fill("rates 1999")
    field.press("Enter")
    ended(book, 2, 1999)
    expect(widget).not_to_contain_text("rates of 2024")
    expect(widget.get_by_role("button", name="Show earlier versions (1)")).to_be_visible()
    book.run(2)
    book.wait_idle()
    assert book.output(2).strip().endswith("8 sales")
    # The page is loaded again: the same chat goes on.
    book.save()
    book.load()
    expect(book.widget(1).locator(".nb-prompt")).to_have_count(2)
    say(book, "rates 2000")
    ended(book, 3, 2000)
    wait_until_saved(book, "rates of 2000")
    cell = nbformat.read(book.lab.root / book.name, 4).cells[1]
    html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    assert [
        text in html
        for text in ("rates 2023", "rates 1999", "rates of 2000", "rates 2024", "textarea")
    ] == [True, True, True, False, False]
    # A kernel later, the session has all of it.
    book.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    book.wait_idle()
    book.speed_up()
    book.run(0)
    book.run(1)
    expect(book.widget(1).locator(".nb-prompt")).to_have_count(3)
    say(book, "rates 2001")
    ended(book, 4, 2001)
    book.theme("dark")
    book.shot("chat-resumed-dark")
