"""A2A, 0.3 and 1.x: JSON-RPC envelopes, bare REST frames, and the objects of both SDKs.

Format: https://a2a-protocol.org/latest/specification/ and `a2a-sdk` 0.3 and 1.3. Items are the frames' JSON (0.3 tells them
apart by `kind`, 1.x by their only key), the SDK's models or messages, or the pairs that its 0.3 client gives.

The protocol cannot say: thoughts, tool calls, tokens, models, steps, hand-offs. What agents put into metadata for that is read
in `a2a_parts`; Hector's second version streams this protocol, too, with its deltas told from its snapshots by `partial`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.a2a.content import PartWriter, message_text
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict
from nbagent.events.jsonable import text_safe

_KINDS = {
    "task": "status",
    "message": "parts",
    "status-update": "status",
    "artifact-update": "artifact",
}
_KEYS = {
    "task": "task",
    "message": "message",
    "msg": "message",
    "statusUpdate": "status-update",
    "status_update": "status-update",
    "artifactUpdate": "artifact-update",
    "artifact_update": "artifact-update",
}
_ENDS: dict[str, StopInfo] = {
    "completed": StopInfo("completed", "completed"),
    "canceled": StopInfo("cancelled", "canceled"),
    "input-required": StopInfo("paused", "input-required"),
    "auth-required": StopInfo("paused", "auth-required"),
}


def frame_kind(payload: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Which of the four frames this is, and its body; the kind is empty where it is none."""
    body = fields_or_empty(payload["result"]) if "jsonrpc" in payload and payload.get("result") is not None else payload
    kind = str_field(body, "kind") or (str_field(body, "type") or "").removeprefix("task.").replace("_", "-")
    if kind in _KINDS:
        return (kind, body) if _KINDS[kind] in body else ("", body)
    for key, named in _KEYS.items():
        inner = to_wire_dict(body[key]) if len(body) == 1 and key in body else {}
        if _KINDS[named] in inner:
            return named, inner
    return "", body


def state_of(status: Mapping[str, Any]) -> str:
    """The task's state in the words of 0.3."""
    state = str(status.get("state") or "").removeprefix("TASK_STATE_").lower().replace("_", "-")
    return "canceled" if state == "cancelled" else state


class Artifact:
    """An artifact's text as it stands: what is replaced while it is open is told whole at its end."""

    def __init__(self) -> None:
        self.text = ""
        self.replaced = False
        self.open = True


