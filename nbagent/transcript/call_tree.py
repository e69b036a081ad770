"""`CallTree`: the tool calls of a run, with the questions about them."""

from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.meta import is_given
from nbagent.mime import bundle_of_json, summary_of
from nbagent.protocol.blocks import ApprovalProps, RunProps, ToolProps
from nbagent.protocol.ops import Op
from nbagent.protocol.values import ToolError, ToolProgress, ToolState
from nbagent.transcript.block import Block, short_id
from nbagent.transcript.open_results import OpenResults
from nbagent.transcript.shape import are_short, is_told, shape_of
from nbagent.transcript.tree import BlockTree, approval_block_id
from nbagent.transcript.waits import Changes, Waits

_RESULT_STATES: dict[e.ToolStatus, ToolState] = {
    "ok": "output-available",
    "error": "output-error",
    "denied": "output-denied",
}


class CallTree(BlockTree):
    """The blocks of a run, with the reducers of calls and questions.

    Args:
        name: title of the run.
        started: when the run began, in seconds since the epoch.
        props: that the run has from its beginning, in place of the usual ones.
    """

    def __init__(self, name: str, started: float, props: RunProps | None = None) -> None:
        super().__init__(name, started, props)
        self._waits = Waits(self.root)
        self._open_results = OpenResults()

    def _open_first(self, id: str) -> list[Op]:
        """Open the call that an attempt makes again, and take off why the wish before failed."""
        call = self._call(id)
        if call is None:
            return []
        props = ToolProps(open=True)
        if "problem" in call.props:
            props.problem = None
        return self._set(call, props)

    def _tool_progress(self, event: e.ToolProgress) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        match event:
            case e.ToolProgress(message=None, progress=None, total=None):
                props = _begin_props(block, event)
            case _:
                props = ToolProps(progress=ToolProgress(event.message, event.progress, event.total))
        return [*ops, *self._set(block, props)]

    def _tool_args(self, event: e.ToolArgs) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        props = ToolProps(args=event.args, args_valid=event.valid, args_done=event.ts)
        if event.args_text != block.text("args_text"):
            props.args_text = event.args_text
        _set_in_row(props, block, "arguments", event.valid and are_short(event.args))
        _set_changed(props, block, "arguments", event)
        if block.props["state"] == "input-streaming":
            props.state = "input-available"
        return [*ops, *self._set(block, props)]

    def _tool_result(self, event: e.ToolResult) -> list[Op]:
        block, ops = self._block(event.id, "tool", event)
        props = _result_props(event)
        if event.error is None and "error" in block.props:
            props.error = None
        if event.preliminary:
            return [*ops, *self._set(block, props)]
        props.state = _RESULT_STATES[event.status]
        is_whole = isinstance(props.result, dict) and is_told(props.summary or "", props.result)
        _set_in_row(props, block, "result", is_whole)
        _set_changed(props, block, "result", event)
        # one that stopped at its result had ended before
        props.ended = block.props.get("ended") or event.ts
        if event.difference is not None:
            props.difference = event.difference
        for question in self._waits.of(block):
            ops += self._set_all(self._waits.end(question, event.ts))
        if event.status == "error":
            ops += self._count_failure(block)
        ops += self._show_result(block, props)
        return [*ops, *self._set(block, props), *self._close(block)]

    def _count_failure(self, call: Block) -> list[Op]:
        """Count a call that failed, once."""
        if call.props["state"] == "output-error" or self.is_of_attempt(call):
            return []
        self._counts["tools_failed"] += 1
        return self._count_in_agents(call, "tools_failed")

    def _show_result(self, block: Block, props: ToolProps) -> list[Op]:
        """Set `open` of a finished call. Return the ops for other calls."""
        if "attempt_of" in block.props:
            props.open = True  # its reader waits for it
            return []
        shape = None
        if isinstance(props.result, dict):
            shape = shape_of(props.result)
        if shape is not None:
            props.open = True
        elif "open" in block.props:
            props.open = self._open_results.is_around_picture(block)
        return self._set_all(self._open_results.add(block, shape, self.above(block)))

    def _approval_request(self, event: e.ApprovalRequest) -> list[Op]:
        tool_id = None
        if event.tool_id is not None:
            tool_id = short_id(event.tool_id)
        props = ApprovalProps(
            approval_kind=event.kind,
            tool_id=tool_id,
            prompt=event.prompt,
            args=event.args,
            options=event.options,
            schema=event.schema,
            answerable=event.reply is not None,
            can_remember=event.can_remember or msgspec.UNSET,
            stage=event.stage or msgspec.UNSET,
        )
        is_at_result = event.stage == "result"
        if is_at_result:
            props.result = _text_or_none(event.result)
        block, ops = self._open(
            approval_block_id(event.approval_id), props, event.tool_id or event.parent_id
        )
        if is_at_result:  # the time that the reader takes is not the call's
            ops += self._set_open_tool(event.tool_id, ToolProps(ended=event.ts))
        ops += self._set_all(self._waits.begin(block.id, self.above(block), event.ts))
        asked = ToolProps(state="approval-requested")
        return [*ops, *self._set_open_tool(event.tool_id, asked)]

    def _approval_response(self, event: e.ApprovalResponse) -> list[Op]:
        block = self.blocks.get(approval_block_id(event.approval_id))
        if block is None:
            return []
        props = ApprovalProps(
            decision=event.decision, reason=event.reason, remember=event.remember or msgspec.UNSET
        )
        if event.value is not None:
            props.value = event.value
        if "problem" in block.props:
            props.problem = None
        ops = [*self._set(block, props), *self._close(block)]
        ops += self._set_all(self._waits.end(block.id, event.ts))
        answered = ToolProps(state="approval-responded")
        return [*ops, *self._set_open_tool(block.props.get("tool_id"), answered)]

    def _set_open_tool(self, id: str | None, props: ToolProps) -> list[Op]:
        if id is None:
            return []
        call = self._call(short_id(id))
        if call is None or call.closed:
            return []
        return self._set(call, props)

    def _set_all(self, changes: Changes) -> list[Op]:
        ops: list[Op] = []
        for block, props in changes:
            ops += self._set(block, props)
        return ops


