"""Masks the credentials in a text that comes in pieces, wherever it was cut."""

import re
from typing import TYPE_CHECKING

from nbagent.gate.contexts import found_in, may_hold_context, unfinished_from
from nbagent.gate.found import CONTEXT_CHARS, end_of
from nbagent.gate.key_formats import CHAR, SHOWN_CHARS, begins_word
from nbagent.gate.masking import Span, bullets

if TYPE_CHECKING:
    from nbagent.gate.secrets import Secrets

MAX_TOKEN_CHARS = 512
"""Characters of a key that are held back in a stream before its end has come."""

# the first ones of a credential, and one of a line break that JSON writes before it
_CONTEXT_CHARS = SHOWN_CHARS + 1
_MARK_CHARS = 5  # of the longest mark that `may_hold_context` looks for, without its last character
_MAX_KEPT_CHARS = 4 * CONTEXT_CHARS
_MIDDLE = "0"  # stands for any character inside a word
_NOT_SPACE = re.compile(r"\S")
_NOT_TOKEN = re.compile(rf"(?!{CHAR}).", re.DOTALL)


class MaskedStream:
    """Masks credentials in one text.

    Text is held back only while it may be part of a credential, from its third character on: the
    first two are always shown. So ordinary prose passes unchanged.

    Args:
        secrets: the credentials.
    """

    def __init__(self, secrets: "Secrets") -> None:
        self._exact = _ExactStream(secrets)
        self._contextual = _ContextualStream()

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        return self._contextual.feed(self._exact.feed(text))

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        return self._contextual.feed(self._exact.close()) + self._contextual.close()


class _ContextualStream:
    """Masks the credentials that are recognised by the text around them."""

    def __init__(self) -> None:
        # the end of what was shown, in which a context may begin, and what is held back
        self._text = ""
        self._shown = 0  # characters of it that were shown
        self._scanned = 0  # characters of it in which no context begins that is still to be found
        self._is_open = False
        # matches how a value goes on that is longer than any key
        self._rest: re.Pattern[str] | None = None

    def feed(self, text: str) -> str:
        if not self._is_open and self._rest is None:
            if len(text) > _MAX_KEPT_CHARS and not self._may_hold_context(text):
                self._keep(text, len(text), len(text))
                return text
            seen = self._text + text
            if not may_hold_context(seen[-len(text) - _MARK_CHARS :]):
                if len(seen) < _MAX_KEPT_CHARS:
                    # Cutting it each time would take longer than all else here.
                    self._text, self._shown = seen, len(seen)
                else:
                    self._keep(seen, len(seen), len(seen))
                return text
        return self._release(text, is_last=False)

    def _may_hold_context(self, text: str) -> bool:
        """Return True if a context may begin or end in a text, which is not copied: it may be all
        that a run takes.
        """
        border = self._text[-_MARK_CHARS:] + text[:_MARK_CHARS]
        return may_hold_context(border) or may_hold_context(text)

    def close(self) -> str:
        return self._release("", is_last=True)

    def _release(self, text: str, *, is_last: bool) -> str:
        swallowed = ""
        if self._rest is not None:
            swallowed, text = self._swallow(self._rest, text)
        seen, shown = self._text + text, self._shown
        spans: list[Span] = []
        end = context = len(seen)
        self._is_open = False
        for found in found_in(seen, self._scanned, is_whole=is_last):
            if found.is_open:
                self._is_open = True
                end = max(shown, min(len(seen), found.value + SHOWN_CHARS))
                context = min(context, found.begin)
            else:
                spans += found.spans
                self._scanned, self._rest = found.end, found.rest
        if self._is_open:
            self._scanned = context
        else:
            self._scanned = max(self._scanned, unfinished_from(seen))
        self._keep(seen, end, context)
        return swallowed + bullets(seen, spans)[shown:end]

    def _swallow(self, rest: re.Pattern[str], text: str) -> tuple[str, str]:
        """Return the masked rest of a long value, and the text after it."""
        size = end_of(rest, text, 0)
        if size < len(text):
            self._rest = None
        swallowed = text[:size]
        seen = self._text + swallowed
        self._keep(seen, len(seen), len(seen))
        self._scanned = self._shown
        return _NOT_SPACE.sub("•", swallowed), text[size:]

    def _keep(self, seen: str, shown: int, context: int) -> None:
        """Keep the end of the text: from some characters before what is held back, or before the
        context of that.
        """
        start = max(0, min(shown, context) - CONTEXT_CHARS)
        self._text = seen[start:]
        self._shown = shown - start
        self._scanned = max(0, self._scanned - start)


class _ExactStream:
    """Masks the credentials that are recognised by themselves: exact values and formats."""

    def __init__(self, secrets: "Secrets") -> None:
        self._secrets = secrets
        # end of the text that was shown, after one character: a credential may have begun there
        self._before = " "
        self._held = ""
        self._in_long_token = False

    def feed(self, text: str) -> str:
        if not self._held and not self._in_long_token:
            seen = self._before + text
            if not self._secrets.may_begin_in(seen):
                # as `_context`: no credential begins before these
                self._before = _MIDDLE + seen[-_CONTEXT_CHARS - 1 :]
                return text
        return self._search_and_mask(text)

    def close(self) -> str:
        return self._release(self._held, "")

    def _search_and_mask(self, text: str) -> str:
        bullets = ""
        if self._in_long_token:
            end = _NOT_TOKEN.search(text)
            if end is None:
                return "•" * len(text)
            self._in_long_token = False
            bullets, text = "•" * end.start(), text[end.start() :]
            self._before = ""
        text = self._held + text
        seen = self._before + text
        start = self._secrets.growing_in(seen)
        if start is None:
            return bullets + self._release(text, "")
        held = max(0, start + SHOWN_CHARS - len(self._before))
        return bullets + self._hold(text[:held], text[held:], seen[start:])

    def _hold(self, shown: str, held: str, credential: str) -> str:
        if len(credential) <= MAX_TOKEN_CHARS or self._secrets.is_beginning(credential):
            return self._release(shown, held)
        # Longer than any key: mask everything up to the end of the token.
        self._in_long_token = True
        return self._release(shown, "") + "•" * len(held)

    def _release(self, text: str, held: str) -> str:
        self._held = held
        masked = self._secrets.mask_streamed(self._before + text)[len(self._before) :]
        self._before = _context(self._before + text)
        return masked


def _context(text: str) -> str:
    """Return the end of a text in which a credential may have begun: three characters, and a
    stand-in for the text before.
    """
    boundary = len(text) - _CONTEXT_CHARS
    if boundary <= 0:
        return text
    before = text[boundary - 1]
    if not begins_word(text, boundary):
        before = _MIDDLE
    elif before.isascii() and before.isalnum():  # the letter of "\n", which JSON wrote
        before = " "
    return before + text[boundary:]
