"""Text that any output takes: without control characters, in characters that it can encode."""

# Every control character but newline and tab: ESC and C1 begin terminal sequences, the rest move
# the cursor or ring.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])
# For outputs that cannot encode these; other characters that they cannot encode become "?".
_PLAIN = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "⊘": "#",
        "■": "#",
        "○": "o",
        "…": "...",
        "→": "->",
        "·": "-",
        "▸": ">",
        "×": "x",
        "’": "'",
        "│": "|",
    }
)


def without_controls(text: str) -> str:
    """Return a text without control characters but newline and tab."""
    return text.translate(_CONTROLS)


def encodable(text: str, encoding: str) -> str:
    """Return the text, in characters that the output can encode."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
