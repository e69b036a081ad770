"""The notebook of an agent of one's own, as its reader goes through it."""

import json
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook

NAME = "05-your-own-agent.ipynb"
MINUTE = 60_000


def cells_of(book: Notebook) -> dict[str, int]:
    """Return the index of each cell, by a piece of its code."""
    cells = json.loads((book.lab.root / NAME).read_text())["cells"]
    code = {
        index: "".join(cell["source"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }
    pieces = {
        "clerk": "def transfer",
        "payment": "payment = ",
        "waiting": "payment.waiting",
        "handler": "question.args",
    }
    pieces |= {
        "speaks": "def simulate",
        "chat": "chat = ",
        "ask": "await chat.ask",
        "team": "team = ",
    }
    pieces |= {"load": "%load_ext", "magic": "%%agent"}
    return {
        name: next(index for index, source in code.items() if piece in source)
        for name, piece in pieces.items()
    }


def test_the_notebook_from_top_to_bottom(notebook: Callable[..., Notebook]) -> None:
    book = notebook(NAME)
    at = cells_of(book)
    book.speed_up()
    for name in ("clerk", "payment"):
        book.run(at[name])
        book.wait_idle()

    # The call waits. Its arguments are edited, and the tool runs with these.
    payment = book.widget(at["payment"])
    expect(payment.locator(".nb-head")).to_contain_text("waits for you", timeout=MINUTE)
    book.shot("own-agent-question-light")
    book.run(at["waiting"])
    book.wait_idle()
    assert "transfer({'amount': 250" in book.output(at["waiting"])
    payment = book.widget(at["payment"])
    payment.get_by_label("amount", exact=True).fill("25")
    book.theme("dark")
    book.shot("own-agent-form-dark")
    payment.get_by_role("button", name="Allow with changes").click()
    expect(payment.locator(".nb-log")).to_contain_text("25.00 € went to Ada", timeout=MINUTE)
    expect(payment.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)
    book.theme("light")

    # A handler; a tool that prints; a conversation; an agent as a tool; a cell that is a prompt.
    for name, text in {
        "handler": "90.00 € went to Grace",
        "speaks": "run 5: 0",
        "chat": "Tools: rates",
        "ask": "'user', 'assistant', 'tool', 'assistant'",
        "team": "analyst",
        "load": "",
        "magic": "(year=2023)",
    }.items():
        book.run(at[name])
        book.wait_idle()
        expect(
            book.cell(at[name]).locator(".jp-Cell-outputArea, .jp-OutputArea").first
        ).to_contain_text(text, timeout=MINUTE)
        if name in ("speaks", "team"):
            book.shot(f"own-agent-{name}-light")
    chat = book.widget(at["chat"])
    expect(chat.locator(".nb-prompt")).to_have_count(1)
    book.shot("own-agent-chat-light")

    # A kernel later the session goes on.
    book.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    book.wait_idle()
    book.speed_up()
    book.run(at["clerk"])
    book.wait_idle()
    book.run(at["chat"])
    book.wait_idle()
    chat = book.widget(at["chat"])
    # that of the chat, and that of the magic's cell
    expect(chat.locator(".nb-prompt")).to_have_count(2)
    field = chat.get_by_role("textbox", name="Your message")
    field.fill("Call rates for 2022")
    field.press("Enter")
    expect(chat.locator(".nb-prompt")).to_have_count(3)
    expect(chat.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)
    book.theme("dark")
    book.shot("own-agent-resumed-dark")
