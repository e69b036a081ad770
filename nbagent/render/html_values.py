"""Values of a transcript as HTML: texts, data, results, pictures and errors within a budget, and
the panels around them.
"""

import base64
import re
from typing import Any

from nbagent.blocks.fields import Props, text_of
from nbagent.mime.parts import parts_of
from nbagent.protocol.shared import IMAGE_TYPES, LABELS, MIME_BYTES
from nbagent.render.errors import error_headline, own_place, traceback_label
from nbagent.render.json_text import pretty
from nbagent.render.markup.line_breaks import with_hard_breaks
from nbagent.render.markup.markdown import markdown_html
from nbagent.render.markup.sanitize import sanitize
from nbagent.render.markup.text import clip, escape, escape_line, without_tex
from nbagent.render.size_budget import SizeBudget

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")

LINE = ' style="margin:.25em 0"'
CODE = ' style="padding:0 0 0 .4em;background:none;color:inherit"'
MUTED = ' style="opacity:.75"'
PANEL = (
    ' style="margin:.25em 0 .5em .4em;padding:0 0 0 1em;border-left:2px solid '
    'rgba(128,128,128,.35);color:inherit"'
)
_MESSAGE = (
    ' style="margin:.25em 0 .75em;padding:.1em .9em '
    '.4em;border-radius:8px;background:rgba(128,128,128,.12)"'
)
_WORDS = ' style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.25em 0"'
_FOLD = ' style="margin:.25em 0"'
_ROW = ' style="cursor:pointer;overflow-wrap:anywhere"'
# The font, because the pages of nbconvert have `pre` inherit that of the text.
_PRE = (
    ' style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.25em '
    '0;background:none;color:inherit;font-family:monospace"'
)


def paragraph(markup: str) -> str:
    """Return HTML as a line of its own."""
    return f"<p{LINE}>{markup}</p>\n"


def caption(text: str) -> str:
    """Return a small heading."""
    return paragraph(f"<small{MUTED}>{text}</small>")


def panel(body: str) -> str:
    """Return HTML set off by a line at its left; nothing for nothing."""
    return f"<div{PANEL}>{body}</div>" if body else ""


def quotation(body: str) -> str:
    """Return HTML as a quotation; nothing for nothing."""
    return f"<blockquote{PANEL}>{body}</blockquote>" if body else ""


def message(name: str, body: str) -> str:
    """Return someone's message: the name, and what was said, on a ground of its own."""
    return f"<div{_MESSAGE}>{caption(name)}{body}</div>\n"


def fold(row: str, body: str, *, is_open: bool = False) -> str:
    """Return a row that unfolds to a body; a plain line if there is none."""
    if not body:
        return paragraph(row)
    opened = " open" if is_open else ""
    return f"<details{opened}{_FOLD}><summary{_ROW}>{row}</summary>\n{body}\n</details>\n"


def richest_type(bundle: Props) -> str | None:
    """Return the type of a MIME bundle that shows most; None if none of its types can be shown."""
    return next((known for known in MIME_BYTES if bundle.get(known) is not None), None)


