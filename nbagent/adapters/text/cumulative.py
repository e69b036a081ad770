"""`CumulativeText`: texts that each begin with the one before, as what each of them adds.

Gradio's functions and some generators around a model yield the whole answer so far each time. A
stream is taken for one of those when its first texts, three at least, extend each other. Until then
all but the first are held, so that nothing that was shown has to be taken back. A stream of pieces
has its second one held, and only if that begins with the first.
"""

MIN_TEXTS = 3
"""Texts that must extend each other."""
MAX_TEXTS = 8
"""Texts after which a stream is taken for one of pieces: they were of one character only, as in a
bar that grows.
"""


class CumulativeText:
    """Finds out whether texts are cumulative, and returns the pieces to show."""

    def __init__(self) -> None:
        self._texts: list[str] = []  # while it is not known
        self._last = ""
        self._is_cumulative: bool | None = None

    @property
    def is_of_pieces(self) -> bool:
        """True if each text is known to be a piece."""
        return self._is_cumulative is False

    def continues_with(self, text: str) -> bool:
        """Return False if the texts are cumulative, and this one does not begin with the one
        before: it is another answer.
        """
        return not self._is_cumulative or text.startswith(self._last)

    def feed(self, text: str) -> list[str]:
        """Return the pieces to show now."""
        if self._is_cumulative is False:
            return [text]
        last, self._last = self._last, text
        if self._is_cumulative:
            return [text[len(last) :]]
        self._texts.append(text)
        if len(self._texts) == 1:
            return [text]
        if len(text) == len(last) or not text.startswith(last) or len(self._texts) > MAX_TEXTS:
            return self.close()
        if len(self._texts) < MIN_TEXTS or len(set(last)) == 1:
            return []
        self._is_cumulative = True
        return [text[len(self._texts[0]) :]]

    def close(self) -> list[str]:
        """Return the pieces that were held. From now on every text is a piece."""
        if self._is_cumulative is not None:
            return []
        self._is_cumulative = False
        return self._texts[1:]
