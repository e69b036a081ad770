"""Stop and other commands of a view reach the run whatever the cell does: tested with real kernels
and raw messages.

`make test` tries the installed ipykernel, `make proof` those of `environments.py`. In `UNREACHABLE`
rows the view offers the kernel's interrupt, which works in every row.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from campaign import WHOLE, figure
from kernels import environments
from kernels.session import KernelTimeout, Session

SETUP = """
import asyncio, time, nbagent
from nbagent.demo import demo_server
agent = nbagent.Agent(model="demo", name="demo")
demo_server().tokens_per_second = 60
LONG = "Give me a long answer about streams, and think first."
"""

CELLS = {
    "cell returned": "run = nbagent.show(agent.stream(LONG))",
    "awaits the run": "run = nbagent.show(agent.stream(LONG))\nawait run",
    "blocks in run.wait()": "run = nbagent.show(agent.stream(LONG))\nrun.wait()",
    "blocks in user code": "run = nbagent.show(agent.stream(LONG))\ntime.sleep(4)",
    "reads run.stream()": "run = nbagent.show(agent.stream(LONG))\nasync for event in run.stream(): pass",  # noqa: E501
}

# Only ipykernel 6 has nobody to read its socket while user code blocks the main thread; it reads at
# the end of the cell.
UNREACHABLE = {("6.31.0", "blocks in user code")}

VERSIONS = environments.VERSIONS if WHOLE else ("installed",)
WAITS = ("awaits the run", "blocks in run.wait()", "reads run.stream()")
"""Cells that wait for a run; the first is also interrupted in JupyterLab
(tests/browser/test_kernel.py).
"""

TRIES = 4
"""Kernels to interrupt: on a busy machine one in fifty of ipykernel 7.3 stops answering (7.4:
fewer), even without nbagent.
"""


def python_of(version: str) -> Path:
    python = Path(sys.executable) if version == "installed" else environments.python_of(version)
    assert python.exists(), (
        "`PYTHONPATH=tests python -m kernels.environments` makes the environments"
    )
    return python


@pytest.fixture(scope="module", params=VERSIONS)
def kernel(request: pytest.FixtureRequest) -> Iterator[Session]:
    with Session.started(python_of(request.param)) as session:
        session.python(SETUP)
        assert request.param in ("installed", session.version)
        yield session


def on_a_kernel_of_its_own(version: str, check: Callable[[Session], None]) -> None:
    for left in reversed(range(TRIES)):
        with Session.started(python_of(version)) as session:
            session.python(SETUP)
            try:
                return check(session)
            except KernelTimeout:
                if not left:
                    raise
    return None


class Cell:
    """A cell that shows a run, up to the run's first words."""

    def __init__(self, kernel: Session, code: str) -> None:
        self.kernel = kernel
        self.start = len(kernel.received)
        self.id = kernel.run(code)
        opened = self.until(
            lambda message: message["msg_type"] == "comm_open" and "run_id" in _state(message)
        )
        self.comm: str = opened["content"]["comm_id"]
        self.until(self.has_op(lambda op: op[0] == "append" and op[2] == "text"))
        thinking = self.until(
            self.has_op(lambda op: op[0] == "open" and op[3]["kind"] == "reasoning")
        )
        self.block = next(
            op[1] for op in _ops(thinking) if op[0] == "open" and op[3]["kind"] == "reasoning"
        )

    def until(self, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self.kernel.until(found, self.start)

    def has_op(self, found: Callable[[list[Any]], bool]) -> Callable[[dict[str, Any]], bool]:
        return lambda message: (
            any(map(found, _ops(message))) and message["content"]["comm_id"] == self.comm
        )

    def end(self) -> dict[str, Any]:
        """Wait for the message that ends the run, and return it."""
        return self.until(self.has_op(lambda op: op[:2] == ["close", "run"]))

    def over(self) -> dict[str, Any]:
        """Wait for the message that the cell is over, and return it."""
        return self.until(self.kernel.idle(self.id))

    def toggled(self) -> dict[str, Any]:
        """Wait for the message that the reader opened a panel, and return it."""
        return self.until(
            self.has_op(
                lambda op: op[0] == "set" and op[1] == self.block and op[2].get("user_open") is True
            )
        )


def _state(message: dict[str, Any]) -> dict[str, Any]:
    return dict(message["content"]["data"].get("state", {}))


def _ops(message: dict[str, Any]) -> list[list[Any]]:
    data = message["content"].get("data", {}) if message["msg_type"] == "comm_msg" else {}
    content = data.get("content", {}) if data.get("method") == "custom" else {}
    return list(content.get("ops", ()))


@pytest.mark.parametrize("row", CELLS)
def test_stop_and_toggle_reach_the_run(kernel: Session, row: str) -> None:
    # ipykernel 6 has no subshells, so no front end names one there.
    assert (kernel.subshell is None) == kernel.version.startswith("6.")
    for subshell in dict.fromkeys((None, kernel.subshell)):
        cell = Cell(kernel, CELLS[row])
        if row == "cell returned":
            cell.over()
        kernel.send_from_view(
            cell.comm, {"t": "toggle", "block": cell.block, "open": True}, subshell
        )
        sent = kernel.send_from_view(cell.comm, {"t": "stop"}, subshell)
        ended, over, toggled = cell.end(), cell.over(), cell.toggled()
        while_busy = ended["at"] < over["at"]
        way = "shell" if subshell is None else "subshell"
        figure(
            "stop",
            f"ipykernel {kernel.version}, {row}, {way}: seconds to the run's end",
            f"{ended['at'] - sent:.2f}",
        )
        assert kernel.python("print(run.status)") == "cancelled"
        assert toggled["at"] <= ended["at"]
        assert row == "cell returned" or while_busy == ((kernel.version, row) not in UNREACHABLE)


@pytest.mark.parametrize("by", ["signal", "message"] if WHOLE else ["signal"])
@pytest.mark.parametrize("row", WAITS if WHOLE else WAITS[1:])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupt_ends_the_run_that_the_cell_waits_for(version: str, row: str, by: str) -> None:
    def check(kernel: Session) -> None:
        cell = Cell(kernel, CELLS[row])
        sent = kernel.interrupt(by)
        ended = cell.end()
        cell.over()
        what = f"ipykernel {kernel.version}, {row}, {by}: seconds to the run's end"
        figure("interrupt", what, f"{ended['at'] - sent:.2f}")
        closed = (
            "demo_server().wait_for(lambda server: server.disconnects and not "
            "server.open_streams, 0.5)"
        )
        assert (
            kernel.python(f"print(run.status, {closed}, bool(run.text + run.thinking))")
            == "cancelled True True"
        )

    on_a_kernel_of_its_own(version, check)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupt_of_user_code_or_of_an_idle_kernel_leaves_the_run(version: str) -> None:
    def check(kernel: Session) -> None:
        cell = Cell(kernel, CELLS["blocks in user code"])
        kernel.interrupt()
        error = cell.until(
            lambda message: (
                message["msg_type"] == "error" and message["parent_header"]["msg_id"] == cell.id
            )
        )
        assert error["content"]["ename"] == "KeyboardInterrupt"
        cell.over()
        kernel.interrupt()
        assert kernel.python("print(run.status)") == "running"
        # what the view does next, now that the kernel listens
        kernel.send_from_view(cell.comm, {"t": "stop"})
        cell.end()
        assert kernel.python("print(run.status, bool(run.text + run.thinking))") == "cancelled True"

    on_a_kernel_of_its_own(version, check)
