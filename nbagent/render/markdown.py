"""The transcript as Markdown, with the labels of the view: for an issue, a chat, a document.

Texts are Markdown already and stay as they are; data is put in fences. Pictures are named, not kept.
"""

import re
from collections.abc import Iterable

from nbagent.markup.url import safe_url
from nbagent.mime.parts import parts_of
from nbagent.protocol.shared import LABELS
from nbagent.render.labels import (
    call_args,
    decision_label,
    duration,
    elapsed,
    error_headline,
    figures,
    handoff_label,
    pretty,
    prompt_label,
    run_label,
    thought_label,
    tool_note,
)
from nbagent.render.props import Props, record_of, text_of
from nbagent.render.tree import ROOT, Tree

_SPECIAL = re.compile(r"([\\`*\[\]$~]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w))")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def transcript_markdown(blocks: Iterable[Props]) -> str:
    """Return a run's transcript as Markdown (CommonMark).

    Args:
        blocks: what `run.snapshot()` gives, of a run that has ended or still goes on.
    """
    return _Writer(Tree(blocks)).text()


class _Writer:
    """Writes the blocks of one run as Markdown."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def text(self) -> str:
        run = self._tree.run
        name, model = text_of(run, "name") or LABELS["run"]["name"], text_of(run, "model")
        about = " · ".join(filter(None, (model if model != name else "", run_label(run))))
        found = figures(run, self._tree.tools)
        foot = ["---", " · ".join(found)] if found else []
        return "\n\n".join([f"# {_line(name)}", _line(about), *self._list(ROOT), *foot]) + "\n"

    def _list(self, parent: str) -> list[str]:
        return [piece for block in self._tree.children.get(parent, []) for piece in self._block(block) if piece]

    def _block(self, block: Props) -> list[str]:
        kind, inside = text_of(block, "kind"), self._list(text_of(block, "id"))
        match kind:
            case "text":
                return [_closed(text_of(block, "text"))]
            case "reasoning":
                text = text_of(block, "text")
                return [_quoted([f"*{thought_label(block)}*", _closed(text)])] if text else []
            case "tool":
                return [self._call(block), *self._asked(block), *_outcome(block), *([_quoted(inside)] if inside else [])]
            case "agent":
                return [_quoted([f"**{_line(text_of(block, 'name') or LABELS['other']['agent'])}**", *inside])]
            case "handoff":
                return [handoff_label(block, lambda name: f"**{_line(name)}**")]
            case "approval":
                return [_approval(block)]
            case "status":
                return [f"*{_line(text_of(block, 'message'))}*"]
            case "error":
                heading = text_of(block, "error_type") or LABELS["error"]["type"]
                return [f"**✗ {_line(heading)}**", _fenced(text_of(block, "message") or LABELS["error"]["message"])]
            case "source" | "file":
                return [_link(block)]
        data = block.get("data")
        return [
            f"`{_code(text_of(block, 'name') or kind)}`",
            *([_fenced(pretty(data, 80), "json")] if data is not None else []),
        ]

    def _call(self, tool: Props) -> str:
        symbol, note = tool_note(tool, bool(tool.get("closed")))
        took = elapsed(tool, "args_done")
        summary = text_of(tool, "summary") if tool.get("state") == "output-available" else ""
        tail = "".join(f" · {_line(part)}" for part in (note, "" if took is None else duration(took)) if part)
        name = text_of(tool, "title", "name") or LABELS["tool"]["name"]
        return f"{symbol} **{_line(name)}** `{_code(call_args(tool))}`{f' → {_line(summary)}' if summary else ''}{tail}"

    def _asked(self, tool: Props) -> list[str]:
        approval = self._tree.approvals.get(text_of(tool, "id"))
        return [] if approval is None else [_approval(approval)]


def _approval(block: Props) -> str:
    return f"**{_line(decision_label(block)) or 'Not answered'}:** {_line(prompt_label(block))}"


def _outcome(block: Props) -> list[str]:
    """Return a call's result and error."""
    pieces: list[str] = []
    result, error = block.get("result"), record_of(block, "error")
    if result is not None:
        bundle = result if isinstance(result, dict) else {"application/json": result}
        pieces += filter(None, map(_result, parts_of(bundle) or [bundle]))
    if error:
        pieces.append(_fenced("\n\n".join(filter(None, (error_headline(error), text_of(error, "traceback"))))))
    return pieces


def _result(bundle: Props) -> str:
    if markdown := text_of(bundle, "text/markdown"):
        return _closed(markdown)
    if bundle.get("application/json") is not None:
        return _fenced(pretty(bundle["application/json"], 80), "json")
    if (plain := text_of(bundle, "text/plain")) or "text/plain" in bundle:
        return _fenced(plain)
    kept = [mime for mime, payload in bundle.items() if payload is not None]
    return _fenced(", ".join(kept)) if kept else ""


def _link(block: Props) -> str:
    url = safe_url(text_of(block, "url"))
    label = _line(text_of(block, "title", "name") or url or text_of(block, "kind"))
    return label if url is None else f"[{label}](<{url}>)"


def _line(text: str) -> str:
    """Return a text on one line, escaped so that it contains no Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Return a text escaped for a code span."""
    return " ".join(text.replace("`", "'").split())


def _fenced(text: str, language: str = "") -> str:
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _closed(text: str) -> str:
    """Return the text, with an end added to a fence that is still open, so that what follows is not code."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence) and not line[found.end() :].strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def _quoted(pieces: Iterable[str]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(pieces).split("\n"))
