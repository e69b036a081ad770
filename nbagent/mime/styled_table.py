"""Tables with styles, as pandas' Styler makes them: the data in them, and their HTML with the
styles on its elements.
"""

import html
import re
from collections import defaultdict
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
    has_methods = hasattr(kind, "background_gradient") and hasattr(kind, "_repr_html_")
    return has_methods and hasattr(value, "data")


def with_inline_styles(source: str) -> str:
    """Return the HTML with each style that is set for an element's id on that element, and without
    ids and style sheets.

    A style sheet in a page reaches everything in it, so none is kept. The ids are random, and would
    differ in each execution.
    """
    styles = _styles_of_ids(source)

    def styled(tag: re.Match[str]) -> str:
        style = " ".join(styles.get(tag[2], ()))
        if not style:
            return tag[1]
        if "background" in style and not _COLOUR.search(style):
            style += " color: black;"  # a dark theme's own is light
        return f'{tag[1]} style="{html.escape(style)}"'

    return _ID_ATTRIBUTE.sub(styled, _STYLE.sub("", source)).strip()


def _styles_of_ids(source: str) -> dict[str, list[str]]:
    """Return the declarations in the style sheets of an HTML text, by the id that they are for."""
    styles: dict[str, list[str]] = defaultdict(list)
    for sheet in _STYLE.finditer(source):
        for selectors, declarations in _RULE.findall(sheet[1]):
            for selector in selectors.split(","):
                if (id_ := _ID.fullmatch(selector.strip())) is not None:
                    styles[id_[1]] += declarations.split()
    return styles
