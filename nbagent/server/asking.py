"""Encoders of served runs whose systems have no questions: they tell that the run waits, what for,
and how to answer.
"""

from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.agentor.encoder import AgentorEncoder
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.served_question import question_of, words_of
from nbagent.adapters.dexto.encoder import DextoEncoder
from nbagent.adapters.hector.encoder import HectorEncoder
from nbagent.adapters.status_tokens.encoder import StatusTokensEncoder
from nbagent.adapters.vercel_ui.encoder import VercelEncoder


class _AskingEncoder(BaseEncoder):
    """Base of encoders whose systems have no questions.

    Args:
        root: path of the application.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self._root = root

    def emit_question(self, request: e.ApprovalRequest, question: dict[str, Any]) -> None:
        """Called for each question, as the event and as JSON (see `question_of`)."""

    def other_event(self, event: e.Event) -> None:
        """Emit a question, or what the system has itself."""
        if not isinstance(event, e.ApprovalRequest):
            super().other_event(event)
            return
        answers = f"{self._root}/runs/{self.run_id}/answers"
        self.emit_question(event, question_of(event, self.tool_of(event), answers))


class AskingHector(_AskingEncoder, HectorEncoder):
    """Encodes events as Hector's chunks. A question is a chunk with words, and with the question,
    on a line of its own.
    """

    def emit_question(self, request: e.ApprovalRequest, question: dict[str, Any]) -> None:
        """Emit a question."""
        newline = "" if self._at_line_start else "\n"
        self._at_line_start = True
        self.emit({"chunk": f"{newline}[{words_of(question)}]\n", "question": question})


class AskingStatus(_AskingEncoder, StatusTokensEncoder):
    """Encodes events as status and token items. A question is a status."""

    def emit_question(self, request: e.ApprovalRequest, question: dict[str, Any]) -> None:
        """Emit a question."""
        self._emit_content("status", words_of(question), question=question)


class AskingAgentor(_AskingEncoder, AgentorEncoder):
    """Encodes events as Agentor's outputs. A question is an `mcp_approval_requested`."""

    def emit_question(self, request: e.ApprovalRequest, question: dict[str, Any]) -> None:
        """Emit a question."""
        action = {
            "name": self._tool_name(request),
            "type": "mcp_approval_requested",
            "question": question,
        }
        self._emit_run_item(message=words_of(question), tool_action=action)


class AskingDexto(DextoEncoder):
    """Encodes events as Dexto's.

    The id of a question names its run, too: Dexto's answer has nothing else.
    """

    def other_event(self, event: e.Event) -> None:
        """Emit a question or its answer, or another event."""
        if isinstance(event, e.ApprovalRequest | e.ApprovalResponse):
            event = replace(event, approval_id=f"{self.run_id}:{event.approval_id}")
        super().other_event(event)


class AskingVercel(VercelEncoder):
    """Encodes events as the stream of `useChat`.

    The id of a question names its run, too: the answer has nothing else.

    Args:
        message_id: of the client's message that goes on; None begins one.
    """

    def __init__(self, message_id: str | None = None) -> None:
        super().__init__()
        self._message_id = message_id

    def start_run(self) -> None:
        """Emit the start of the message, or of its next part."""
        self.emit({"type": "start", "messageId": self._message_id or self.run_id})

    def emit_approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> None:
        """Emit a question. The answer is the client's own, and version 6 fails on its chunk."""
        if isinstance(event, e.ApprovalRequest):
            super().emit_approval(replace(event, approval_id=f"{self.run_id}:{event.approval_id}"))
