"""Lookup of the decoder for a stream, by its first item or by the system's name."""

import functools
from collections.abc import Sequence
from typing import Any, Protocol, cast

from nbagent.adapters import plugins
from nbagent.adapters.base.decoder import BaseDecoder, Decoder
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.nbagent_events.decoder import EVENT_CLASSES, EventsDecoder
from nbagent.adapters.unknown.decoder import UnknownDecoder
from nbagent.errors import UnknownSource, did_you_mean
from nbagent.sources.hints import hint_for, type_name


class Adapter(Protocol):
    """Decoder class that recognises the items of its system."""

    system: str

    def __call__(self) -> Decoder:
        """Return a new decoder for one run."""
        ...

    def recognises(self, item: Any) -> bool:
        """Return True if a stream that starts with the item is of this system. Must not raise."""
        ...


@functools.cache
def own_adapters() -> tuple[Adapter, ...]:
    """Return nbagent's own adapters, in the order in which they are asked.

    They are imported on the first call, not with nbagent.
    """
    from nbagent.adapters.a2a.decoder import A2ADecoder
    from nbagent.adapters.acp.decoder import AcpDecoder
    from nbagent.adapters.ag2.decoder import Ag2Decoder
    from nbagent.adapters.ag2_classic.decoder import Ag2ClassicDecoder
    from nbagent.adapters.ag_ui.decoder import AguiDecoder
    from nbagent.adapters.agent_framework.decoder import AgentFrameworkDecoder
    from nbagent.adapters.agentor.decoder import AgentorDecoder
    from nbagent.adapters.agno.decoder import AgnoDecoder
    from nbagent.adapters.anthropic.decoder import AnthropicDecoder
    from nbagent.adapters.autogen.decoder import AutoGenDecoder
    from nbagent.adapters.bedrock.decoder import BedrockDecoder
    from nbagent.adapters.claude_agent.decoder import ClaudeAgentDecoder
    from nbagent.adapters.cohere.decoder import CohereDecoder
    from nbagent.adapters.crewai.decoder import CrewDecoder
    from nbagent.adapters.dexto.decoder import DextoDecoder
    from nbagent.adapters.dspy.decoder import DspyDecoder
    from nbagent.adapters.gemini.decoder import GeminiDecoder
    from nbagent.adapters.gemini.interactions import InteractionsDecoder
    from nbagent.adapters.google_adk.decoder import AdkDecoder
    from nbagent.adapters.haystack.decoder import HaystackDecoder
    from nbagent.adapters.hector.decoder import HectorDecoder
    from nbagent.adapters.langchain.events import LangChainEventsDecoder
    from nbagent.adapters.langchain.langgraph import LangGraphDecoder
    from nbagent.adapters.langchain.model import LangChainModelDecoder
    from nbagent.adapters.langchain.protocol import LangChainProtocolDecoder
    from nbagent.adapters.llama_index.decoder import LlamaIndexDecoder
    from nbagent.adapters.mcp.decoder import McpDecoder
    from nbagent.adapters.ollama.decoder import OllamaDecoder
    from nbagent.adapters.openai_agents.decoder import AgentsDecoder
    from nbagent.adapters.openai_assistants.decoder import AssistantsDecoder, NearDecoder
    from nbagent.adapters.openai_chat.decoder import ChatDecoder
    from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
    from nbagent.adapters.openai_sessions.decoder import SessionsDecoder
    from nbagent.adapters.pydantic_ai.decoder import PydanticAIDecoder
    from nbagent.adapters.semantic_kernel.decoder import SemanticKernelDecoder
    from nbagent.adapters.smolagents.decoder import SmolagentsDecoder
    from nbagent.adapters.status_tokens.decoder import StatusTokensDecoder
    from nbagent.adapters.strands.decoder import StrandsDecoder
    from nbagent.adapters.text.decoder import TextDecoder
    from nbagent.adapters.vercel_parts.decoder import VercelPartsDecoder
    from nbagent.adapters.vercel_ui.decoder import VercelDecoder

    # The first adapter that recognises an item gets the stream. An item should be recognised by one
    # adapter only, so that the order does not matter. It does for the items below, which satisfy
    # two formats; tests/adapters/test_decoders.py holds both the list and the fact that there are
    # no others:
    #
    # openai.sessions before anthropic.messages: both have {"type": "error", "error": {"type", …}},
    # one with a session_id
    # google.gemini before openai.chat: Google's error body is OpenAI's bare {"error": …} with code
    # and status
    # dspy before openai.chat: the chunks of a program's models are those of Chat, with a mark
    #   openai.agents before agentor: Agentor's outputs have the SDK's type names
    # mcp before a2a: a JSON-RPC result may have the fields of a tool result and those of a message
    # openai.responses, agentor, hector and vercel.parts before text: their items may come as
    # strings
    #
    # UnknownDecoder recognises anything that has fields, and so comes last.
    return (
        EventsDecoder,
        SessionsDecoder,
        AnthropicDecoder,
        ClaudeAgentDecoder,
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
        LangChainModelDecoder,
        NearDecoder,
        AssistantsDecoder,
        DextoDecoder,
        StatusTokensDecoder,
        PydanticAIDecoder,
        SmolagentsDecoder,
        LlamaIndexDecoder,
        CrewDecoder,
        AdkDecoder,
        AgentFrameworkDecoder,
        AgnoDecoder,
        AutoGenDecoder,
        StrandsDecoder,
        DspyDecoder,
        HaystackDecoder,
        SemanticKernelDecoder,
        Ag2Decoder,
        Ag2ClassicDecoder,
        ChatDecoder,
        AgentorDecoder,
        AguiDecoder,
        HectorDecoder,
        AcpDecoder,
        McpDecoder,
        A2ADecoder,
        VercelDecoder,
        VercelPartsDecoder,
        TextDecoder,
        UnknownDecoder,
    )


