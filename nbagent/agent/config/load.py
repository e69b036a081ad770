"""Agents from a configuration file."""

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import openai

from nbagent.agent.agent import Agent
from nbagent.agent.builtin import agent_call, execute_command, search, write_file
from nbagent.agent.config import schema
from nbagent.agent.config.metadata import agent_of_metadata, metadata_in
from nbagent.agent.config.problem import Problem
from nbagent.agent.delivery import Delivery
from nbagent.agent.mcp_client.tools import McpServer, mcp
from nbagent.agent.option_values import dotted
from nbagent.agent.options import values_of
from nbagent.agent.sessions.longterm import LongTerm
from nbagent.agent.sessions.memory import BufferWindow, SummaryBuffer
from nbagent.agent.tools.decorator import AnyToolFunction
from nbagent.errors import ConfigError, MissingPackage, NbagentError, ToolError
from nbagent.gate import secrets

if TYPE_CHECKING:
    from nbagent.agent.config.yaml import YamlDocument

DEMO_MODEL = "demo"
"""The model of an agent that names none, unless the environment variable `NBAGENT_MODEL` does."""

IN_FOLDER: Mapping[str, Callable[[Path], AnyToolFunction]] = {
    "search": search,
    "write_file": write_file,
    "execute_command": execute_command,
}
"""Built-in tools that are confined to a folder."""


class DemoModelWarning(UserWarning):
    """An agent names no model, so the demo model answers.

    Attributes:
        agent: its name.
    """

    def __init__(self, agent: str) -> None:
        self.agent = agent
        super().__init__(
            f"The agent {agent!r} names no model, so the demo model answers: a script, which "
            "understands nothing. "
            "Name a model in the configuration, or set NBAGENT_MODEL."
        )


