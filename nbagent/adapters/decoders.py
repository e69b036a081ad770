"""Which decoder reads a stream: found by its first item, or by name."""

import functools
from typing import Any, Protocol

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.unknown.decoder import UnknownDecoder
from nbagent.errors import UnknownSource


class Adapter(Protocol):
    """A decoder class that knows its own items."""

    system: str

    def __call__(self) -> Decoder:
        """A new decoder, for one run."""
        ...

    def recognises(self, item: Any) -> bool:
        """Return True if the first item of a stream is this system's; must not raise, and must not be true of another's."""
        ...


@functools.cache
def adapters() -> tuple[Adapter, ...]:
    """Every adapter; they are loaded when the first stream begins, not when nbagent is imported."""
    from nbagent.adapters.a2a.decoder import A2ADecoder
    from nbagent.adapters.acp.decoder import AcpDecoder
    from nbagent.adapters.ag_ui.decoder import AguiDecoder
    from nbagent.adapters.agentor.decoder import AgentorDecoder
    from nbagent.adapters.anthropic.decoder import AnthropicDecoder
    from nbagent.adapters.bedrock.decoder import BedrockDecoder
    from nbagent.adapters.cohere.decoder import CohereDecoder
    from nbagent.adapters.crewai.decoder import CrewDecoder
    from nbagent.adapters.dexto.decoder import DextoDecoder
    from nbagent.adapters.gemini.decoder import GeminiDecoder
    from nbagent.adapters.gemini.interactions import InteractionsDecoder
    from nbagent.adapters.google_adk.decoder import AdkDecoder
    from nbagent.adapters.hector.decoder import HectorDecoder
    from nbagent.adapters.langchain.events import LangChainEventsDecoder
    from nbagent.adapters.langchain.langgraph import LangGraphDecoder
    from nbagent.adapters.langchain.protocol import LangChainProtocolDecoder
    from nbagent.adapters.llama_index.decoder import LlamaIndexDecoder
    from nbagent.adapters.mcp.decoder import McpDecoder
    from nbagent.adapters.nbagent_events.decoder import EventsDecoder
    from nbagent.adapters.ollama.decoder import OllamaDecoder
    from nbagent.adapters.openai_agents.decoder import AgentsDecoder
    from nbagent.adapters.openai_assistants.decoder import AssistantsDecoder, NearDecoder
    from nbagent.adapters.openai_chat.decoder import ChatDecoder
    from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
    from nbagent.adapters.openai_sessions.decoder import SessionsDecoder
    from nbagent.adapters.pydantic_ai.decoder import PydanticAIDecoder
    from nbagent.adapters.smolagents.decoder import SmolagentsDecoder
    from nbagent.adapters.status_tokens.decoder import StatusTokensDecoder
    from nbagent.adapters.text.decoder import TextDecoder
    from nbagent.adapters.vercel_ui.decoder import VercelDecoder

    # One line per adapter; the first that recognises the item has it. What none does goes to the last.
    return (
        EventsDecoder,
        SessionsDecoder,
        AnthropicDecoder,
        GeminiDecoder,
        InteractionsDecoder,
        OllamaDecoder,
        BedrockDecoder,
        CohereDecoder,
        ResponsesDecoder,
        AgentsDecoder,
        LangChainEventsDecoder,
        LangChainProtocolDecoder,
        LangGraphDecoder,
        NearDecoder,
        AssistantsDecoder,
        DextoDecoder,
        StatusTokensDecoder,
        PydanticAIDecoder,
        SmolagentsDecoder,
        LlamaIndexDecoder,
        CrewDecoder,
        AdkDecoder,
        ChatDecoder,
        AgentorDecoder,
        AguiDecoder,
        HectorDecoder,
        AcpDecoder,
        McpDecoder,
        A2ADecoder,
        VercelDecoder,
        TextDecoder,
        UnknownDecoder,
    )


def decoder_for(first_item: Any) -> Decoder:
    """A new decoder for the stream that starts with that item. Feed it the item, too.

    Items with fields that no system claims get a decoder that shows them raw.

    Raises:
        UnknownSource: it cannot be an item of a stream (None, a number); the message names its type and the known systems.
    """
    adapter: Adapter
    inner = frame_of(first_item).data
    for item in (first_item,) if inner is first_item else (first_item, inner):
        for adapter in adapters()[:-1]:
            if adapter.recognises(item):
                return adapter()
    if UnknownDecoder.recognises(first_item):
        return UnknownDecoder()
    raise UnknownSource(
        f"The stream's first item is {type(first_item).__name__!r}, which no adapter reads. "
        f"Known systems: {_known()}. Give items as dicts, as the system's own objects, or as text."
    )


def decoder_named(system: str) -> Decoder:
    """A new decoder by the system's name, such as "openai.chat".

    Raises:
        UnknownSource: there is none; the message names those that there are.
    """
    adapter: Adapter
    for adapter in adapters():
        if adapter.system == system:
            return adapter()
    raise UnknownSource(f"No adapter is called {system!r}. Known systems: {_known()}.")


def _known() -> str:
    return ", ".join(adapter.system for adapter in adapters() if adapter is not UnknownDecoder)
