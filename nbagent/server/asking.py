"""Encoders of served runs whose systems have no questions: they tell that the run waits, what for,
and how to answer.
"""

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.agentor.encoder import AgentorEncoder
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.served_question import question_of, words_of
from nbagent.adapters.dexto.encoder import DextoEncoder
from nbagent.adapters.hector.encoder import HectorEncoder
from nbagent.adapters.status_tokens.encoder import StatusTokensEncoder
from nbagent.adapters.vercel_ui.encoder import VercelEncoder


class AskingHector(HectorEncoder):
    """Encodes events as Hector's chunks. A question is a chunk with words, and with the question.

    Args:
        root: path of the application.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self._root = root

    def other_event(self, event: e.Event) -> None:
        """Emit a question, on a line of its own."""
        if isinstance(event, e.ApprovalRequest):
            question = asked(self, event, self._root)
            newline = "" if self._at_line_start else "\n"
            self._at_line_start = True
            self.emit({"chunk": f"{newline}[{words_of(question)}]\n", "question": question})


class AskingStatus(StatusTokensEncoder):
    """Encodes events as status and token items. A question is a status.

    Args:
        root: path of the application.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self._root = root

    def other_event(self, event: e.Event) -> None:
        """Emit a question, or a status line."""
        if isinstance(event, e.ApprovalRequest):
            question = asked(self, event, self._root)
            self._emit_content("status", words_of(question), question=question)
        else:
            super().other_event(event)


class AskingAgentor(AgentorEncoder):
    """Encodes events as Agentor's outputs. A question is an `mcp_approval_requested`.

    Args:
        root: path of the application.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self._root = root

    def other_event(self, event: e.Event) -> None:
        """Emit a question, or what Agentor has itself."""
        if isinstance(event, e.ApprovalRequest):
            question = asked(self, event, self._root)
            action = {
                "name": self._tool_name(event),
                "type": "mcp_approval_requested",
                "question": question,
            }
            self._emit_run_item(message=words_of(question), tool_action=action)
        else:
            super().other_event(event)


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
    """

    def emit_approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> None:
        """Emit a question. The answer is the client's own, and version 6 fails on its chunk."""
        if isinstance(event, e.ApprovalRequest):
            super().emit_approval(replace(event, approval_id=f"{self.run_id}:{event.approval_id}"))


def asked(encoder: BaseEncoder, request: e.ApprovalRequest, root: str) -> dict[str, object]:
    """Return a question of the run that an encoder writes."""
    call = encoder.calls.get(request.tool_id or "")
    return question_of(
        request, None if call is None else call.name, f"{root}/runs/{encoder.run_id}/answers"
    )
