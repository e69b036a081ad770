"""`FinalAnswer`: the text of `run.answer`, which can also be called, to answer a question of the
run.
"""

from collections.abc import Callable
from typing import Any

from nbagent.events import Decision


class FinalAnswer(str):
    """The final answer so far, a plain text.

    Called, it answers a question that the run asks: see `Run.respond`.

    Both are what `run.answer` says, so it is both.
    """

    _respond: Callable[..., None]

    @classmethod
    def of(cls, text: str, respond: Callable[..., None]) -> "FinalAnswer":
        """Return the text.

        Args:
            text: the answer.
            respond: `Run.respond` of the run.
        """
        made = cls(text)
        made._respond = respond
        return made

    def __call__(
        self,
        id: str,
        decision: bool | Decision = True,
        value: Any = None,
        *,
        reason: str | None = None,
        remember: bool = False,
    ) -> None:
        """Answer a question: `Run.respond`."""
        self._respond(id, decision, value, reason=reason, remember=remember)

    def __reduce__(self) -> Any:
        return str, (str(self),)
