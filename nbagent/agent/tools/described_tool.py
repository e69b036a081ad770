"""`DescribedTool`: a tool as the APIs of models take it."""

from typing import Protocol

from nbagent.agent.tools.type_reader import JsonSchema


class DescribedTool(Protocol):
    """A tool as a model's API takes it."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def description(self) -> str:
        """Description of the tool, for the model."""

    @property
    def schema(self) -> JsonSchema:
        """The JSON Schema of its arguments."""

    @property
    def strict(self) -> bool:
        """True if the server holds the arguments to the schema."""


def responses_form(item: DescribedTool) -> JsonSchema:
    """Return the tool in the form of the Responses API
    (https://platform.openai.com/docs/guides/function-calling).
    """
    return {
        "type": "function",
        "name": item.name,
        "description": item.description,
        "parameters": item.schema,
        "strict": item.strict,
    }


def chat_form(item: DescribedTool) -> JsonSchema:
    """Return the tool in the form of the Chat Completions API."""
    function: JsonSchema = {
        "name": item.name,
        "description": item.description,
        "parameters": item.schema,
    }
    if item.strict:  # not every server knows it
        function["strict"] = True
    return {"type": "function", "function": function}
