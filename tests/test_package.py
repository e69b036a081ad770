"""The installed package is complete: from a checkout without Node, and from an sdist without npm's
registry.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT = (
    "widget.js",
    "loader.js",
    "math.js",
    "highlight.js",
    "inspector.js",
    "answering.js",
    "forks.js",
    "media.js",
    "table.js",
    "page.html",
    "page.css",
    "page.js",
    "THIRD-PARTY-LICENSES.txt",
)
FRONT_END = {f"nbagent/static/{name}" for name in BUILT}

pytestmark = [pytest.mark.timeout(400), pytest.mark.proof]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of this project as a clone would have them."""
    copy = tmp_path_factory.mktemp("checkout") / "nbagent"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def nodeless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment whose PATH has everything this one has, but for Node."""
    bin = tmp_path_factory.mktemp("bin")
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for tool in Path(folder).glob("*") if Path(folder).is_dir() else ():
            if tool.name not in ("node", "nodejs", "npm", "npx", "corepack"):
                (bin / tool.name).unlink(missing_ok=True)
                (bin / tool.name).symlink_to(tool)
    return {**os.environ, "PATH": str(bin)}


def build(
    kind: str,
    source: Path,
    out: Path,
    env: Mapping[str, str] = os.environ,
    *,
    isolated: bool = True,
) -> Path:
    """Build a distribution of `source`, and return its path.

    Args:
        kind: "wheel" or "sdist".
        isolated: install what the build asks for into an environment of its own, instead of taking
            what is here.
    """
    command = [sys.executable, "-m", "build", f"--{kind}", "--outdir", str(out), str(source)]
    if not isolated:
        command.append("--no-isolation")
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked sdist."""
    out = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", checkout, out, isolated=False)) as tar:
        tar.extractall(out / "unpacked", filter="data")
    return next((out / "unpacked").iterdir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, nodeless: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that the sdist makes where there is neither Node nor npm's registry."""
    offline = {**nodeless, "npm_config_registry": "http://127.0.0.1:9"}
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel"), offline, isolated=False)


def test_the_wheel_of_an_sdist_carries_the_front_end(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        for name in FRONT_END:
            assert file.read(name) == (ROOT / name).read_bytes(), (
                f"{name} differs from the one built here"
            )


def test_the_wheel_carries_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.split("/")[0] for name in names} == {
        "nbagent",
        "pytest_nbagent.py",
        next(n.split("/")[0] for n in names if ".dist-info/" in n),
    }
    assert not [name for name in names if "__pycache__" in name or name.endswith(".map")]
    listed = subprocess.run(
        ["git", "ls-files", "nbagent"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {name for name in names if name.startswith("nbagent/")} == {
        *listed.stdout.splitlines(),
        *FRONT_END,
    }


@pytest.mark.proof
def test_a_checkout_builds_its_front_end_where_there_is_no_node(
    checkout: Path, nodeless: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert shutil.which("npm", path=nodeless["PATH"]) is None
    with zipfile.ZipFile(
        build("wheel", checkout, tmp_path_factory.mktemp("nodeless"), nodeless)
    ) as file:
        for name in FRONT_END:
            assert file.read(name) == (ROOT / name).read_bytes(), (
                f"{name} differs from the one built here"
            )


def test_one_version_for_both_languages() -> None:
    import json

    import nbagent

    assert nbagent.__version__ == json.loads((ROOT / "js" / "package.json").read_text())["version"]


def test_lock_files_name_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "js" / "package-lock.json").read_text()
