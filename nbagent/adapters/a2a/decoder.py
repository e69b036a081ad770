"""Decoder of A2A, versions 0.3 and 1.x: JSON-RPC responses, bare REST frames, and the objects of
both SDKs.

Format: https://a2a-protocol.org/latest/specification/, and `a2a-sdk` 0.3 and 1.3. Items are the
frames' JSON (in 0.3 `kind` is the type, in 1.x the only key), the SDK's models or protobuf
messages, or the `(task, update)` pairs of its 0.3 client.

The protocol has no reasoning, tool calls, tokens, models, steps or hand-offs. `content` reads the
metadata that agents use for them. Hector's second version streams this protocol, with `partial` in
the metadata of deltas.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias

from nbagent import events as ev
from nbagent.adapters.a2a.artifact import Artifact
from nbagent.adapters.a2a.content import PartWriter, message_text
from nbagent.adapters.a2a.frame import frame_kind, state_of
from nbagent.adapters.base.block import block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    list_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict
from nbagent.events.jsonable import text_safe

_ENDS: dict[str, StopInfo] = {
    "completed": StopInfo("completed", "completed"),
    "canceled": StopInfo("cancelled", "canceled"),
    "input-required": StopInfo("paused", "input-required"),
    "auth-required": StopInfo("paused", "auth-required"),
}


_QuestionKind: TypeAlias = Literal["tool", "input", "auth"]
_RUNNING = {"submitted", "working", "unknown", "unspecified", ""}
_FAILURES = {"failed": "the task failed", "rejected": "the task was rejected"}
_QUESTIONS: dict[str, _QuestionKind] = {"input-required": "input", "auth-required": "auth"}


class A2ADecoder(BaseDecoder):
    """Decoder of A2A frames."""

    system: ClassVar[str] = "a2a"
    reads_frames: ClassVar[bool] = True
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.parts = PartWriter(self.builder)
        self._artifacts: dict[str, Artifact] = {}
        self._is_task = False
        self._state = ""
        self._last_note: tuple[Any, str] = (None, "")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of the four frames, in any envelope, or a JSON-RPC error
        response.
        """
        payload = try_wire_dict(item[0] if isinstance(item, tuple) and item else item)
        if "jsonrpc" in payload and "error" in payload and "method" not in payload:
            return True
        try:
            return bool(frame_kind(payload)[0])
        except Exception:  # another system's fields under these names
            return False

    def read(self, item: Any) -> None:
        """Read one frame."""
        frame = frame_of(self._unwrap_pair(item))
        payload = to_wire_dict(frame.data)
        if frame.name == "done" or (payload == {} and isinstance(frame.data, Mapping)):
            # Hector's last frame.
            self.done()
            return
        if payload.get("error"):
            self.fail_with(payload["error"])
            return
        kind, body = frame_kind(payload)
        reader = _READERS.get(kind)
        if reader is None:
            self.unread(item)
            return
        self.builder.begin(thread_id=str_field(body, "contextId"))
        self._is_task = self._is_task or kind != "message"
        reader(self, body)

    @staticmethod
    def _unwrap_pair(item: Any) -> Any:
        """Return the update of a `(task, update)` pair of the 0.3 client, or the task if there is
        no update yet.
        """
        if not isinstance(item, tuple) or not item:
            return item
        for entry in reversed(item):
            if entry is not None and frame_kind(to_wire_dict(entry))[0]:
                return entry
        return item[0]

    def done(self) -> None:
        """Complete the run: the server sent its last frame."""
        self._close_artifacts()
        self.builder.end_texts_and_reasoning()
        self.complete()

    # --- tasks and their states ---

    def _read_task(self, task: Mapping[str, Any]) -> None:
        for artifact in list_or_empty(task.get("artifacts")):
            entry = fields_or_empty(artifact)
            if entry.get("artifactId") not in self._artifacts:  # a known artifact was streamed
                self._artifact_update({"artifact": entry, "lastChunk": True})
        self._status(task)

    def _status(self, payload: Mapping[str, Any]) -> None:
        status = fields_or_empty(payload.get("status"))
        metadata = fields_or_empty(payload.get("metadata"))
        state = state_of(status)
        message = fields_or_empty(status.get("message"))
        self._author(metadata.get("hector:transfer_to_agent") or metadata.get("author"))
        if state in _RUNNING:
            self._state = state
            self.stop_info = TRUNCATED
            if payload.get("final") is True:
                self.stop_info = StopInfo("incomplete", state, state)
            self._progress(message)
        elif state != self._state:  # servers often repeat the task at its end
            self._state = state
            self._close_artifacts()
            self._end_task(payload, state, message)

    def _end_task(self, payload: Mapping[str, Any], state: str, message: Mapping[str, Any]) -> None:
        text = message_text(message)
        if state in ("failed", "rejected"):
            self.fail(text or _FAILURES[state], state)
        elif state in _QUESTIONS:
            self._ask(payload, _QUESTIONS[state], text)
        elif message:
            self._message(message)
        has_answer = self.parts.wrote or self.parts.calls or self._artifacts
        if state == "completed" and not has_answer:
            # The agent sent only status messages: the last one is the answer.
            self.parts.text(("message", None), self._last_note[1])
        self.builder.end_texts_and_reasoning()
        self.stop_info = _ENDS.get(state, self.stop_info)

    def _ask(self, payload: Mapping[str, Any], kind: _QuestionKind, text: str) -> None:
        metadata = fields_or_empty(payload.get("metadata"))
        task_id = payload.get("taskId") or payload.get("id")
        ids = to_jsonable({"taskId": task_id, "contextId": payload.get("contextId")})
        prompt = str_field(metadata, "input_prompt") or text or None
        call_ids = metadata.get("long_running_tool_ids")
        if not isinstance(call_ids, list) or not call_ids:
            self._request_approval(self.builder.mint("approval"), None, kind, prompt, ids)
            return
        for call_id in map(str, call_ids):
            tool_id = block_id(self.parts.calls.get(call_id))
            self._request_approval(call_id, tool_id, "tool", prompt, ids)

    def _progress(self, message: Mapping[str, Any]) -> None:
        """Write the message of a working agent: plain text as status lines, parts with agents'
        metadata as usual.
        """
        message_id = message.get("messageId")
        for part in list_or_empty(message.get("parts")):
            data = fields_or_empty(part)
            text = data.get("text")
            if isinstance(text, str) and not _is_marked(data):
                self._write_note(message_id, text)
            else:
                self.parts.write(part, ("message", message_id))

    def _write_note(self, message_id: Any, text: str) -> None:
        """Write a status line, and keep the text of its message: it may be the answer."""
        if not text:
            return
        self.builder.status(text)
        last_id, before = self._last_note
        if message_id is not None and message_id == last_id:
            self._last_note = (message_id, before + text)
        else:
            self._last_note = (message_id, text)

    def _request_approval(
        self,
        approval_id: str,
        tool_id: str | None,
        kind: _QuestionKind,
        prompt: str | None,
        ids: dict[str, Any],
    ) -> None:
        request = ev.ApprovalRequest(
            approval_id=approval_id,
            tool_id=tool_id,
            kind=kind,
            prompt=prompt,
            meta=ids,
            **self.builder.envelope,
        )
        self.builder.write(request)

    def _author(self, name: Any) -> None:
        """Set the current agent, and write a hand-off if it changes."""
        before = self.builder.envelope.get("agent")
        if not nonempty_str(name) or name == before:
            return
        if before is not None:
            self._close_artifacts()
            self.builder.end_texts_and_reasoning()
            self.builder.write(ev.AgentHandoff(to=name, from_=before, **self.builder.envelope))
        self.builder.envelope["agent"] = text_safe(name)

    # --- messages and artifacts ---

    def _message(self, message: Mapping[str, Any]) -> None:
        """Write a message. A message without a task completes the run."""
        if str(message.get("role")).lower().endswith("user"):
            self.builder.custom("user_message", message)
            return
        for part in message["parts"]:
            self.parts.write(part, ("message", message.get("messageId")))
        if not self._is_task and not message.get("taskId"):
            self.stop_info = StopInfo("completed")

    def _artifact_update(self, payload: Mapping[str, Any]) -> None:
        upstream = fields_or_empty(payload["artifact"])
        metadata = fields_or_empty(payload.get("metadata"))
        parts = entries_in(upstream, "parts")
        name = upstream.get("artifactId")
        if isinstance(metadata.get("partial"), bool):
            self._hector(parts, metadata, ("artifact", name))
            return
        artifact = self._open_artifact(name, appends=payload.get("append") is True)
        for part in parts:
            text = fields_or_empty(part).get("text")
            if isinstance(text, str):
                artifact.texts[-1] += text
                if artifact.replaced:
                    continue  # its end has the whole text
            if self.parts.write(part, ("artifact", name)):
                self._end_text(str(name), artifact)
                artifact.texts.append("")
        if payload.get("lastChunk") is True:
            self._close_artifact(str(name), artifact)

    def _open_artifact(self, name: Any, *, appends: bool) -> Artifact:
        """Return the open artifact of that name, a new one if there is none.

        An update that does not append replaces what the artifact had.
        """
        artifact = None
        if isinstance(name, str):
            artifact = self._artifacts.get(name)
        if artifact is None or not artifact.open:
            artifact = self._artifacts[str(name)] = Artifact()
        elif not appends:
            artifact.replaced, artifact.texts = True, [""]
        return artifact

    def _close_artifact(self, name: str, artifact: Artifact) -> None:
        artifact.open = False
        self._end_text(name, artifact)

    def _end_text(self, name: str, artifact: Artifact) -> None:
        """End the last text of an artifact, unless it has ended before the artifact's content was
        replaced.
        """
        if len(artifact.texts) > artifact.ended:
            artifact.ended = len(artifact.texts)
            key, text = ("artifact", name), artifact.texts[-1]
            if artifact.replaced and text:
                self.builder.start_text(key)
            self.builder.end_text(key, text if artifact.replaced else None)

    def _close_artifacts(self) -> None:
        for name, artifact in self._artifacts.items():
            if artifact.open:
                self._close_artifact(name, artifact)

    def go_on(self) -> None:
        """Go on with a run that was paused: its task may require input again."""
        super().go_on()
        self._state = ""

    def finish(self) -> None:
        """End the response. A replaced artifact gets its text even if the stream was cut off."""
        self._close_artifacts()
        super().finish()

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the open artifacts with it."""
        if not self.builder.ended:
            self._close_artifacts()
        return super().close(error)

    def _hector(self, parts: Any, metadata: Mapping[str, Any], key: tuple[str, Any]) -> None:
        """Read an update of Hector 2, which has one artifact: deltas if `partial`, else the whole
        response again.
        """
        self._author(metadata.get("author"))
        thinking = fields_or_empty(metadata.get("thinking"))
        entries = [(part, fields_or_empty(part)) for part in parts]
        texts = [data["text"] for _, data in entries if isinstance(data.get("text"), str)]
        if metadata["partial"]:
            self._hector_deltas(texts, thinking, key)
        else:
            self._hector_response("".join(texts), thinking, key)
        for part, data in entries:
            kind = fields_or_empty(data.get("data")).get("type")
            is_repeat = bool(thinking) and kind == "thinking"
            if not is_repeat and not isinstance(data.get("text"), str):
                self.parts.write(part, key)
        self._hector_calls(metadata)

    def _hector_deltas(
        self, texts: list[str], thinking: Mapping[str, Any], key: tuple[str, Any]
    ) -> None:
        if str_field(thinking, "content"):
            self.builder.end_text(key)
            self.parts.reasoning(("reasoning", thinking.get("id")), thinking["content"])
        for text in texts:
            self.parts.text(key, text)

    def _hector_response(
        self, text: str, thinking: Mapping[str, Any], key: tuple[str, Any]
    ) -> None:
        if thinking:
            self.parts.complete_reasoning(thinking)
        if text and self.builder.text_id(key) is None:
            self.parts.text(key, text)
        self.builder.end_text(key, text or None)
        self.builder.end_texts_and_reasoning()

    def _hector_calls(self, metadata: Mapping[str, Any]) -> None:
        for call in map(fields_or_empty, entries_in(metadata, "tool_calls")):
            self.parts.call(
                str_field(call, "id"), str_field(call, "name", default="tool"), call.get("args")
            )
        for result in map(fields_or_empty, entries_in(metadata, "tool_results")):
            failed = result.get("is_error") is True
            self.parts.result(
                str_field(result, "tool_call_id"), result.get("content"), None, failed=failed
            )


def _is_marked(part: Mapping[str, Any]) -> bool:
    """Return True if a part has the metadata of one of the agents that `content` knows."""
    names = fields_or_empty(part.get("metadata"))
    return any(str(name).startswith(("agui_", "adk_")) for name in names)


_READERS: dict[str, Callable[[A2ADecoder, Mapping[str, Any]], None]] = {
    "task": A2ADecoder._read_task,
    "message": A2ADecoder._message,
    "status-update": A2ADecoder._status,
    "artifact-update": A2ADecoder._artifact_update,
}
