"""Installs Debian's packages of the programs that the tests run: a browser, Redis, nginx.

Run by `make test`.

It does so as root on a system with apt, such as a container. Elsewhere the tests of a program that
is missing are skipped, but for those of the browser (tests/browser/chromium.py).
"""

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "chromium": ("chromium", "fonts-dejavu"),
    "curl": ("curl",),
    "jq": ("jq",),
    "nginx": ("nginx-light",),
    "redis-server": ("redis-server",),
}
"""Names of the packages, by the program that they bring."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names of the programs any of which serves as the browser."""

NO_SERVICES = {"RUNLEVEL": "1", "SYSTEMD_OFFLINE": "1"}
"""Environment in which a package that is installed starts no service.

The tests start their own, on free ports.
"""


def program(*names: str) -> str | None:
    """Return the path of the first of these programs that is installed, or None."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))  # nginx is there
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def missing() -> list[str]:
    """Return the packages of all programs that are not installed."""
    names = [
        name for name in PACKAGES if program(*(BROWSERS if name == "chromium" else (name,))) is None
    ]
    return [package for name in names for package in PACKAGES[name]]


def main() -> int:
    """Install what is missing, if permitted."""
    packages = missing()
    if not packages or shutil.which("apt-get") is None or os.geteuid() != 0:
        return 0
    environment = {**os.environ, **NO_SERVICES, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *arguments], check=False, stdout=subprocess.DEVNULL, env=environment
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
