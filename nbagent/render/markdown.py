"""The transcript as Markdown, with the labels of the view: for an issue, a chat, a document.

Texts are Markdown already and stay as they are; data is put in fences. Pictures are named, not
kept.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, assert_never

from nbagent.blocks import KIND_NAMED
from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, record_of, text_of
from nbagent.mime.parts import parts_or_whole
from nbagent.protocol import nodes as n
from nbagent.protocol.shared import LABELS, fill
from nbagent.render.call_row import call_row
from nbagent.render.differences import difference_lines
from nbagent.render.errors import error_headline
from nbagent.render.figures import failed_calls_label, figures, spent
from nbagent.render.json_text import pretty
from nbagent.render.labels import forks_label, lanes_label, run_label
from nbagent.render.markup.line_breaks import with_hard_breaks
from nbagent.render.markup.text import clip, fenced, prose, readable, visible, with_edges
from nbagent.render.markup.url import safe_url
from nbagent.render.questions import (
    decision_details,
    decision_label,
    prompt_label,
    unanswered_note,
)
from nbagent.render.size_budget import SizeBudget
from nbagent.render.terminal_text import terminal_text
from nbagent.render.thoughts import is_title_only, thought_label
from nbagent.render.tree import ROOT, Tree

_SPECIAL = re.compile(r"[\\`*\[\]$~^@{]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w)")
# At the beginning of a line: a heading, a list, a quotation, a line under a heading.
_MARKER = re.compile(r"^(\d{0,9})([#>+=.)-])")
_TASK_MARKS = {True: "✓ ", False: "○ ", None: ""}
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def transcript_markdown(
    blocks: Sequence[Props], *, embedded: bool = False, max_bytes: int | None = None
) -> str:
    """Return a run's transcript as Markdown (CommonMark).

    Args:
        blocks: what `run.snapshot()` gives, of a run that has ended or still goes on.
        embedded: write bold lines instead of headings, so that no outline of the document around it
            lists them.
        max_bytes: bytes it may take as UTF-8, about: the longest texts are cut first, and say how
            much is missing. Above twice that the end is cut. None is no limit.
    """
    budget = None
    if max_bytes is not None:
        budget = SizeBudget.of(blocks, max_bytes)
    text = _Writer(Tree(blocks), embedded, budget).text()
    if embedded:
        from nbagent.render.markup.embedded import without_citations

        text = without_citations(text)
    if max_bytes is None or len(text) <= 2 * max_bytes:
        return text
    head = text[: 2 * max_bytes].rpartition("\n")[0]
    left_out = len(text) - len(head)
    return f"{_closed(head)}\n\n… {left_out:,} more characters not kept in the notebook\n"


class _Writer:
    """Writes the blocks of one run as Markdown."""

    def __init__(self, tree: Tree, embedded: bool, budget: SizeBudget | None) -> None:
        self._tree = tree
        self._embedded = embedded
        self._text_chars: int | None = None
        self._value_chars: int | None = None
        if budget is not None:
            self._text_chars, self._value_chars = budget.text_chars, budget.value_chars
        self._rule = "---"
        if embedded:
            self._rule = "***"

    def text(self) -> str:
        pieces = self._header() + self._list(ROOT)
        found = figures(self._tree.run)
        if found:
            pieces += [self._rule, " · ".join(found)]
        return "\n\n".join(pieces) + "\n"

    def _header(self) -> list[str]:
        run = self._tree.run
        name, model = text_of(run, "name") or LABELS["run"]["name"], text_of(run, "model")
        about = [run_label(run), lanes_label(run, self._tree.lanes), failed_calls_label(run)]
        if model != name:
            about.insert(0, model)
        line = _line(" · ".join(filter(None, about)))
        pieces = [f"# {_line(name)}", line]
        if self._embedded:
            pieces = [f"**{_line(name)}** · {line}"]
        forks = forks_label(run)
        if forks:
            pieces.append(_line(forks))
        return pieces

    def _answer(self, text: str, *, line_breaks: bool) -> str:
        text = _clipped(text, self._text_chars)
        if line_breaks:
            text = with_hard_breaks(text)
        return self._markdown(text)

    def _prose(self, text: str) -> str:
        return self._markdown(_clipped(text, self._value_chars))

    def _markdown(self, text: str) -> str:
        if self._embedded:
            # With the first transcript that is saved.
            from nbagent.render.markup.embedded import embedded_markdown

            text = embedded_markdown(text)
        return _closed(text)

    def _plain(self, text: str) -> str:
        return _fenced(_clipped(text, self._value_chars))

    def _json(self, value: Any) -> str:
        return _fenced(_clipped(pretty(value), self._value_chars), "json")

    def _list(self, parent: str) -> list[str]:
        pieces: list[str] = []
        for block in self._tree.children.get(parent, []):
            pieces += filter(None, self._block(block))
        return pieces

    def _block(self, block: Props) -> list[str]:
        name = text_of(block, "kind")
        draw = {
            "text": self._text,
            "reasoning": self._reasoning,
            "tool": self._tool,
            "agent": self._agent,
            "approval": _approval,
        }.get(name)
        if draw is not None:
            return draw(block)
        kind = KIND_NAMED.get(name)
        if kind is None:
            return self._node(n.Data(text_of(block, "name") or name, block.get("data")))
        return list(chain.from_iterable(map(self._node, kind.draws(block))))

    def _node(self, node: n.Node) -> list[str]:
        match node:
            case n.Line():
                return [_TASK_MARKS[node.done] + "".join(map(_words, node.words))]
            case n.Notice():
                return [f"*{_line(node.text)}*"]
            case n.Message():
                text = _escaped_lines(_clipped(node.text, self._text_chars))
                heading = f"**{LABELS['prompted']['you']}**"
                return [_quoted([heading, text, *map(_attached, node.files)])]
            case n.Link():
                return [_link(node.url, node.title, LABELS["other"]["source"])]
            case n.Download():
                return [_link(node.url, node.name, "file")]
            case n.Failure():
                return _failure(node)
            case n.Data():
                return self._data(node)
            case n.Table():
                ruler = f"|{'---|' * len(node.heads)}"
                return ["\n".join([_row(node.heads), ruler, *map(_row, node.cells)])]
            case _:
                assert_never(node)

    def _data(self, data: n.Data) -> list[str]:
        name = f"`{_code(data.name)}`"
        if data.value is None:
            return [name]
        return [name, self._json(data.value)]

    def _text(self, block: Props) -> list[str]:
        text = text_of(block, "text")
        if block.get("text_kind") == "json":
            return [_fenced(text, "json")]
        return [self._answer(text, line_breaks=block.get("line_breaks") is True)]

    def _reasoning(self, block: Props) -> list[str]:
        text = text_of(block, "text")
        if not text:
            return []
        pieces = [f"*{_line(thought_label(block))}*"]
        if not is_title_only(block):
            pieces.append(self._prose(text))
        return [_quoted(pieces)]

    def _tool(self, block: Props) -> list[str]:
        before, about_result = self._tree.asked_of(block)
        pieces = [
            self._call(block),
            *map(_question, before),
            self._output(block),
            *_compared(block),
            *self._outcome(block),
            *map(_question, about_result),
        ]
        inside = self._list(text_of(block, "id"))
        if inside:
            pieces.append(_quoted(inside))
        return pieces

    def _agent(self, block: Props) -> list[str]:
        parts = [f"**{_line(text_of(block, 'name') or LABELS['other']['agent'])}**"]
        if text_of(block, "status") not in ("completed", "running", ""):
            parts.append(_line(end_label(block)))
        return [_quoted([" · ".join([*parts, *spent(block)]), *self._list(text_of(block, "id"))])]

    def _call(self, tool: Props) -> str:
        row = call_row(tool, stopped=self._tree.is_stopped(tool))
        line = f"{row.symbol} **{_line(row.name)}** `{_code(row.args)}`"
        if row.summary:
            line += f" → {_line(row.summary)}"
        for note in row.notes:
            line += f" · {_line(note)}"
        return line

    def _output(self, block: Props) -> str:
        printed = terminal_text(text_of(block, "output"))
        if not printed:
            return ""
        return self._plain(printed)

    def _outcome(self, block: Props) -> list[str]:
        """Return a call's result and error."""
        pieces: list[str] = []
        result, error = block.get("result"), record_of(block, "error")
        if result is not None:
            if not isinstance(result, dict):
                result = {"application/json": result}
            pieces += filter(None, map(self._result, parts_or_whole(result)))
        if error:
            parts = (error_headline(error), text_of(error, "traceback"))
            pieces.append(self._plain("\n\n".join(filter(None, parts))))
        return pieces

    def _result(self, bundle: Props) -> str:
        markdown, data = text_of(bundle, "text/markdown"), bundle.get("application/json")
        plain = bundle.get("text/plain")
        if markdown:
            return self._prose(markdown)
        if data is not None:
            return self._json(data)
        if isinstance(plain, str):
            return self._plain(plain)
        kept = [mime for mime, payload in bundle.items() if payload is not None]
        if not kept:
            return ""
        return _fenced(", ".join(kept))


