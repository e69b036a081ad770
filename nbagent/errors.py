"""The errors a user of nbagent may see. Every message names the thing, what was got, and what to do."""


class NbagentError(Exception):
    """Base of every error that nbagent raises on purpose."""


class UnknownSource(NbagentError, TypeError):
    """`show()` was given something that is not a stream, or a stream of items no adapter knows."""


class Cancelled(NbagentError):
    """The run was stopped. `by` says who: `"you"` (the Stop button, `run.cancel()`, an interrupt) or what else stopped it."""

    def __init__(self, by: str = "you") -> None:
        super().__init__(f"Stopped by {by}")
        self.by = by


class ToolError(NbagentError):
    """A tool cannot be used: no such tool, bad arguments, a signature that has no JSON schema."""
