"""Environments with the agent frameworks that nbagent is tried with, each in its own folder under `.venv/frameworks`.

`PYTHONPATH=tests python -m frameworks.environments` makes those that are missing, `python -m frameworks` runs their tests.
What they try is the working tree's nbagent.

What installs beside nbagent's own openai is together in one; a package that needs an older openai has one of its own.
"""

import os
import sys
import tomllib
from pathlib import Path

import environment

TESTS = Path(__file__).parent
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "together": (
        "openai_agents",
        "langchain",
        "pydantic_ai",
        "anthropic",
        "smolagents",
        "ag_ui",
        "a2a",
        "acp",
        "google_adk",
        "cohere",
        "ollama",
    ),
    "llama_index": ("llama_index",),
    "agentor": ("agentor",),
    "crewai": ("crewai",),
}
"""Which packages are tried in which environment: `test_<package>.py`. A dependency group of pyproject has the same name."""


def folder() -> Path:
    """Where the environments are; `NBAGENT_FRAMEWORKS` names another place."""
    return Path(os.environ.get("NBAGENT_FRAMEWORKS", environment.ROOT / ".venv" / "frameworks"))


def current() -> str | None:
    """Return the name of the environment that this process runs in; None if it is none of these."""
    here = Path(sys.prefix)
    return here.name if here.name in ENVIRONMENTS and environment.is_whole(here) else None


def files_of(name: str) -> list[Path]:
    """Return the files of tests that run in an environment."""
    return [TESTS / f"test_{package}.py" for package in ENVIRONMENTS[name]]


def packages_of(group: str) -> list[str]:
    """What a dependency group of pyproject asks for, with the groups that it includes."""
    groups = tomllib.loads((environment.ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    found: list[str] = []
    for entry in groups[group]:
        found += [entry] if isinstance(entry, str) else packages_of(entry["include-group"])
    return found


if __name__ == "__main__":
    for name in ENVIRONMENTS:
        older = None if name == "together" else "openai"
        environment.make(folder() / name, *packages_of("pytest"), *packages_of(name), without=older)
        print(environment.python_of(folder() / name))