def _begin_props(call: Block, event: e.ToolProgress) -> ToolProps:
    """Return the props of a call whose function begins, maybe once more."""
    props = ToolProps(args_done=event.ts, can_rerun=event.tool is not None or msgspec.UNSET)
    if "ended" in call.props:
        props.ended = None
    if "waited" in call.props:
        props.waited = 0.0
    return props


def _result_props(event: e.ToolResult) -> ToolProps:
    """Return the props of what a call has given: its result, its error."""
    props = ToolProps()
    if event.display is not None:
        props.summary, props.result = event.display.summary, event.display.data
    elif event.content is not None:
        props.summary, props.result = summary_of(event.content), bundle_of_json(event.content)
    error = event.error
    if error is not None:
        frames = error.frames or msgspec.UNSET
        props.error = ToolError(error.type, error.message, error.traceback, frames)
    return props


def _set_in_row(props: ToolProps, call: Block, part: str, is_whole: bool) -> None:
    """Set the parts of a call that its row shows whole, where this part changes them."""
    before = call.props.get("in_row", [])
    parts = {*before} - {part}
    if is_whole:
        parts.add(part)
    in_row = sorted(parts)
    if in_row != before:
        props.in_row = in_row


def _set_changed(props: ToolProps, call: Block, part: str, event: e.Event) -> None:
    """Set the parts of a call that a fork changed, where this is one."""
    if is_given(event):
        props.changed = [*call.props.get("changed", []), part]


def _text_or_none(result: Any) -> str | None:
    """Return the result at which a call stopped as its reader edits it: a text, or JSON."""
    if result is None or isinstance(result, str):
        return result
    return msgspec.json.encode(result).decode()
