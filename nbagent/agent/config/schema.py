"""Sections and keys of a configuration file, and what is wrong with values that do not fit them.

The keys `reasoning`, `tools`, `memory` and `streaming` are those of Hector's agents, as its page on
streaming shows them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from nbagent.errors import did_you_mean

Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Dollars: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A mapping with known keys.

    A value must have its key's type as YAML reads it: `yes` is a boolean, not a text.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, protected_namespaces=()
    )


class Reasoning(Section):
    """Delivery of the answers.

    Attributes:
        enable_streaming: whether texts come piece by piece; otherwise each comes when it is
            complete.
        show_thinking: whether the model's thoughts are among the events.
    """

    enable_streaming: bool = True
    show_thinking: bool = True


class BufferWindow(Section):
    """Working memory of the last messages.

    Attributes:
        window_size: messages.
    """

    strategy: Literal["buffer_window"]
    window_size: Count = 20


class SummaryBuffer(Section):
    """Working memory that summarises what does not fit any more.

    Attributes:
        budget: tokens.
    """

    strategy: Literal["summary_buffer"]
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

    working: Annotated[BufferWindow | SummaryBuffer, Field(discriminator="strategy")] | None = None
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
    delay_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    buffer_size: Count | None = None


BUILT_IN_TOOLS = ("search", "agent_call", "write_file", "execute_command")
_OWN_TOOL = re.compile(r"[\w.]+:\w+")


def _known_tool(name: str) -> str:
    if name in BUILT_IN_TOOLS or _OWN_TOOL.fullmatch(name):
        return name
    hint = (
        did_you_mean(name, BUILT_IN_TOOLS)
        or f"; there are {', '.join(BUILT_IN_TOOLS)}, and own ones: 'module:function'"
    )
    raise PydanticCustomError(
        "unknown_tool", "{hint}", {"hint": f"there is no tool {name!r}{hint}"}
    )


class Prices(Section):
    """Prices of the model, in US dollars per million tokens.

    Attributes:
        input: of input.
        output: of output.
        cache_read: of input that the server has in its cache; None for that of input.
    """

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None


class McpSection(Section):
    """A server whose tools the agent has. `nbagent.mcp` describes the keys.

    Attributes:
        command: starts a server that speaks MCP on stdin and stdout; it runs in the agent's folder.
        url: address of a server that speaks MCP over HTTP.
        approve: whether the reader is asked before each call.
    """

    command: Text | None = None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    name: Text | None = None
    env: dict[str, str] | None = None
    headers: dict[str, str] | None = Field(default=None, repr=False)
    approve: bool = False
    timeout: Seconds | None = None
    start_timeout: Seconds | None = None


class AgentSection(Section):
    """An agent. `nbagent.Agent` describes what is not described here.

    Attributes:
        model: the model's name; None for that of the environment variable `NBAGENT_MODEL`, else the
            demo model.
        description: the agent's purpose. It is in the `agent_call` tool of the agents that may call
            this one.
        base_url: root of an API like OpenAI's; None for that of the environment.
        api_key: key for `base_url`, or for OpenAI.
        folder: the folder of its tools, relative to that of the file.
        store: SQLite file of its sessions, relative to the folder of the file; None keeps them in
            memory.
        tools: names of built-in tools, and own ones as `module:function`.
        allow: names of tools that are called without asking, such as `write_file`.
        mcp: servers whose tools the agent has too.
    """

    model: Text | None = None
    instructions: str = ""
    description: str = ""
    api: Literal["responses", "chat"] | None = None
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    api_key: str | None = Field(default=None, min_length=1, repr=False)
    max_steps: Count = 10
    max_total_tokens: Count | None = None
    max_cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    prices: Prices | None = None
    concurrency: Count | None = None
    timeout: Seconds | None = None
    idle_timeout: Seconds | None = None
    parallel: bool = True
    model_settings: dict[str, Any] = Field(default_factory=dict)
    folder: str = "."
    store: Text | None = None
    tools: list[Annotated[str, AfterValidator(_known_tool)]] = Field(default_factory=list)
    allow: list[Text] = Field(default_factory=list)
    mcp: list[McpSection] = Field(default_factory=list)
    reasoning: Reasoning | None = None
    memory: Memory | None = None
    streaming: Streaming | None = None


class ConfigFile(Section):
    """The whole file.

    Attributes:
        agents: by name.
        limits: of the server that `nbagent serve` is, by name; see `nbagent.Limits`.
    """

    agents: Annotated[dict[str, AgentSection], Field(min_length=1)]
    limits: dict[str, Any] = {}


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

_TAKES = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "string_pattern_mismatch": "an address that begins with http:// or https://",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one agent",
}
"""Values that a key takes, by the type of pydantic's error
(https://docs.pydantic.dev/latest/errors/validation_errors/).
"""


class Misfit(NamedTuple):
    """A value that does not fit its key, an unknown key, or a missing one.

    Attributes:
        path: keys and indices that lead to it; to the mapping where it is missing.
        text: the sentence that says it, without the value itself.
        names_value: whether the sentence wants the value at its end.
    """

    path: tuple[Any, ...]
    text: str
    names_value: bool = False


def read(value: Any) -> tuple[ConfigFile | None, list[Misfit]]:
    """Return the configuration that a file's value is, or None and all that does not fit."""
    try:
        return ConfigFile.model_validate(value), []
    except ValidationError as error:
        return None, [
            misfit for each in error.errors(include_url=False) for misfit in _misfits(each, value)
        ]


def _misfits(error: Any, value: Any) -> Iterator[Misfit]:
    path = _path(error["loc"], value)
    kind, context, where = error["type"], error.get("ctx", {}), dotted(path)
    if error["loc"][-1:] == ("[key]",):
        yield Misfit(path, f"the name {path[-1]!r} takes a text; put it in quotes")
    elif kind == "extra_forbidden":
        *around, key = path
        yield Misfit(path, f"{dotted(around)} has no key {key!r}{_hint(around, str(key))}")
    elif kind == "missing":
        key = error["loc"][-1]
        yield Misfit(path, f"{where} needs the key {key!r}")
    elif kind == "union_tag_not_found":
        yield Misfit(
            path, f"{where} needs the key 'strategy': {' or '.join(map(repr, _STRATEGIES))}"
        )
    elif kind == "union_tag_invalid":
        hint = (
            did_you_mean(str(context["tag"]), _STRATEGIES)
            or f"; it is {' or '.join(map(repr, _STRATEGIES))}"
        )
        yield Misfit((*path, "strategy"), f"{where} has no strategy {context['tag']!r}{hint}")
    elif kind == "literal_error":
        choices = context["expected"]
        yield Misfit(path, f"{where} takes {choices}", names_value=True)
    elif kind == "unknown_tool":
        yield Misfit(path, f"{where}: {context['hint']}")
    elif kind in _TAKES:
        yield Misfit(path, f"{where} takes {_TAKES[kind]}", names_value=True)
    else:
        limit = str(error["msg"]).removeprefix("Input should be ")
        yield Misfit(path, f"{where} takes a number {limit}", names_value=True)


_STRATEGIES = ("buffer_window", "summary_buffer")


def _path(location: Sequence[Any], value: Any) -> tuple[Any, ...]:
    """Return the steps of pydantic's location that the value has.

    Others are tags of unions, and the missing key itself.
    """
    path: list[Any] = []
    for step in location:
        if isinstance(value, dict) and step == "[key]":
            continue
        if (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int)
        ):
            path.append(step)
            value = value[step]
    return tuple(path)


