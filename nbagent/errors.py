"""The errors a user of nbagent may see. Every message names the thing, what was got, and what to do."""


class NbagentError(Exception):
    """Base of every error that nbagent raises on purpose."""


class UnknownSource(NbagentError, TypeError):
    """`show()` was given something that is not a stream, or a stream of items no adapter knows."""


class UnknownSystem(NbagentError, ValueError):
    """No encoder writes for a system of that name."""


class StreamError(NbagentError):
    """The stream itself said that it failed. The message is the service's own.

    Attributes:
        code: the service's code for it, such as "429" or "rate_limit_exceeded".
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class Cancelled(NbagentError):
    """The run was stopped. `by` says who: `"you"` (the Stop button, `run.cancel()`, an interrupt) or what else stopped it."""

    def __init__(self, by: str = "you") -> None:
        super().__init__(f"Stopped by {by}")
        self.by = by


class ToolError(NbagentError):
    """A tool cannot be used: no such tool, bad arguments, a signature that has no JSON schema."""


class AgentError(NbagentError):
    """A run of an agent did not complete, so there is no whole answer.

    Attributes:
        status: how the run ended: failed, incomplete or max_steps.
        code: more about it, such as "timeout", "invalid_api_key" or "429".
        partial: the text that came before the end.
    """

    def __init__(self, message: str, *, status: str, code: str | None, partial: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.partial = partial
