"""Errors that nbagent raises.

Every message names the object, the value that was got, and what to do.
"""

import difflib
from collections.abc import Iterable, Iterator

from nbagent.printable import printable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a part of a sentence that names the known name most like the given one, or "" if none
    is like it.

    Case and the separators `. _ -` do not count: "tool_result" is like "tool.result".
    """
    plain = {_plain(each): each for each in known}
    close = difflib.get_close_matches(_plain(name), plain, n=1)
    return f"; did you mean {plain[close[0]]!r}?" if close else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", ".").replace("-", ".")


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and the ones that it came from, the first cause last, as a traceback shows
    them.

    An exception comes from its `__cause__`, or else from its `__context__` unless `raise … from
    None` suppressed that. A group comes from the first of its exceptions.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


class NbagentError(Exception):
    """Base of every error that nbagent raises on purpose.

    Its text is safe to print: a service's words may be part of it.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class UnknownSource(NbagentError, TypeError):
    """The source is not a stream, or no adapter reads its items."""


class UnknownSystem(NbagentError, ValueError):
    """The name is not that of an encoder."""


class StreamError(NbagentError):
    """The stream failed: its service reported an error, or the connection broke.

    Attributes:
        code: of the service, such as "429" or "rate_limit_exceeded", or of the connection, such as
            "idle_timeout" or "connection_lost"; None if there is none.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class MissingExtra(NbagentError, ImportError):
    """An optional package is not installed. The message has the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs a package that is not installed: pip install 'jupyter-nbagent[{extra}]'"
        )


class MissingPackage(NbagentError, ImportError):
    """A package is missing: in a page (Pyodide) those are that have no wheel for it."""

    def __init__(self, what: str, package: str) -> None:
        super().__init__(f"{what} needs the package {package}, which this Python does not have")


class BrokenAdapter(NbagentError, ImportError):
    """An adapter of another package cannot be imported, or is none. The message names both."""


class Cancelled(NbagentError):
    """The run was stopped.

    Attributes:
        by: `"you"` (the Stop button, `run.cancel()`, an interrupt), or the name of another cause.
    """

    def __init__(self, by: str = "you") -> None:
        super().__init__(f"Stopped by {by}")
        self.by = by


class ConfigError(NbagentError, ValueError):
    """A configuration file is not valid.

    Attributes:
        file: its name.
        problems: the line of each mistake, from 1, and a sentence.
    """

    def __init__(self, file: str, problems: Iterable[tuple[int, str]]) -> None:
        self.file = file
        self.problems = list(problems)
        lines = [f"line {line}: {text}" for line, text in self.problems]
        super().__init__(
            f"{file}, {lines[0]}"
            if len(lines) == 1
            else "\n  ".join([f"{file}: {len(lines)} mistakes", *lines])
        )


class ToolError(NbagentError):
    """A tool cannot be used: there is no such tool, the arguments are wrong, or its signature has
    no JSON schema.
    """


class ForkError(NbagentError, ValueError):
    """A run cannot be forked so: there is no such call or step, its tool is gone, or the arguments
    do not fit.
    """


class AnswerError(NbagentError, ValueError):
    """An answer cannot be taken: no such question waits, or the value does not fit what was
    asked.
    """


class SessionError(NbagentError):
    """A conversation cannot be read or kept: it was deleted, its name is taken, or its file cannot
    be used.
    """


class AgentError(NbagentError):
    """A run of an agent did not complete, so its answer is not complete either.

    Attributes:
        status: `"failed"`, `"incomplete"` or `"max_steps"`.
        code: of the error, such as "timeout", "invalid_api_key" or "429"; None if there is none.
        partial: the text so far.
    """

    def __init__(self, message: str, *, status: str, code: str | None, partial: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.partial = partial
