"""Required actions of a hosted session: function outputs, permissions, sign-ins, environments."""

from collections.abc import Mapping
from typing import Any, Literal

from nbagent import events as ev
from nbagent.adapters.base.block import Block
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
            block_or_none = self._calls.mcp_call(payload, request)
            self._write(
                request_id, "tool", request.get("message"), request.get("arguments"), block_or_none
            )
        elif kind == "computer_use_approval_request":
            is_sign_in = request.get("type") == "browser_authentication"
            origin = str_field(request, "credential_origin", "origin")
            verb = "Sign in" if is_sign_in else "Allow access"
            prompt = str_field(request, "reason") or (f"{verb}: {origin}" if origin else verb)
            details = {
                name: value
                for name, value in request.items()
                if name not in ("type", "reason") and value
            }
            self._write(request_id, "auth" if is_sign_in else "tool", prompt, details)
        elif kind == "environment_connection":
            environment = str(payload.get("environment_id"))
            self._write(
                environment,
                "input",
                f"The environment {environment} has to be connected again",
                None,
            )
        else:
            self._builder.raw(payload, nonempty_str(kind))

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
                tool_id=None if block is None else block.id,
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