def dotted(path: Sequence[Any]) -> str:
    """Return a path as `agents.assistant.tools[0]`; "the file" for the whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


def _sections(kind: Any = AgentSection, name: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Yield the sections of an agent, with their dotted names."""
    if isinstance(kind, type) and issubclass(kind, Section):
        yield name, kind
        for key, field in kind.model_fields.items():
            yield from _sections(field.annotation, f"{name}.{key}".removeprefix("."))
    else:
        for each in get_args(kind):
            yield from _sections(each, name)


def _hint(around: Sequence[Any], key: str) -> str:
    """Return a hint for an unknown key: a similar key of its section, else the place that has
    it.
    """
    if len(around) < 2:
        return did_you_mean(key, ConfigFile.model_fields) or "; its keys are 'agents' and 'limits'"
    here = ".".join(step for step in around[2:] if isinstance(step, str))
    keys = [each for name, section in _sections() if name == here for each in section.model_fields]
    known = _MEANT.get(key)
    if known in keys:
        return f"; did you mean {known!r}?"
    if key == "name" and not here:
        return "; the name of an agent is the key that it stands under"
    if key in _OF_MODEL:
        return "; it belongs under 'model_settings'"
    if key in keys:
        return ", with this strategy"
    elsewhere = [name for name, section in _sections() if key in section.model_fields]
    if elsewhere:
        return (
            f"; it belongs {f'under {elsewhere[0]!r}' if elsewhere[0] else 'to the agent itself'}"
        )
    return did_you_mean(key, keys) or f"; it has {', '.join(map(repr, dict.fromkeys(keys)))}"
