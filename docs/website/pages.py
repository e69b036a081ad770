"""The pages of `docs/` and of the repository's root as pages of the site."""

import argparse
import itertools
import posixpath
import re
import shutil
import tomllib
from pathlib import Path
from typing import get_args

from markdown_it import MarkdownIt
from markdown_it.token import Token

from nbagent import events
from nbagent.cli.main import parser
from nbagent.events import Envelope

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MOVED = {
    "README.md": "index.md",
    "docs/README.md": "contents.md",
    "SECURITY.md": "explanation/security.md",
    "ARCHITECTURE.md": "explanation/architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
"""Pages that stand elsewhere on the site than in `docs/`, by their path in the repository."""

_LINK = re.compile(r"(?<!!)\[([^]]+)\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[[^]]*\]\([^)]*\)\n\n(?=<!-- player)")
_PLAYER = re.compile(r"<!-- player: (\w+) -->")
_HIDDEN = re.compile(r"<!-- (?:setup|not run:).*?-->\n+", re.DOTALL)


def place_of(path: str) -> str | None:
    """Return where a file of the repository is on the site, or None if it is not there."""
    if path in MOVED:
        return MOVED[path]
    if path.startswith("notebooks/") and path.endswith(".ipynb"):
        return f"tutorials/{Path(path).stem}.md"
    if path.startswith("docs/") and path.endswith(".md"):
        return re.sub(r"README\.md$", "index.md", path.removeprefix("docs/"))
    return None


def write(folder: Path) -> None:
    """Write all pages but the tutorials into the folder of the site's sources."""
    documents = [path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md")]
    for path in {*documents, *MOVED}:
        place = place_of(path)
        assert place is not None
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(page(path, (ROOT / path).read_text("utf-8")), "utf-8")


def page(path: str, text: str) -> str:
    """Return a page of the repository as a page of the site."""
    place = place_of(path) or ""
    text = _PICTURE.sub("", text)
    text = _HIDDEN.sub("", text)
    text = _PLAYER.sub(lambda found: player(found[1], place), text)
    text = text.replace("<!-- help -->", commands())
    text = text.replace("<!-- events -->", event_types())
    text = text.replace("```ipython\n", "```python\n")
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else _links(path, part) for part in parts)


def _links(path: str, text: str) -> str:
    return _LINK.sub(lambda found: _link(path, found[1], found[2]), text)


def _link(path: str, words: str, target: str) -> str:
    """Return a link, from its page's place on the site to that of its target."""
    file, hash, anchor = target.partition("#")
    if ":" in file or not file:
        return f"[{words}]({target})"
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
    place = place_of(found)
    if place is not None:
        start = posixpath.dirname(place_of(path) or "") or "."
        return f"[{words}]({posixpath.relpath(place, start)}{hash}{anchor})"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return f"[{words}]({project['urls']['Source']}/blob/main/{found})"


def player(name: str, place: str) -> str:
    """Return the element in which `assets/player.js` plays a recorded run.

    Args:
        name: of the run.
        place: of the page on the site. `a/b.md` has the address `a/b/`, `a/index.md` has `a/`.
    """
    address = re.sub(r"(?:(?<=/)|^)index$", "", place.removesuffix(".md")).rstrip("/")
    data = posixpath.relpath(f"assets/players/{name}.json", address or ".")
    return (
        f'<figure class="player" data-ops="{data}">'
        "<noscript>A recorded run, which is drawn by a script.</noscript></figure>"
    )


def commands() -> str:
    """Return the help of the command line and of each command."""
    whole = parser()
    [subparsers] = [each for each in whole._actions if isinstance(each, argparse._SubParsersAction)]
    sections = [f"```text\n{whole.format_help()}```"]
    for name, command in subparsers.choices.items():
        sections.append(f"## nbagent {name}\n\n```text\n{command.format_help()}```")
    return "\n\n".join(sections)


def event_types() -> str:
    """Return a table of the events: tag, class, and fields beside those that all have."""
    rows = ["| `type` | class | fields |", "|---|---|---|"]
    for kind in get_args(events.Event):
        own = [name for name in kind.__struct_fields__ if name not in Envelope.__struct_fields__]
        fields = ", ".join(f"`{name}`" for name in own)
        rows.append(f"| `{kind.__struct_config__.tag}` | `{kind.__name__}` | {fields} |")
    common = ", ".join(f"`{name}`" for name in Envelope.__struct_fields__)
    return "\n".join(rows) + f"\n\nAll have {common}. The run sets the first three."


Entry = dict[str, "str | list[Entry]"]


def navigation() -> list[Entry]:
    """Return the site's navigation: the sections, groups and links of `docs/README.md`."""
    tokens = MarkdownIt("commonmark").enable("table").parse((DOCS / "README.md").read_text("utf-8"))
    start: list[Entry] = [{"nbagent": "index.md"}, {"All pages": "contents.md"}]
    sections: list[Entry] = [{"Start": start}]
    into = section = start
    for before, token in itertools.pairwise(tokens):
        if before.type == "heading_open" and before.tag == "h2":
            section = into = []
            sections.append({token.content: section})
        elif re.fullmatch(r"\*\*.+\*\*", token.content):
            into = []
            section.append({token.content.strip("*"): into})
        elif token.type == "inline" and section is not start:
            into.extend(_links_of(token))
    return sections


def _links_of(token: Token) -> list[Entry]:
    children = token.children or []
    entries: list[Entry] = []
    for child, text in itertools.pairwise(children):
        href = str(child.attrGet("href") or "")
        place = place_of(posixpath.normpath(f"docs/{href}")) if href else None
        if place is not None:
            entries.append({text.content: place})
    return entries


def copy_sources(sources: Path, site: Path) -> None:
    """Copy the Markdown of the pages beside their HTML."""
    for path in sources.rglob("*.md"):
        target = site / path.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
