"""Environments with the agent frameworks that nbagent is tried with, each in its own folder under
`.venv/frameworks`.

`PYTHONPATH=tests python -m frameworks.environments` makes those that are missing, `python -m
frameworks` runs their tests. They test the working tree's nbagent.

Packages that work with nbagent's own version of openai share an environment; a package that needs
an older one has its own.
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
        "mcp",
        "google_adk",
        "cohere",
        "ollama",
        "served",
    ),
    "more": (
        "agent_framework",
        "agno",
        "autogen",
        "claude_agent",
        "mistralai",
        "strands",
    ),
    "llama_index": ("llama_index",),
    "agentor": ("agentor",),
    "crewai": ("crewai",),
    "pipelines": ("dspy", "haystack", "semantic_kernel", "ag2"),
    "ag2_classic": ("ag2_classic",),
}
"""Packages tested in each environment, by `test_<package>.py`.

A dependency group of pyproject has the same name.
"""


def folder() -> Path:
    """Return the folder of the environments; `NBAGENT_FRAMEWORKS` overrides it."""
    return Path(os.environ.get("NBAGENT_FRAMEWORKS", environment.ROOT / ".venv" / "frameworks"))


def current() -> str | None:
    """Return the name of the environment that this process runs in; None if it is none of these."""
    here = Path(sys.prefix)
    return here.name if here.name in ENVIRONMENTS and environment.is_whole(here) else None


def files_of(name: str) -> list[Path]:
    """Return the files of tests that run in an environment."""
    return [TESTS / f"test_{package}.py" for package in ENVIRONMENTS[name]]


def packages_of(group: str) -> list[str]:
    """Return the packages of a dependency group of pyproject, with the groups that it includes."""
    groups = tomllib.loads((environment.ROOT / "pyproject.toml").read_text("utf-8"))[
        "dependency-groups"
    ]
    found: list[str] = []
    for entry in groups[group]:
        found += [entry] if isinstance(entry, str) else packages_of(entry["include-group"])
    return found


if __name__ == "__main__":
    for name in ENVIRONMENTS:
        older = None if name == "together" else "openai"
        environment.make(folder() / name, *packages_of("pytest"), *packages_of(name), without=older)
        print(environment.python_of(folder() / name))
