"""`llms.txt`: the pages in Markdown, for language models (https://llmstxt.org)."""

import re
from pathlib import Path

from website.pages import Entry, copy_sources, navigation

HEAD = """\
# nbagent

> Watch, steer and debug AI agents inside a Jupyter notebook. `nbagent.show(stream)` draws any
> agent's event stream live under the cell. `pip install jupyter-nbagent`, `import nbagent`;
> `model="demo"` runs without a key.
"""

_CODE = re.compile(r"^(```+).*?^\1$", re.DOTALL | re.MULTILINE)


def write(sources: Path, site: Path) -> None:
    """Write `llms.txt`, and the Markdown that it links, into the site."""
    copy_sources(sources, site)
    lines = [HEAD]
    for section in navigation()[1:]:
        [(title, entries)] = section.items()
        lines.append(f"\n## {title}\n")
        lines.extend(_listed(entries, sources, title))
    (site / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _listed(entries: str | list[Entry], sources: Path, title: str) -> list[str]:
    if isinstance(entries, str):
        text = (sources / entries).read_text("utf-8")
        sentence = _first_sentence(text)
        return [f"- [{title}]({entries}){': ' if sentence else ''}{sentence}"]
    lines = []
    for each in entries:
        [(name, inside)] = each.items()
        lines.extend(_listed(inside, sources, name))
    return lines


def _first_sentence(text: str) -> str:
    for paragraph in _CODE.sub("", text).split("\n\n"):
        paragraph = paragraph.lstrip("\n")
        if paragraph[:1].isalpha() or paragraph.startswith("`"):
            return " ".join(paragraph.split()).partition(". ")[0].rstrip(".:") + "."
    return ""
