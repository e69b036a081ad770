"""Wheels that nbagent needs in a page of a browser.

`python -m website.wheels FOLDER` downloads them into the folder, and unpacks them into its `site`.
Pip reads the markers of requirements for the Python that it runs in, so requirements are followed
here, for the Python of npm's package `pyodide`.
"""

import email
import functools
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYODIDE = ROOT / "js" / "node_modules" / "pyodide"
"""The folder of npm's package `pyodide`: Python for a page, without packages."""

LEFT_OUT = "widgetsnbextension"
"""Package for servers of notebooks, which no page imports: JupyterLite has a stand-in for it."""


def download(folder: Path) -> None:
    """Download the wheels of nbagent's dependencies, and those of their dependencies.

    That of micropip, which installs them, comes into the folder `installer`.

    Raises:
        subprocess.CalledProcessError: pip failed; its output names the package without a wheel.
    """
    folder.mkdir(parents=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {LEFT_OUT}
    wanted = _new(project["dependencies"], names)
    while wanted:
        before = set(folder.glob("*.whl"))
        _pip_download(folder, wanted)
        needs = [need for wheel in set(folder.glob("*.whl")) - before for need in needs_of(wheel)]
        wanted = _new(needs, names)
    installer = lock()["packages"]["micropip"]
    _pip_download(folder / "installer", [f"micropip=={installer['version']}"])


def needs_of(wheel: Path) -> list[str]:
    """Return the requirements of a wheel."""
    with zipfile.ZipFile(wheel) as file:
        [path] = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(file.read(path)).get_all("Requires-Dist") or []


def unpack(wheels: Iterable[Path], folder: Path) -> None:
    """Unpack wheels into a folder, from which Python imports them."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as file:
            file.extractall(folder)


def _new(needs: Iterable[str], names: set[str]) -> list[str]:
    """Return the requirements that apply in a page and are of none of the names; add theirs."""
    wanted = []
    for need in map(Requirement, needs):
        name = canonicalize_name(need.name)
        applies = need.marker is None or need.marker.evaluate(_page() | {"extra": ""})
        if applies and name not in names:
            names.add(name)
            wanted.append(f"{need.name}{need.specifier}")
    return wanted


def _page() -> dict[str, str]:
    """Return the environment of a page, as markers name it."""
    version = lock()["info"]["python"]
    return {
        "os_name": "posix",
        "platform_machine": "wasm32",
        "platform_python_implementation": "CPython",
        "platform_system": "Emscripten",
        "python_full_version": version,
        "python_version": version.rpartition(".")[0],
        "sys_platform": "emscripten",
    }


def _pip_download(folder: Path, wanted: list[str]) -> None:
    version = _page()["python_version"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", f"--python-version={version}", "--implementation=cp"]
    command += [f"--abi=cp{version.replace('.', '')}", "--abi=none"]
    command += [f"--platform=pyemscripten_{lock()['info']['abi_version']}_wasm32"]
    subprocess.run([*command, f"--dest={folder}", *wanted], check=True)


@functools.cache
def lock() -> dict[str, Any]:
    """Return what Pyodide says of itself: its versions, and the packages that it knows."""
    known: dict[str, Any] = json.loads((PYODIDE / "pyodide-lock.json").read_text("utf-8"))
    return known


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    download(target)
    unpack(target.glob("*.whl"), target / "site")
