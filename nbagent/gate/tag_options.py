"""`TagOptions`: the forms of thoughts and calls that a user asks for with `tags=`."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from nbagent.errors import did_you_mean
from nbagent.gate.form import OWN, Form

ASKED = ("json", "pythonic", "react")
"""Families that cannot always be told from an answer, so that an option asks for them."""


Tags: TypeAlias = Mapping[str, str] | Collection[str | tuple[str, str, str]]
"""Option: names of families in `ASKED`, and tags of one's own."""


_OWN_KINDS = ("thought", "tool")


class TagOptions(NamedTuple):
    """Forms that `tags=` asks for.

    Attributes:
        families: names of families that are recognised without the names of their tools.
        forms: rows of the user's own.
    """

    families: frozenset[str]
    forms: tuple[Form, ...]


NO_TAGS = TagOptions(frozenset(), ())


def tag_options(tags: Tags | None) -> TagOptions:
    """Return what `tags=` asks for.

    Args:
        tags: names of families, such as `"react"`, and own tags as `(opener, closer, kind)`; or a
            mapping from the names of tags to kinds: `{"plan": "thought"}` stands for `("<plan>",
            "</plan>", "thought")`. A kind is "thought" or "tool".

    Raises:
        ValueError: a family or kind is unknown, or a tag empty.
        TypeError: `tags` is something else.
    """
    if tags is None:
        return NO_TAGS
    if isinstance(tags, str) or not isinstance(tags, Collection):
        raise TypeError(
            "tags takes a list of families and of tags, or a mapping from tags to kinds; got "
            f"{tags!r}"
        )
    given: list[Any]
    if isinstance(tags, Mapping):
        given = [(f"<{name}>", f"</{name}>", kind) for name, kind in tags.items()]
    else:
        given = list(tags)
    families = [each for each in given if isinstance(each, str)]
    own = [each for each in given if not isinstance(each, str)]
    for name in families:
        if name not in ASKED:
            hint = did_you_mean(name, ASKED)
            raise ValueError(
                f"tags={name!r} is no family that can be asked for: "
                f"{', '.join(map(repr, ASKED))}{hint}"
            )
    return TagOptions(frozenset(families), tuple(map(_own_form, own)))


def _own_form(tag: Any) -> Form:
    match tag:
        case (str(opener), str(closer), kind) if opener.strip() and closer.strip():
            if kind not in _OWN_KINDS:
                raise ValueError(
                    f"the kind of {opener!r} in tags= must be 'thought' or 'tool'; got {kind!r}"
                )
            return Form(OWN, opener, kind, (closer,))
    raise TypeError(
        "a tag of tags= is ('<plan>', '</plan>', 'thought'): an opener, a closer and a kind; "
        f"got {tag!r}"
    )
