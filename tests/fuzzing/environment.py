"""The environment of schemathesis, which generates requests from an OpenAPI document, under `.venv/fuzzing`.

`PYTHONPATH=tests python -m fuzzing.environment` makes it, if it is missing.
"""

from pathlib import Path

import environment

FOLDER = environment.ROOT / ".venv" / "fuzzing"
PACKAGES = ("schemathesis>=4.30",)


def program() -> Path:
    """Return the path of schemathesis."""
    return environment.python_of(FOLDER).with_name("schemathesis")


if __name__ == "__main__":
    environment.make(FOLDER, *PACKAGES)
    print(program())
