"""What is lost of tool calls."""

from collections.abc import Callable
from typing import Any

from encoders.lost_events import Events, at_end, change, drop, kinds, names, parse, text_of
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss


def arguments(events: Events, made: Callable[[ev.ToolArgs, str], ev.ToolArgs]) -> Events:
    """Arguments changed by what was streamed of them."""
    streamed: dict[str, str] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolArgsDelta):
            streamed[event.id] = streamed.get(event.id, "") + event.delta
        kept.append(made(event, streamed.get(event.id, "")) if isinstance(event, ev.ToolArgs) else event)
    return kept


def with_arguments(events: Events, *, at_result: bool) -> Events:
    """Calls that never got arguments have those that were streamed, when their result comes or at the end."""
    streamed: dict[str, str] = {}
    whole = {event.id for event in events if isinstance(event, ev.ToolArgs)}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            streamed[event.id] = ""
        elif isinstance(event, ev.ToolArgsDelta):
            streamed[event.id] += event.delta
        elif at_result and isinstance(event, ev.ToolResult) and event.id not in whole and not event.preliminary:
            whole.add(event.id)
            kept.append(ev.ToolArgs(id=event.id, **parse(streamed[event.id])))
        kept.append(event)
    if at_result:
        return kept
    return at_end(kept, *(ev.ToolArgs(id=id_, **parse(text)) for id_, text in streamed.items() if id_ not in whole))


def untold_arguments(events: Events) -> Events:
    """In a run that broke off, arguments are whole only where a result came; else they are what was written so far."""
    if events[-1].status in ("completed", "paused"):
        return events
    answered = {event.id for event in events if isinstance(event, ev.ToolResult) and not event.preliminary}
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


def message_of(event: ev.ToolResult) -> str:
    default = "The call was denied" if event.status == "denied" else "The tool failed"
    return (event.error.message if event.error else "") or text_of(event.content) or default


def as_result(events: Events, only: set[str] | None = None) -> Events:
    """Failures become what they have to say."""
    of = kinds(events)
    return [
        replace(event, status="ok", error=None, content=message_of(event))
        if isinstance(event, ev.ToolResult) and event.status != "ok" and (only is None or of[event.id] in only)
        else event
        for event in events
    ]


def by_name(events: Events) -> Events:
    """A result answers the latest call of its name, or one that nobody made."""
    of, latest = names(events), dict[str, str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            latest[event.name] = event.id
        elif isinstance(event, ev.ToolResult):
            name = of[event.id]
            if name not in latest:
                latest[name] = f"{event.id} again"
                kept.append(ev.ToolStart(id=latest[name], name=name))
            event = replace(event, id=latest.pop(name))
        kept.append(event)
    return kept


def oldest(events: Events) -> Events:
    of, open_ = names(events), list[str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            open_.append(event.id)
        elif isinstance(event, ev.ToolResult):
            first = next(id_ for id_ in open_ if of[id_] == of[event.id])
            open_.remove(first)
            event = replace(event, id=first)
        kept.append(event)
    return kept


def free_args(events: Events) -> Events:
    return [
        replace(event, **parse(event.args_text)) if isinstance(event, ev.ToolArgs) and isinstance(event.args, str) else event
        for event in events
    ]


def custom_args(events: Events) -> Events:
    of = kinds(events)
    return [
        replace(event, args=event.args_text, valid=True)
        if isinstance(event, ev.ToolArgs) and of[event.id] == "custom"
        else event
        for event in events
    ]


def text_args(events: Events, encoder: BaseEncoder) -> Events:
    of = kinds(events)
    spared = {"custom"} if Loss.UNPARSED_ARGS in encoder.loses else set()
    return [
        replace(event, **parse(event.args_text)) if isinstance(event, ev.ToolArgs) and of[event.id] not in spared else event
        for event in events
    ]


def parsed_args(events: Events) -> Events:
    written = change(ev.ToolArgs, args_text=lambda e: text_of(e.args) if e.valid else e.args_text)
    filled = change(ev.ToolArgs, args=lambda e: {} if e.valid and e.args is None else e.args)
    return drop(ev.ToolArgsDelta)(written(filled(events)))


def stays(events: Events, *, parsed: bool) -> Events:
    def made(event: ev.ToolArgs, streamed: str) -> ev.ToolArgs:
        if event.args_text.startswith(streamed):
            return event
        return replace(event, **parse(streamed)) if parsed else replace(event, args_text=streamed)

    return arguments(events, made)


def tool_kinds(events: Events, encoder: BaseEncoder) -> Events:
    if encoder.system.startswith("vercel"):
        return change(ev.ToolStart, kind=lambda e: "hosted" if e.kind in ("hosted", "mcp") else "function")(events)
    if encoder.system == "openai.responses":
        known = {"hosted": "mcp", "mcp": "mcp", "custom": "custom"}
        return change(ev.ToolStart, kind=lambda e: known.get(e.kind, "function"))(events)
    return change(ev.ToolStart, kind="function")(events)


def args_as_text(events: Events) -> Events:
    """A call is told with its arguments, which are one line of text."""
    starts: dict[str, Any] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ToolStart):
            starts[event.id] = event
        elif isinstance(event, ev.ToolArgs):
            line = event.args_text.replace("\r", " ").replace("\n", " ")
            kept += [starts[event.id], replace(event, args=line, args_text=line, valid=True)]
        elif not isinstance(event, ev.ToolArgsDelta):
            kept.append(event)
    return kept
