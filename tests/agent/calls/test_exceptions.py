"""Exceptions that a tool raised: the object, its frames as a reader sees them, and the debugger in
them.
"""

import io
import json
import random
import string
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, chat
from kernels.session import Session

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.agent.calls.frames import LOCAL_CHARS, MAX_FRAMES, MAX_LOCALS, frames_of, library_of
from nbagent.errors import NbagentError
from nbagent.runtime.post_mortem import LastError

DRAWN = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=32))


@dataclass
class Account:
    user: str
    password: str


def rate(year: int) -> float:
    """Rate of a year."""
    table = {2024: 11.2}
    return table[year]


@contextmanager
def failing(function: Any) -> Iterator[nbagent.Agent]:
    """An agent whose model calls the function for 1999."""
    replies = (chat(calls=[("c1", function.__name__, '{"year": 1999}')]), chat("Done."))
    with Server(*replies) as server:
        yield nbagent.Agent("test-1", tools=[function], client=server.client(), api="chat")


async def run_of(function: Any, **options: Any) -> Run:
    with failing(function) as agent:
        run = Run(agent.stream("go"), **options)
        run.start()
        return await run


def raised(function: Any) -> list[e.ErrorFrame]:
    """Return the frames of what a function raises, but for that of the `except` here."""
    try:
        function()
    except BaseException as error:
        return frames_of(error)[1:]
    raise AssertionError("it raised nothing")


async def test_a_call_has_the_exception_with_the_frames_of_the_tool() -> None:
    call = (await run_of(rate)).tools[0]
    assert isinstance(call.exception, KeyError)
    trace = call.exception.__traceback__
    assert trace is not None
    assert (trace.tb_frame.f_code.co_name, trace.tb_next, trace.tb_frame.f_locals["year"]) == (
        "rate",
        None,
        1999,
    )
    (frame,) = (call.error or {})["frames"]
    assert (frame["function"], frame["source"]) == ("rate", "return table[year]")
    assert frame["locals"] == {"year": "1999", "table": "{2024: 11.2}"}
    assert Path(frame["file"]) == Path(__file__)


@pytest.mark.parametrize(
    ("file", "library"),
    [
        (__file__, None),
        ("<string>", None),
        ("/tmp/ipykernel_12/345.py", None),
        (json.__file__, "Python"),
        ("<frozen importlib._bootstrap>", "Python"),
        (pytest.__file__, "pytest"),
        ("/usr/lib/python3/dist-packages/six.py", "six"),
    ],
)
def test_a_frame_says_which_library_it_is_of(file: str, library: str | None) -> None:
    assert library_of(file) == library


def test_of_a_deep_stack_the_frames_of_the_users_own_code_are_kept() -> None:
    class Broken:
        def __deepcopy__(self, memo: Any) -> Any:
            raise ValueError("cannot be copied")

    def copied() -> None:
        value: Any = Broken()
        for _ in range(MAX_FRAMES):
            value = [value]
        deepcopy(value)

    frames = raised(copied)
    assert len(frames) == MAX_FRAMES - 1
    assert [frame.function for frame in frames if frame.library is None] == [
        "copied",
        "__deepcopy__",
    ]


async def test_so_has_a_call_of_an_async_tool() -> None:
    async def rate_async(year: int) -> float:
        """Rate of a year."""
        return rate(year)

    call = (await run_of(rate_async)).tools[0]
    assert [frame["function"] for frame in (call.error or {})["frames"]] == ["rate_async", "rate"]
    assert isinstance(call.exception, KeyError)


@pytest.mark.parametrize("hide", [{"rate": "result"}, {"rate": "args"}, {"*": "all"}])
async def test_a_hidden_call_has_no_exception_but_in_private(hide: Any) -> None:
    run = await run_of(rate, hide=hide)
    assert [call.exception for call in run.tools] == [None] * len(run.tools)
    assert "1999" not in str([call.error for call in run.tools])
    (result,) = (event for event in run.private if isinstance(event, e.ToolResult))
    assert result.exception is not None
    assert isinstance(result.exception.value, KeyError)


async def test_the_exception_stays_in_this_process() -> None:
    (result,) = (event for event in (await run_of(rate)).events if isinstance(event, e.ToolResult))
    assert e.to_dict(result)["exception"] is None
    assert result.error is not None
    assert e.from_json(e.to_json(result)).error.frames == result.error.frames  # type: ignore[union-attr]


async def test_what_redact_matches_is_masked_in_the_frames() -> None:
    run = await run_of(rate, redact=[r"1999", r"11\.\d"])
    (frame,) = (run.tools[0].error or {})["frames"]
    assert frame["locals"] == {"year": "••••", "table": "{2024: ••••}"}


def test_values_that_are_named_like_secrets_are_masked() -> None:
    def connect(password: str, max_tokens: int) -> None:
        account = Account("ada", "correct horse")
        options = {"api_key": "zzz-1", "retries": 3}
        body = '{"secret": "abc", "n": 1}'
        raise ValueError(account, options, body)

    _, frame = raised(lambda: connect("hunter2", 100))
    assert frame.locals == {
        "password": "••••••••",
        "max_tokens": "100",
        "account": frame.locals["account"],
        "options": "{'api_key': '••••••••', 'retries': 3}",
        "body": """'{"secret": "••••••••", "n": 1}'""",
    }
    assert frame.locals["account"].endswith("Account(user='ada', password='••••••••')")


