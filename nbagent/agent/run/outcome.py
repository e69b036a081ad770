"""`Outcome`: the result of a run, read from its events: an answer, or the error that says why there
is none.
"""

from typing import Any

from nbagent import events as e
from nbagent.agent.run.limits import LimitReached
from nbagent.blocks.end import end_label
from nbagent.errors import AgentError, Cancelled, NbagentError
from nbagent.gate import secrets
from nbagent.protocol.shared import count

ANSWER_EVENTS = (e.Error, e.ToolStart, e.ApprovalRequest, e.StepEnd, e.RunEnd)
"""Types of the events that make the result of a run."""

PAUSED = "Give generate(…, answer=handler), or show agent.stream(…), which asks the reader"


class Outcome:
    """Reads the events of one run.

    Args:
        name: of the agent, for messages.
        max_steps: of the run, for messages.
    """

    def __init__(self, name: str, max_steps: int) -> None:
        self._name = name
        self._max_steps = max_steps
        self._error: e.Error | None = None
        self._calls: dict[str, str] = {}  # names of tools by call
        self._end = e.RunEnd(status="incomplete")
        self._last_step: e.Usage | None = None

    def feed(self, event: e.Event) -> None:
        """Take the next event of the run itself."""
        match event:
            case e.Error(fatal=True):
                self._error = event
            case e.ToolStart():
                self._calls[event.id] = event.name
            case e.StepEnd():
                self._last_step = event.usage
            case e.RunEnd():
                self._end = event

    def answer(self, failure: BaseException | None) -> Any:
        """Return the answer of a run that has ended: a text, or the object that was asked for.

        Args:
            failure: the exception that ended the run, or None.

        Raises:
            AgentError: the run did not complete.
            Cancelled: the model's server cancelled its response.
        """
        end, error = self._end, self._error
        if end.status == "completed":
            if end.value is None:
                return end.output or ""
            return end.value.value
        if end.status == "cancelled":
            raise Cancelled("the model's server")  # no one else has this stream
        message = self._problem(failure)
        code = end.code
        if code is None and error is not None:
            code = error.code
        partial = end.output if isinstance(end.output, str) else ""
        if partial:
            message = (
                f"{message.removesuffix('.')}. error.partial has the {count(len(partial))} "
                "characters that came"
            )
        raise AgentError(message, status=end.status, code=code, partial=partial) from _cause(
            failure
        )

    def _problem(self, failure: BaseException | None) -> str:
        """Return why there is no answer."""
        if isinstance(failure, LimitReached):
            return str(failure)
        if self._error is not None:
            return self._error.message
        if self._end.status == "max_steps":
            return f"{self._name} has not answered within {self._max_steps} steps (max_steps)"
        return f"{self._name} did not finish its answer. {self._reason()}"

    def _reason(self) -> str:
        """Return why the answer is not whole, in the words of the view."""
        end, step = self._end, self._last_step
        reasons = {
            "code": end.code,
            "finish_reason": end.finish_reason,
            "last_output": None if step is None else step.output,
        }
        return end_label({"status": end.status, **reasons})

    def tool_of(self, request: e.ApprovalRequest) -> str | None:
        """Return the name of the tool that a question is about; None if it is about no call."""
        return self._calls.get(request.tool_id or "")

    def unanswered(self, request: e.ApprovalRequest) -> AgentError:
        """Return the error of a question that nobody is there to answer."""
        tool = self.tool_of(request)
        asked = f"may it call {tool}({request.args})?" if tool else request.prompt or request.kind
        message = secrets.mask(f"{self._name} waits for an answer: {asked} {PAUSED}")
        return AgentError(message, status="paused", code="approval_required", partial="")


def _cause(error: BaseException | None) -> BaseException | None:
    """Return the error; None if it says no more than the answer's own, or holds a secret, which
    some servers quote.
    """
    if isinstance(error, NbagentError):
        return None
    return secrets.without_secrets(error)