def _clipped(text: str, max_chars: int | None) -> str:
    if max_chars is None:
        return text
    return "\n".join(filter(None, clip(text, max_chars)))


def _compared(block: Props) -> list[str]:
    """Return the difference of an attempt's result and the first one."""
    diff = record_of(block, "difference")
    if not diff:
        return []
    lines = difference_lines(diff)
    pieces = [f"*{_line(fill(LABELS['attempt']['compared'], text_of(diff, 'note')))}*"]
    if lines:
        pieces.append(_fenced("\n".join(lines)))
    return pieces


def _approval(block: Props) -> list[str]:
    return [_question(block)]


def _question(block: Props) -> str:
    decision = decision_label(block)
    if decision:
        return " · ".join([f"**{_line(decision)}**", *map(_line, decision_details(block))])
    return f"**?** {_line(prompt_label(block))}{unanswered_note(block)}"


def _words(words: n.Words) -> str:
    if words.strong:
        return f"**{_line(words.text)}**"
    return with_edges(words.text, _line(words.text))


def _attached(file: n.Download) -> str:
    return f"📎 {_line(file.name or file.media_type or 'file')}"


def _failure(failure: n.Failure) -> list[str]:
    heading = f"**✗ {_line(failure.type or LABELS['error']['type'])}**"
    return [heading, _fenced(failure.message or LABELS["error"]["message"])]


