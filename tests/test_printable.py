"""Text that is safe to print: no control character of a terminal, no change of direction, no hidden
text.
"""

import json
import re
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as e
from nbagent.errors import StreamError
from nbagent.events.question import Question
from nbagent.printable import printable, printable_json, printable_line
from nbagent.protocol.shared import MARKUP
from nbagent.run import Run

_CLASSES = MARKUP["characters"]
UNSEEN = re.compile(
    f"[{''.join(_CLASSES[name] for name in ('controls', 'overrides', 'smuggling', 'directions'))}]"
)
HOSTILE = "x\x1b]0;title\x07\x9d52;c;aGk=\x9c\x7f\r\u202e\u2066\U000e0041y"


@given(st.text())
def test_no_character_is_left_that_documents_draw_in_another_way(text: str) -> None:
    assert not UNSEEN.search(printable(text).replace("\n", "").replace("\t", ""))
    assert "\r" not in printable(text)


@given(st.characters())
def test_every_other_character_stays(character: str) -> None:
    if not UNSEEN.match(character) and character != "\r":
        assert printable(character) == character


@given(st.text())
def test_json_keeps_its_value(text: str) -> None:
    written = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(printable_json(written)) == {text: [text]}
    assert not UNSEEN.search(printable_json(written))


def test_a_name_stays_on_its_line() -> None:
    assert printable_line("a\nb\tc") == "a\\nb\\tc"
    assert printable("a\nb") == "a\nb"


async def _stream() -> AsyncIterator[e.Event]:
    yield e.RunStart(name=HOSTILE, model=HOSTILE)
    yield e.ToolStart(id="1", name=HOSTILE)
    yield e.ToolArgs(id="1", args={HOSTILE: HOSTILE}, args_text="{}")
    yield e.ToolResult(id="1", content="42")
    yield e.Error(message=HOSTILE, code="refused", fatal=True)
    yield e.RunEnd(status="failed")


@pytest.fixture(scope="module")
def run() -> Run:
    run = Run(_stream())
    run.start()
    return run.wait()


@pytest.mark.parametrize("show", [repr, str])
def test_what_a_run_shows_of_itself_has_no_control_characters(
    run: Run, show: Callable[[object], str]
) -> None:
    for shown in (run, run.tools, run.tools[0], run.error, run.requests, run.events, run.lanes):
        assert not UNSEEN.search(show(shown).replace("\n", "")), show(shown)


def test_a_question_names_its_tool_in_plain_characters() -> None:
    question = Question(
        lambda *_, **__: None, e.ApprovalRequest(approval_id="1", tool_id="1"), HOSTILE
    )
    assert not UNSEEN.search(repr(question))


def test_an_error_has_the_words_of_a_service_without_its_control_characters() -> None:
    assert str(StreamError(f"429: {HOSTILE}\nagain")) == f"429: {printable(HOSTILE)}\nagain"


def test_an_agent_shows_its_names_in_plain_characters() -> None:
    agent = nbagent.Agent("demo", name=HOSTILE)
    for shown in (
        agent,
        agent.session(),
        agent.stream("hello"),
        nbagent.faults(HOSTILE, latency=1),
    ):
        assert not UNSEEN.search(repr(shown)), repr(shown)
