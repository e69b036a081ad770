"""Required actions of a hosted session: function outputs, permissions, sign-ins, environments."""

from collections.abc import Mapping
from typing import Any, Literal

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field, to_jsonable
from nbagent.adapters.openai_sessions.calls import SessionCalls

ApprovalKind = Literal["tool", "input", "auth"]


class Actions:
    """Writes an approval request for each required action, once although the session repeats it,
    and its response.
    """

    def __init__(self, builder: EventBuilder, calls: SessionCalls) -> None:
        self._builder = builder
        self._calls = calls
        self._asked: set[str] = set()
        self._by_call: dict[str, str] = {}

    def ask(self, payload: Mapping[str, Any]) -> None:
        """Write one of the session's required actions."""
        kind, request = payload.get("type"), fields_or_empty(payload.get("request"))
        request_id = str(payload.get("request_id"))
        if kind == "function_call":
            block = self._calls.function(payload)
            self._write(block.call_id or block.id, "input", None, payload.get("arguments"), block)
        elif kind == "mcp_approval_request":
            asked_of = self._calls.mcp_call(payload, request)
            message, args = request.get("message"), request.get("arguments")
            self._write(request_id, "tool", message, args, asked_of)
        elif kind == "computer_use_approval_request":
            self._ask_for_access(request_id, request)
        elif kind == "environment_connection":
            environment = str(payload.get("environment_id"))
            prompt = f"The environment {environment} has to be connected again"
            self._write(environment, "input", prompt, None)
        else:
            self._builder.raw(payload, nonempty_str(kind))

    def _ask_for_access(self, request_id: str, request: Mapping[str, Any]) -> None:
        """Write the question of a model that uses a browser: may it sign in, or open a page?"""
        kind: ApprovalKind = "tool"
        verb = "Allow access"
        if request.get("type") == "browser_authentication":
            kind, verb = "auth", "Sign in"
        parts = (verb, str_field(request, "credential_origin", "origin"))
        prompt = str_field(request, "reason", default=": ".join(filter(None, parts)))
        details = {name: value for name, value in request.items() if value}
        for name in ("type", "reason"):
            details.pop(name, None)
        self._write(request_id, kind, prompt, details)

    def _write(
        self,
        request_id: str,
        kind: ApprovalKind,
        prompt: Any,
        args: Any,
        block: Block | None = None,
    ) -> None:
        if request_id in self._asked:
            return
        self._asked.add(request_id)
        if block is not None:
            self._by_call[block.id] = request_id
        self._builder.write(
            ev.ApprovalRequest(
                approval_id=request_id,
                tool_id=block_id(block),
                kind=kind,
                prompt=nonempty_str(prompt),
                args=to_jsonable(args),
                **self._builder.envelope,
            )
        )

    def read(self, kind: str, payload: Mapping[str, Any]) -> bool:
        """Read an item that requests or answers an action. Return False for any other item."""
        if kind == "computer_use_approval_request":
            self.ask(payload)
        elif kind == "computer_use_approval_request_result":
            submitted = fields_or_empty(payload.get("response")).get("action") == "submit"
            self._write_approval_response(
                str(payload.get("request_id")), "approve" if submitted else "cancel"
            )
        elif kind == "function_call_output":
            block = self._calls.take_function(payload)
            if block is None:
                return False
            self.approve(block)
            self._calls.answer(block, payload)
        else:
            return False
        return True

    def approve(self, block: Block) -> None:
        """Write the approval of the action that was required for a call, since the call was run."""
        request_id = self._by_call.pop(block.id, None)
        if request_id is not None:
            self._write_approval_response(request_id, "approve")

    def _write_approval_response(
        self, request_id: str, decision: Literal["approve", "cancel"]
    ) -> None:
        self._builder.write(
            ev.ApprovalResponse(approval_id=request_id, decision=decision, **self._builder.envelope)
        )
