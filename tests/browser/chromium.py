"""Finds or installs a Chromium to test with, and prints its path. Run by `make test`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def installed() -> str | None:
    """Return the path of an installed browser, or None."""
    named = os.environ.get("NBAGENT_CHROMIUM")
    if named:
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def from_debian() -> str | None:
    """Install Debian's package, if permitted, and return its path."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
    subprocess.run(["apt-get", "install", "-y", "-qq", "chromium", "fonts-dejavu"], check=False, **quiet)  # type: ignore[call-overload]
    return installed()


def from_playwright() -> str | None:
    """Install Playwright's own build, and return its path."""
    from playwright.sync_api import sync_playwright

    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> int:
    """Print the path, or an error message."""
    path = installed() or from_debian() or from_playwright()
    if path is None:
        print(
            "No Chromium for the browser tests: none is installed, Debian's package could not be installed (apt-get, as root), "
            "and `playwright install chromium` failed. Install one, or name it: NBAGENT_CHROMIUM=/path/to/chromium make test",
            file=sys.stderr,
        )
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
