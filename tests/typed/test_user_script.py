"""The types of an installed nbagent, as announced by `py.typed`, checked by a user's type checker.

mypy reads the user's script in `make types`, in one run with nbagent itself.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from adapters.package_scaffold import scaffold_package

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the user's script in it."""
    shutil.copy(Path(__file__).with_name("user_script.py"), tmp_path)
    return tmp_path


def check(project: Path, *command: str) -> None:
    """Run a type checker in the project; nbagent is installed for it, i.e. lies on the
    interpreter's path.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_takes_the_types_of_an_installed_nbagent(project: Path) -> None:
    (project / "imports.py").write_text("import nbagent, nbagent.errors, nbagent.events\n")
    check(project, "mypy", "--strict", "--follow-imports=skip", "--cache-dir=cache", "imports.py")


def test_pyright_strict(project: Path) -> None:
    options = {"typeCheckingMode": "strict", "reportUnnecessaryTypeIgnoreComment": "error"}
    (project / "pyrightconfig.json").write_text(json.dumps(options))
    check(project, "basedpyright", "--pythonpath", sys.executable, "user_script.py")


@pytest.mark.proof
def test_mypy_takes_the_types_of_a_package_with_an_adapter(tmp_path: Path) -> None:
    scaffold_package(tmp_path, "acme")
    options = (
        "--strict",
        "--follow-imports=silent",
        "--explicit-package-bases",
        "--cache-dir=cache",
    )
    check(tmp_path / "src", "mypy", *options, "nbagent_acme")
