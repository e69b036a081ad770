"""Props of the blocks that events open."""

from typing import TypeAlias

import msgspec

from nbagent import events as e
from nbagent.protocol.blocks import (
    AgentProps,
    BlockProps,
    CustomProps,
    ErrorProps,
    FileProps,
    HandoffProps,
    PromptProps,
    ReasoningProps,
    SourceProps,
    StatusProps,
    TextProps,
    ToolProps,
)
from nbagent.transcript.block import Block, short_id

WholeEvent: TypeAlias = (
    e.Prompt | e.AgentHandoff | e.Source | e.File | e.State | e.Status | e.Error | e.Custom | e.Raw
)
"""Event that is a block by itself."""


def default_props(kind: str, ts: float) -> BlockProps:
    """Return the props of a text, reasoning, agent or tool call of which nothing is known but when
    it began.
    """
    match kind:
        case "text":
            return TextProps(text="", text_kind="text")
        case "reasoning":
            return ReasoningProps(text="", reasoning_kind="raw", started=ts)
        case "agent":
            return AgentProps(name="agent", status="running", started=ts)
        case _:
            return ToolProps(
                name="tool", tool_kind="function", state="input-streaming", args_text="", started=ts
            )


def start_props(event: e.TextStart | e.ReasoningStart | e.ToolStart) -> BlockProps:
    """Return the props that the start of a block sets."""
    match event:
        case e.TextStart():
            return TextProps(
                text_kind=event.kind,
                phase=event.phase,
                line_breaks=event.line_breaks or msgspec.UNSET,
            )
        case e.ReasoningStart():
            return ReasoningProps(reasoning_kind=event.kind)
        case e.ToolStart():
            return ToolProps(
                name=event.name,
                tool_kind=event.kind,
                call_id=event.call_id,
                title=event.title,
                can_rerun=event.tool is not None or msgspec.UNSET,
                attempt_of=short_id(event.attempt_of)
                if event.attempt_of is not None
                else msgspec.UNSET,
            )


def whole_props(event: WholeEvent) -> BlockProps:
    """Return the props of an event that is a block by itself."""
    match event:
        case e.Status():
            return StatusProps(message=event.message, level=event.level)
        case e.Prompt():
            return PromptProps(text=event.text, files=event.files)
        case e.AgentHandoff():
            return HandoffProps(from_=event.from_, to=event.to)
        case e.Source():
            return SourceProps(url=event.url, title=event.title)
        case e.File():
            return FileProps(
                media_type=event.media_type, url=event.url, data=event.data, name=event.name
            )
        case e.State():
            return CustomProps(
                name="state", data=event.patch if event.snapshot is None else event.snapshot
            )
        case e.Error(
            message=message, error_type=error_type, code=code, fatal=fatal, traceback=traceback
        ):
            return ErrorProps(
                message=message, error_type=error_type, code=code, fatal=fatal, traceback=traceback
            )
        case e.Custom():
            return CustomProps(name=event.name, data=event.data)
        case e.Raw():
            return CustomProps(name=event.name or "raw", data=event.data)


def end_props(block: Block, event: e.RunEnd) -> BlockProps:
    """Return the props that the end of the run gives to a block that is still open."""
    match block.kind:
        case "tool":
            # A call that the stream only announced is complete; one that was running when the run
            # was stopped is not.
            waits = (
                event.status in ("completed", "paused", "max_steps")
                and block.props["state"] != "input-streaming"
            )
            return ToolProps() if waits else ToolProps(state="cancelled", ended=event.ts)
        case "agent":
            by = (event.meta or {}).get("stopped_by")
            return AgentProps(
                status=event.status,
                ended=event.ts,
                stopped_by=by if isinstance(by, str) else msgspec.UNSET,
            )
        case "reasoning":
            return ReasoningProps(ended=event.ts)
    return BlockProps()


def merged(props: BlockProps, changes: BlockProps) -> BlockProps:
    """Return both structs' props, those of `changes` where both have a field."""
    return msgspec.structs.replace(
        props,
        **{
            name: value
            for name, value in msgspec.structs.asdict(changes).items()
            if value is not msgspec.UNSET
        },
    )
