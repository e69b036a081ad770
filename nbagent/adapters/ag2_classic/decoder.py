"""Decoder of AG2 Classic, the framework before AG2 1.0: the events of `agent.run(…)`,
`agent.run_iter(…)` and of group chats, as objects or as the dicts of their `model_dump`.

Format: https://classic.docs.ag2.ai (autogen 0.14). The field `type` is the tag; `content` has all
else, and a text of its own again. A whole message follows the pieces of its text. The first message
is the question. A chat that is read by `run_iter` ends without an event of its own.

The format has no argument deltas and no thoughts. Tokens are those of the whole chat, at the end of
`run(…)` alone. A chat of `run(…)` works on after Stop.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.exceptions import message_of
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    is_of_package,
    number_or_none,
)
from nbagent.adapters.base.payload import text_in, usage_counts

_PACKAGE = "autogen."
_TEXT = "text"
_EXECUTOR = "_Group_Tool_Executor"
_SUCCESS = "exitcode: 0"
_EXIT = "exit"
"""Word that a human types to end a chat."""


class Ag2ClassicDecoder(BaseDecoder):
    """Decoder of events of chats."""

    system: ClassVar[str] = "ag2_classic"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str | None, Block] = {}  # of the chat, by their id
        self._codes: list[Block] = []  # blocks of code whose output has not come
        self._speaker: str | None = None  # who answers next
        self._has_question = False
        self._request: ev.ApprovalRequest | None = None  # that waits
        self._given: str | None = None  # its answer, from the view

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event."""
        if isinstance(item, Mapping):
            content = item.get("content")
            return isinstance(content, Mapping) and "uuid" in content and item.get("type") in _KINDS
        return is_of_package(item, _PACKAGE) and get_str(item, "type") is not None

    def read(self, item: Any) -> None:
        """Read one event."""
        if not self.recognises(item):
            self.unread(item, class_name(item))
            return
        self.builder.begin()
        kind, content = get_str(item, "type", default=""), get_field(item, "content")
        if self._request is not None and self._answer(kind, content):
            return
        reader = _READERS.get(kind)
        if reader is not None:
            reader(self, content)
        elif kind not in _UNTOLD:
            self.builder.custom(kind, content)

    # --- the agents ---

    def _begin(self, agent: str | None) -> None:
        """Begin the message of an agent, unless it goes on."""
        self._has_question = True
        before = self.builder.envelope.get("agent")
        if agent not in (None, before):
            self.builder.end_step()
            self.builder.envelope["agent"] = agent
            if before is not None:
                self.builder.status(str(agent))
        if not self.builder.in_step:
            self.new_step()

    def _next(self, content: Any) -> None:
        """Read who speaks next."""
        speaker = get_str(content, "speaker", "recipient")
        if speaker != _EXECUTOR:
            self._speaker = speaker

    def _hand_over(self, content: Any) -> None:
        """Read a transition of a group chat; one may also end it, or lead to a human."""
        source = get_str(get_field(content, "source_agent"), "name")
        target = get_str(get_field(content, "transition_target"), "agent_name")
        if target not in (None, source):
            self.builder.end_step()
            handoff = ev.AgentHandoff(to=str(target), from_=source, **self.builder.envelope)
            self.builder.write(handoff)
            self.builder.envelope["agent"] = target

    def _piece(self, content: Any) -> None:
        self._begin(self._speaker)
        self.builder.text(_TEXT, get_str(content, "content", default=""))

    def _text(self, content: Any) -> None:
        """Read a whole message: an agent's, the question, or what code has printed."""
        text = text_in(get_field(content, "content") or "")
        if self._codes and not self.builder.in_step:
            self._output(text)
        elif not self._has_question:
            self._has_question = True
        elif text or self.builder.in_step:
            self._message(get_str(content, "sender"), text)
            self.builder.end_step()
            self.complete()

    def _message(self, sender: str | None, text: str) -> None:
        if self.builder.text_id(_TEXT) is None:
            self._begin(sender)
            self.builder.text(_TEXT, text)
        self.builder.end_text(_TEXT, text or None)

    # --- tools and code ---

    def _requests(self, content: Any) -> None:
        self._message(get_str(content, "sender"), get_str(content, "content", default=""))
        for call in entries_in(content, "tool_calls"):
            function = get_field(call, "function")
            self._new_call(get_str(call, "id"), function)
        if get_field(content, "function_call"):
            self._new_call(None, get_field(content, "function_call"))
        self.builder.end_step("tool_calls")

    def _new_call(self, call_id: str | None, function: Any) -> Block:
        name = get_str(function, "name", "func_name")
        block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
        self.builder.complete_args(block, get_field(function, "arguments"))
        self._calls[call_id] = block
        return block

    def _executed(self, content: Any) -> None:
        call_id, name = get_str(content, "call_id"), get_str(content, "func_name")
        block = self.builder.call_of_result(self._calls, call_id, name)
        block = block or self._new_call(call_id, content)
        result = get_field(content, "content")
        failed = get_field(content, "is_exec_success") is False
        message = str(result).removeprefix("Error: ")
        self.builder.end_tool(block, result, failed=failed, message=message, value=result)

    def _responses(self, content: Any) -> None:
        """Read what the model is told of calls, of which most have their result already."""
        for response in entries_in(content, "tool_responses"):
            block = self._calls.get(get_str(response, "tool_call_id"))
            if block is not None:
                self.builder.tool_result(block, get_field(response, "content"))

    def _response(self, content: Any) -> None:
        """Read what the model is told of a call in the form before tools."""
        block = self.builder.oldest_unanswered(get_str(content, "name"))
        if block is not None:
            self.builder.tool_result(block, get_field(content, "content"))

    def _code(self, content: Any) -> None:
        block = self.builder.start_tool(("code", len(self._codes)), "code")
        self.builder.tool_args(block, get_str(content, "code", default=""), free=True)
        self._codes.append(block)

    def _output(self, text: str) -> None:
        for block in self._codes:
            failed = not text.startswith(_SUCCESS)
            self.builder.end_tool(block, text, failed=failed, message=text)
        self._codes = []

    # --- humans ---

    def _ask(self, content: Any) -> None:
        respond = get_field(content, "respond")
        self._given = None
        self._request = ev.ApprovalRequest(
            approval_id=str(get_field(content, "uuid") or self.builder.mint("input")),
            kind="input",
            prompt=get_str(content, "prompt"),
            reply=self._reply(respond) if callable(respond) else None,
            **self.builder.envelope,
        )
        self.builder.write(self._request)

    def _reply(self, respond: Callable[[str], Any]) -> ev.Live | None:
        """Return the way back to who asked. An asynchronous one leads over the loop that runs
        here.
        """
        send: Callable[[str], object] = respond
        if inspect.iscoroutinefunction(respond):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return None
            send = partial(_send_on_loop, respond, loop)

        def answer(response: ev.ApprovalResponse) -> None:
            self._given = _EXIT
            if response.decision == "approve":
                self._given = "" if response.value is None else str(response.value)
            send(self._given)

        return ev.Live(ev.Reply(answer))

    def _answer(self, kind: str, content: Any) -> bool:
        """Read what follows a question: its answer has come. Return True if it is just that."""
        request, self._request = self._request, None
        assert request is not None
        is_text = kind == "text"
        value = self._given
        if value is None and is_text:
            value = text_in(get_field(content, "content") or "")
        response = ev.ApprovalResponse(
            approval_id=request.approval_id,
            decision="approve",
            value=value,
            **self.builder.envelope,
        )
        self.builder.write(response)
        return is_text and self._has_question

    # --- the end ---

    def _fail(self, content: Any) -> None:
        error = get_field(content, "error")
        if isinstance(error, BaseException):
            self.fail(message_of(error), error_type=type(error).__name__)
        else:
            self.fail_with(error)

    def _terminate(self, content: Any) -> None:
        self.builder.end_step()
        self.stop_info = StopInfo("completed", get_str(content, "termination_reason"))

    def _complete(self, content: Any) -> None:
        """End the chat, and tell its tokens by model."""
        self.builder.end_step()
        self.complete()
        cost = fields_or_empty(get_field(content, "cost"))
        for counts in fields_or_empty(cost.get("usage_excluding_cached_inference")).values():
            told = usage_counts(
                counts, input="prompt_tokens", output="completion_tokens", total="total_tokens"
            )
            if told:
                price = number_or_none(get_field(counts, "cost"))
                self.builder.add_usage(ev.Usage(**told, cost=price or None))

    def _print(self, content: Any) -> None:
        words = get_str(content, "sep", default=" ").join(map(str, entries_in(content, "objects")))
        if words.strip():
            self.builder.status(words)


