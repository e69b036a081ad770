"""Installation of the clients that read the encoders' output, each in its own folder under
`.venv/parsers`.

`PYTHONPATH=tests python -m parsers.environment` installs those that are missing: `ai` 5 and 7 and
`@ag-ui/client` from the lock file here, and the models of `ag-ui-protocol`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import environment

HERE = Path(__file__).parent
PACKAGE = "ag-ui-protocol==1.0.0"


def folder() -> Path:
    """Return the folder of the clients; `NBAGENT_PARSERS` overrides it."""
    return Path(os.environ.get("NBAGENT_PARSERS", environment.ROOT / ".venv" / "parsers"))


def python() -> Path:
    """Return the interpreter that has the models."""
    return environment.python_of(folder() / "python")


def program(name: str) -> str:
    """Return the path of one of Node's programs: the machine's, else the one beside this
    interpreter.
    """
    return shutil.which(name) or str(Path(sys.executable).parent / name)


def make_node(place: Path) -> None:
    """Install the JavaScript clients, unless they match the lock file already."""
    lock = (HERE / "package-lock.json").read_bytes()
    done = place / "whole"
    if done.exists() and done.read_bytes() == lock:
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place)
    subprocess.run(
        [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=place,
        check=True,
    )
    done.write_bytes(lock)


if __name__ == "__main__":
    make_node(folder() / "node")
    environment.make(folder() / "python", PACKAGE)
    print(folder())
