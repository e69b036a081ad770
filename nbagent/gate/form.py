"""`Form`: a form in which models write thoughts, calls or results into their text.

An opener is a literal with marks: `~` is optional space, `@` the name of a tool, `%` the rest of a
line, `№` an optional number, `^` a capital letter, `$` a JSON key of a tool's name, `&` a JSON key
of its arguments, `¶` a JSON string, `…` the attributes of a tag, if it has any; from `→` on it
belongs to the body. An opener in angle brackets is recognised in upper and lower case, and with the
bars and underscores of DeepSeek's tokens (`｜`, `▁`). Openers of the family `OWN` have no marks.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["text", "thought", "tool", "result"]
Place: TypeAlias = Literal["anywhere", "word", "line", "beginning", "fence", "end", "tail"]
Need: TypeAlias = Literal["nothing", "tag", "family", "name", "start", "unopened"]

NAME_KEYS = ("name", "tool_name", "action", "tool", "function", "recipient_name")
"""Keys under which JSON that is a call has the name of its tool, the surest first."""

ARGS_KEYS = (
    *("arguments", "parameters", "args", "action_input", "input"),
    *("tool_input", "tool_args", "kwargs"),
)
"""Keys under which it has the arguments."""

OWN = "own"
"""Family of the tags that a user gives with `tags=`."""


class Form(NamedTuple):
    """A row of the table.

    Attributes:
        family: the name of its family.
        opener: how it begins, in the notation of this module.
        kind: what its body is: a thought, a call, a tool's result, or text, of which only the tag
            is removed. A `header` is that of a harmony message, which says what follows.
        ends: literals that end the body. Without any, the body is empty.
        place: where the opener counts: anywhere, where a word begins, at the beginning of a line,
            at the beginning of the text or behind another tag, where it opens a code block, where
            it ends a line, or (tail) where it does right behind a character, or ends the text.
        needs: what must be known for it to count: nothing, any tag before it, one of its family
            before it, or the tool that it names. With "start", the beginning of the text will do
            too; with "unopened" it ends no element of HTML.
        ahead: a regular expression that must be found behind it; else the opener is text. Its group
            is a tool's name.
        value: whether the body ends with its first JSON value or call too, or before an empty line.
        labels: whether each opener of the family ends the body.
        frame: characters that are taken off the end of the body.
    """

    family: str
    opener: str
    kind: Kind | Literal["header"]
    ends: tuple[str, ...] = ()
    place: Place = "anywhere"
    needs: Need = "nothing"
    ahead: str = ""
    value: bool = False
    labels: bool = False
    frame: str = ""


def pairs(family: str, kind: Kind, *names: str, value: bool = False) -> list[Form]:
    """Return rows for XML-like tags, with or without attributes: `<name>` up to `</name>`."""
    return [Form(family, f"<{name}…>", kind, (f"</{name}>",), value=value) for name in names]


def tokens(family: str, kind: Kind, *pairs: tuple[str, str]) -> list[Form]:
    """Return rows for pairs of special tokens: a body from one up to the other."""
    return [Form(family, opener, kind, (end,)) for opener, end in pairs]


def token_pairs(family: str, kind: Kind, *names: str) -> list[Form]:
    """Return rows for special tokens in the shapes that templates give them: `<|name_start|>` up to
    `<|name_end|>`, and the like.
    """
    shapes = (
        ("{}_start", "{}_end"),
        ("{}_begin", "{}_end"),
        ("begin_{}", "end_{}"),
        ("begin_of_{}", "end_of_{}"),
        ("start_{}", "end_{}"),
    )
    return [
        Form(family, f"<|{opener.format(name)}|>", kind, (f"<|{end.format(name)}|>",))
        for name in names
        for opener, end in shapes
    ]


def words(family: str, opener: str, closer: str) -> list[Form]:
    """Return rows for thoughts in tags that an answer may speak of: they begin a line, or are
    closed.
    """
    return [
        Form(family, opener, "thought", (closer,), "line"),
        Form(family, opener, "thought", (closer,), ahead=re.escape(closer)),
    ]
