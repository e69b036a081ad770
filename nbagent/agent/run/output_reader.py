"""`OutputReader`: the answer of a run in the form that was asked for."""

from nbagent.agent.model.input_items import Message
from nbagent.agent.model.structured import OutputFormat, StructuredAnswer
from nbagent.errors import ToolError

MAX_CORRECTIONS = 1
"""Requests for another answer, after one that does not have the form that was asked for."""


class InvalidOutput(Exception):
    """The answer does not have the form that was asked for. Its message says what was got."""


class OutputReader:
    """Reads the answer, and asks for another one where it has another form.

    Args:
        output: the form; None for a text.

    Attributes:
        answer: what was read; None before that, and for a text.
    """

    def __init__(self, output: OutputFormat | None) -> None:
        self.answer: StructuredAnswer | None = None
        self._output = output
        self._corrections = 0

    def read(self, text: str) -> str | None:
        """Read the answer. Return what is wrong with it, or None."""
        if self._output is None:
            return None
        try:
            self.answer = self._output.read(text)
        except ToolError as error:
            return str(error)
        return None

    def correct(self, agent: str, problem: str) -> tuple[str, Message]:
        """Return a notice for the reader, and the message that asks for an answer of the right
        form.

        Args:
            agent: its name.
            problem: the answer has.

        Raises:
            InvalidOutput: the model was asked before.
        """
        output = self._output
        assert output is not None
        if self._corrections == MAX_CORRECTIONS:
            raise InvalidOutput(
                f"{agent} did not answer with {output.name}, asked twice: {problem}"
            )
        self._corrections += 1
        message = Message(role="user", content=output.correction(problem))
        return f"Asked again for {output.name}: {problem}", message
