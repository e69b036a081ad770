"""Text, URLs, HTML and formulas, treated as in the view: both languages are tested against the
tables in tests/shared.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from nbagent.render.markup import text, url
from nbagent.render.markup.grammar import Token, parse
from nbagent.render.markup.sanitize import sanitize

SHARED = Path(__file__).parents[2] / "shared"


def table(name: str) -> Any:
    return json.loads((SHARED / f"{name}.json").read_text("utf-8"))


def rows(name: str) -> list[tuple[str, Any, Any]]:
    return [
        (function, source, expected)
        for function, found in table(name).items()
        for source, expected in found
    ]


TEXT: dict[str, Callable[[str], str]] = {
    "visible": text.visible,
    "prose": text.prose,
    "readable": text.readable,
}
URL: dict[str, Callable[[str], str | None]] = {
    "safe_url": url.safe_url,
    "inline_image": url.inline_image,
    "visible_url": url.visible_url,
    "host_of": url.host_of,
}


@pytest.mark.parametrize(("function", "source", "expected"), rows("readable"))
def test_what_cannot_be_seen_is_written_out(function: str, source: str, expected: str) -> None:
    assert TEXT[function](source) == expected


@pytest.mark.parametrize(("function", "source", "expected"), rows("urls"))
def test_a_url_is_judged(function: str, source: str, expected: str | None) -> None:
    assert URL[function](source) == expected


@pytest.mark.parametrize(("source", "expected"), table("html"))
def test_html_is_copied_by_the_allow_list(source: str, expected: str) -> None:
    assert sanitize(source) == expected


def formulas(tokens: Iterable[Token]) -> list[str]:
    found: list[str] = []
    for token in tokens:
        found += (
            [token.content]
            if token.type in ("math", "math_block")
            else formulas(token.children or [])
        )
    return found


@pytest.mark.parametrize(("source", "expected"), table("math"))
def test_a_formula_is_told_from_money(source: str, expected: list[str]) -> None:
    assert formulas(parse(source)) == expected
