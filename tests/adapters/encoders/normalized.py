"""Events and blocks of a run in a form in which two encodings of the same run are equal."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from adapters.recorded import decode
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.encoders import encoders
from nbagent.transcript import ROOT, Transcript

EACH_ENCODER = pytest.mark.parametrize("encoder", encoders(), ids=lambda encoder: encoder.system)
DECODERS = {"vercel.ui.v5": "vercel.ui"}
"""The decoder of a system, where it has another name."""

_CLOCK = {"started", "ended", "args_done", "first_token", "events", "tools", "tools_failed"}
_CLOCK |= {"words", "last_output", "speed", "waited", "waits_since"}
_NOT_OPAQUE = {"signature": None, "encrypted": None}
_REPEATED_ID = re.compile(r"__\d+$")  # suffix of a call id that an earlier call has


def encoded(encoder: Encoder, events: Sequence[Any]) -> list[Item]:
    return [*(item for event in events for item in encoder.feed(event)), *encoder.close()]


def decoded(encoder: Encoder, items: list[Any]) -> list[ev.Event]:
    return decode(decoder_named(DECODERS.get(encoder.system, encoder.system)), items)


def normalized(events: list[ev.Event]) -> list[ev.Event]:
    """Return the events without the parts that no system can represent, and with one form where
    there are several.

    Token counts are in the end. A run fails if and only if it has a fatal error, which comes last.
    Everything is closed. Every call has an id.
    """
    transcript = Transcript()
    for event in events:
        transcript.feed(event)
    errors = [event for event in events if isinstance(event, ev.Error) and event.fatal]
    plain: list[ev.Event] = []
    open_: dict[str, ev.Event] = {}
    for event in events:
        match event:
            case ev.UsageUpdate() | ev.Error(fatal=True) | ev.RunEnd():
                continue
            case ev.Custom(name="message-metadata"):
                continue  # Vercel's place for token counts
            case ev.RunStart():
                event = ev.RunStart(model=event.model)
            case ev.StepStart():
                event = ev.StepStart(model=event.model)
            case ev.StepEnd():
                event = ev.StepEnd()
            case ev.ToolStart():
                event = replace(event, call_id=_REPEATED_ID.sub("", event.call_id or event.id))
            case ev.ToolResult():
                error = ev.ErrorInfo(message=event.error.message) if event.error else None
                event = replace(event, error=error, display=None, value=None)
            case ev.Error():
                event = replace(event, traceback=None)
        match event:
            case ev.TextStart() | ev.ReasoningStart():
                cls = ev.TextEnd if isinstance(event, ev.TextStart) else ev.ReasoningEnd
                open_[event.id] = cls(id=event.id)
            case ev.TextEnd() | ev.ReasoningEnd():
                open_.pop(event.id, None)
        plain.append(
            replace(event, seq=0, ts=0.0, run_id="", step=None, agent=None, meta=None, raw=None)
        )
    plain += sorted(open_.values(), key=lambda event: isinstance(event, ev.TextEnd))
    end = events[-1]
    assert isinstance(end, ev.RunEnd)
    if errors or end.status == "failed":
        first = (
            errors[0] if errors else ev.Error(message="The run failed", code=end.code, fatal=True)
        )
        code = first.code or end.code
        plain.append(
            ev.Error(message=first.message, code=code, error_type=first.error_type, fatal=True)
        )
        end = replace(end, status="failed", code=code)
    usage = transcript.root.props.get("usage")
    last = ev.RunEnd(status=end.status, code=end.code, finish_reason=end.finish_reason)
    return [*plain, replace(last, usage=ev.Usage(**usage) if usage else None)]


def blocks_of(events: list[ev.Event]) -> list[dict[str, Any]]:
    """Return every block in order, without ids, times and empty texts.

    A block's parent is its index in this list.
    """
    transcript = Transcript()
    opaque: dict[str, dict[str, Any]] = {}
    for event in events:
        transcript.feed(event)
        if isinstance(event, ev.ReasoningEnd):
            opaque[event.id] = {"signature": event.signature, "encrypted": event.encrypted}
    blocks = [
        block
        for block in transcript.snapshot()
        if block["kind"] not in ("text", "reasoning") or block["text"]
    ]
    index = {block["id"]: number for number, block in enumerate(blocks)}
    return [
        {
            **{
                name: value
                for name, value in block.items()
                if name not in _CLOCK | {"id", "parent", "tool_id"}
            },
            "parent": index.get(block["parent"]),
            **({"tool": index.get(block["tool_id"])} if "tool_id" in block else {}),
            **(opaque.get(block["id"], _NOT_OPAQUE) if block["kind"] == "reasoning" else {}),
        }
        for block in blocks
        if block["id"] != ROOT or block.pop("name")
    ]
