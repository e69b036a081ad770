"""The agent that a command is about, and the command `call`."""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

import nbagent
from nbagent.agent import Agent
from nbagent.agent.config.load import DEMO_MODEL, DemoModelWarning
from nbagent.cli.watch import watch
from nbagent.errors import NbagentError, did_you_mean
from nbagent.printable import printable
from nbagent.run import Run

T = TypeVar("T")


def call(args: argparse.Namespace) -> int:
    """Ask an agent, and print its answer as it comes."""
    prompt = sys.stdin.read() if args.prompt == "-" else args.prompt
    if not prompt.strip():
        raise NbagentError("the prompt is empty")
    agent = agent_of(args)
    return watch(
        Run(agent.stream(prompt), reveal=args.reveal, tags=args.tags, timeout=args.timeout),
        args,
        args.allow,
    )


def agent_of(args: argparse.Namespace) -> Agent:
    """Return the agent that the arguments name: one of a configuration, else a plain one.

    A note on standard error says so if the demo model stands in for a model.

    Raises:
        NbagentError: there is no such agent, or several and none is named.
    """
    return with_notes(
        lambda: _configured(args) if args.config else _plain(args), lambda agent: [agent.name]
    )


def with_notes(make: Callable[[], T], names_of: Callable[[T], Iterable[str]]) -> T:
    """Return the result of `make`.

    A note on standard error names each of its agents that the demo model stands in for.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DemoModelWarning)
        made = make()
    names = set(names_of(made))
    for each in caught:
        if not isinstance(each.message, DemoModelWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif each.message.agent in names:
            print(f"nbagent: {printable(str(each.message))}", file=sys.stderr)
    return made


def _configured(args: argparse.Namespace) -> Agent:
    if args.model:
        raise NbagentError(
            "--model is for an agent without --config; write model: in the file, or set "
            "NBAGENT_MODEL"
        )
    agents = nbagent.load_agents(args.config)
    if args.agent is None and len(agents) == 1:
        return next(iter(agents.values()))
    names = ", ".join(map(repr, agents))
    if args.agent is None:
        raise NbagentError(f"{args.config} has several agents; choose one with --agent: {names}")
    if args.agent not in agents:
        hint = did_you_mean(args.agent, agents) or f"; it has {names}"
        raise NbagentError(f"{args.config} has no agent {args.agent!r}{hint}")
    return agents[args.agent]


def _plain(args: argparse.Namespace) -> Agent:
    model = args.model or os.environ.get("NBAGENT_MODEL")
    name = args.agent or "assistant"
    if not model:
        warnings.warn(DemoModelWarning(name), stacklevel=2)
    return nbagent.Agent(model or DEMO_MODEL, name=name)
