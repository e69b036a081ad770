"""Python code run in Pyodide, the Python of a page, by Node."""

import os
import shutil
import subprocess
from pathlib import Path

from website.wheels import PYODIDE

_SCRIPT = Path(__file__).with_name("pyodide.mjs")


def run_in_pyodide(code: str, *folders: Path, **environment: str) -> str:
    """Return what Python code prints in Pyodide.

    Args:
        code: may await.
        folders: stand at their own paths there, and may be written to.
        environment: variables besides those of this process.

    Raises:
        RuntimeError: it failed; the message is its traceback.
    """
    done = subprocess.run(
        [shutil.which("node") or "node", _SCRIPT, PYODIDE, code, *folders],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout
