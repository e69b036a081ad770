"""A request for a chat completion.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from nbagent.agent.client_options import ClientOptions
from nbagent.agent.model.model_options import ModelOptions
from nbagent.server.openai.answer_form import form_of
from nbagent.server.openai.client_tools import choice_of
from nbagent.server.openai.parameters import Bias, Count, Json, Parameters, Penalty

FIXED: Mapping[str, tuple[Any, str]] = {
    "n": (1, "an agent gives one answer"),
    "logprobs": (False, "an agent gives no probabilities"),
    "top_logprobs": (0, "an agent gives no probabilities"),
    "modalities": (["text"], "an agent answers with text"),
    "audio": (None, "an agent answers with text"),
    "functions": (None, "this is an old name; give tools"),
    "function_call": (None, "this is an old name; give tool_choice"),
    "web_search_options": (None, "an agent searches with tools of its own"),
    "moderation": (None, "an agent moderates nothing"),
}
"""Parameters that must have one value, and why."""


class StreamOptions(msgspec.Struct):
    """Options of a streamed completion."""

    include_usage: bool | None = False
    include_obfuscation: bool | None = None


class ChatRequest(Parameters, kw_only=True):
    """A request for a chat completion; `model` is the name of an agent.

    `prediction`, which only makes an answer come sooner, means nothing here.
    """

    messages: Annotated[list[Json], msgspec.Meta(min_length=1)]
    stream_options: StreamOptions | None = None
    response_format: Json | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: Bias | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    prediction: Json | None = None

    def client_options(self) -> ClientOptions:
        """Return what the client asks the agent for.

        Raises:
            Problem: the agent cannot do it (400).
        """
        tools, must_call = choice_of(self.tools, self.tool_choice, nested=True)
        options = {name: getattr(self, name) for name in ModelOptions.__struct_fields__}
        if not tools:
            options["parallel_tool_calls"] = None  # the agent's own calls are its own affair
        return ClientOptions(
            tools=tools,
            must_call=must_call,
            form=form_of(self.response_format, "response_format", nested=True),
            model=ModelOptions(**options),
        )
