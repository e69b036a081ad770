"""`%%agent`: a cell whose text is a prompt."""

from collections.abc import Iterator
from typing import Any

import pytest
from agent.server import Server, chat
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

import nbagent


@pytest.fixture
def shell() -> Iterator[Any]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbagent")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(chat("one"), chat("two")) as server:
        yield server


def prompts(server: Server) -> list[Any]:
    return [body["messages"][-1]["content"] for body in server.bodies]


def test_the_cell_is_asked_with_the_notebooks_variables(shell: Any, server: Server) -> None:
    shell.user_ns |= {"agent": nbagent.Agent("m", client=server.client()), "town": "Oslo"}
    shell.run_cell_magic("agent", "--out answer", "What of {town}, and {nothing}?\n")
    assert prompts(server) == ["What of Oslo, and {nothing}?"]
    assert shell.user_ns["answer"].text == "one"


def test_a_session_knows_what_was_said(shell: Any, server: Server) -> None:
    shell.user_ns["geo"] = nbagent.Agent("m", client=server.client())
    shell.run_cell_magic("agent", "--agent geo --session towns", "Oslo?")
    shell.run_cell_magic("agent", "--agent geo --session towns", "and Rome?")
    assert [message["content"] for message in server.bodies[1]["messages"]] == [
        "Oslo?",
        "one",
        "and Rome?",
    ]


def test_a_figure_is_sent_as_a_picture(shell: Any, server: Server) -> None:
    shell.user_ns |= {
        "agent": nbagent.Agent("m", client=server.client()),
        "fig": Figure(figsize=(1, 1)),
    }
    shell.run_cell_magic("agent", "", "What is in {fig}?")
    [[text, picture]] = prompts(server)
    assert text["text"] == "What is in (picture fig)?"
    assert picture["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        ("--agent geo", "Hi", "there is no variable geo; did you mean 'geos'?"),
        ("--agent town", "Hi", "town is no agent, but 'Oslo'"),
        ("--reveal everything", "Hi", "invalid choice: 'everything'"),
        ("", " \n", "the cell has no prompt"),
    ],
)
def test_a_mistake_is_named(shell: Any, server: Server, line: str, cell: str, message: str) -> None:
    shell.user_ns |= {"geos": nbagent.Agent("m", client=server.client()), "town": "Oslo"}
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        shell.run_cell_magic("agent", line, cell)