class ValueWriter:
    """Writes values as HTML, none longer than the budget allows; a note says how much is missing.

    Args:
        budget: limits of their sizes.
        typeset: write formulas as MathML.
    """

    def __init__(self, budget: SizeBudget, typeset: bool) -> None:
        self._budget = budget
        self._typeset = typeset

    def answer(self, text: str, *, line_breaks: bool = False) -> str:
        """Return the Markdown text of an answer; with `line_breaks` each of its line ends is a line
        break.
        """
        return self._markdown(text, self._budget.text_chars, line_breaks=line_breaks)

    def markdown(self, text: str) -> str:
        """Return any other Markdown text."""
        return self._markdown(text, self._budget.value_chars)

    def _markdown(self, text: str, max_chars: int, *, line_breaks: bool = False) -> str:
        if not text:
            return ""
        shown, note = _clipped(text, max_chars)
        if line_breaks:
            shown = with_hard_breaks(shown)
        return markdown_html(shown, typeset=self._typeset) + note

    def words(self, text: str) -> str:
        """Return a prompt as it was typed: its lines are kept, and nothing in it is Markdown."""
        if not text:
            return ""
        shown, note = _clipped(text, self._budget.text_chars)
        return f"<p{_WORDS}>{without_tex(escape(shown))}</p>{note}\n"

    def plain(self, text: str) -> str:
        """Return a text as it stands."""
        shown, note = _clipped(text, self._budget.value_chars)
        return f"<pre{_PRE}>{escape(shown) or LABELS['other']['empty_text']}</pre>{note}\n"

    def json(self, value: Any) -> str:
        """Return a value as JSON."""
        return self.plain(pretty(value))

    def result(self, bundle: Props, block: Props) -> str:
        """Return the richest form of a MIME bundle. `block` is the one it belongs to."""
        parts = parts_of(bundle)
        if parts:
            return "".join(self.result(part, block) for part in parts)
        mime = richest_type(bundle)
        if mime is None:
            return self._unknown(bundle)
        payload = bundle[mime]
        if isinstance(payload, list) and mime != "application/json":
            payload = _joined(payload)
        if not isinstance(payload, str):
            return self.json(payload)
        if mime in IMAGE_TYPES:
            return self._picture_and_rest(mime, payload, bundle, block)
        if mime == "text/html":
            return self._html(payload)
        if mime == "text/markdown":
            return self.markdown(payload)
        return self.plain(payload)  # a JSON string is shown as the text it holds

    def _unknown(self, bundle: Props) -> str:
        known = {mime: payload for mime, payload in bundle.items() if payload is not None}
        return self.json(known) if known else ""

    def _picture_and_rest(self, mime: str, payload: str, bundle: Props, block: Props) -> str:
        """Return a picture, and what else the bundle has where the picture is not kept."""
        shown = self.picture(mime, payload, text_of(block, "summary") or "picture", block)
        rest = {other: value for other, value in bundle.items() if other not in IMAGE_TYPES}
        if rest and not self._keeps_picture(block):
            shown += self.result(rest, block)
        return shown

    def _html(self, markup: str) -> str:
        shown, note = _clipped(markup, min(self._budget.value_chars, MIME_BYTES["text/html"]))
        return f'<div style="overflow-x:auto">{sanitize(shown)}</div>{note}\n'

    def _keeps_picture(self, block: Props) -> bool:
        return text_of(block, "id") in self._budget.pictures

    def picture(self, mime: str, payload: str, alt: str, block: Props) -> str:
        """Return a picture, or a note if the budget has no space for it.

        Args:
            mime: its type.
            payload: base64, or the markup of an SVG.
            alt: alternative text.
            block: the block it belongs to.
        """
        if mime == "image/svg+xml" and "<" in payload:
            data = base64.b64encode(payload.encode()).decode()
        else:
            data = re.sub(r"\s+", "", payload)
        if not _BASE64.fullmatch(data):
            return paragraph(LABELS["other"]["broken_picture"])
        if not self._keeps_picture(block):
            size = f"{len(data) * 3 // 4:,} bytes"
            return paragraph(f"{escape_line(alt)}: {mime}, {size}, not kept in the notebook")
        return paragraph(
            f'<img src="data:{mime};base64,{data}" alt="{escape(alt[:200])}" '
            'style="max-width:100%;background:#fff">'
        )

    def data_link(self, data: str, name: str, label: str, block: Props) -> str | None:
        """Return a link that saves base64 data as a file; None if that is too large, or no
        base64.
        """
        if not _BASE64.fullmatch(data) or not self._keeps_picture(block):
            return None
        # A type that no page can run, whatever the model called it.
        href = f"data:application/octet-stream;base64,{data}"
        return (
            f'<a href="{href}" download="{escape(name)}" target="_blank" rel="noopener '
            f'noreferrer">{label}</a>'
        )

    def error(self, error: Props, kind: str = "type") -> str:
        """Return an error: type, message, code, the user's own line, and the traceback folded.

        `kind` is the field of its type.
        """
        headline = error_headline(error, kind)
        if code := text_of(error, "code"):
            headline += f" ({code})"
        shown = self.plain(headline)
        if place := own_place(error):
            shown += caption(escape_line(place))
        if traceback := text_of(error, "traceback"):
            row = without_tex(escape(traceback_label(traceback)))
            shown += fold(row, self.plain(traceback))
        return shown


def _clipped(text: str, max_chars: int) -> tuple[str, str]:
    shown, note = clip(text, max_chars)
    return shown, _note(note)


def _note(note: str) -> str:
    return f"<p{LINE}><em>{note}</em></p>" if note else ""


def _joined(lines: list[Any]) -> str:
    """Return a text that a notebook holds as its lines."""
    return "".join(line for line in lines if isinstance(line, str))
