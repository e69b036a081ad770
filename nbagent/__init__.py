"""Watch, steer and debug AI agents inside a Jupyter notebook.

    import nbagent
    nbagent.show(stream)                        # an agent's stream, live under the cell
    nbagent.show("https://…", json={…})         # the same by its address
    agent = nbagent.Agent(model="demo", tools=[my_function])
    agents = nbagent.load_agents("config.yaml") # the same from a file, by name
    run = await nbagent.show(agent.stream("…"))
    run.text, run.tools[0].result, run.events
    nbagent.last, nbagent.runs                  # the run that was shown last; those that go on

A run consists of `nbagent.events`. What can go wrong is in `nbagent.errors`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from nbagent import errors, events
from nbagent.chat import Chat, chat
from nbagent.notebook.show import show
from nbagent.run import Run
from nbagent.run.options import set_options
from nbagent.run.registry import runs
from nbagent.run.requests import watch
from nbagent.run.telemetry import telemetry
from nbagent.run_context.faults import faults
from nbagent.runtime.late_imports import name_late_imports
from nbagent.sources.connect import connect
from nbagent.sources.recording import load, record, replay

name_late_imports(
    act="nbagent.debug.acts:act",
    agent_at="nbagent.debug.acts:agent_at",
    fork="nbagent.debug.fork:fork",
    send="nbagent.debug.send:send",
    told_at="nbagent.debug.fork:told_at",
    to_case="nbagent.testing.case:to_case",
    to_test="nbagent.testing.writer:to_test",
)

__all__ = [
    "Agent",
    "BufferWindow",
    "Chat",
    "Estimate",
    "Interval",
    "Limits",
    "LongTerm",
    "RayExecutor",
    "Run",
    "Runs",
    "RunsComparison",
    "SummaryBuffer",
    "asgi",
    "bisect",
    "chat",
    "compare",
    "connect",
    "demo",
    "encode",
    "errors",
    "events",
    "faults",
    "file",
    "image",
    "last",
    "load",
    "load_agents",
    "map",
    "mcp",
    "progress",
    "record",
    "replay",
    "runs",
    "serve",
    "set_options",
    "show",
    "telemetry",
    "tool",
    "watch",
]


def load_ipython_extension(shell: Any) -> None:
    """Make `%%agent` known to IPython: what `%load_ext nbagent` calls."""
    from nbagent.notebook.magics import AgentMagics

    shell.register_magics(AgentMagics)


if TYPE_CHECKING:
    from nbagent import demo
    from nbagent.adapters.encode import encode
    from nbagent.agent import (
        Agent,
        BufferWindow,
        LongTerm,
        SummaryBuffer,
        load_agents,
        mcp,
        progress,
        tool,
    )
    from nbagent.agent.prompt_parts import file, image
    from nbagent.debug.bisect import bisect
    from nbagent.debug.compare import compare
    from nbagent.many import (  # `map` as `nbagent.map`
        Estimate,
        Interval,
        RayExecutor,
        Runs,
        RunsComparison,
        map,  # noqa: A004
    )
    from nbagent.server import Limits, asgi, serve

    __version__: str
    last: Run | None
    """The run that was shown last, also after its cell was interrupted; None if there is none, or
    if it was closed.
    """
else:  # a type checker would take any name for one that __getattr__ knows
    _OF_AGENT = (
        "Agent",
        "BufferWindow",
        "LongTerm",
        "SummaryBuffer",
        "load_agents",
        "mcp",
        "progress",
        "tool",
    )

    _OF_MANY = ("Estimate", "Interval", "RayExecutor", "Runs", "RunsComparison", "map")
    _MODULES = {
        **dict.fromkeys(_OF_MANY, "nbagent.many"),
        **dict.fromkeys(("file", "image"), "nbagent.agent.prompt_parts"),
        "bisect": "nbagent.debug.bisect",
        "compare": "nbagent.debug.compare",
        "encode": "nbagent.adapters.encode",
    }

    def __getattr__(name: str) -> Any:
        """Import a name on first use, unless `show` needs it: importing openai takes most of a
        second.
        """
        if name in _OF_AGENT:
            from nbagent import agent, demo
            from nbagent.agent.model.client import register_model

            register_model("demo", demo.demo_model)
            globals().update({each: getattr(agent, each) for each in _OF_AGENT})
            return globals()[name]
        if name in _MODULES:
            return getattr(importlib.import_module(_MODULES[name]), name)
        if name in ("Limits", "asgi", "serve"):
            try:
                from nbagent import server
            except ImportError as error:
                raise errors.MissingExtra("Serving agents", "serve") from error
            return getattr(server, name)
        if name == "last":
            from nbagent.run import registry

            return registry.last()
        if name == "__version__":
            from importlib.metadata import version

            return version("jupyter-nbagent")
        if name == "demo":
            return importlib.import_module("nbagent.demo")
        raise AttributeError(f"module 'nbagent' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__"])
