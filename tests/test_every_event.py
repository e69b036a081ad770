"""Every consumer of events handles each class of the vocabulary, or drops it on purpose.

The classes are those of the union itself. A new one fails here until each consumer has a place for
it.
"""

import json
from typing import Any

import pytest
from reader import play
from run.by_hand import ByHand, Taken
from samples import CLASSES, sample

from nbagent import events as e
from nbagent.adapters.base.losses import LOSS_OF, Loss
from nbagent.adapters.encoders import encoder_named, encoders
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.events.log import EventLog
from nbagent.gate.redact import Redactor
from nbagent.gate.secrets import Secrets
from nbagent.protocol.inspection import EventsQuestion
from nbagent.run.inspector.brief import brief
from nbagent.run.inspector.search import Search, json_text
from nbagent.run.inspector.timeline import Timeline
from nbagent.run.lanes import Lanes
from nbagent.transcript import Transcript

SECRET = "canary/9f8e7d6c5b4a"
every_class = pytest.mark.parametrize("kind", CLASSES)


@every_class
def test_the_transcript_makes_ops_of_it_or_counts_it(kind: type[e.Event]) -> None:
    transcript = Transcript()
    blocks = play([*transcript.opening(), *transcript.feed(sample(kind)), *transcript.counters({})])
    assert list(blocks.values()) == transcript.snapshot()
    assert transcript.snapshot()[0]["events"] == 1
    quiet = len(transcript.blocks) == 1 and set(blocks["run"]) <= set(
        play(Transcript().opening())["run"]
    )
    assert not quiet or kind in (e.ApprovalResponse, e.Rewind), (
        "only an answer to no question, a return to no prompt shows nothing"
    )


UNMASKED = {"id", "tool_id", "text_id", "call_id", "approval_id", "signature", "encrypted"}
"""Ids, and fields that are sent back to the provider and never shown."""
MASKED_BY_TYPE: dict[type[e.Event], set[str]] = {e.File: {"data"}, e.ToolResult: {"display"}}
"""Fields that are masked only where their MIME type is a text's; see `gate/test_redact.py`."""


@every_class
def test_the_redactor_masks_every_text_in_it(kind: type[e.Event]) -> None:
    redactor = Redactor(Secrets([SECRET]))
    shown = [
        *redactor.feed(sample(kind, SECRET, raw={SECRET: 1}, meta={"a": [SECRET]})),
        *redactor.close(),
    ]
    fields = [json.loads(e.to_json(event)) for event in shown]
    apart = UNMASKED | MASKED_BY_TYPE.get(kind, set())
    texts = [{name: value for name, value in each.items() if name not in apart} for each in fields]
    assert shown
    assert SECRET not in json.dumps(texts)


@every_class
def test_the_inspector_times_finds_and_tells_it(kind: type[e.Event]) -> None:
    event = sample(kind)
    line = Timeline()
    line.feed(event)
    assert line.start == event.ts
    assert json.loads(json_text(event))["type"] == e.type_of(event)
    assert brief(event).isprintable()
    assert list(EventLog([event])) == [event]


@every_class
def test_the_inspector_finds_it_among_the_events_of_its_block(kind: type[e.Event]) -> None:
    event, transcript = sample(kind, "x"), Transcript()
    transcript.feed(event)
    for block in transcript.blocks.values():
        if block.kind in ("run", "approval"):  # for an approval the view offers no such list
            continue
        search = Search(EventsQuestion(block=block.id, kind=block.kind), transcript.block_id)
        search.search_next(EventLog([event]))
        assert list(search.found) == [1], block.id


@every_class
def test_a_source_of_events_passes_it_on(kind: type[e.Event]) -> None:
    event = sample(kind)
    for item in (event, e.to_dict(event)):
        assert EventsDecoder.recognises(item)
        decoder = EventsDecoder()
        # an end may be followed by another run
        assert event in [
            *decoder.feed(item),
            *decoder.close(),
        ]


IDS = ("id", "tool_id", "text_id", "approval_id", "parent_id")
RETOLD = {e.RunStart, e.RunEnd, e.UsageUpdate}
"""Classes about a whole run, which a lane replaces by others."""


@every_class
def test_a_lane_puts_it_inside_of_itself(kind: type[e.Event]) -> None:
    stream = ByHand("one")
    lanes = Taken(Lanes([stream]))
    stream.item(sample(kind, "x"))
    passed = [event for event in lanes.events[2:] if type(event) is kind]
    assert bool(passed) != (kind in RETOLD)
    for event in passed:
        assert event.parent_id == "lane-1"
        assert {getattr(event, name, None) or "lane-1" for name in IDS} <= {"lane-1", "lane-1/x"}


NAMELESS = {e.RunStart, e.StepStart, e.StepEnd, e.TextStart, e.ReasoningStart, e.Hidden}
"""Classes that a system need not represent: borders, which follow from the content, and notes for
our own readers.
"""
LOSSES: dict[type[e.Envelope], set[Loss]] = {
    **{kind: {loss} for kind, loss in LOSS_OF.items()},
    e.Rewind: {Loss.PROMPTS},
    e.ReasoningDelta: {Loss.REASONING},
    e.ReasoningEnd: {Loss.REASONING},
    e.ToolStart: {Loss.TOOLS, Loss.ARGS_AS_TEXT},
    e.ToolArgsDelta: {Loss.TOOLS, Loss.ARGS_AS_TEXT},
    e.ToolArgs: {Loss.TOOLS},
    e.ToolProgress: {Loss.PROGRESS, Loss.TOOLS},
    e.ToolOutput: {Loss.OUTPUT, Loss.TOOLS},
    e.ToolResult: {Loss.RESULTS, Loss.TOOLS},
    e.ApprovalRequest: {Loss.APPROVALS, Loss.ANSWERED_APPROVALS, Loss.PAUSE_REASON},
    e.ApprovalResponse: {Loss.APPROVALS, Loss.ANSWERED_APPROVALS, Loss.PAUSE_REASON},
    e.AgentStart: {Loss.AGENTS},
    e.AgentEnd: {Loss.AGENTS},
    e.UsageUpdate: {Loss.USAGE},
}
"""Losses of an encoder that writes nothing for a class."""
CALL: list[e.Event] = [e.ToolStart(id="x", name="f"), e.ToolArgs(id="x", args={}, args_text="{}")]
BEFORE: dict[type[e.Event], list[e.Event]] = {
    e.ToolProgress: CALL,
    e.ToolOutput: CALL,
    e.ToolResult: CALL,
    e.ApprovalRequest: CALL,
    e.ApprovalResponse: [*CALL, e.ApprovalRequest(approval_id="x", tool_id="x")],
    e.AgentEnd: [e.AgentStart(id="x", name="helper")],
}
TEXT = e.TextDelta(id="said", delta="So")


@every_class
@pytest.mark.parametrize("system", [encoder.system for encoder in encoders()])
def test_an_encoder_writes_it_or_declares_its_loss(system: str, kind: type[e.Event]) -> None:
    start: list[e.Event] = [e.RunStart(), TEXT, e.StepStart(), *BEFORE.get(kind, [])]
    with_it, without = [*start, sample(kind, "x"), TEXT], [*start, TEXT]
    if kind is e.RunStart:
        with_it, without = [sample(kind, "x"), TEXT], [e.RunStart(), TEXT]
    if written(system, with_it) == written(system, without):
        assert kind in NAMELESS or LOSSES[kind] & encoder_named(system).loses


def written(system: str, events: list[e.Event]) -> list[Any]:
    encoder = encoder_named(system)
    return [*(item for event in events for item in encoder.feed(event)), *encoder.close()]
