"""Threads in the form of OpenAI's Assistants API: their objects, and the streams of their runs.

Source: https://platform.openai.com/docs/api-reference/threads. A question of a run is a call whose
output the client submits (`requires_action`).
"""

import json
from functools import partial
from typing import Any

from nbagent import events as e
from nbagent.adapters.base.served_question import question_of
from nbagent.adapters.openai_assistants.encoder import (
    AssistantsEncoder,
    NearEncoder,
    ThreadRunEncoder,
)
from nbagent.events import ApprovalRequest
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.pauses import PERMISSIONS, PauseAnswer, PausingEncoder, permission_in
from nbagent.server.problem import Problem

Json = dict[str, Any]


class _AskingThread(PausingEncoder, ThreadRunEncoder):
    """Base of the encoders of runs in threads: at a question the run requires action."""

    def other_event(self, event: e.Event) -> None:
        """Require the answer of a question."""
        if isinstance(event, ApprovalRequest):
            self.ensure_created()
            self.pause(event.approval_id, partial(self._require, event), lambda: None)
        else:
            super().other_event(event)

    def _require(self, request: ApprovalRequest) -> None:
        question = question_of(request, self.tool_of(request), f"/runs/{self.run_id}/answers")
        asked = request.args if request.kind in PERMISSIONS else question
        function = {
            "name": question["tool"] or request.kind,
            "arguments": json.dumps(asked, ensure_ascii=False),
        }
        calls = [{"id": request.approval_id, "type": "function", "function": function}]
        action = {
            "type": "submit_tool_outputs",
            "submit_tool_outputs": {"tool_calls": calls},
            "question": question,
        }
        self.emit_run("requires_action", required_action=action)


class AskingNear(_AskingThread, NearEncoder):
    """Encodes events as the stream of a run on NEAR AI's hub."""


class AskingAssistants(_AskingThread, AssistantsEncoder):
    """Encodes events as Assistants stream events."""


def run_object(run: HostedRun) -> Json:
    """Return a run as it is now."""
    feed = run.encoded_by("openai.assistants asking", AskingAssistants)
    encoder = feed.encoder
    assert isinstance(encoder, AskingAssistants)
    items: list[Any] = [item for _, item in feed.so_far()]
    found = {
        **encoder.run_object("queued"),
        "id": run.id,
        "thread_id": run.stored.session,
        "assistant_id": f"asst_{run.stored.agent}",
    }
    for item in items:
        if "pause" in item:
            item = item["closing"][0] if run.waits_for(item["pause"]) else item
        if str(item.get("event")).startswith("thread.run.") and "status" in item["data"]:
            found = item["data"] if item["data"]["object"] == "thread.run" else found
    return found


def message_object(message: Json, number: int, thread: str) -> Json:
    """Return a message of Chat Completions as a message of a thread.

    Args:
        message: with a text.
        number: its place in the thread.
        thread: id of the thread.
    """
    text = {"value": text_of(message), "annotations": []}
    return {
        "id": f"msg_{number}",
        "object": "thread.message",
        "created_at": 0,
        "thread_id": thread,
        "run_id": None,
        "assistant_id": None,
        "role": message["role"],
        "status": "completed",
        "content": [{"type": "text", "text": text}],
        "attachments": [],
        "metadata": {},
    }


def text_of(message: Json) -> str:
    """Return the text of a message of Chat Completions."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [part.get("text") for part in parts if part.get("type") == "text"]
    return "\n\n".join(text for text in texts if text)


def chat_message(message: Json) -> Json:
    """Return a message that a client adds to a thread, in the form of Chat Completions.

    Raises:
        Problem: it is empty, of another role than user and assistant, or has a part that cannot be
            read (422).
    """
    role, content = message.get("role", "user"), message.get("content")
    if role not in ("user", "assistant"):
        raise Problem(422, f"a message has the role user or assistant, got {role!r:.80}")
    made = [_part(each) for each in content] if isinstance(content, list) else content
    if not made or not (isinstance(made, list) or (isinstance(made, str) and made.strip())):
        raise Problem(422, "the content of a message must be a text that is not empty, or parts")
    return {"role": role, "content": made}


def _part(part: Any) -> Json:
    match part:
        case {"type": "text", "text": str(text) | {"value": str(text)}}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": str()}}:
            return {"type": "image_url", "image_url": part["image_url"]}
    raise Problem(422, f"a part of a message is a text or an image_url, got {part!r:.80}")


def answer_in(request: ApprovalRequest, output: str) -> PauseAnswer:
    """Return the answer that the output of a call is.

    Of a permission it is yes or no, in words or as JSON: `{"approved": true}`, with a `reason` or
    the changed `args`. What does not clearly allow a call denies it, and is the reason.
    """
    try:
        given = json.loads(output)
    except ValueError:
        given = output
    if request.kind not in PERMISSIONS:
        value = given if isinstance(given, dict | list) else output
        return PauseAnswer(request.approval_id, "approve", value)
    if isinstance(given, dict) and isinstance(given.get("approved"), bool):
        reason = given.get("reason")
        if given["approved"]:
            return PauseAnswer(request.approval_id, "approve", given.get("args"))
        return PauseAnswer(
            request.approval_id, "deny", None, None if reason is None else str(reason)
        )
    decision, reason = permission_in(output)
    return PauseAnswer(request.approval_id, decision, None, reason)