@functools.cache
def adapters() -> tuple[Adapter, ...]:
    """Return every adapter, in the order in which they are asked: nbagent's own, and those of other
    packages, each before the systems that its `before` names.

    An adapter of another package that cannot be imported is left out with a warning.
    """
    own = own_adapters()
    taken = [adapter.system for adapter in own]
    return _in_order(own, plugins.load_all(plugins.DECODERS, BaseDecoder, taken))


def _in_order(own: Sequence[Adapter], others: Sequence[type[BaseDecoder]]) -> tuple[Adapter, ...]:
    order = list(own)
    for other in others:
        later = (*other.before, "text")
        place = next(place for place, each in enumerate(order) if each.system in later)
        order.insert(place, cast(Adapter, other))
    return tuple(order)


def decoder_for(first_item: Any) -> Decoder:
    """Return a new decoder for the stream that starts with that item.

    The item is not fed to it yet.

    An item with fields that no system recognises gets the decoder that writes items as `raw`
    events.

    Raises:
        UnknownSource: no stream has such an item (None, a number); the message has its type and the
            known systems.
    """
    if type(first_item) in EVENT_CLASSES:  # of an agent of ours: no other adapter is imported
        return EventsDecoder()
    decoder = _recognised(first_item)
    if decoder is not None:
        return decoder
    if UnknownDecoder.recognises(first_item):
        return UnknownDecoder()
    raise UnknownSource(
        f"The stream's first item is {type(first_item).__name__!r}, which no adapter "
        f"reads.{hint_for(type_name(first_item))} "
        f"Known systems: {_known()}. Give items as dicts, as the system's own objects, or as text."
    )


def system_of(item: Any) -> str | None:
    """Return the name of the system that an item is of; None if no system recognises it."""
    decoder = _recognised(item)
    if decoder is None:
        return None
    return decoder.system


def _recognised(first_item: Any) -> Decoder | None:
    inner = frame_of(first_item).data
    for item in (first_item,) if inner is first_item else (first_item, inner):
        for adapter in adapters()[:-1]:
            decoder = _decoder_if_recognised(adapter, item)
            if decoder is not None:
                return decoder
    return None


def _decoder_if_recognised(adapter: Adapter, item: Any) -> Decoder | None:
    try:
        if adapter.recognises(item):
            return adapter()
        return None
    except Exception as error:  # of another package's adapter
        plugins.warn(
            f"The adapter {adapter.system!r} is left out of the detection of a stream's system: it "
            f"raised {type(error).__name__}: {error}"
        )
        return None


def decoder_named(system: str) -> Decoder:
    """Return a new decoder by the system's name, such as "openai.chat".

    Raises:
        UnknownSource: there is no such system; the message has the known ones.
        BrokenAdapter: another package has an adapter of that name, which cannot be imported.
    """
    adapter: Adapter
    for adapter in own_adapters():
        if adapter.system == system:
            return adapter()
    other = plugins.load_named(plugins.DECODERS, system, BaseDecoder)
    if other is not None:
        return other()
    known = [adapter.system for adapter in own_adapters()] + plugins.names(plugins.DECODERS)
    raise UnknownSource(
        f"No adapter is called {system!r}{did_you_mean(system, known) or '.'} Known systems: "
        f"{_known()}."
    )


def _known() -> str:
    own = [adapter.system for adapter in own_adapters() if adapter is not UnknownDecoder]
    return ", ".join([*own, *plugins.names(plugins.DECODERS)])
