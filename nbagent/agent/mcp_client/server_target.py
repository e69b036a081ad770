"""`ServerTarget`: the command or address of an MCP server."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbagent.agent.tools.tool import check_approve, check_result_chars
from nbagent.errors import NbagentError
from nbagent.runtime.timeouts import is_limit


class ServerTarget:
    """A command, or an address.

    Args:
        target: the words of a command, a command line, or a URL.

    Attributes:
        is_url: whether it is an address.
        words: of the command, or the address alone.

    Raises:
        NbagentError: it is neither.
    """

    def __init__(self, target: str | Sequence[str]) -> None:
        self.is_url = isinstance(target, str) and target.startswith(("http://", "https://"))
        self.words: list[str] = [str(target)] if self.is_url else _words(target)
        if not self.words or not self.words[0]:
            raise NbagentError(
                'mcp() takes a command, such as "uvx some-server", or an address; got an empty one'
            )

    @property
    def label(self) -> str:
        """A short name: the host of an address; of a command the second word that is no option, as
        of `uvx some-server`, else the first.
        """
        if self.is_url:
            return self.words[0].split("://", 1)[1].split("/", 1)[0].split("@")[-1].split(":")[0]
        names = [Path(word).name for word in self.words if not word.startswith("-")]
        if len(names) > 1:
            return names[1]
        return names[0]

    def check(self, options: Mapping[str, Any]) -> None:
        """Check the options of `nbagent.mcp`.

        Raises:
            NbagentError: one is invalid, or does not go with the target.
        """
        wrong = ("env", "cwd") if self.is_url else ("headers",)
        for name in wrong:
            if options[name] is not None:
                kind = "an address" if self.is_url else "a command"
                raise NbagentError(f"mcp(): {name}= does not go with {kind}, {self.words[0]!r}")
        for name in ("timeout", "start_timeout"):
            if not is_limit(options[name]):
                raise NbagentError(
                    f"mcp(): {name} must be a positive number of seconds, got {options[name]!r}"
                )
        check_approve("mcp()", options["approve"])
        if options["result_chars"] is not None:
            check_result_chars("mcp()", options["result_chars"])


def _words(target: Any) -> list[str]:
    """Return the words of a command.

    Raises:
        NbagentError: it is none.
    """
    try:
        if isinstance(target, str):
            return shlex.split(target)
        return [str(word) for word in target]
    except (TypeError, ValueError) as error:  # a quotation mark without its other one
        raise NbagentError(
            f'mcp() takes a command, such as "uvx some-server", or an address; got {target!r}: '
            f"{error}"
        ) from None
