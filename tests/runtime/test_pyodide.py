"""nbagent in Pyodide, the Python of a page of a browser, which Node runs here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import environment
import pytest
from runtime.replays import replays
from website.in_pyodide import run_in_pyodide
from website.wheels import unpack

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
PAGE = ROOT / "build" / "page"
"""Made by `python -m website.wheels`."""

RECORDINGS = TESTS / "recordings"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="`make build/page` makes its packages")


def in_pyodide(code: str, nbagent: Path) -> Any:
    """Return what Python code in Pyodide leaves in `result`.

    Args:
        code: may await.
        nbagent: the folder that has the package.
    """
    whole = "\n".join(
        [
            "import json, warnings",
            "warnings.simplefilter('error')",
            code,
            "print(json.dumps(result))",
        ]
    )
    compiled = PAGE / "compiled"
    compiled.mkdir(exist_ok=True)
    path = os.pathsep.join(map(str, (nbagent, PAGE / "site", TESTS)))
    printed = run_in_pyodide(
        whole, ROOT, nbagent, PYTHONPATH=path, PYTHONPYCACHEPREFIX=str(compiled)
    )
    return json.loads(printed.splitlines()[-1])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which nbagent's wheel is unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "--outdir", folder, ROOT], check=True, capture_output=True)
    unpack(folder.glob("*.whl"), folder)
    return folder


@pytest.mark.timeout(900)  # a busy machine takes long to load the packages
def test_a_page_runs_agents_chats_breakpoints_forks_and_recordings(tmp_path: Path) -> None:
    environment.link(PAGE / "site")
    # Without the folder `js` beside it, which would hide Pyodide's module of that name.
    (tmp_path / "nbagent").symlink_to(ROOT / "nbagent")
    code = "from runtime import in_page\nresult = await in_page.failures()"
    assert in_pyodide(code, tmp_path) == {}


@pytest.mark.proof
def test_the_wheel_runs_in_a_page(wheel: Path) -> None:
    code = "from runtime import in_page\nresult = await in_page.failures()"
    assert in_pyodide(code, wheel) == {}


@pytest.mark.proof
@pytest.mark.timeout(900)
async def test_each_recording_is_the_same_in_a_page(wheel: Path) -> None:
    code = f"from runtime.replays import replays\nresult = await replays({str(RECORDINGS)!r})"
    here = await replays(str(RECORDINGS))
    assert len(here) > 230
    assert in_pyodide(code, wheel) == here
