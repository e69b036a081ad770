"""Masks the credentials in a text that comes in pieces, wherever it was cut."""

import re
from typing import TYPE_CHECKING

from nbagent.gate.key_formats import CHAR, CONTEXT, CONTEXTUAL_BEGUN, SHOWN_CHARS, USER_BEGUN, contextual_spans, has_context
from nbagent.gate.masking import bullets

if TYPE_CHECKING:
    from nbagent.gate.secrets import Secrets

MAX_TOKEN_CHARS = 512
"""Characters of a key that are held back in a stream before its end has come."""

_MAX_CONTEXT_CHARS = 24
"""Characters of a text that was shown in which the word before a token may begin."""
_MIDDLE = "0"  # stands for any character inside a word
_NOT_TOKEN = re.compile(rf"(?!{CHAR}).", re.DOTALL)


class MaskedStream:
    """Masks credentials in one text.

    Text is held back only while it may be part of a credential, from its third character on: the first two are always shown.
    So ordinary prose passes unchanged.

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
    """Masks the credentials that are recognised by the text before them."""

    def __init__(self) -> None:
        self._before = " "  # end of the text that was shown; only used to see whether a word begins after it
        self._held = ""
        self._in_long_token = False  # the rest of a token that is longer than any key

    def feed(self, text: str) -> str:
        if not self._held and not self._in_long_token:
            seen = self._before + text
            if not has_context(seen):
                self._before = seen[-_MAX_CONTEXT_CHARS:]
                return text
        return self._release(text, last=False)

    def close(self) -> str:
        return self._release("", last=True)

    def _release(self, text: str, *, last: bool) -> str:
        swallowed = ""
        if self._in_long_token:
            end_of_token = _NOT_TOKEN.search(text)
            if end_of_token is None:
                return "•" * len(text)
            swallowed, text = "•" * end_of_token.start(), text[end_of_token.start() :]
            self._in_long_token, self._before = False, "a"
        seen = self._before + self._held + text
        begun = None if last else CONTEXTUAL_BEGUN.search(seen, 1)
        end = len(seen)
        if begun is not None:
            end = max(len(self._before), min(end, begun.start(begun.lastindex or 0) + SHOWN_CHARS))
        shown = swallowed + bullets(seen, contextual_spans(seen, 1))[len(self._before) : end]
        if len(seen) - end > MAX_TOKEN_CHARS:
            self._in_long_token, self._held = True, ""
            return shown + "•" * (len(seen) - end)
        context = begun or USER_BEGUN.search(seen)
        keep = end - _MAX_CONTEXT_CHARS
        if context is not None:
            keep = min(keep, context.start() - 1)
        else:  # a word that nothing follows any more need not be looked at again
            keep = max(keep, *(found.end() - 1 for found in CONTEXT.finditer(seen) if found.end() < end), 0)
        self._before, self._held = seen[max(0, keep) : end], seen[end:]
        return shown


class _ExactStream:
    """Masks the credentials that are recognised by themselves: exact values and formats."""

    def __init__(self, secrets: "Secrets") -> None:
        self._secrets = secrets
        self._before = ""  # end of the text that was shown: a credential may have begun there
        self._held = ""
        self._in_long_token = False

    def feed(self, text: str) -> str:
        if not self._held and not self._in_long_token:
            seen = self._before + text
            if self._secrets.heads.search(seen) is None:
                self._before = seen[-SHOWN_CHARS - 1 :]  # as `_context`: where there is no head, no credential begins
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
    """Return the end of a text in which a credential may have begun: two characters, and a stand-in for the text before."""
    boundary = text[-SHOWN_CHARS - 1 : -SHOWN_CHARS]
    return (_MIDDLE if boundary.isascii() and boundary.isalnum() else boundary and " ") + text[-SHOWN_CHARS:]
