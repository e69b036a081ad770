"""`ValueType`: the type of a value that a model writes."""

from typing import Any

from nbagent.agent.tools.conversion import convert
from nbagent.agent.tools.type_reader import schema_of, type_name, type_reader
from nbagent.errors import ToolError


class ValueType:
    """A type of a value that a model writes: its JSON Schema, and the reading of the value.

    Args:
        annotation: a pydantic model, a dataclass, a TypedDict, a msgspec.Struct, a plain type, or a
            list or union of these.

    Attributes:
        name: of the type, as it is written in code.
        schema: its JSON Schema.

    Raises:
        ToolError: it has no JSON Schema.
    """

    def __init__(self, annotation: Any) -> None:
        self.name = type_name(annotation)
        self._annotation = annotation
        try:
            self._reader = type_reader(annotation)
        except Exception as error:  # each library has several for a type that it cannot describe
            raise ToolError(
                f"output={self.name} has no JSON schema: use a pydantic model, a dataclass, a "
                "TypedDict, a msgspec.Struct, "
                "a JSON type, or a list of these"
            ) from error
        self.schema = schema_of(self._reader)

    def convert(self, value: Any) -> Any:
        """Convert JSON to the type, leniently, as arguments of tools are.

        Raises:
            ToolError: it does not fit; the message has what was got, what is wanted and why it does
                not fit.
        """
        return convert(value, self._reader, self._annotation, "the answer")
