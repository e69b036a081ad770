"""Sections and keys of a configuration file, and what is wrong with values that do not fit them.

The keys `reasoning`, `tools`, `memory` and `streaming` are those of Hector's agents, as its page on
streaming shows them.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from nbagent.agent.option_values import (
    KIND_KEY,
    Misfit,
    Rule,
    annotations_of,
    is_section,
    misfits,
)
from nbagent.agent.options import AgentOptions, Count, Seconds
from nbagent.errors import did_you_mean

Text: TypeAlias = Annotated[str, Meta(min_length=1, description="a text that is not empty")]
Address: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^https?://\S+$",
        description="an address that begins with http:// or https://",
    ),
]
Milliseconds: TypeAlias = Annotated[
    float, Meta(ge=0, description="a number greater than or equal to 0")
]


class Section(msgspec.Struct):
    """A mapping with known keys.

    A value must have its key's type as YAML reads it: `yes` is a boolean, not a text.
    """


class Reasoning(Section):
    """Delivery of the answers.

    Attributes:
        enable_streaming: whether texts come piece by piece; otherwise each comes when it is
            complete.
        show_thinking: whether the model's thoughts are among the events; `true` shows them to the
            clients of a server, too, unless it is told how much to reveal.
    """

    enable_streaming: bool = True
    show_thinking: bool | None = None


class BufferWindow(Section, tag_field=KIND_KEY, tag="buffer_window"):
    """Working memory of the last messages.

    Attributes:
        window_size: messages.
    """

    window_size: Count = 20


class SummaryBuffer(Section, tag_field=KIND_KEY, tag="summary_buffer"):
    """Working memory that summarises what does not fit any more.

    Attributes:
        budget: tokens.
    """

    budget: Count = 4000


class LongTerm(Section):
    """Memory of what was said before.

    Attributes:
        storage_scope: whether a session remembers what it said itself, or what all sessions of the
            agent said.
    """

    storage_scope: Literal["session", "shared"] = "session"


class Memory(Section):
    """Working memory, which a session sends along with a prompt, and long-term memory, which it can
    search.
    """

    working: BufferWindow | SummaryBuffer | None = None
    longterm: LongTerm | None = None


class Streaming(Section):
    """Pace of the texts.

    Attributes:
        chunk_size: characters of a piece; None for pieces as the model sends them.
        delay_ms: milliseconds between two pieces.
        buffer_size: characters that may wait for their turn; the model waits while there are more.
            None for any number.
    """

    chunk_size: Count | None = None
    delay_ms: Milliseconds = 0
    buffer_size: Count | None = None


BUILT_IN_TOOLS = ("search", "agent_call", "write_file", "execute_command")
_OWN_TOOL = re.compile(r"[\w.]+:\w+")


def _unknown_tool(name: str) -> str:
    if name in BUILT_IN_TOOLS or _OWN_TOOL.fullmatch(name):
        return ""
    hint = did_you_mean(name, BUILT_IN_TOOLS)
    if not hint:
        hint = f"; there are {', '.join(BUILT_IN_TOOLS)}, and own ones: 'module:function'"
    return f"there is no tool {name!r}{hint}"


class McpSection(Section):
    """A server whose tools the agent has. `nbagent.mcp` describes the keys.

    Attributes:
        command: starts a server that speaks MCP on stdin and stdout; it runs in the agent's folder.
        url: address of a server that speaks MCP over HTTP.
        approve: whether the reader is asked before each call.
    """

    command: Text | None = None
    url: Address | None = None
    name: Text | None = None
    env: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    approve: bool = False
    timeout: Seconds | None = None
    start_timeout: Seconds | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class AgentSection(AgentOptions):
    """An agent: its options, which `nbagent.Agent` describes, and the keys here.

    Attributes:
        model: the model's name; None for that of the environment variable `NBAGENT_MODEL`, else the
            demo model.
        base_url: root of an API like OpenAI's; None for that of the environment.
        api_key: key for `base_url`, or for OpenAI.
        folder: the folder of its tools, relative to that of the file.
        store: SQLite file of its sessions, relative to the folder of the file; None keeps them in
            memory.
        tools: names of built-in tools, and own ones as `module:function`.
        allow: names of tools that are called without asking, such as `write_file`.
        mcp: servers whose tools the agent has too.
        reasoning: which texts come to the reader, and whether piece by piece.
        memory: what the model is sent of a session's conversation, and what it can look up.
        streaming: the pace of the texts.
    """

    model: Text | None = None
    api: Literal["responses", "chat"] | None = None
    base_url: Address | None = None
    api_key: Text | None = None
    folder: str = "."
    store: Text | None = None
    tools: list[Annotated[str, Rule(_unknown_tool)]] = dataclasses.field(default_factory=list)
    allow: list[Text] = dataclasses.field(default_factory=list)
    mcp: list[McpSection] = dataclasses.field(default_factory=list)
    reasoning: Reasoning | None = None
    memory: Memory | None = None
    streaming: Streaming | None = None

    def __post_init__(self) -> None:
        """Check nothing: `read` has told all that is wrong, not only the first value."""


class ConfigFile(Section):
    """The whole file.

    Attributes:
        agents: by name.
        limits: of the server that `nbagent serve` is, by name; see `nbagent.Limits`.
        default_agent: name of the agent that a request to that server without one is for; None for
            the first.
    """

    agents: Annotated[dict[str, AgentSection], Meta(min_length=1, description="at least one agent")]
    limits: dict[str, Any] = {}
    default_agent: str | None = None


_MEANT = {
    "args": "command",
    "llm": "model",
    "prompt": "instructions",
    "system_prompt": "instructions",
    "system_role": "instructions",
    "host": "base_url",
    "mcp_servers": "mcp",
    "url": "base_url",
    "max_iterations": "max_steps",
    "long_term": "longterm",
}
"""Keys that other systems have, and their names here."""

_OF_MODEL = ("temperature", "top_p", "max_tokens", "max_output_tokens", "seed")
"""Parameters of the model that other systems have among an agent's keys."""


