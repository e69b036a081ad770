"""A request for a response.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from nbagent.agent.client_options import ClientOptions
from nbagent.agent.model.model_options import ModelOptions
from nbagent.server.openai.answer_form import form_of
from nbagent.server.openai.client_tools import choice_of
from nbagent.server.openai.parameters import Count, Json, Parameters
from nbagent.server.problem import Problem

FIXED: Mapping[str, tuple[Any, str]] = {
    "top_logprobs": (0, "an agent gives no probabilities"),
    "truncation": ("disabled", "an agent's memory chooses what its model is sent"),
    "max_tool_calls": (None, "an agent's max_steps limits its calls"),
    "conversation": (None, "conversations are not kept by their ids; give previous_response_id"),
    "prompt": (None, "an agent has instructions of its own; give instructions"),
    "context_management": (None, "an agent's memory chooses what its model is sent"),
    "image": (None, "an agent answers with text"),
    "moderation": (None, "an agent moderates nothing"),
}
"""Parameters that must have one value, and why."""

INCLUDED = frozenset(
    {
        "reasoning.encrypted_content",
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
    }
)
"""Parts of items that a response of an agent does not have, and so includes."""


class Reasoning(msgspec.Struct):
    """Effort of the model's reasoning. A summary of that is not given to clients."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class TextOptions(msgspec.Struct):
    """Form and length of the answer."""

    format: Json | None = None
    verbosity: str | None = None


class StreamOptions(msgspec.Struct):
    """Options of a streamed response."""

    include_obfuscation: bool | None = None


class ResponsesRequest(Parameters, kw_only=True):
    """A request for a response; `model` is the name of an agent."""

    input: (
        Annotated[str, msgspec.Meta(min_length=1)]
        | Annotated[list[Json], msgspec.Meta(min_length=1)]
    )
    instructions: str | None = None
    previous_response_id: str | None = None
    background: bool | None = False
    background_options: Json | None = None
    max_output_tokens: Count | None = None
    reasoning: Reasoning | None = None
    text: TextOptions | None = None
    include: list[str] | None = None
    stream_options: StreamOptions | None = None

    @property
    def items(self) -> list[Json]:
        """The input, as items."""
        if isinstance(self.input, str):
            return [{"role": "user", "content": self.input}]
        return self.input

    def client_options(self) -> ClientOptions:
        """Return what the client asks the agent for.

        Raises:
            Problem: the agent cannot do it (400).
        """
        tools, must_call = choice_of(self.tools, self.tool_choice, nested=False)
        reasoning = self.reasoning or Reasoning()
        text = self.text or TextOptions()
        for name in self.include or ():
            if name not in INCLUDED:
                raise Problem(400, f"include: an agent has no {name}", param="include")
        return ClientOptions(
            tools=tools,
            must_call=must_call,
            instructions=self.instructions or "",
            form=form_of(text.format, "text.format", nested=False),
            model=ModelOptions(
                temperature=self.temperature,
                top_p=self.top_p,
                parallel_tool_calls=self.parallel_tool_calls if tools else None,
                max_tokens=self.max_output_tokens,
                reasoning_effort=reasoning.effort,
                verbosity=text.verbosity,
            ),
        )

    def echo(self) -> Json:
        """Return the parameters that a response repeats."""
        repeated = {
            "instructions": self.instructions,
            "previous_response_id": self.previous_response_id,
            "metadata": self.metadata or {},
            "tools": [{"parameters": None, "strict": None, **tool} for tool in self.tools or ()],
            "tool_choice": self.tool_choice,
            "parallel_tool_calls": self.parallel_tool_calls is not False,
            "max_output_tokens": self.max_output_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "background": bool(self.background),
        }
        if self.text is not None and self.text.format is not None:
            repeated["text"] = {"format": self.text.format}
        return repeated
