"""The transcript in the saved notebook: static HTML of `<details>`, without a script, that reads well with all style taken off.

It shows what the view shows (js/src/transcript/), in the same words, where there is no kernel, no view or no JavaScript:
a notebook reopened, nbconvert, GitHub. Nothing in it runs, nothing in it is loaded from elsewhere.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from nbagent.markup.markdown import link_html, markdown_html
from nbagent.markup.sanitize import sanitize
from nbagent.markup.text import clip, line, plain, prose
from nbagent.markup.url import host_of, safe_url
from nbagent.render.labels import (
    Props,
    args_label,
    compact,
    duration,
    elapsed,
    figures,
    frames,
    hides_args,
    record_of,
    rounded,
    run_label,
    text_of,
    tool_note,
)
from nbagent.render.size_budget import IMAGES, LEAST, cap, kept_pictures, sizes

DOCUMENT = 32_000_000
"""Bytes of a document of its own."""

_RICHEST = ("text/html", "image/svg+xml", *IMAGES, "text/markdown", "application/json", "text/plain")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_MAX_DEPTH = 20

_DECISIONS = {"approve": "Approved", "deny": "Denied", "cancel": "Cancelled"}
_PROMPTS = {"input": "The run asks for your input.", "auth": "The run asks you to sign in.", "tool": "May this tool run?"}
_LEVELS = {"warning": "⚠ ", "error": "✗ "}

_LINE = ' style="margin:.25em 0"'
_PANEL = ' style="margin:.25em 0 .5em .4em;padding:0 0 0 1em;border-left:2px solid rgba(128,128,128,.35);color:inherit"'
_FOLD = ' style="margin:.25em 0"'
_ROW = ' style="cursor:pointer;overflow-wrap:anywhere"'
_PRE = ' style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.25em 0;background:none;color:inherit"'
_MUTED = ' style="opacity:.75"'
_CODE = ' style="background:none;color:inherit"'

# A live view in the page hides the twin of its run (js/src/static-copy.ts). Where there is none, the twin hides what is left of the
# view, which has its own place, the output before: Jupyter's "model not found". No rule may ask what the whole page has
# (`:root:has`): with a hundred twins each change anywhere in the page would take a tenth of a second.
_STYLE = """<style>
.jp-OutputArea-child:has(.jupyter-widgets):not(:has([data-nbagent-live])):has(+ * [data-nbagent-twin="{mark}"]) {{
  display: none
}}
{waiting}</style>
"""
# A run that has only begun: its view is on its way, and this line would flash before it.
_WAITING = """@keyframes nbagent-twin {{ from {{ visibility: hidden }} }}
[data-nbagent-twin="{mark}"] {{ animation: nbagent-twin 1ms 2s backwards }}
"""


def transcript_html(blocks: list[dict[str, Any]], *, mark: str = "", limit: int = 1_000_000) -> str:
    """A run's transcript as static HTML.

    Args:
        blocks: what `run.snapshot()` gives, of a run that has ended or still goes on.
        mark: the `mark` of the run's live view (letters, digits, `_`, `-`): while it is in the page the transcript hides.
            Without one it never does.
        limit: bytes it may take as UTF-8, at least 2,000. Above that the largest things are shortened first, then the middle
            of long lists; each says how much is missing.

    Returns:
        One `<div>`, well-formed; inline style, and one `<style>` if there is a mark.
    """
    pictures = kept_pictures(blocks, limit)
    room = max(0.9 * limit - sum(pictures.values()), limit / 10)
    most = cap([size for block in blocks for size in sizes(block)], room)
    ends = limit // 100
    while True:
        page = _Page(blocks, most, ends, pictures.keys())
        html = page.html(re.sub(r"[^\w-]", "", mark, flags=re.ASCII))
        size = len(html.encode())
        if size <= limit or ends == 0:
            return html
        if most > LEAST:
            most = max(LEAST, int(most * min(0.8, 0.9 * limit / size)))
            # Pictures were chosen to fit; if the rest leaves them no room they go, largest first.
            pictures = dict(sorted(pictures.items(), key=lambda item: item[1])[: len(pictures) * 3 // 4])
        else:
            ends = int(min(ends, page.longest / 2) * min(0.8, 0.9 * limit / size))


def document_html(blocks: list[dict[str, Any]]) -> str:
    """A run's transcript as an HTML document of its own, light or dark as its reader likes it.

    Args:
        blocks: what `run.snapshot()` gives.
    """
    run: Props = next((block for block in blocks if block.get("kind") == "run"), {})
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{plain(text_of(run.get('name'))) or 'agent'}</title>\n</head>\n"
        '<body style="max-width:50em;margin:2em auto;padding:0 1em;font:15px/1.6 system-ui,sans-serif">\n'
        f"{transcript_html(blocks, limit=DOCUMENT)}</body>\n</html>\n"
    )


class _Page:
    """One drawing of the whole transcript, with no thing longer than `cap` and no more than `ends` at both ends of a list."""

    def __init__(self, blocks: list[dict[str, Any]], cap: int, ends: int, pictures: Iterable[str]) -> None:
        self._cap = cap
        self._ends = ends
        self._pictures = frozenset(pictures)
        self._run: Props = next((block for block in blocks if block.get("kind") == "run"), {})
        self._blocks = {text_of(block.get("id")): block for block in blocks if block is not self._run}
        self._children: dict[str, list[Props]] = {}
        self._approvals: dict[str, Props] = {}
        self._place()

    def _place(self) -> None:
        """Who stands in whom. What lies too deep, or under nothing that is known, moves up."""
        depth, place = {"": 0}, {"": ""}
        for id_, block in self._blocks.items():
            tool = text_of(block.get("tool_id"))
            if block.get("kind") == "approval" and self._blocks.get(tool, {}).get("kind") == "tool":
                self._approvals[tool] = block  # asked in the tool's own panel
                continue
            parent = text_of(block.get("parent"))
            parent = place.get(parent, "") if parent in depth and parent != id_ else ""
            self._children.setdefault(parent, []).append(block)
            deep = depth[parent] + 1 > _MAX_DEPTH
            depth[id_] = depth[parent] + (not deep)
            place[id_] = parent if deep else id_

    @property
    def longest(self) -> int:
        """How many stand in the longest list."""
        return max(map(len, self._children.values()), default=0)

    def html(self, mark: str) -> str:
        """The `<div>`."""
        live = text_of(self._run.get("status")) in ("running", "stopping", "")
        style = ""
        if mark:
            waiting = _WAITING.format(mark=mark) if live and not self._blocks else ""
            style = _STYLE.format(mark=mark, waiting=waiting)
        twin = f' data-nbagent-twin="{mark}"' if mark else ""
        return (
            f'<div{twin} aria-label="Agent transcript">\n{style}{self._header()}'
            f"{self._list('') or self._empty(live)}{self._footer()}</div>\n"
        )

    def _header(self) -> str:
        name = line(text_of(self._run.get("name"))) or "agent"
        model = text_of(self._run.get("model"))
        model = f" {line(model)}" if model and model != self._run.get("name") else ""
        return f"<p{_LINE}><strong>{name}</strong>{model} · {line(run_label(self._run))}</p>\n"

    def _empty(self, live: bool) -> str:
        return "" if live else f"<p{_LINE}>This run ended without any output.</p>\n"

    def _footer(self) -> str:
        tools = [block for block in self._blocks.values() if block.get("kind") == "tool"]
        said = figures(self._run, tools)
        return f"<p{_LINE}><small{_MUTED}>{prose(' · '.join(said))}</small></p>\n" if said else ""

    # --- blocks ---------------------------------------------------------------------------------------------------

    def _list(self, parent: str) -> str:
        blocks = self._children.get(parent, [])
        left_out = len(blocks) - 2 * self._ends
        if left_out <= 0:
            return "".join(map(self._block, blocks))
        head, tail = blocks[: self._ends], blocks[self._ends + left_out :]
        note = f"<p{_LINE}>… {left_out:,} more {'entry' if left_out == 1 else 'entries'} not kept in the notebook</p>\n"
        return "".join([*map(self._block, head), note, *map(self._block, tail)])

    def _block(self, block: Props) -> str:
        draw: Callable[[Props], str] | None = {
            "text": self._text,
            "reasoning": self._reasoning,
            "tool": self._tool,
            "agent": self._agent,
            "handoff": self._handoff,
            "approval": self._approval,
            "status": self._status,
            "error": self._error,
            "source": self._source,
            "file": self._file,
            "custom": self._custom,
        }.get(text_of(block.get("kind")))
        if draw is None:
            named = {name: value for name, value in block.items() if name not in ("id", "parent", "closed")}
            return self._data(text_of(block.get("kind")) or "block", named)
        return draw(block)

    def _text(self, block: Props) -> str:
        said = self._markdown(text_of(block.get("text")))
        if block.get("text_kind") == "refusal":
            return f"<p{_LINE}>⊘ <em>The model declined</em></p>\n<div{_PANEL}>{said}</div>\n"
        return f"<div>{said}</div>\n" if said else ""

    def _reasoning(self, block: Props) -> str:
        took, text = elapsed(block), text_of(block.get("text"))
        if block.get("closed") and not text and (took or 0) < 0.1:
            return ""
        label = "Thinking…" if not block.get("closed") else "Thought" if took is None else f"Thought for {rounded(took)}"
        return self._fold(prose(label), f"<blockquote{_PANEL}>{self._markdown(text)}</blockquote>" if text else "")

    def _tool(self, block: Props) -> str:
        closed = bool(block.get("closed"))
        mark, note = tool_note(block, closed)
        summary, took = text_of(block.get("summary")), elapsed(block, "args_done")
        shown = summary if block.get("state") == "output-available" else ""
        args = block.get("args") if block.get("args_valid") is not False else None
        args = text_of(block.get("args_text")) if args is None else args
        call = "(hidden)" if hides_args(block) else args_label(args or None)
        tail = "".join(f" · {line(part)}" for part in (note, "" if took is None else duration(took)) if part)
        row = (
            f"{mark} <strong>{line(text_of(block.get('title')) or text_of(block.get('name')) or 'tool')}</strong>"
            f"<code{_CODE}>{line(call)}</code>{f' → {line(shown)}' if shown else ''}{tail}"
        )
        approval = self._approvals.get(text_of(block.get("id")))
        body = (
            self._arguments(block)
            + (self._approval(approval) if approval is not None else "")
            + self._outcome(block)
            + self._list(text_of(block.get("id")))
        )
        return self._fold(row, self._panel(body), is_open=block.get("state") == "output-error")

    def _arguments(self, block: Props) -> str:
        args, written = block.get("args"), text_of(block.get("args_text"))
        valid = block.get("args_valid") is not False
        if args == {} or (args is None and not written):
            return ""
        said = args if isinstance(args, str) else self._pretty(args) if valid and args is not None else written
        return self._caption("Arguments" if valid else "Arguments (not valid JSON)") + self._pre(said)

    def _outcome(self, block: Props) -> str:
        result, error, state = block.get("result"), record_of(block.get("error")), block.get("state")
        html = ""
        if result is not None:
            html += self._caption("Result" if state == "output-available" else "Result so far")
            html += self._result(result if isinstance(result, dict) else {"application/json": result}, block)
        if error:
            html += self._caption("Why" if state == "output-denied" else "Error") + self._failure(error, error.get("type"))
        return html

    def _agent(self, block: Props) -> str:
        status, took = text_of(block.get("status")), elapsed(block)
        mark = "…" if not block.get("closed") else "✓" if status in ("completed", "running", "") else "✗"
        said = [f"{mark} <strong>{line(text_of(block.get('name'))) or 'agent'}</strong>"]
        said += [prose(duration(took))] if took is not None else []
        said += [line(status.replace("_", " "))] if mark == "✗" else []
        said += ["was running"] if mark == "…" else []
        inside = self._list(text_of(block.get("id")))
        return self._fold(" · ".join(said), f"<blockquote{_PANEL}>{inside}</blockquote>" if inside else "", is_open=True)

    def _handoff(self, block: Props) -> str:
        to = f"<strong>{line(text_of(block.get('to'))) or 'another agent'}</strong>"
        from_ = line(text_of(block.get("from")))
        said = f"Handed over from <strong>{from_}</strong> to {to}" if from_ else f"Handed over to {to}"
        return f"<p{_LINE}>→ {said}</p>\n"

    def _approval(self, block: Props) -> str:
        prompt = text_of(block.get("prompt")) or _PROMPTS.get(text_of(block.get("approval_kind")), _PROMPTS["tool"])
        if decision := text_of(block.get("decision")):
            reason = text_of(block.get("reason"))
            mark, why = "✓" if decision == "approve" else "⊘", f" · {line(reason, 2000)}" if reason else ""
            said = f"<strong>{line(_DECISIONS.get(decision, decision))}</strong> {line(prompt, 2000)}"
            return f"<p{_LINE}>{mark} {said}{why}</p>\n"
        args, options = block.get("args"), block.get("options")
        html = f"<p{_LINE}>? {line(prompt, 2000)}{' (not answered)' if block.get('closed') else ''}</p>\n"
        html += self._pre(self._pretty(args)) if args not in (None, {}) else ""
        if isinstance(options, list) and (named := ", ".join(filter(None, map(text_of, options)))):
            html += f"<p{_LINE}>Possible answers: {line(named, 2000)}</p>\n"
        return html

    def _status(self, block: Props) -> str:
        mark = _LEVELS.get(text_of(block.get("level")), "")
        return f"<p{_LINE}>{mark}{line(text_of(block.get('message')), 2000)}</p>\n"

    def _error(self, block: Props) -> str:
        kind = text_of(block.get("error_type"))
        said = self._panel(self._failure(block, kind))
        return self._fold(f"✗ <strong>{line(kind) or 'Error'}</strong>", said, is_open=True)

    def _source(self, block: Props) -> str:
        raw, title = text_of(block.get("url")), text_of(block.get("title"))
        url = safe_url(raw)
        if url is None:
            return f"<p{_LINE}>{line(title or raw or 'source')}</p>\n"
        host = f" ({line(host_of(url))})" if title else ""
        return f"<p{_LINE}>{link_html(url, line(title or host_of(url)))}{host}</p>\n"

    def _file(self, block: Props) -> str:
        kind = text_of(block.get("media_type")) or "application/octet-stream"
        name, url = text_of(block.get("name")), safe_url(text_of(block.get("url")))
        data = re.sub(r"\s+", "", text_of(block.get("data")))
        if data and kind in (*IMAGES, "image/svg+xml"):
            return self._picture(kind, data, name or "picture made by the model", block)
        label = line(name or (kind if url is None else f"{kind} at {host_of(url)}"))
        if data and _BASE64.fullmatch(data) and text_of(block.get("id")) in self._pictures:
            # A type that no page can run, whatever the model called it.
            href = f"data:application/octet-stream;base64,{data}"
            sealed = 'target="_blank" rel="noopener noreferrer"'
            label = f'<a href="{href}" download="{plain(name or "file")}" {sealed}>{label}</a>'
        elif data:
            label += f" ({len(data) * 3 // 4:,} bytes, not kept in the notebook)"
        elif url is not None:
            label = link_html(url, label)
        return f"<p{_LINE}>{label}</p>\n"

    def _custom(self, block: Props) -> str:
        return self._data(text_of(block.get("name")) or "custom", block.get("data"))

    def _data(self, name: str, data: Any) -> str:
        said = "" if data is None else self._panel(self._pre(self._pretty(data)))
        return self._fold(f"<code{_CODE}>{line(name)}</code>", said)

    # --- pieces ---------------------------------------------------------------------------------------------------

    def _result(self, bundle: Props, block: Props) -> str:
        mime = next((known for known in _RICHEST if bundle.get(known) is not None), None)
        if mime is None:
            return self._pre(self._pretty(dict(bundle)))
        payload = bundle[mime]
        if isinstance(payload, list) and mime != "application/json":
            payload = "".join(filter(None, map(text_of, payload)))
        if not isinstance(payload, str):
            return self._pre(self._pretty(payload))
        if mime == "text/html":
            shown, note = self._clip(payload)
            shown = shown[: shown.rfind(">") + 1] if note else shown
            return f'<div style="overflow-x:auto">{sanitize(shown)}</div>{self._note(note)}\n'
        if mime == "text/markdown":
            return self._markdown(payload)
        if mime.startswith("image/"):
            data = base64.b64encode(payload.encode()).decode() if mime.endswith("svg+xml") else re.sub(r"\s+", "", payload)
            alt = text_of(block.get("summary")) or "picture"
            rest = {other: value for other, value in bundle.items() if not other.startswith("image/")}
            kept = text_of(block.get("id")) in self._pictures
            return self._picture(mime, data, alt, block) + ("" if kept or not rest else self._result(rest, block))
        return self._pre(payload)  # a JSON string is shown as the text it holds

    def _picture(self, mime: str, data: str, alt: str, block: Props) -> str:
        if not _BASE64.fullmatch(data):
            return f"<p{_LINE}>This image could not be read.</p>\n"
        if text_of(block.get("id")) not in self._pictures:
            return f"<p{_LINE}>{line(alt)}: {mime}, {len(data) * 3 // 4:,} bytes, not kept in the notebook</p>\n"
        return f'<p{_LINE}><img src="data:{mime};base64,{data}" alt="{plain(alt[:200])}" style="max-width:100%"></p>\n'

    def _failure(self, error: Props, kind: Any) -> str:
        code, traceback = text_of(error.get("code")), text_of(error.get("traceback"))
        headline = (f"{kind}: " if text_of(kind) else "") + (text_of(error.get("message")) or "no message")
        html = self._pre(headline + (f" ({code})" if code else ""))
        return html + (self._fold(prose(frames(traceback)), self._pre(traceback)) if traceback else "")

    def _markdown(self, text: str) -> str:
        shown, note = self._clip(text)
        return f"{markdown_html(shown)}{self._note(note)}" if text else ""

    def _pre(self, text: str) -> str:
        shown, note = self._clip(text)
        return f"<pre{_PRE}>{plain(shown) or '(empty text)'}</pre>{self._note(note)}\n"

    def _pretty(self, value: Any) -> str:
        flat = compact(value)
        return flat if len(flat) > 100_000 or len(flat) < 60 else json.dumps(value, ensure_ascii=False, indent=2)

    def _clip(self, text: str) -> tuple[str, str]:
        return clip(text, self._cap)

    def _note(self, note: str) -> str:
        return f"<p{_LINE}><em>{note}</em></p>" if note else ""

    def _caption(self, text: str) -> str:
        return f"<p{_LINE}><small{_MUTED}>{text}</small></p>\n"

    def _panel(self, body: str) -> str:
        return f"<div{_PANEL}>{body}</div>" if body else ""

    def _fold(self, row: str, body: str, *, is_open: bool = False) -> str:
        if not body:
            return f"<p{_LINE}>{row}</p>\n"
        return f"<details{' open' if is_open else ''}{_FOLD}><summary{_ROW}>{row}</summary>\n{body}\n</details>\n"
