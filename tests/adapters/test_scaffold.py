"""The scaffold of a new adapter writes one that passes the contract of every adapter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from adapters.scaffold import scaffold

ROOT = Path(__file__).parents[2]


def test_the_scaffolds_adapter_passes_the_tests_of_every_adapter(tmp_path: Path) -> None:
    for name in ("nbagent", "tests/adapters", "tests/recordings"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("static", "__pycache__", "encoders"),
        )
    for name in (
        "pyproject.toml",
        "tests/conftest.py",
        "tests/campaign.py",
        "tests/debian.py",
        "tests/redis_server.py",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    written = scaffold(tmp_path, "acme_cloud")
    tests = [
        f"tests/adapters/test_{name}.py"
        for name in ("acme_cloud", "recorded", "decoders", "contract")
    ]
    select = "acme or manifest or provenance"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", select]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    python = [str(path) for path in written if path.suffix == ".py"]
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", *python],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("name", ["", "Acme", "acme-cloud", "class"])
def test_a_name_that_cannot_be_an_adapters_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name for an adapter"):
        scaffold(tmp_path, name)


@pytest.mark.parametrize(
    "place", ["nbagent/adapters/x", "tests/adapters/test_x.py", "tests/recordings/x"]
)
def test_nothing_that_exists_is_written_over(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True)
    with pytest.raises(ValueError, match=f"{place} exists already"):
        scaffold(tmp_path, "x")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
