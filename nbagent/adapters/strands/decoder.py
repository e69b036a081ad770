"""Decoder of Strands Agents: the dicts of `agent.stream_async(prompt)`.

Format: https://strandsagents.com/latest/documentation/docs/user-guide/concepts/streaming/
(strands-agents 1.62). An item has what the model streams in `event`, as an event of Amazon
Bedrock's ConverseStream whichever model it is; items with `delta` repeat that. Results of tools
come in a `message` of the user's, and the end is the agent's `result`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    to_jsonable,
)
from nbagent.adapters.base.payload import text_in
from nbagent.adapters.bedrock.decoder import BedrockDecoder

_REPEATING = ("delta", "init_event_loop", "start", "start_event_loop", "tool_cancel_event")
"""Fields of items that tell nothing new."""


class StrandsDecoder(BedrockDecoder):
    """Decoder of an agent's events."""

    system: ClassVar[str] = "strands"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._has_begun = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of an agent's loop, or a model's event in it."""
        if not isinstance(item, Mapping):
            return False
        if item.get("init_event_loop") is True or item.get("start_event_loop") is True:
            return True
        return isinstance(item.get("event"), Mapping) and BedrockDecoder.recognises(item["event"])

    def read(self, item: Any) -> None:
        """Read one event."""
        self._has_begun = self._has_begun or self.recognises(item)
        if not self._has_begun:
            self.unread(item)
            return
        self.builder.begin()
        for name, reader in _READERS.items():
            if item.get(name) is not None:
                reader(self, item[name])
                return
        if not any(name in item for name in _REPEATING):
            self.builder.custom(str(item.get("type") or next(iter(item), "")), item)

    def _message(self, message: Any) -> None:
        """Read a complete message: of the user's, the results of tools."""
        for part in entries_in(message, "content"):
            result = fields_or_empty(get_field(part, "toolResult"))
            block = self._calls.get(get_str(result, "toolUseId", default=""))
            if block is None:
                continue
            content = entries_in(result, "content")
            text = text_in(content)
            if result.get("status") == "error":
                self.builder.tool_error(block, text, text)
            else:
                is_text = all(get_field(each, "text") is not None for each in content)
                self.builder.tool_result(block, text if text or is_text else content)

    def _tool_stream(self, event: Any) -> None:
        """Read what a tool yields while it works."""
        call_id = get_str(get_field(event, "tool_use"), "toolUseId", default="")
        block, data = self._calls.get(call_id), get_field(event, "data")
        if block is not None and isinstance(data, str):
            self.builder.progress(block, data)
        else:
            self.builder.custom("tool_stream", data)

    def _throttled(self, seconds: Any) -> None:
        self.builder.status(f"The service is busy: the next try is in {seconds} s", level="warning")

    def _force_stop(self, reason: Any) -> None:
        self.fail(str(reason))

    def finish(self) -> None:
        """End a message of the model: only the agent's result completes the run."""
        super().finish()
        if self.stop_info.status == "completed":
            self.stop_info = TRUNCATED

    def _result(self, result: Any) -> None:
        """End the run."""
        if self.builder.in_step:
            self.finish()
        reason = get_str(result, "stop_reason")
        if reason == "interrupt":
            for interrupt in entries_in(result, "interrupts"):
                self._ask(interrupt)
            self.stop_info = StopInfo("paused", reason)
        elif reason == "cancelled":
            self.stop_info = StopInfo("cancelled", reason)
        elif self.stop_info is TRUNCATED:
            self.stop_info = StopInfo("completed", reason)

    def _ask(self, interrupt: Any) -> None:
        reason = get_field(interrupt, "reason")
        prompt = get_str(interrupt, "reason", "name")
        request = ev.ApprovalRequest(
            approval_id=get_str(interrupt, "id") or self.builder.mint("interrupt"),
            kind="input",
            prompt=prompt,
            args=None if isinstance(reason, str) else to_jsonable(reason),
            **self.builder.envelope,
        )
        self.builder.write(request)


_READERS: dict[str, Callable[[StrandsDecoder, Any], None]] = {
    "event": BedrockDecoder.read,
    "message": StrandsDecoder._message,
    "tool_stream_event": StrandsDecoder._tool_stream,
    "event_loop_throttled_delay": StrandsDecoder._throttled,
    "force_stop_reason": StrandsDecoder._force_stop,
    "result": StrandsDecoder._result,
}
