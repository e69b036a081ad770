"""Tables with styles, as pandas' Styler makes them: the data in them, and their HTML with the
styles on its elements.
"""

import html
import re
from typing import Any

_COLOUR = re.compile(r"(?<![\w-])color\s*:", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_ID = re.compile(r"#([\w-]+)")
_ID_ATTRIBUTE = re.compile(r'(<[a-z]\w*\b[^<>]*?) id="([\w-]+)"', re.IGNORECASE)


def table_of(value: Any) -> Any:
    """Return the table that a Styler shows; any other value as it is."""
    return value.data if is_styler(value) else value


def is_styler(value: Any) -> bool:
    """Return True for pandas' Styler, recognised by its methods."""
    kind = type(value)
    return (
        hasattr(kind, "background_gradient")
        and hasattr(kind, "_repr_html_")
        and hasattr(value, "data")
    )


def with_inline_styles(source: str) -> str:
    """Return the HTML with each style that is set for an element's id on that element, and without
    ids and style sheets.

    A style sheet in a page reaches everything in it, so none is kept. The ids are random, and would
    differ in each execution.
    """
    styles: dict[str, str] = {}
    for sheet in _STYLE.finditer(source):
        for selectors, declarations in _RULE.findall(sheet[1]):
            for selector in selectors.split(","):
                if (id_ := _ID.fullmatch(selector.strip())) is not None:
                    styles[id_[1]] = styles.get(id_[1], "") + " ".join(declarations.split()) + " "

    def styled(tag: re.Match[str]) -> str:
        style = styles.get(tag[2], "").strip()
        if "background" in style and not _COLOUR.search(style):
            style += " color: black;"  # a dark theme's own is light
        return f'{tag[1]} style="{html.escape(style)}"' if style else tag[1]

    return _ID_ATTRIBUTE.sub(styled, _STYLE.sub("", source)).strip()
