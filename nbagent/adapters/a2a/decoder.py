"""A2A, 0.3 and 1.x: JSON-RPC envelopes, bare REST frames, and the objects of both SDKs.

The format: https://a2a-protocol.org/latest/specification/ and `a2a-sdk` 0.3 and 1.3. Items are the frames' JSON (0.3 tells them
apart by `kind`, 1.x by their only key), the SDK's models or messages, or the pairs that its 0.3 client gives.

The protocol cannot say: thoughts, tool calls, tokens, models, steps, hand-offs. What agents put into metadata for that is read
in `a2a_parts`; Hector's second version streams this protocol, too, with its deltas told from its snapshots by `partial`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.a2a.content import Parts, text_of
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import frame_of, peek, wire
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
_ENDS: dict[str, Verdict] = {
    "completed": Verdict("completed", "completed"),
    "canceled": Verdict("cancelled", "canceled"),
    "input-required": Verdict("paused", "input-required"),
    "auth-required": Verdict("paused", "auth-required"),
}


def frame_kind(said: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Which of the four frames this is, and its body; the kind is empty where it is none."""
    body = fields_or_none(said["result"]) if "jsonrpc" in said and said.get("result") is not None else said
    kind = string(body.get("kind")) or (string(body.get("type")) or "").removeprefix("task.").replace("_", "-")
    if kind in _KINDS:
        return (kind, body) if _KINDS[kind] in body else ("", body)
    for key, named in _KEYS.items():
        inner = wire(body[key]) if len(body) == 1 and key in body else {}
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
        self.parts = Parts(self.book)
        self._artifacts: dict[str, Artifact] = {}
        self._task = False
        self._state = ""
        self._last_note: tuple[Any, str] = (None, "")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is one of the four frames, in whatever envelope, or the error that came instead."""
        said = peek(item[0] if isinstance(item, tuple) and item else item)
        if "jsonrpc" in said and "error" in said and "method" not in said:
            return True
        try:
            return bool(frame_kind(said)[0])
        except Exception:  # somebody else's fields under our names
            return False

    def read(self, item: Any) -> None:
        """One frame."""
        frame = frame_of(self._pair(item))
        said = wire(frame.data)
        if frame.name == "done" or (said == {} and isinstance(frame.data, Mapping)):  # Hector's last frame
            self.done()
            return
        if said.get("error"):
            self.fail_with(said["error"])
            return
        kind, body = frame_kind(said)
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
            return next((entry for entry in reversed(item) if entry is not None and frame_kind(wire(entry))[0]), item[0])
        return item

    def done(self) -> None:
        """The server says that nothing follows."""
        self._close_artifacts()
        self.book.settle()
        if self.verdict == TRUNCATED:
            self.verdict = Verdict("completed")

    # --- tasks and their states -----------------------------------------------------------------------------------------

    def _read_task(self, task: Mapping[str, Any]) -> None:
        self._task = True
        self.book.begin(thread_id=string(task.get("contextId")))
        artifacts = task.get("artifacts")
        for artifact in artifacts if isinstance(artifacts, list) else ():
            entry = fields_or_none(artifact)
            if entry.get("artifactId") not in self._artifacts:  # else it was streamed
                self._artifact_update({"artifact": entry, "lastChunk": True})
        self._status(task)

    def _status(self, said: Mapping[str, Any]) -> None:
        status = fields_or_none(said.get("status"))
        metadata = fields_or_none(said.get("metadata"))
        state = state_of(status)
        message = fields_or_none(status.get("message"))
        self._author(metadata.get("hector:transfer_to_agent") or metadata.get("author"))
        if state in ("submitted", "working", "unknown", "unspecified", ""):
            self._state = state
            self.verdict = Verdict("incomplete", state, state) if said.get("final") is True else TRUNCATED
            self._progress(message)
            return
        if state == self._state:  # a task is often told once more at its end
            return
        self._state = state
        self._close_artifacts()
        text = text_of(message)
        if state in ("failed", "rejected"):
            self.fail(text or f"the task was {state}" if state == "rejected" else text or "the task failed", state)
        elif state in ("input-required", "auth-required"):
            self._ask("auth" if state == "auth-required" else "input", text, metadata)
        elif message:
            self._message(message)
        if state == "completed" and not (self.parts.wrote or self.parts.calls or self._artifacts):
            # an agent whose only words were its notes: the last was the answer
            self.parts.text(("message", None), self._last_note[1])
        self.book.settle()
        self.verdict = _ENDS.get(state, self.verdict)

    def _progress(self, message: Mapping[str, Any]) -> None:
        """What an agent says while it works: a line about it, where its parts are not marked as something else."""
        parts = message.get("parts")
        for part in parts if isinstance(parts, list) else ():
            said = fields_or_none(part)
            text = said.get("text")
            marked = any(str(name).startswith(("agui_", "adk_")) for name in fields_or_none(said.get("metadata")))
            if isinstance(text, str) and not marked:
                if text:
                    self.book.write(ev.Status(message=text, **self.book.stamp))
                    message_id, before = self._last_note
                    again = message_id is not None and message_id == message.get("messageId")
                    self._last_note = (message.get("messageId"), before + text if again else text)
            else:
                self.parts.write(part, ("message", message.get("messageId")))

    def _ask(self, kind: str, text: str, metadata: Mapping[str, Any]) -> None:
        prompt = string(metadata.get("input_prompt")) or text or None
        tools = metadata.get("long_running_tool_ids")
        for call_id in tools if isinstance(tools, list) and tools else [None]:
            block = self.parts.calls.get(str(call_id))
            request = ev.ApprovalRequest(
                approval_id=str(call_id) if call_id else self.book.mint("approval"),
                tool_id=None if block is None else block.id,
                kind="tool" if call_id else "auth" if kind == "auth" else "input",
                prompt=prompt,
                **self.book.stamp,
            )
            self.book.write(request)

    def _author(self, name: Any) -> None:
        """Who speaks; when another one begins to, the word was handed over."""
        before = self.book.stamp.get("agent")
        if not string(name) or name == before:
            return
        if before is not None:
            self._close_artifacts()
            self.book.settle()
            self.book.write(ev.AgentHandoff(to=name, from_=before, **self.book.stamp))
        self.book.stamp["agent"] = text_safe(name)

    # --- what it says ---------------------------------------------------------------------------------------------------

    def _message(self, message: Mapping[str, Any]) -> None:
        """A message of the agent: one that belongs to no task is the whole answer."""
        if str(message.get("role")).lower().endswith("user"):
            self.book.write(ev.Custom(name="user_message", data=plain(message), **self.book.stamp))
            return
        for part in message["parts"]:
            self.parts.write(part, ("message", message.get("messageId")))
        if not self._task and not message.get("taskId"):
            self.verdict = Verdict("completed")

    def _artifact_update(self, said: Mapping[str, Any]) -> None:
        content = fields_or_none(said["artifact"])
        metadata = fields_or_none(said.get("metadata"))
        parts = content.get("parts") or ()
        name = content.get("artifactId")
        if isinstance(metadata.get("partial"), bool):
            self._hector(parts, metadata, ("artifact", name))
            return
        artifact = self._artifacts.get(name) if isinstance(name, str) else None
        if artifact is None or not artifact.open:
            artifact = self._artifacts[str(name)] = Artifact()
        elif said.get("append") is not True:
            artifact.replaced, artifact.text = True, ""
        for part in parts:
            text = fields_or_none(part).get("text")
            if isinstance(text, str):
                artifact.text += text
            if not (isinstance(text, str) and artifact.replaced):
                self.parts.write(part, ("artifact", name))
        if said.get("lastChunk") is True:
            self._close_artifact(str(name), artifact)

    def _close_artifact(self, name: str, artifact: Artifact) -> None:
        artifact.open = False
        self.book.end_text(("artifact", name), artifact.text if artifact.replaced else None)

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
        if not self.book.ended:
            self._close_artifacts()
        return super().close(error)

    def _hector(self, parts: Any, metadata: Mapping[str, Any], key: tuple[str, Any]) -> None:
        """Hector 2: one artifact for the run; `partial` are deltas, else the text of the response comes whole once more."""
        self._author(metadata.get("author"))
        thinking = fields_or_none(metadata.get("thinking"))
        texts = [part["text"] for part in map(fields_or_none, parts) if isinstance(part.get("text"), str)]
        if metadata["partial"]:
            if string(thinking.get("content")):
                self.book.end_text(key)
                self.parts.thought(("thought", thinking.get("id")), thinking["content"])
            for text in texts:
                self.parts.text(key, text)
        else:
            if thinking:
                self.parts.whole_thought(thinking)
            whole = "".join(texts)
            if whole and self.book.text_id(key) is None:
                self.parts.text(key, whole)
            self.book.end_text(key, whole or None)
            self.book.settle()
        for part in parts:
            said = fields_or_none(part)
            again = bool(thinking) and fields_or_none(said.get("data")).get("type") == "thinking"
            if not (again or isinstance(said.get("text"), str)):
                self.parts.write(part, key)
        for call in map(fields_or_none, metadata.get("tool_calls") or ()):
            self.parts.call(string(call.get("id")), string(call.get("name")) or "tool", call.get("args"))
        for result in map(fields_or_none, metadata.get("tool_results") or ()):
            failed = result.get("is_error") is True
            self.parts.result(string(result.get("tool_call_id")), result.get("content"), None, failed=failed)