class A2ADecoder(BaseDecoder):
    """A2A frames to events."""

    system: ClassVar[str] = "a2a"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.parts = PartWriter(self.builder)
        self._artifacts: dict[str, Artifact] = {}
        self._task = False
        self._state = ""
        self._last_note: tuple[Any, str] = (None, "")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of the four frames, in whatever envelope, or the error that came instead."""
        payload = try_wire_dict(item[0] if isinstance(item, tuple) and item else item)
        if "jsonrpc" in payload and "error" in payload and "method" not in payload:
            return True
        try:
            return bool(frame_kind(payload)[0])
        except Exception:  # somebody else's fields under our names
            return False

    def read(self, item: Any) -> None:
        """One frame."""
        frame = frame_of(self._pair(item))
        payload = to_wire_dict(frame.data)
        if frame.name == "done" or (payload == {} and isinstance(frame.data, Mapping)):  # Hector's last frame
            self.done()
            return
        if payload.get("error"):
            self.fail_with(payload["error"])
            return
        kind, body = frame_kind(payload)
        match kind:
            case "task":
                self._read_task(body)
            case "message":
                self._message(body)
            case "status-update":
                self._task = True
                self._status(body)
            case "artifact-update":
                self._task = True
                self._artifact_update(body)
            case _:
                self.unread(item)

    @staticmethod
    def _pair(item: Any) -> Any:
        """The 0.3 client gives the task so far and what is new about it; at first that is nothing."""
        if isinstance(item, tuple) and item:
            return next(
                (entry for entry in reversed(item) if entry is not None and frame_kind(to_wire_dict(entry))[0]), item[0]
            )
        return item

    def done(self) -> None:
        """The server says that nothing follows."""
        self._close_artifacts()
        self.builder.end_texts_and_thoughts()
        if self.stop_info == TRUNCATED:
            self.stop_info = StopInfo("completed")

    # --- tasks and their states -----------------------------------------------------------------------------------------

    def _read_task(self, task: Mapping[str, Any]) -> None:
        self._task = True
        self.builder.begin(thread_id=str_field(task, "contextId"))
        artifacts = task.get("artifacts")
        for artifact in artifacts if isinstance(artifacts, list) else ():
            entry = fields_or_empty(artifact)
            if entry.get("artifactId") not in self._artifacts:  # else it was streamed
                self._artifact_update({"artifact": entry, "lastChunk": True})
        self._status(task)

    def _status(self, payload: Mapping[str, Any]) -> None:
        status = fields_or_empty(payload.get("status"))
        metadata = fields_or_empty(payload.get("metadata"))
        state = state_of(status)
        message = fields_or_empty(status.get("message"))
        self._author(metadata.get("hector:transfer_to_agent") or metadata.get("author"))
        if state in ("submitted", "working", "unknown", "unspecified", ""):
            self._state = state
            self.stop_info = StopInfo("incomplete", state, state) if payload.get("final") is True else TRUNCATED
            self._progress(message)
            return
        if state == self._state:  # a task is often told once more at its end
            return
        self._state = state
        self._close_artifacts()
        text = message_text(message)
        if state in ("failed", "rejected"):
            self.fail(text or f"the task was {state}" if state == "rejected" else text or "the task failed", state)
        elif state in ("input-required", "auth-required"):
            self._ask("auth" if state == "auth-required" else "input", text, metadata)
        elif message:
            self._message(message)
        if state == "completed" and not (self.parts.wrote or self.parts.calls or self._artifacts):
            # an agent whose only words were its notes: the last was the answer
            self.parts.text(("message", None), self._last_note[1])
        self.builder.end_texts_and_thoughts()
        self.stop_info = _ENDS.get(state, self.stop_info)

    def _progress(self, message: Mapping[str, Any]) -> None:
        """What an agent says while it works: a line about it, where its parts are not marked as something else."""
        parts = message.get("parts")
        for part in parts if isinstance(parts, list) else ():
            payload = fields_or_empty(part)
            text = payload.get("text")
            marked = any(str(name).startswith(("agui_", "adk_")) for name in fields_or_empty(payload.get("metadata")))
            if isinstance(text, str) and not marked:
                if text:
                    self.builder.status(text)
                    message_id, before = self._last_note
                    again = message_id is not None and message_id == message.get("messageId")
                    self._last_note = (message.get("messageId"), before + text if again else text)
            else:
                self.parts.write(part, ("message", message.get("messageId")))

    def _ask(self, kind: str, text: str, metadata: Mapping[str, Any]) -> None:
        prompt = str_field(metadata, "input_prompt") or text or None
        tools = metadata.get("long_running_tool_ids")
        for call_id in tools if isinstance(tools, list) and tools else [None]:
            block = self.parts.calls.get(str(call_id))
            request = ev.ApprovalRequest(
                approval_id=str(call_id) if call_id else self.builder.mint("approval"),
                tool_id=None if block is None else block.id,
                kind="tool" if call_id else "auth" if kind == "auth" else "input",
                prompt=prompt,
                **self.builder.envelope,
            )
            self.builder.write(request)

    def _author(self, name: Any) -> None:
        """Who speaks; when another one begins to, the word was handed over."""
        before = self.builder.envelope.get("agent")
        if not nonempty_str(name) or name == before:
            return
        if before is not None:
            self._close_artifacts()
            self.builder.end_texts_and_thoughts()
            self.builder.write(ev.AgentHandoff(to=name, from_=before, **self.builder.envelope))
        self.builder.envelope["agent"] = text_safe(name)

    # --- what it says ---------------------------------------------------------------------------------------------------

    def _message(self, message: Mapping[str, Any]) -> None:
        """A message of the agent: one that belongs to no task is the whole answer."""
        if str(message.get("role")).lower().endswith("user"):
            self.builder.write(ev.Custom(name="user_message", data=to_jsonable(message), **self.builder.envelope))
            return
        for part in message["parts"]:
            self.parts.write(part, ("message", message.get("messageId")))
        if not self._task and not message.get("taskId"):
            self.stop_info = StopInfo("completed")

    def _artifact_update(self, payload: Mapping[str, Any]) -> None:
        content = fields_or_empty(payload["artifact"])
        metadata = fields_or_empty(payload.get("metadata"))
        parts = content.get("parts") or ()
        name = content.get("artifactId")
        if isinstance(metadata.get("partial"), bool):
            self._hector(parts, metadata, ("artifact", name))
            return
        artifact = self._artifacts.get(name) if isinstance(name, str) else None
        if artifact is None or not artifact.open:
            artifact = self._artifacts[str(name)] = Artifact()
        elif payload.get("append") is not True:
            artifact.replaced, artifact.text = True, ""
        for part in parts:
            text = fields_or_empty(part).get("text")
            if isinstance(text, str):
                artifact.text += text
            if not (isinstance(text, str) and artifact.replaced):
                self.parts.write(part, ("artifact", name))
        if payload.get("lastChunk") is True:
            self._close_artifact(str(name), artifact)

    def _close_artifact(self, name: str, artifact: Artifact) -> None:
        artifact.open = False
        self.builder.end_text(("artifact", name), artifact.text if artifact.replaced else None)

    def _close_artifacts(self) -> None:
        for name, artifact in self._artifacts.items():
            if artifact.open:
                self._close_artifact(name, artifact)

    def finish(self) -> None:
        """Tell replaced artifacts whole also where the stream broke off."""
        self._close_artifacts()
        super().finish()

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over."""
        if not self.builder.ended:
            self._close_artifacts()
        return super().close(error)

    def _hector(self, parts: Any, metadata: Mapping[str, Any], key: tuple[str, Any]) -> None:
        """Hector 2: one artifact for the run; `partial` are deltas, else the text of the response comes whole once more."""
        self._author(metadata.get("author"))
        thinking = fields_or_empty(metadata.get("thinking"))
        texts = [part["text"] for part in map(fields_or_empty, parts) if isinstance(part.get("text"), str)]
        if metadata["partial"]:
            if str_field(thinking, "content"):
                self.builder.end_text(key)
                self.parts.thought(("thought", thinking.get("id")), thinking["content"])
            for text in texts:
                self.parts.text(key, text)
        else:
            if thinking:
                self.parts.whole_thought(thinking)
            whole = "".join(texts)
            if whole and self.builder.text_id(key) is None:
                self.parts.text(key, whole)
            self.builder.end_text(key, whole or None)
            self.builder.end_texts_and_thoughts()
        for part in parts:
            payload = fields_or_empty(part)
            again = bool(thinking) and fields_or_empty(payload.get("data")).get("type") == "thinking"
            if not (again or isinstance(payload.get("text"), str)):
                self.parts.write(part, key)
        for call in map(fields_or_empty, metadata.get("tool_calls") or ()):
            self.parts.call(str_field(call, "id"), str_field(call, "name") or "tool", call.get("args"))
        for result in map(fields_or_empty, metadata.get("tool_results") or ()):
            failed = result.get("is_error") is True
            self.parts.result(str_field(result, "tool_call_id"), result.get("content"), None, failed=failed)
