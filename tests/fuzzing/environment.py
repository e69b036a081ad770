"""The environment of schemathesis, which generates requests from an OpenAPI document, under
`.venv/fuzzing`.

`PYTHONPATH=tests python -m fuzzing.environment` makes it, if it is missing.
"""

import environment

FOLDER = environment.ROOT / ".venv" / "fuzzing"
PACKAGES = ("schemathesis>=4.30",)


def command() -> list[str]:
    """Return the command of schemathesis: by its interpreter, as a script names the folder that its
    environment was made in.
    """
    return [str(environment.python_of(FOLDER)), "-m", "schemathesis.cli"]


if __name__ == "__main__":
    environment.make(FOLDER, *PACKAGES)
    print(FOLDER)
