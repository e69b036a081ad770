"""Hints for what is no stream: what a text was meant as, and the call that gives a stream, by an
object's package.
"""

import re
import reprlib
from typing import Any

_CALLS = {
    "agents": "Runner.run_streamed(agent, …)",
    "langchain": "agent.astream(…)",
    "langchain_core": "llm.astream(…)",
    "langgraph": 'graph.astream(…, stream_mode=["messages", "updates"])',
    "pydantic_ai": "agent.run_stream_events(…)",
    "pydantic_graph": "agent.run_stream_events(…)",
    "openai": "client.responses.create(…, stream=True)",
    "anthropic": "client.messages.create(…, stream=True)",
    "crewai": "crew.kickoff(…) of a Crew(…, stream=True)",
    "smolagents": "agent.run(…, stream=True)",
    "llama_index": "agent.run(…)",
    "google.adk": "runner.run_async(…)",
    "google.genai": "client.models.generate_content_stream(…)",
    "ollama": "client.chat(…, stream=True)",
    "cohere": "client.chat_stream(…)",
    "agent_framework": "agent.run(…, stream=True)",
    "agno": "agent.arun(…, stream=True, stream_events=True)",
    "autogen": "agent.run_iter(message=…)",
    "autogen_agentchat": "agent.run_stream(task=…)",
    "claude_agent_sdk": "query(prompt=…)",
    "mistralai": "client.chat.stream_async(…)",
    "strands": "agent.stream_async(…)",
    "dspy": "dspy.streamify(program)(…)",
    "haystack": "pipeline.stream(…)",
    "ag2": "agent.run(…)",
    "semantic_kernel": "agent.invoke_stream(messages=…)",
    "nbagent": "agent.stream(…)",
}
"""The call whose result is a stream, by the package of an agent, a model, a client or a result."""

_ADDRESS_WITHOUT_SCHEME = re.compile(
    r"(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?/\S*|(?:localhost|[\w.-]+):\d+"
)
_RECORDING = re.compile(r"\S+\.(?:jsonl|ndjson|sse)")
_ASK = "To ask an agent, show agent.stream(…)."

_ASKING_ROLES = {"user", "human", "system", "developer"}
_ROLES = _ASKING_ROLES | {"assistant", "ai", "model", "tool"}

_STREAM_TYPES = {"generator", "async_generator", "coroutine", "list", "tuple"}


FINAL_RESULTS = {"agents.result.RunResult", "pydantic_ai.run.AgentRunResult"}
"""Types of whole results that are no streams, but can be shown like the last item of one."""


def type_name(value: Any) -> str:
    """Return the name of a value's class with its module, such as "agents.result.RunResult"; a
    builtin without it.
    """
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def hint_for(name: str) -> str:
    """Return a sentence that begins with a space and names the right call for a type, or "".

    Args:
        name: of the type, as `type_name` returns it.
    """
    if name in _STREAM_TYPES or name.rpartition(".")[2] in ("Stream", "AsyncStream"):
        return " Several streams are shown side by side by show(*streams)."
    for package, call in _CALLS.items():
        if name.startswith(f"{package}."):
            return f" Show {call}."
    return ""


def meaning_of(text: str) -> str:
    """Return a sentence on what a text was meant as: a prompt, a recording, or an address without
    its scheme; else "".
    """
    text = text.strip()
    if "\n" not in text and text.endswith("?"):
        return _ASK
    if _RECORDING.fullmatch(text):
        return f"To play a recording, show nbagent.replay({text!r})."
    if _ADDRESS_WITHOUT_SCHEME.fullmatch(text):
        return f"An address begins with its scheme: 'http://{text}'."
    return ""


def text_refusal(text: str) -> str:
    """Return the message for a text in place of a stream."""
    meant = meaning_of(text) or _ASK
    return (
        f"show() needs a stream or its address, and {reprlib.repr(text)} is a text. {meant} To "
        "show it, put it into a list."
    )


def messages_refusal(source: Any) -> str:
    """Return the message for chat messages in place of a stream; "" for anything else.

    Args:
        source: a message such as `{"role": "user", "content": …}`, or a list of these or of
            LangChain's pairs.
    """
    is_list = isinstance(source, (list, tuple))
    roles = [_role_of(message) for message in (source if is_list else [source])]
    if not _ROLES.issuperset(roles) or _ASKING_ROLES.isdisjoint(roles):
        return ""
    given, name = "a chat message", "[message]"
    if is_list:
        given, name = f"a {type(source).__name__} of {len(roles)} chat messages", "messages"
        if len(roles) == 1:
            given = given.removesuffix("s")
    return (
        f"show() needs a stream or its address, and got {given} for an agent. Show its answer: "
        f"agent.stream({name})."
    )


def _role_of(message: Any) -> str | None:
    match message:
        case str(role), str() if isinstance(message, tuple):
            return role
        case {"type": _} | {"kind": _}:
            return None  # an item of a stream
        case {"role": str(role), "content": _} | {"role": str(role), "parts": _}:
            return role
    return None