def read(value: Any) -> tuple[ConfigFile | None, list[Misfit]]:
    """Return the configuration that a file's value is, or None and all that does not fit."""
    found = [_with_hint(misfit) for misfit in misfits(value, ConfigFile, ())]
    if found:
        return None, found
    return msgspec.convert(value, ConfigFile), []


def _with_hint(misfit: Misfit) -> Misfit:
    if not misfit.is_unknown:
        return misfit
    *around, key = misfit.path
    return misfit._replace(text=misfit.text + _hint(around, str(key)))


def _sections(kind: Any = AgentSection, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the sections of an agent: the dotted name of each, and its keys."""
    if is_section(kind):
        annotations = annotations_of(kind)
        yield name, list(annotations)
        for key, annotation in annotations.items():
            yield from _sections(annotation, f"{name}.{key}".removeprefix("."))
    else:
        for each in get_args(kind):
            yield from _sections(each, name)


def _place_of(key: str) -> str | None:
    """Return where an agent has a key; None if it has it nowhere."""
    for name, keys in _sections():
        if key in keys:
            return f"under {name!r}" if name else "to the agent itself"
    return None


def _hint_at_top(key: str) -> str:
    return did_you_mean(key, annotations_of(ConfigFile)) or "; its keys are 'agents' and 'limits'"


def _hint(around: Sequence[Any], key: str) -> str:
    """Return a hint for an unknown key.

    A similar key of its section, else the place that has such a key.
    """
    if len(around) < 2:
        return _hint_at_top(key)
    here = ".".join(step for step in around[2:] if isinstance(step, str))
    keys_here = [each for name, keys in _sections() if name == here for each in keys]
    meant = _MEANT.get(key)
    if meant in keys_here:
        return f"; did you mean {meant!r}?"
    if key == "name" and not here:
        return "; the name of an agent is the key that it stands under"
    if key in _OF_MODEL:
        return "; it belongs under 'model_settings'"
    if key in keys_here:
        return ", with this strategy"
    place = _place_of(key)
    if place is not None:
        return f"; it belongs {place}"
    listed = ", ".join(map(repr, dict.fromkeys(keys_here)))
    return did_you_mean(key, keys_here) or f"; it has {listed}"
