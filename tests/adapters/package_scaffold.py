"""Scaffold of an adapter in a package of its own: `make adapter NAME=acme PACKAGE=../nbagent-acme`.

The files are those that `docs/how-to/write-an-adapter.md` prints, with the system's name.
"""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-an-adapter.md"
_FILE = re.compile(
    r"^\*\*(?P<name>\S+)\*\*\n\n(?P<fence>`{3,})\w+\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def files(name: str) -> dict[str, str]:
    """Return the text of each file of the package, by its path.

    Args:
        name: the system's name, a Python identifier in lower case.
    """
    page = PAGE.read_text("utf-8")
    return {
        _named(file["name"].replace("\\", ""), name): _named(file["text"], name)
        for file in _FILE.finditer(page)
    }


def scaffold_package(folder: Path, name: str) -> list[Path]:
    """Write a package with an adapter.

    Args:
        folder: the package's; it must not exist, or be empty.
        name: the system's name, a Python identifier in lower case.

    Returns:
        The files.

    Raises:
        ValueError: the folder has files.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} has files already; name a folder that does not exist")
    written = []
    for path, text in files(name).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        written.append(file)
    return written


def _named(text: str, name: str) -> str:
    names = {
        "nbagent-acme": f"nbagent-{name.replace('_', '-')}",
        "Acme": name.title().replace("_", ""),
        "acme": name,
    }
    return re.sub("|".join(names), lambda found: names[found[0]], text)
