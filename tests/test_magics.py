"""`%%agent`: a cell whose text is a prompt."""

from collections.abc import Iterator

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import nbagent


def rates(year: int) -> str:
    """Return the rates of a year."""
    return f"rates of {year}"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell()
    nbagent.load_ipython_extension(shell)
    shell.user_ns.update(agent=nbagent.Agent("demo", tools=[rates]), year=2023)
    yield shell
    shell.history_manager.end_session()  # type: ignore[union-attr]


def test_the_cell_is_asked_with_the_variables_that_it_names(shell: InteractiveShell) -> None:
    shell.run_cell_magic("agent", "-o run", "Call rates for {year}, not {this}")
    run = shell.user_ns["run"]
    assert run.wait(30).tools[0].result == "rates of 2023"
    assert run.events[1].text == "Call rates for 2023, not {this}"


def test_cells_of_one_session_know_each_other(shell: InteractiveShell) -> None:
    for year in (2023, 2024):
        shell.run_cell_magic("agent", "--session sales -o run", f"Call rates for {year}")
        shell.user_ns["run"].wait(30)
    session = shell.user_ns["agent"].session("sales")
    assert [message["role"] for message in session.messages] == ["user", "assistant", "tool", "assistant"] * 2


def test_what_may_be_seen_is_said_in_the_line(shell: InteractiveShell) -> None:
    shell.run_cell_magic("agent", "--reveal answer -o run", "Call rates for {year}")
    run = shell.user_ns["run"].wait(30)
    assert (run.thinking, list(run.tools)) == ("", [])


def test_without_an_agent_of_that_name_the_line_says_which_there_is(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="there is no variable agnt; did you mean 'agent'"):
        shell.run_cell_magic("agent", "--agent agnt", "Hi")
    with pytest.raises(UsageError, match="year is no agent, but 2023"):
        shell.run_cell_magic("agent", "--agent year", "Hi")
    with pytest.raises(UsageError, match="the cell has no prompt"):
        shell.run_cell_magic("agent", "", " ")
