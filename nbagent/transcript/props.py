"""Props of the blocks that events open."""

import msgspec

from nbagent import events as e
from nbagent.events.meta import meta_text
from nbagent.protocol.blocks import AgentProps, BlockProps, ReasoningProps, TextProps, ToolProps
from nbagent.transcript.block import Block, short_id


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
            props = ToolProps(
                name=event.name,
                tool_kind=event.kind,
                call_id=event.call_id,
                title=event.title,
                can_rerun=event.tool is not None or msgspec.UNSET,
            )
            if event.attempt_of is not None:
                props.attempt_of = short_id(event.attempt_of)
            return props


def end_props(block: Block, event: e.RunEnd) -> BlockProps:
    """Return the props that the end of the run gives to a block that is still open."""
    match block.kind:
        case "tool":
            # A call that the stream only announced is complete; one that was running when the run
            # was stopped is not.
            was_stopped = event.status not in ("completed", "paused", "max_steps")
            if was_stopped or block.props["state"] == "input-streaming":
                return ToolProps(state="cancelled", ended=event.ts)
            return ToolProps()
        case "agent":
            props = AgentProps(status=event.status, ended=event.ts)
            by = meta_text(event, "stopped_by")
            if by is not None:
                props.stopped_by = by
            return props
        case "reasoning":
            return ReasoningProps(ended=event.ts)
    return BlockProps()


def merged(props: BlockProps, changes: BlockProps) -> BlockProps:
    """Return both structs' props, those of `changes` where both have a field."""
    fields = msgspec.structs.asdict(changes).items()
    given = {name: value for name, value in fields if value is not msgspec.UNSET}
    return msgspec.structs.replace(props, **given)