def _link(address: str, title: str, default: str) -> str:
    """Return a link with its title, else its URL; the default where it has neither."""
    url = safe_url(address)
    label = _line(title or url or default)
    if url is None:
        return label
    return f"[{label}](<{url}>)"


def _row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    escaped = [_line(cell).replace("|", "&#124;") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _line(text: str) -> str:
    """Return a text on one line, escaped so that it contains no Markdown."""
    return _escaped(" ".join(visible(text).split()))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    if found[0] == "\\":
        # To the pandoc that nbconvert calls, two backslashes before a bracket begin a formula.
        return "&#92;"
    return f"\\{found[0]}"


def _escaped_lines(text: str) -> str:
    """Return a text escaped so that it contains no Markdown, and keeps its lines."""
    lines = [_MARKER.sub(r"\1\\\2", _escaped(visible(line).strip())) for line in text.split("\n")]
    return re.sub(r"(?<=\S)\n(?=\S)", "\\\\\n", "\n".join(lines))


def _code(text: str) -> str:
    """Return a text escaped for a code span."""
    return " ".join(visible(text).replace("`", "'").split())


def _fenced(text: str, language: str = "") -> str:
    return fenced(readable(text), language)


def _closed(text: str) -> str:
    """Return the text, with an end added to a fence that is still open, so that what follows is not
    code.
    """
    text, fence = prose(text), ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence) and not line[found.end() :].strip():
            fence = ""
    if not fence:
        return text
    return f"{text}\n{fence}"


def _quoted(pieces: Iterable[str]) -> str:
    lines = "\n\n".join(pieces).split("\n")
    return "\n".join(map(_quoted_line, lines))


def _quoted_line(line: str) -> str:
    if not line:
        return ">"
    return f"> {line}"
