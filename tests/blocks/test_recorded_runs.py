"""A recorded run keeps the blocks of the model's responses, so that a recorded model gives them
again.
"""

import pytest
from samples import sample

from nbagent import events as e
from nbagent.agent.model.recorded_run import RecordedRun
from nbagent.blocks import KINDS
from nbagent.blocks.kind import WholeKind

TEXT: list[e.Event] = [e.TextStart(id="t"), e.TextDelta(id="t", delta="Hi"), e.TextEnd(id="t")]
END = e.RunEnd(status="completed")
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event.__name__)


def responses(*events: e.Event) -> list[list[e.Event]]:
    return [step.events for step in RecordedRun(events, "run").steps]


@every_kind
def test_a_response_keeps_a_block_that_is_part_of_it(kind: WholeKind) -> None:
    block = sample(kind.event, "x")
    (kept, *more) = responses(e.StepStart(), TEXT[0], block, *TEXT[1:], END)
    assert (block in kept) is kind.is_answer
    assert more == [] or kind.event is e.Prompt


@every_kind
@pytest.mark.parametrize("steps", [[], [e.StepStart()]], ids=["no steps", "steps"])
def test_a_block_may_come_before_the_first_text_and_the_step(
    kind: WholeKind, steps: list[e.Event]
) -> None:
    block = sample(kind.event, "x")
    (kept,) = responses(block, *steps, *TEXT, END)
    assert kept == [*steps, *([block] if kind.is_answer else []), *TEXT]


def test_a_response_may_be_a_file_alone() -> None:
    picture = e.File(id="f", media_type="image/png", data="aGk=")
    assert responses(e.Prompt(text="Draw"), picture, END) == [[picture]]
    assert responses(e.StepStart(), picture, e.StepStart(), *TEXT, END) == [
        [e.StepStart(), picture],
        [e.StepStart(), *TEXT],
    ]


def test_attempts_of_a_call_are_no_part_of_a_response() -> None:
    attempt = "call/attempt-1"
    again: list[e.Event] = [
        e.ToolStart(id=attempt, name="f", parent_id="call", attempt_of="call"),
        e.ToolArgs(id=attempt, args={}),
        e.ToolResult(id=attempt, content=2),
    ]
    call = e.ToolStart(id="call", name="f")
    first, second = responses(
        e.StepStart(), call, e.ToolResult(id="call", content=1), *again, *TEXT, *again, END
    )
    assert (first, second) == ([e.StepStart(), call], TEXT)