def load_agents(path: str | Path) -> dict[str, Agent]:
    """Return the agents of a configuration file, by name.

        agents = nbagent.load_agents("config.yaml")
        nbagent.show(agents["assistant"].stream("What is new?"))

    The file is YAML, of which docs/how-to/config-file.md has an example; the keys are those of
    `nbagent.agent.config.schema`. Or it is the `metadata.json` of an agent of NEAR AI.

    Args:
        path: of the file. Folders in it are relative to its own.

    Raises:
        ConfigError: the file is not valid. The message has all that is wrong, with its line.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), [(1, f"the file is no UTF-8: {error.reason} at byte {error.start}")]
        ) from None
    metadata = metadata_in(text)
    if metadata is None:
        return agents_of(text, str(path), path.parent)
    model = os.environ.get("NBAGENT_MODEL", DEMO_MODEL)
    agent = agent_of_metadata(metadata, str(path), model)
    if agent.model == DEMO_MODEL:
        warnings.warn(DemoModelWarning(agent.name), stacklevel=2)
    return {agent.name: agent}


def agents_of(text: str, name: str, folder: Path) -> dict[str, Agent]:
    """Return the agents of a configuration's text.

    Args:
        text: YAML.
        name: of the file, for messages.
        folder: the folder that others are relative to.

    Raises:
        ConfigError: it is not valid.
        MissingPackage: this Python has no YAML.
    """
    try:
        from nbagent.agent.config.yaml import YamlDocument
    except ModuleNotFoundError as error:
        raise MissingPackage("a configuration file", str(error.name)) from error
    document = YamlDocument(text)
    secrets.register(*document.credentials)
    config, misfits = (
        schema.read(document.value)
        if document.value is not None or not document.problems
        else (None, [])
    )
    problems = [*document.problems]
    # the value of such a line is None, which fits nothing
    known = {problem.line for problem in problems}
    for misfit in misfits:
        line = document.line(misfit.path)
        if line not in known:
            written = document.written(misfit.path)
            wrong = f"{dotted(misfit.path)} takes {misfit.takes}, got {written}"
            problems.append(Problem(line, misfit.text or wrong))
    agents: dict[str, Agent] = {}
    if config is not None and not problems:
        builder = _Builder(config, document, folder)
        agents = builder.build()
        problems = builder.problems
    if problems:
        raise ConfigError(name, sorted(set(problems)))
    return agents


class _Builder:
    """Makes the agents of a valid configuration.

    Args:
        config: the configuration.
        document: knows the lines.
        folder: the folder that others are relative to.

    Attributes:
        problems: what the file itself does not show: missing folders, tools that cannot be loaded.
    """

    def __init__(self, config: schema.ConfigFile, document: "YamlDocument", folder: Path) -> None:
        self.problems: list[Problem] = []
        self._sections = config.agents
        self._document = document
        self._folder = folder
        self._agents: dict[str, Agent] = {}

    def build(self) -> dict[str, Agent]:
        for name, section in self._sections.items():
            tools = [*self._tools(name, section), *self._servers(name, section)]
            model = self._model(name, section)
            client = _client(section)
            try:
                self._agents[name] = Agent(
                    model,
                    tools=tools,
                    name=name,
                    client=client,
                    api=section.api,
                    allow=section.allow,
                    memory=_working(section),
                    longterm=_longterm(section),
                    store=None if section.store is None else self._folder / section.store,
                    delivery=_delivery(section),
                    **values_of(section),
                )
            except NbagentError as error:
                self._add(("agents", name), str(error))
        return self._agents

    def _add(self, path: Sequence[Any], text: str) -> None:
        self.problems.append(Problem(self._document.line(path), f"{dotted(path)}: {text}"))

    def _model(self, name: str, section: schema.AgentSection) -> str:
        if section.model is not None:
            return section.model
        if model := os.environ.get("NBAGENT_MODEL"):
            return model
        if section.base_url is not None:
            self._add(
                ("agents", name, "base_url"),
                "a server needs a name of one of its models, as 'model'",
            )
        else:
            # the frame is that of the caller of load_agents
            warnings.warn(DemoModelWarning(name), stacklevel=5)
        return DEMO_MODEL

    def _tools(self, name: str, section: schema.AgentSection) -> Iterator[Any]:
        for number, named in enumerate(section.tools):
            try:
                if named == "agent_call":
                    descriptions = {
                        each: other.description for each, other in self._sections.items()
                    }
                    yield agent_call(
                        _Others(self._agents, [each for each in self._sections if each != name]),
                        descriptions,
                    )
                elif named in IN_FOLDER:
                    yield IN_FOLDER[named](self._folder / section.folder)
                else:
                    yield self._own_tool(named)
            except ToolError as error:
                self._add(("agents", name, "tools", number), str(error))

    def _servers(self, name: str, section: schema.AgentSection) -> Iterator[McpServer]:
        for number, server in enumerate(section.mcp):
            options = {
                key: value
                for key, value in msgspec.structs.asdict(server).items()
                if value is not None and key not in ("command", "url")
            }
            target, *more = [each for each in (server.command, server.url) if each is not None] or [
                ""
            ]
            try:
                if more or not target:
                    raise NbagentError(
                        "an MCP server has either the key 'command' or the key 'url'"
                    )
                if server.command is not None:
                    options["cwd"] = folder = self._folder / section.folder
                    if not folder.is_dir():
                        raise NbagentError(f"there is no folder {str(folder)!r}")
                yield mcp(target, **options)
            except NbagentError as error:
                self._add(("agents", name, "mcp", number), str(error))

    def _own_tool(self, named: str) -> Any:
        """Return the function or tool `module:function`. Modules beside the file are found too.

        Raises:
            ToolError: there is none, or another module of that name was imported before the one
                beside the file.
        """
        module, _, function = named.partition(":")
        folder = self._folder.resolve()
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        try:
            imported = importlib.import_module(module)
        except Exception as error:  # whatever the module raises
            is_missing = isinstance(error, ModuleNotFoundError) and error.name == module
            if is_missing:
                hint = "; it is neither installed nor a file beside the configuration"
            else:
                hint = ""
            raise ToolError(
                f"{module} cannot be imported: {type(error).__name__}: {error}{hint}"
            ) from error
        beside = folder.joinpath(*module.split(".")).with_suffix(".py")
        path = getattr(imported, "__file__", None)
        if beside.is_file() and (path is None or Path(path).resolve() != beside.resolve()):
            raise ToolError(
                f"the module {module} is {path or 'built in'}, not {beside}, because it was "
                "imported first: rename the file"
            )
        found = getattr(imported, function, None)
        if found is None:
            raise ToolError(f"{module} has no {function!r}")
        return found


class _Others(Mapping[str, Agent]):
    """The agents that one may ask, some of which are not made yet."""

    def __init__(self, agents: Mapping[str, Agent], names: Sequence[str]) -> None:
        self._agents = agents
        self._names = names

    def __getitem__(self, name: str) -> Agent:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _client(section: schema.AgentSection) -> openai.AsyncOpenAI | None:
    if section.base_url is None and section.api_key is None:
        return None
    # The key of the environment is not for another server than that of the environment.
    return openai.AsyncOpenAI(base_url=section.base_url, api_key=section.api_key or "none")


def _working(section: schema.AgentSection) -> BufferWindow | SummaryBuffer | None:
    match section.memory and section.memory.working:
        case schema.BufferWindow(window_size=size):
            return BufferWindow(size)
        case schema.SummaryBuffer(budget=budget):
            return SummaryBuffer(budget)
    return None


def _longterm(section: schema.AgentSection) -> LongTerm | None:
    longterm = section.memory and section.memory.longterm
    if longterm:
        return LongTerm(longterm.storage_scope)
    return None


def _delivery(section: schema.AgentSection) -> Delivery | None:
    reasoning, streaming = (
        section.reasoning or schema.Reasoning(),
        section.streaming or schema.Streaming(),
    )
    delivery = Delivery(
        streaming=reasoning.enable_streaming,
        thinking=reasoning.show_thinking,
        chunk_chars=streaming.chunk_size,
        delay_s=streaming.delay_ms / 1000,
        buffer_chars=streaming.buffer_size,
    )
    if delivery == Delivery():
        return None
    return delivery
