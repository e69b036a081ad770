"""The environment of Inspect AI, whose reader is tried on our logs, under `.venv/inspect`.

`PYTHONPATH=tests python -m many.environment_of_inspect` makes it.
"""

import os
from pathlib import Path

import environment


def folder() -> Path:
    """Return its folder; `NBAGENT_INSPECT` overrides it."""
    return Path(os.environ.get("NBAGENT_INSPECT", environment.ROOT / ".venv" / "inspect"))


def python() -> Path:
    """Return its interpreter."""
    return environment.python_of(folder())


if __name__ == "__main__":
    environment.make(folder(), "inspect-ai>=0.3.100")
    print(folder())
