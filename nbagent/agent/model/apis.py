"""OpenAI's two APIs: the requests of each, and what its replies say."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import openai

from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
from nbagent.agent.model import input_items
from nbagent.agent.model.model_options import ModelOptions, for_chat, for_responses
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.tools.described_tool import DescribedTool, chat_form, responses_form

ApiName: TypeAlias = Literal["responses", "chat"]
Json = dict[str, Any]


class ResponsesApi:
    """https://platform.openai.com/docs/api-reference/responses-streaming."""

    name: ClassVar[ApiName] = "responses"
    extras: ClassVar[Json] = {"include": ["reasoning.encrypted_content"]}
    """Parameters that not every server knows; omitted after a server refused them."""

    @staticmethod
    def decoder() -> BaseDecoder:
        """Return a new decoder, for one run."""
        return ResponsesDecoder()

    @staticmethod
    def request(
        instructions: str,
        items: Sequence[input_items.Item],
        tools: Sequence[DescribedTool],
        settings: Mapping[str, Any],
    ) -> Json:
        """Return the body of a request, without the model.

        The server stores nothing unless the settings say so.
        """
        stored = settings.get("store") is True
        made: Json = {"input": input_items.to_responses(items, stored=stored), "store": stored}
        if instructions:
            made["instructions"] = instructions
        if tools:
            made["tools"] = [responses_form(item) for item in tools]
        return made

    @staticmethod
    def settings(own: Mapping[str, Any], options: ModelOptions) -> Json:
        """Return more parameters of a request: the agent's own, and what its client asks for.

        Raises:
            UnknownToModel: the API has no such option.
        """
        return for_responses(own, options)

    @staticmethod
    def form(output: OutputFormat | JsonForm, settings: Mapping[str, Any]) -> Json:
        """Return the parameter that holds the model to the form of an answer."""
        form = {"type": "json_schema", **output.request()}
        return {"text": {**(settings.get("text") or {}), "format": form}}

    @staticmethod
    def create(client: openai.AsyncOpenAI) -> Any:
        """Return the client's method that sends a request."""
        return client.responses.create

    @staticmethod
    def history_item(item: Any) -> input_items.Item | None:
        """Convert a streamed item that completes an output item; None for all others."""
        if not isinstance(item, dict) or item.get("type") != "response.output_item.done":
            return None
        output = item.get("item")
        if not isinstance(output, dict):
            return None
        return input_items.from_responses(output)

    @staticmethod
    def whole_answer(answer: Json) -> Json | None:
        """Return the stream's last item that holds an answer of a server that does not stream; None
        if it is no answer.
        """
        if answer.get("object") != "response" and not isinstance(answer.get("output"), list):
            return None
        return {"type": f"response.{answer.get('status') or 'completed'}", "response": answer}


class ChatApi:
    """https://platform.openai.com/docs/api-reference/chat-streaming."""

    name: ClassVar[ApiName] = "chat"
    extras: ClassVar[Json] = {"stream_options": {"include_usage": True}}
    """Parameters that not every server knows; omitted after a server refused them."""

    @staticmethod
    def decoder() -> BaseDecoder:
        """Return a new decoder, for one run."""
        return ChatDecoder()

    @staticmethod
    def request(
        instructions: str,
        items: Sequence[input_items.Item],
        tools: Sequence[DescribedTool],
        settings: Mapping[str, Any],
    ) -> Json:
        """Return the body of a request, without the model."""
        made: Json = {"messages": input_items.to_chat(items, instructions)}
        if tools:
            made["tools"] = [chat_form(item) for item in tools]
        return made

    @staticmethod
    def settings(own: Mapping[str, Any], options: ModelOptions) -> Json:
        """Return more parameters of a request: the agent's own, and what its client asks for."""
        return for_chat(own, options)

    @staticmethod
    def form(output: OutputFormat | JsonForm, settings: Mapping[str, Any]) -> Json:
        """Return the parameter that holds the model to the form of an answer."""
        return {"response_format": {"type": "json_schema", "json_schema": output.request()}}

    @staticmethod
    def create(client: openai.AsyncOpenAI) -> Any:
        """Return the client's method that sends a request."""
        return client.chat.completions.create

    @staticmethod
    def history_item(item: Any) -> input_items.Item | None:
        """Return None: a chunk never completes an item, so the history is made of the events
        instead.
        """
        return None

    @staticmethod
    def whole_answer(answer: Json) -> Json | None:
        """Return an answer of a server that does not stream, as the decoder takes it; None if it is
        no answer.
        """
        if isinstance(answer.get("choices"), list):
            return {**answer, "object": "chat.completion"}
        return None


Api: TypeAlias = type[ResponsesApi] | type[ChatApi]