def _send_on_loop(respond: Any, loop: asyncio.AbstractEventLoop, text: str) -> None:
    asyncio.run_coroutine_threadsafe(respond(text), loop)


_READERS: dict[str, Callable[[Ag2ClassicDecoder, Any], None]] = {
    "text": Ag2ClassicDecoder._text,
    "stream": Ag2ClassicDecoder._piece,
    "tool_call": Ag2ClassicDecoder._requests,
    "function_call": Ag2ClassicDecoder._requests,
    "executed_function": Ag2ClassicDecoder._executed,
    "tool_response": Ag2ClassicDecoder._responses,
    "function_response": Ag2ClassicDecoder._response,
    "execute_code_block": Ag2ClassicDecoder._code,
    "group_chat_run_chat": Ag2ClassicDecoder._next,
    "using_auto_reply": Ag2ClassicDecoder._next,
    "after_works_transition": Ag2ClassicDecoder._hand_over,
    "on_context_condition_transition": Ag2ClassicDecoder._hand_over,
    "on_condition_l_l_m_transition": Ag2ClassicDecoder._hand_over,
    "reply_result_transition": Ag2ClassicDecoder._hand_over,
    "input_request": Ag2ClassicDecoder._ask,
    "error": Ag2ClassicDecoder._fail,
    "termination": Ag2ClassicDecoder._terminate,
    "run_completion": Ag2ClassicDecoder._complete,
    "print": Ag2ClassicDecoder._print,
}
_UNTOLD = {
    "clear_agents_history",
    "clear_conversable_agent_history",
    "clear_conversable_agent_history_warning",
    "conversable_agent_usage_summary",
    "conversable_agent_usage_summary_no_cost_incurred",
    "execute_function",
    "generate_code_execution_reply",
    "group_chat_resume",
    "input_response",
    "post_carryover_processing",
    "select_speaker",
    "select_speaker_invalid_input",
    "select_speaker_try_count_exceeded",
    "speaker_attempt_failed_multiple_agents",
    "speaker_attempt_failed_no_agents",
    "speaker_attempt_successful",
    "termination_and_human_reply_no_input",
    "usage_summary",
}
"""Tags of events on what the chat itself does, or of what others tell."""
_KINDS = _UNTOLD | _READERS.keys()
