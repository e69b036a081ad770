"""Writes `vercel_ui.json` anew, from the npm packages that `PYTHONPATH=tests python -m
parsers.environment` installs.
"""

import subprocess
from pathlib import Path

from parsers import environment
from schemas.official import SCHEMAS_OF_AI

SCRIPT = Path(__file__).with_name("vercel_ui.mjs")


def current() -> str:
    """Return the schemas as the packages have them."""
    command = [environment.program("node"), str(SCRIPT), str(environment.folder() / "node")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    SCHEMAS_OF_AI.write_text(current(), "utf-8")
