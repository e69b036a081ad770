r"""Formulas as MathML Core, which browsers draw without a script
(https://www.w3.org/TR/mathml-core/).

latex2mathml parses the TeX. Its elements are written anew by an allow-list, since it also knows
commands that do more than typeset (`\href`, `\style`), and does not escape everything.
"""

import html
import re
from xml.etree.ElementTree import Element

from nbagent.events.jsonable import text_safe
from nbagent.protocol.shared import LIMITS, words

_ELEMENTS = words(
    "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover "
    "munderover mtable mtr mtd mstyle"
    " mpadded mphantom mmultiscripts mprescripts none"
)
_ATTRIBUTES = words(
    "display mathvariant mathcolor stretchy fence form lspace rspace accent accentunder "
    "linethickness columnalign displaystyle"
    " scriptlevel width height depth minsize maxsize movablelimits largeop symmetric"
)
_VALUE = re.compile(r"[\w.%#+-]{1,30}", re.ASCII)
_MAX_DEPTH = 100


def mathml(tex: str, *, display: bool) -> str | None:
    """Return a formula as MathML, or None if it is too long or cannot be parsed.

    Args:
        tex: TeX without its delimiters.
        display: whether it stands on lines of its own.
    """
    # With the first formula: it reads a table of 2,000 symbols.
    from latex2mathml.converter import convert_to_element

    if len(tex) > LIMITS["inline_tex_chars"]:
        return None
    try:
        return _written(convert_to_element(tex, display="block" if display else "inline"), 0)
    except Exception:  # its own errors, and those of a parser that met what it does not know
        return None


def _written(element: Element, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise ValueError("a formula nested too deeply")
    inside = _text(element.text)
    for child in element:
        inside += _written(child, depth + 1) + _text(child.tail)
    if element.tag not in _ELEMENTS:
        return f"<mrow>{inside}</mrow>"
    kept = (
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    return f"<{element.tag}{''.join(kept)}>{inside}</{element.tag}>"


def _text(text: str | None) -> str:
    return html.escape(text_safe(html.unescape(text or "")))
