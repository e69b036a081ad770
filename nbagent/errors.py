"""The errors a user of nbagent may see. Every message names the thing, what was got, and what to do."""


class NbagentError(Exception):
    """Base of every error that nbagent raises on purpose."""


class UnknownSource(NbagentError, TypeError):
    """`show()` was given something that is not a stream, or a stream of items no adapter knows."""


class UnknownSystem(NbagentError, ValueError):
    """No encoder writes for a system of that name."""


class StreamError(NbagentError):
    """The stream failed: its service said so, in its own words, or its connection did not hold.

    Attributes:
        code: the service's code for it, such as "429" or "rate_limit_exceeded", or a word for what befell the connection, such
            as "idle_timeout" or "connection_lost".
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class MissingExtra(NbagentError, ImportError):
    """A package is not installed that only some need. The message says how to install it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a package that is not installed: pip install 'jupyter-nbagent[{extra}]'")


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
