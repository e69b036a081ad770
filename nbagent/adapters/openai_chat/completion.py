"""`CompletionEncoder`: a whole run as one completion, for clients that do not stream.

Source: https://platform.openai.com/docs/api-reference/chat/object, as openai 3.57 reads it.
"""

from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.streamed import StreamedText
from nbagent.adapters.base.text_forms import as_text
from nbagent.adapters.openai_chat.encoder import ChatEncoder, chat_error, chat_usage


class CompletionEncoder(BaseEncoder):
    """Encodes a run as one item: its completion, or its error.

    The content is the answer, without the texts before the agent's own calls.

    Args:
        model: the name that clients know the model by; None is that of the run.
    """

    system = ChatEncoder.system
    end_statuses = ChatEncoder.end_statuses
    limit_names = ChatEncoder.limit_names

    def __init__(self, model: str | None = None) -> None:
        super().__init__()
        self._named = model
        self.names_calls = model is not None
        self._texts_of_step: list[StreamedText] = []
        self._reasoning_of_step: list[StreamedText] = []

    def start_step(self, event: ev.StepStart) -> None:
        """Forget what the response before has said."""
        self._texts_of_step, self._reasoning_of_step = [], []

    def end_text(self, text: StreamedText) -> None:
        """Keep a text."""
        self._texts_of_step.append(text)

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Keep a thought."""
        self._reasoning_of_step.append(reasoning)

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the completion or the error."""
        if error is not None:
            self.emit(chat_error(error))
            return
        message = self._message(end)
        reason = "tool_calls" if "tool_calls" in message else "stop"
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.limit_name(end) or reason,
        }
        self.emit(
            {
                "id": f"chatcmpl-{self.run_id}",
                "object": "chat.completion",
                "created": self.created,
                "model": self._named or self.model or "",
                "choices": [choice],
                "usage": chat_usage(self.usage or ev.Usage()),
            }
        )

    def _message(self, end: ev.RunEnd) -> dict[str, Any]:
        refused = _joined([text for text in self._texts_of_step if text.is_refusal])
        said = _joined([text for text in self._texts_of_step if not text.is_refusal])
        if end.status == "completed" and end.output is not None and not refused:
            said = as_text(end.output)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": said or None,
            "refusal": refused or None,
        }
        if thought := _joined(self._reasoning_of_step):
            message["reasoning_content"] = thought
        if calls := self.open_calls():
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.args_text},
                }
                for call in calls
            ]
        return message


def _joined(texts: list[StreamedText]) -> str:
    return "\n\n".join(filter(None, (text.final for text in texts)))
