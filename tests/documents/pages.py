"""The pages of the documentation: their blocks of code, headings and links."""

import ast
import inspect
import itertools
import linecache
import re
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / f"{name}.md" for name in ("README", "SECURITY"))])
MAPS = [ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CONTRIBUTING", "CHANGELOG")]
"""Pages for developers: their links are checked, their blocks are outlines."""

_NUMBERS = itertools.count(1)
_COMMENT = re.compile(r"<!--\s*(not run:|setup\b)?\s*(.*?)\s*-->", re.DOTALL)


class Block(NamedTuple):
    """A block of code.

    Attributes:
        language: the word behind the fence, "" for none.
        code: its text.
        line: of the page, where it begins.
        not_run: why it is not run: the comment `<!-- not run: … -->` before it; "" if it is.
    """

    language: str
    code: str
    line: int
    not_run: str


def tokens(page: Path) -> list[Token]:
    """Return the Markdown tokens of a page."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page, and the hidden ones that prepare them.

    A hidden block is a comment, `<!-- setup` up to `-->`, with Python in it.
    """
    found, reason = [], ""
    for token in tokens(page):
        line = token.map[0] + 1 if token.map else 0
        if token.type in ("fence", "code_block"):
            found.append(Block(token.info, token.content, line, reason))
        comment = _COMMENT.search(token.content) if token.type == "html_block" else None
        kind, text = comment.groups() if comment else ("", "")
        if kind == "setup":
            found.append(Block("python", text, line, ""))
        if token.nesting == 0 and token.type != "inline":
            reason = text if kind == "not run:" else ""
    return found


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    all_tokens = tokens(page)
    names = [
        re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", after.content)
        for token, after in itertools.pairwise(all_tokens)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in names}


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures."""
    children = [child for token in tokens(page) for child in token.children or ()]
    targets = [child.attrGet("href") or child.attrGet("src") for child in children]
    return [str(target) for target in targets if target]


async def run_python(code: str, names: dict[str, Any]) -> None:
    """Run a block as a cell of a notebook.

    Asserts that each expression has the value of the comment beside it, if that is a literal.
    """
    name = f"<block {next(_NUMBERS)}>"
    # Where inspect finds the source of the block's functions.
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    for line in ast.parse(code).body:
        tree = ast.Expression(line.value) if isinstance(line, ast.Expr) else ast.Module([line], [])
        mode = "eval" if isinstance(line, ast.Expr) else "exec"
        compiled = compile(tree, name, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(compiled, names)
        value = await made if inspect.iscoroutine(made) else made
        source = ast.get_source_segment(code, line) or ""
        expected = _expected(code, source) if isinstance(line, ast.Expr) else None
        if expected is not None:
            assert value == expected, source


def _expected(code: str, source: str) -> Any:
    comment = re.search(rf"^{re.escape(source)}\s+# (.+)$", code, re.MULTILINE)
    if comment is None:
        return None
    try:
        return ast.literal_eval(comment[1])
    except (SyntaxError, ValueError):
        return None  # words
