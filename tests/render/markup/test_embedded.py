r"""Markdown that pandoc reads as the view does.

The cases were tried with pandoc 3, as nbconvert calls it for LaTeX.
"""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbagent.render.markup.embedded import embedded_markdown
from nbagent.render.markup.grammar import Token, parse


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        ("text\n\n---\n**Summary**\n\n---\n", "text\n\n***\n\n**Summary**\n\n***"),
        ("> ---\n> text", "> ***\n>\n> text"),
        ("# Head\n\ntext\n\nSetext\n---", "**Head**\n\ntext\n\n**Setext**"),
        ("# 2 * 3", "**2 &#42; 3**"),
        (r"in C:\Users\name", "in C:&#92;Users&#92;name"),
        (r"\input{x}, \\input and \*", "&#92;input&#123;x&#125;, &#92;input and &#42;"),
        ("one\\\ntwo  \nthree", "one\\\ntwo\\\nthree"),
        (r"`\d+` and ``\a`\b``", r"`\d+` and ``\a`\b``"),
        (r"`\input{x}`{=latex}", r"`\input{x}`&#123;=latex&#125;"),
        ("```{=latex}\n\\input{x}\n```", "```\n\\input{x}\n```"),
        (
            "```python\nr'\\d'\n```\n\n    \\input{x}",
            "```python\nr'\\d'\n```\n\n```\n\\input{x}\n```",
        ),
        ("> ```\n> \\a\n\nb", "> ```\n> \\a\n> ```\n\nb"),
        (
            "- a\n  \\b\n\n| \\c | \\d |\n|---|:-:|\n| $\\pi$ | `1 \\| 2` |",
            "-   a\n    &#92;b\n\n| &#92;c | &#92;d |\n| --- | :---: |\n| $\\pi$ | `1 \\| 2` |",
        ),
        ("3. a\n4. b\n\n   c\n   - [x] d", "3.  a\n\n4.  b\n\n    c\n\n    -   [x] d"),
        (
            "a <b>c</b> <https://a.example/b>",
            "a &#60;b&#62;c&#60;/b&#62; [https://a.example/b](<https://a.example/b>)",
        ),
        ("[a](/b) ![c](https://d.example/e.png)", "a (/b) image: c (d.example)"),
        ("an open ` and \\a", "an open &#96; and &#92;a"),
        ("[^1]\n\n[^1]: \\a", "&#94;1 (%5Ca)"),
        ("a ~~b~~ _c_ __d__ e_f", "a ~~b~~ _c_ __d__ e_f"),
    ],
)
def test_nothing_is_a_command_to_pandoc(text: str, embedded: str) -> None:
    assert embedded_markdown(text) == embedded


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        (
            r"$a_1^2$ and $$\frac{1}{2}$$, $5 and $10",
            r"$a_1^2$ and $$\frac{1}{2}$$, &#36;5 and &#36;10",
        ),
        (r"\(\alpha\) and \[\beta\]", r"$\alpha$ and $$\beta$$"),
        ("\\[\n\\sum_i x_i\n\\]", "$$\n\\sum_i x_i\n$$"),
        (r"$\input{/etc/passwd}$", r"`\input{/etc/passwd}`"),
        (r"$\text{\VerbatimInput{x}}$", r"`\text{\VerbatimInput{x}}`"),
        (r"$\csname input\endcsname{x}$", r"`\csname input\endcsname{x}`"),
        ("$x^^5cinput$", "`x^^5cinput`"),
        (r"\(\href{javascript:x}{y}\)", r"`\href{javascript:x}{y}`"),
        ("$$\n\\write18{id}\n$$", "```\n\\write18{id}\n```"),
        ("$a % b$", "`a % b`"),
        ("$a{b$", "`a{b`"),
        (r"a\(x\)1 and $\$5$", r"a $x$ 1 and $\$5$"),
        ("| $\\|x\\|$ |\n|-|", "| $\\vert x\\vert$ |\n| --- |"),
    ],
)
def test_formulas_are_typeset_if_that_is_all_they_do(text: str, embedded: str) -> None:
    assert embedded_markdown(text) == embedded


def words(text: str) -> str:
    """Return the text that a reader sees, without white space."""

    def of(tokens: list[Token]) -> str:
        return "".join(
            content(token) if token.children is None else of(token.children) for token in tokens
        )

    def content(token: Token) -> str:
        is_open = token.type == "math_block" and not token.meta["closed"]
        return token.markup if is_open else token.content  # without its end it is a text

    return re.sub(r"\s", "", of(parse(text)))


@given(st.text(st.sampled_from("ab1\\`<>/{=}*_[]()|-~:.! \n"), max_size=60))
def test_the_words_stay(text: str) -> None:
    tokens = parse(text)
    # A bold line cannot hold everything that a heading can; a link that may not be followed shows
    # its address.
    assume(all(token.type != "heading_open" for token in tokens))
    assume(all(inner.type != "link_open" for token in tokens for inner in token.children or []))
    assert words(embedded_markdown(text)) == words(text)


@given(st.text(st.sampled_from("ab\\$`<{}()[]^ \n"), max_size=60))
def test_whatever_is_typeset_has_no_unknown_command(text: str) -> None:
    for token in parse(embedded_markdown(text)):
        for formula in [token, *(token.children or [])]:
            if formula.type == "math" or (formula.type == "math_block" and formula.meta["closed"]):
                assert not re.search(r"(?<!\\)(?:\\\\)*\\[ab]|\^\^", formula.content)
