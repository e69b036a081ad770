"""What a reader would see of a run, fit to be compared with the same run told by another system."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.encoder import Encoder, Item
from nbagent.adapters.decoders import decoder_named
from nbagent.transcript import ROOT, Transcript

_CLOCK = {"started", "ended", "args_done", "first_token", "events", "deltas", "tools", "tools_failed"}
_UNSEALED = {"signature": None, "encrypted": None}
_AGAIN = re.compile(r"__\d+$")  # what is put behind an id that another call had before
DECODERS = {"vercel.ui.v5": "vercel.ui"}


def encoded(encoder: Encoder, events: Sequence[Any]) -> list[Item]:
    return [*(item for event in events for item in encoder.feed(event)), *encoder.close()]


def decoded(encoder: Encoder, items: list[Any]) -> list[ev.Event]:
    decoder: Decoder = decoder_named(DECODERS.get(encoder.system, encoder.system))
    return [*(event for item in items for event in decoder.feed(item)), *decoder.close()]


def settled(events: list[ev.Event]) -> list[ev.Event]:
    """The events without what no system has a place for, and with one way to say what may be said in several.

    Tokens are told with the end. A fatal error makes a failed run, and the other way round, and comes last. Nothing is left
    open. A call has an id.
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
                continue  # where Vercel's applications keep tokens
            case ev.RunStart():
                event = ev.RunStart(model=event.model)
            case ev.StepStart():
                event = ev.StepStart(model=event.model)
            case ev.StepEnd():
                event = ev.StepEnd()
            case ev.ToolStart():
                event = replace(event, call_id=_AGAIN.sub("", event.call_id or event.id))
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
        plain.append(replace(event, seq=0, ts=0.0, run_id="", step=None, agent=None, meta=None, raw=None))
    plain += sorted(open_.values(), key=lambda event: isinstance(event, ev.TextEnd))
    end = events[-1]
    assert isinstance(end, ev.RunEnd)
    if errors or end.status == "failed":
        told = errors[0] if errors else ev.Error(message="The run failed", code=end.code, fatal=True)
        code = told.code or end.code
        plain.append(ev.Error(message=told.message, code=code, error_type=told.error_type, fatal=True))
        end = replace(end, status="failed", code=code)
    usage = transcript.root.props.get("usage")
    last = ev.RunEnd(status=end.status, code=end.code, finish_reason=end.finish_reason)
    return [*plain, replace(last, usage=ev.Usage(**usage) if usage else None)]


def picture(events: list[ev.Event]) -> list[dict[str, Any]]:
    """Every block in order, without ids and times; a block's parent is a place in this list. Empty texts are nothing."""
    transcript = Transcript()
    seals: dict[str, dict[str, Any]] = {}
    for event in events:
        transcript.feed(event)
        if isinstance(event, ev.ReasoningEnd):
            seals[event.id] = {"signature": event.signature, "encrypted": event.encrypted}
    blocks = [block for block in transcript.snapshot() if block["kind"] not in ("text", "reasoning") or block["text"]]
    places = {block["id"]: place for place, block in enumerate(blocks)}
    return [
        {
            **{name: value for name, value in block.items() if name not in _CLOCK | {"id", "parent", "tool_id"}},
            "parent": places.get(block["parent"]),
            **({"tool": places.get(block["tool_id"])} if "tool_id" in block else {}),
            **(seals.get(block["id"], _UNSEALED) if block["kind"] == "reasoning" else {}),
        }
        for block in blocks
        if block["id"] != ROOT or block.pop("name")
    ]
