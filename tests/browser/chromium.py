"""Finds a Chromium to test with, or installs Playwright's, and prints its path.

Run by `make test`.
"""

import os
import subprocess
import sys
from pathlib import Path

from debian import BROWSERS, program


def installed() -> str | None:
    """Return the path of an installed browser, or None."""
    return os.environ.get("NBAGENT_CHROMIUM") or program(*BROWSERS)


def from_playwright() -> str | None:
    """Install Playwright's own build, and return its path."""
    from playwright.sync_api import sync_playwright

    done = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False
    )
    if done.returncode != 0:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> int:
    """Print the path, or an error message."""
    path = installed() or from_playwright()
    if path is None:
        print(
            "No Chromium for the browser tests: none is installed (as root, tests/debian.py "
            "installs Debian's), "
            "and `playwright install chromium` failed. Install one, or name it: "
            "NBAGENT_CHROMIUM=/path/to/chromium make test",
            file=sys.stderr,
        )
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