def test_a_key_and_a_token_are_judged_by_their_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "plain-words-of-the-environment")

    def look_up(key: str, token: str, keys: list[str], pat: str) -> None:
        row = {"key": "revenue", "token": DRAWN}
        raise KeyError(row)

    frames = raised(lambda: look_up("revenue", DRAWN, ["a", "b"], "plain-words-of-the-environment"))
    assert frames[1].locals == {
        "key": "'revenue'",
        "token": "••••••••",
        "keys": "['a', 'b']",
        "pat": "••••••••",
        "row": "{'key': 'revenue', 'token': '••••••••'}",
    }


def test_a_uuid_is_masked_in_a_variable_of_a_tokens_name() -> None:
    uuid = "3f2b8c1e-9d47-4a6b-8e15-7c0d2f9a6b34"

    def look_up(token: str, order: str) -> None:
        raise KeyError(order)

    frames = raised(lambda: look_up(uuid, uuid))
    assert frames[1].locals == {"token": "••••••••", "order": f"'{uuid}'"}


def test_the_missing_column_of_pandas_is_seen() -> None:
    pandas = pytest.importorskip("pandas")
    frames = raised(lambda: pandas.DataFrame({"revenue_2024": [1]})["revenue"])
    shown = [
        frame.locals[name]
        for frame in frames
        for name in ("key", "casted_key")
        if name in frame.locals
    ]
    assert set(shown) == {"'revenue'"}


def test_texts_of_variables_are_short_and_never_fail() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    class Leaving:
        def __repr__(self) -> str:
            raise SystemExit

    def work(long: str, broken: Any, leaving: Any, rows: list[int]) -> None:
        raise ValueError(long[0])

    (frame,) = raised(lambda: work("x" * 10_000_000, Broken(), Leaving(), list(range(100_000))))[1:]
    assert len(frame.locals["long"]) < LOCAL_CHARS + 50
    assert "its repr failed: RuntimeError" in frame.locals["broken"]
    assert "SystemExit" in frame.locals["leaving"]
    assert len(frame.locals["rows"]) < LOCAL_CHARS + 50


def test_a_repr_that_takes_for_ever_is_left_out() -> None:
    over = threading.Event()

    class Slow:
        def __repr__(self) -> str:
            over.wait()
            return "slow"

    def work(first: int, slow: Any) -> None:
        raise ValueError(first)

    (frame,) = raised(lambda: work(1, Slow()))[1:]
    over.set()
    assert (frame.locals["first"], frame.locals["slow"][:10]) == ("1", "(not shown")


def test_deep_recursion_and_many_variables_are_cut() -> None:
    def deeper(depth: int) -> int:
        return deeper(depth + 1) + 1

    assert len(raised(lambda: deeper(0))) == MAX_FRAMES - 1
    names: dict[str, Any] = {}
    exec(f"def many():\n {';'.join(f'v{n}={n}' for n in range(100))}\n raise ValueError", names)
    assert len(raised(names["many"])[0].locals) == MAX_LOCALS


async def test_the_debugger_opens_in_the_frame_of_the_tool(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = (await run_of(rate)).tools[0]
    monkeypatch.setattr(sys, "stdin", io.StringIO("p year * 2\nwhere\nquit\n"))
    call.debug()
    said = capsys.readouterr().out
    assert "3998" in said
    assert "nbagent/agent" not in said


async def test_a_call_without_an_exception_cannot_be_debugged() -> None:
    def fine(year: int) -> int:
        """Work."""
        return year

    with pytest.raises(NbagentError, match=r"fine.* has no exception"):
        (await run_of(fine)).tools[0].debug()


def test_an_exception_of_the_readers_own_stays_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.setattr(sys, name, None, raising=False)
    errors = [ValueError(), KeyError(), TypeError()]
    for error in errors:
        with pytest.raises(type(error)):
            raise error
    last = LastError()
    last.offer(errors[0])
    last.offer(errors[1])
    assert sys.last_value is errors[1]
    sys.last_value = own = OSError()
    last.offer(errors[2])
    assert sys.last_value is own


IN_A_KERNEL = """
import sys; sys.path.insert(0, "tests")
import builtins
import nbagent
from agent.server import Server, chat

def rate(year: int) -> float:
    "Rate of a year."
    table = {2024: 11.2}
    return table[year]

def debugged(start):
    commands = iter(["p year * 2", "quit"])
    builtins.input = lambda prompt="": next(commands)
    start()
with Server(chat(calls=[("c1", "rate", '{"year": 1999}')]), chat("Done.")) as server:
    agent = nbagent.Agent("test-1", tools=[rate], client=server.client(), api="chat")
    run = await nbagent.show(agent.stream("go"))
"""


def test_percent_debug_opens_it_in_a_kernel() -> None:
    with Session.started(Path(sys.executable)) as session:
        session.python(IN_A_KERNEL)
        assert session.python("print(run.tools[0].error['frames'][0]['file'])").startswith(
            "Cell In["
        )
        assert "3998" in session.python(
            "debugged(lambda: get_ipython().run_line_magic('debug', ''))"
        )
        assert "3998" in session.python("debugged(run.tools[0].debug)")
