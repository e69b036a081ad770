"""The tool `search`: full-text search in the files of a folder."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from nbagent.agent.builtin.folder import Folder
from nbagent.agent.tools.decorator import AnyToolFunction, tool
from nbagent.gate import secrets

MAX_FILE_BYTES = 1_000_000
"""Size of the largest file that is searched."""

MAX_FILES = 5_000
"""Files that are searched; a note says so where there are more."""

PASSAGE_LINES = 12
"""Lines of a passage: the unit that is found."""

MAX_PASSAGE_CHARS = 1_500
"""Characters of a passage that a model gets."""

_WORD = re.compile(r"\w+")


def search(folder: str | Path = ".") -> AnyToolFunction:
    """Return a tool that finds passages in the text files of a folder, the best first.

    It is a search for words, by SQLite's full-text index (https://www.sqlite.org/fts5.html), which
    is built anew at each call: it knows no synonyms, and nothing outside of the folder. Left out
    are hidden files and folders, symbolic links, files of more than 1 MB, and files that are no
    UTF-8. Known credentials are masked in what the model gets.

    Args:
        folder: the folder that it searches, relative to the working directory.

    Raises:
        ToolError: there is no such folder.
    """
    inside = Folder(folder)

    @tool(name="search")
    def find(query: str, limit: int = 5) -> str:
        """Search the text files of the working folder for words.

        Returns the passages that fit best, with file and line.

        Args:
            query: words to look for; a passage need not have them all.
            limit: passages to return, 1 to 20.
        """
        words = " OR ".join(f'"{word}"' for word in _WORD.findall(query))
        if not words:
            return "The query has no words."
        with closing(sqlite3.connect(":memory:")) as index:
            index.execute(
                "CREATE VIRTUAL TABLE passages USING fts5(place UNINDEXED, text, tokenize='porter "
                "unicode61')"
            )
            count = _fill(index, inside.path)
            found = index.execute(
                "SELECT place, text FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?",
                (words, min(max(limit, 1), 20)),
            ).fetchall()
        note = f" Only the first {MAX_FILES:,} files were searched." if count > MAX_FILES else ""
        if not found:
            return f"Nothing found in {min(count, MAX_FILES):,} files.{note}"
        passages = (
            f"{secrets.mask(place)}\n{_shortened(secrets.mask(text))}" for place, text in found
        )
        return "\n\n".join(passages) + (f"\n\n{note.strip()}" if note else "")

    return find


def _fill(index: sqlite3.Connection, folder: Path) -> int:
    """Put the passages of a folder's files into the index.

    Return the number of files, one more than the limit at most.
    """
    count = 0
    for path in _files(folder):
        count += 1
        if count > MAX_FILES:
            break
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "PRIVATE KEY" in text:  # a passage with its end does not show what it is
            text = secrets.mask(text)
        lines = text.splitlines()
        name = path.relative_to(folder).as_posix()
        starts = range(0, len(lines), PASSAGE_LINES)
        passages = (
            (f"{name}, line {start + 1}:", "\n".join(lines[start : start + PASSAGE_LINES]))
            for start in starts
        )
        index.executemany("INSERT INTO passages VALUES (?, ?)", passages)
    return count


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files to search, in the order of their names."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            if path.stat().st_size <= MAX_FILE_BYTES:
                yield path


def _shortened(text: str) -> str:
    if len(text) <= MAX_PASSAGE_CHARS:
        return text
    return f"{text[:MAX_PASSAGE_CHARS]}…"
