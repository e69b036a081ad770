"""Rewrites for losses of tool calls."""

import json
from collections.abc import Callable
from typing import Any

from adapters.encoders.rewrites import (
    Events,
    as_text,
    change,
    change_end,
    drop,
    kinds_by_call,
    names_by_call,
    parse_args,
)
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss


def rewrite_args(events: Events, made: Callable[[ev.ToolArgs, str], ev.ToolArgs]) -> Events:
    """Rewrite every event with complete arguments, given the text that was streamed before it."""
    streamed: dict[str, str] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolArgsDelta):
            streamed[event.id] = streamed.get(event.id, "") + event.delta
        kept.append(
            made(event, streamed.get(event.id, "")) if isinstance(event, ev.ToolArgs) else event
        )
    return kept


def with_arguments(events: Events, *, at_result: bool) -> Events:
    """Complete the arguments of a call by what was streamed: at its result, or at the end of the
    run.
    """
    streamed: dict[str, str] = {}
    whole = {event.id for event in events if isinstance(event, ev.ToolArgs)}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            streamed[event.id] = ""
        elif isinstance(event, ev.ToolArgsDelta):
            streamed[event.id] += event.delta
        elif (
            at_result
            and isinstance(event, ev.ToolResult)
            and event.id not in whole
            and not event.preliminary
        ):
            whole.add(event.id)
            kept.append(ev.ToolArgs(id=event.id, **parse_args(streamed[event.id])))
        kept.append(event)
    if at_result:
        return kept
    return change_end(
        kept,
        *(
            ev.ToolArgs(id=id_, **parse_args(text))
            for id_, text in streamed.items()
            if id_ not in whole
        ),
    )


def incomplete_arguments(events: Events) -> Events:
    """Replace complete arguments by deltas in a run that broke off, unless the call has a
    result.
    """
    if events[-1].status in ("completed", "paused"):
        return events
    answered = {
        event.id for event in events if isinstance(event, ev.ToolResult) and not event.preliminary
    }
    streamed: dict[str, str] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolArgsDelta):
            streamed[event.id] = streamed.get(event.id, "") + event.delta
        if isinstance(event, ev.ToolArgs) and event.id not in answered:
            rest = event.args_text.removeprefix(streamed.get(event.id, ""))
            kept += (
                [ev.ToolArgsDelta(id=event.id, delta=rest)]
                if len(rest) < len(event.args_text) or event.id not in streamed
                else []
            )
        else:
            kept.append(event)
    return kept


def error_message(event: ev.ToolResult) -> str:
    default = "The call was denied" if event.status == "denied" else "The tool failed"
    return (event.error.message if event.error else "") or as_text(event.content) or default


def error_as_result(events: Events, only: set[str] | None = None) -> Events:
    """Rewrite failed results to successful ones with the message as the content."""
    kinds = kinds_by_call(events)
    return [
        replace(event, status="ok", error=None, content=error_message(event))
        if isinstance(event, ev.ToolResult)
        and event.status != "ok"
        and (only is None or kinds[event.id] in only)
        else event
        for event in events
    ]


def result_of_oldest(events: Events) -> Events:
    names, open_ = names_by_call(events), list[str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            open_.append(event.id)
        elif isinstance(event, ev.ToolResult):
            first = next(id_ for id_ in open_ if names[id_] == names[event.id])
            open_.remove(first)
            event = replace(event, id=first)
        kept.append(event)
    return kept


def free_args(events: Events) -> Events:
    return [
        replace(event, **parse_args(event.args_text))
        if isinstance(event, ev.ToolArgs) and isinstance(event.args, str)
        else event
        for event in events
    ]


def custom_args(events: Events) -> Events:
    kinds = kinds_by_call(events)
    return [
        replace(event, args=event.args_text, valid=True)
        if isinstance(event, ev.ToolArgs) and kinds[event.id] == "custom"
        else event
        for event in events
    ]


def text_args(events: Events, encoder: BaseEncoder) -> Events:
    kinds = kinds_by_call(events)
    unparsed = {"custom"} if Loss.CUSTOM_ARGS in encoder.loses else set()
    return [
        replace(event, **parse_args(event.args_text))
        if isinstance(event, ev.ToolArgs) and kinds[event.id] not in unparsed
        else event
        for event in events
    ]


def parsed_args(events: Events) -> Events:
    written = change(ev.ToolArgs, args_text=lambda e: as_text(e.args) if e.valid else e.args_text)
    filled = change(ev.ToolArgs, args=lambda e: {} if e.valid and e.args is None else e.args)
    return drop(ev.ToolArgsDelta)(written(filled(events)))


def streamed_args_stay(events: Events, *, parsed: bool) -> Events:
    def made(event: ev.ToolArgs, streamed: str) -> ev.ToolArgs:
        if event.args_text.startswith(streamed):
            return event
        return (
            replace(event, **parse_args(streamed)) if parsed else replace(event, args_text=streamed)
        )

    return rewrite_args(events, made)


def known_kinds(events: Events, encoder: BaseEncoder) -> Events:
    if encoder.system.startswith("vercel"):
        return change(
            ev.ToolStart, kind=lambda e: "hosted" if e.kind in ("hosted", "mcp") else "function"
        )(events)
    if encoder.system == "openai.responses":
        known = {"hosted": "mcp", "mcp": "mcp", "custom": "custom"}
        return change(ev.ToolStart, kind=lambda e: known.get(e.kind, "function"))(events)
    return change(ev.ToolStart, kind="function")(events)


def args_as_text(events: Events) -> Events:
    """Move the start of a call to its arguments, and rewrite these to one line of values."""
    starts: dict[str, Any] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            starts[event.id] = event
        elif isinstance(event, ev.ToolArgs):
            line = event.args_text.replace("\r", " ").replace("\n", " ")
            if event.valid and isinstance(event.args, dict):
                line = json.dumps(list(event.args.values()), ensure_ascii=False)[1:-1]
                if line.startswith("{") and len(event.args) == 1:
                    line = json.dumps(event.args, ensure_ascii=False)
            kept += [starts[event.id], replace(event, args=line, args_text=line, valid=True)]
        elif not isinstance(event, ev.ToolArgsDelta):
            kept.append(event)
    return kept
