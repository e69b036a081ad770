"""The transcript as Markdown, in the words of the view: for an issue, a chat, a document.

Texts are Markdown already and stay as they are; what is data stands in fences. Pictures are named, not kept.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from nbagent.markup.url import safe_url
from nbagent.render.labels import (
    Props,
    args_label,
    compact,
    duration,
    elapsed,
    figures,
    hides_args,
    record_of,
    rounded,
    run_label,
    text_of,
    tool_note,
)

_SPECIAL = re.compile(r"([\\`*\[\]$~]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w))")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DECISIONS = {"approve": "Approved", "deny": "Denied", "cancel": "Cancelled"}
_DEPTH = 20


def transcript_markdown(blocks: Iterable[Props]) -> str:
    """A run's transcript as Markdown (CommonMark).

    Args:
        blocks: what `run.snapshot()` gives, of a run that has ended or still goes on.
    """
    return _Page(blocks).text()


class _Page:
    """One transcript: its run, and who stands in whom."""

    def __init__(self, blocks: Iterable[Props]) -> None:
        self._run: Props = {}
        self._tools: list[Props] = []
        self._children: dict[str, list[Props]] = {}
        for block in blocks:
            if block.get("kind") == "run":
                self._run = block
                continue
            if block.get("kind") == "tool":
                self._tools.append(block)
            self._children.setdefault(text_of(block.get("parent")), []).append(block)

    def text(self) -> str:
        name, model = text_of(self._run.get("name")) or "agent", text_of(self._run.get("model"))
        about = " · ".join(filter(None, (model if model != name else "", run_label(self._run))))
        said = figures(self._run, self._tools)
        foot = ["---", " · ".join(said)] if said else []
        return "\n\n".join([f"# {_line(name)}", _line(about), *self._list("run"), *foot]) + "\n"

    def _list(self, parent: str, depth: int = 0) -> list[str]:
        return [piece for block in self._children.get(parent, []) for piece in self._block(block, depth) if piece]

    def _block(self, block: Props, depth: int) -> list[str]:
        kind, id_ = text_of(block.get("kind")), text_of(block.get("id"))
        inside = self._list(id_, depth + 1) if depth < _DEPTH else []
        match kind:
            case "text":
                return [_closed(text_of(block.get("text")))]
            case "reasoning":
                took, text = elapsed(block), text_of(block.get("text"))
                label = "Thought" if took is None else f"Thought for {rounded(took)}"
                return [_quoted([f"*{label}*", _closed(text)])] if text else []
            case "tool":
                return [self._call(block), *_outcome(block), *([_quoted(inside)] if inside else [])]
            case "agent":
                return [_quoted([f"**{_line(text_of(block.get('name')) or 'agent')}**", *inside])]
            case "handoff":
                return [f"→ Handed over to **{_line(text_of(block.get('to')) or 'another agent')}**"]
            case "approval":
                decision = text_of(block.get("decision"))
                asked = _line(text_of(block.get("prompt")) or "May this tool run?")
                return [f"**{_DECISIONS.get(decision, 'Not answered')}:** {asked}"]
            case "status":
                return [f"*{_line(text_of(block.get('message')))}*"]
            case "error":
                kind = text_of(block.get("error_type")) or "Error"
                return [f"**✗ {_line(kind)}**", _fenced(text_of(block.get("message")) or "no message")]
            case "source" | "file":
                return [_link(block)]
        data = block.get("data")
        return [
            f"`{_code(text_of(block.get('name')) or kind)}`",
            *([_fenced(_pretty(data), "json")] if data is not None else []),
        ]

    def _call(self, tool: Props) -> str:
        mark, note = tool_note(tool, bool(tool.get("closed")))
        args = tool.get("args") if tool.get("args_valid") is not False else None
        args = text_of(tool.get("args_text")) if args is None else args
        call = "(hidden)" if hides_args(tool) else args_label(args or None)
        took = elapsed(tool, "args_done")
        summary = text_of(tool.get("summary")) if tool.get("state") == "output-available" else ""
        tail = "".join(f" · {_line(part)}" for part in (note, "" if took is None else duration(took)) if part)
        name = text_of(tool.get("title")) or text_of(tool.get("name")) or "tool"
        return f"{mark} **{_line(name)}** `{_code(call)}`{f' → {_line(summary)}' if summary else ''}{tail}"


def _outcome(tool: Props) -> list[str]:
    """A call's result and error."""
    said: list[str] = []
    result, error = tool.get("result"), record_of(tool.get("error"))
    if result is not None:
        said.append(_result(result if isinstance(result, dict) else {"application/json": result}))
    if error:
        headline = ": ".join(filter(None, (text_of(error.get("type")), text_of(error.get("message")) or "no message")))
        said.append(_fenced("\n\n".join(filter(None, (headline, text_of(error.get("traceback")))))))
    return said


def _result(bundle: Props) -> str:
    if markdown := text_of(bundle.get("text/markdown")):
        return _closed(markdown)
    if bundle.get("application/json") is not None:
        return _fenced(_pretty(bundle["application/json"]), "json")
    if (plain := text_of(bundle.get("text/plain"))) or "text/plain" in bundle:
        return _fenced(plain)
    return _fenced(", ".join(bundle))


def _link(block: Props) -> str:
    url = safe_url(text_of(block.get("url")))
    label = _line(text_of(block.get("title")) or text_of(block.get("name")) or url or text_of(block.get("kind")))
    return label if url is None else f"[{label}](<{url}>)"


def _pretty(value: Any) -> str:
    flat = compact(value)
    return flat if len(flat) < 80 else json.dumps(value, ensure_ascii=False, indent=2)


def _line(text: str) -> str:
    """Words on one line that no reader of Markdown takes for more."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Words between two backticks."""
    return " ".join(text.replace("`", "'").split())


def _fenced(text: str, language: str = "") -> str:
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _closed(text: str) -> str:
    """The text, and the end of a fence that was still open: what follows is not code."""
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
