"""Checks of the value of an option, by the option's annotation.

An annotation is a type that msgspec reads (https://jcristharif.com/msgspec/supported-types.html).
The description of its `msgspec.Meta` is what the option takes, in words. A section is a mapping
with known keys: a dataclass or a `msgspec.Struct`.
"""

import dataclasses
import math
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from nbagent.errors import did_you_mean

Path: TypeAlias = tuple[Any, ...]
"""Keys and indices that lead to a value."""

KIND_KEY = "strategy"
"""The key that says which of several sections a mapping is."""

_TAKES: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "keys with values",
    Mapping: "keys with values",
}


class Misfit(NamedTuple):
    """A value that its option does not take, an unknown key, or a missing one.

    Attributes:
        path: keys and indices that lead to it; to the mapping where it is missing.
        text: the sentence that says it; "" for a value of the wrong type, or out of bounds.
        takes: what belongs there instead of such a value, in words.
        value: that was got.
        is_unknown: whether it is an unknown key, about which more may be said.
    """

    path: Path
    text: str = ""
    takes: str = ""
    value: Any = None
    is_unknown: bool = False


class Rule:
    """Rule in an annotation, for a value of the right type.

    Args:
        broken_by: returns what is wrong with a value; "" if it keeps the rule.
    """

    def __init__(self, broken_by: Callable[[Any], str]) -> None:
        self.broken_by = broken_by


def misfits(value: Any, annotation: Any, path: Path) -> Iterator[Misfit]:
    """Yield all that is wrong with a value.

    Args:
        value: of an option, or of a part of it.
        annotation: its type.
        path: leads to the value.
    """
    kinds = alternatives(annotation)
    if value is None and NoneType in kinds:
        return
    kinds = [kind for kind in kinds if kind is not NoneType]
    if len(kinds) > 1:
        yield from _misfits_of_choice(value, kinds, path)
        return
    kind = bare(kinds[0])
    if is_section(kind):
        yield from _misfits_of_section(value, kind, path)
    elif get_origin(kind) in (dict, Mapping):
        yield from _misfits_of_mapping(value, kinds[0], path)
    elif get_origin(kind) is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(item, get_args(kind)[0], (*path, index))
    else:
        yield from _misfits_of_plain(value, kinds[0], path)


def _misfits_of_plain(value: Any, annotation: Any, path: Path) -> Iterator[Misfit]:
    if not _fits(value, annotation):
        yield Misfit(path, takes=takes(annotation), value=value)
        return
    for rule in _metadata(annotation, Rule):
        if text := rule.broken_by(value):
            yield Misfit(path, f"{dotted(path)}: {text}")


def _misfits_of_section(value: Any, section: Any, path: Path) -> Iterator[Misfit]:
    if isinstance(value, section):
        return
    if not isinstance(value, Mapping):
        yield Misfit(path, takes=_TAKES[dict], value=value)
        return
    known = annotations_of(section)
    for key, inner in value.items():
        if key in known:
            yield from misfits(inner, known[key], (*path, key))
        elif key != tag_field(section):
            text = f"{dotted(path)} has no key {key!r}"
            yield Misfit((*path, key), text, is_unknown=True)
    for key in _required(section):
        if key not in value:
            yield Misfit(path, f"{dotted(path)} needs the key {key!r}")


def _misfits_of_mapping(value: Any, annotation: Any, path: Path) -> Iterator[Misfit]:
    inner = get_args(bare(annotation))[1]
    if not isinstance(value, Mapping):
        what = _TAKES[dict] if is_section(inner) else takes(annotation)
        yield Misfit(path, takes=what, value=value)
        return
    if not value and any(meta.min_length for meta in _metadata(annotation, msgspec.Meta)):
        yield Misfit(path, takes=takes(annotation), value=value)
    for key, each in value.items():
        if isinstance(key, str):
            yield from misfits(each, inner, (*path, key))
        else:
            yield Misfit((*path, key), f"the name {key!r} takes a text; put it in quotes")


def _misfits_of_choice(value: Any, sections: Sequence[Any], path: Path) -> Iterator[Misfit]:
    """Yield what is wrong with a mapping that is one of several sections, as its key says."""
    if not isinstance(value, Mapping):
        yield Misfit(path, takes=_TAKES[dict], value=value)
        return
    by_tag = {section.__struct_config__.tag: section for section in sections}
    choice = " or ".join(map(repr, by_tag))
    chosen = value.get(KIND_KEY)
    if chosen is None:
        yield Misfit(path, f"{dotted(path)} needs the key {KIND_KEY!r}: {choice}")
    elif chosen in by_tag:
        yield from _misfits_of_section(value, by_tag[chosen], path)
    else:
        hint = did_you_mean(str(chosen), by_tag) or f"; it is {choice}"
        text = f"{dotted(path)} has no {KIND_KEY} {chosen!r}{hint}"
        yield Misfit((*path, KIND_KEY), text)


def _fits(value: Any, annotation: Any) -> bool:
    """Return True if a value has the type and the bounds of an annotation."""
    number = _plain_number(value)
    if isinstance(number, float) and not math.isfinite(number):
        return False
    try:
        msgspec.convert(number, annotation)
    except msgspec.ValidationError:
        return False
    return True


def _plain_number(value: Any) -> Any:
    """Return a number of NumPy as Python's own, which msgspec asks for; any other value as it
    is.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    return value


def takes(annotation: Any) -> str:
    """Return what an option takes, in words."""
    for meta in _metadata(annotation, msgspec.Meta):
        if meta.description:
            return str(meta.description)
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return _TAKES[get_origin(kind) or kind]


def takes_words(annotation: Any) -> str:
    """Return what an option takes besides null, in words: "a text", "a list"."""
    kinds = [kind for kind in alternatives(annotation) if kind is not NoneType]
    if any(is_section(bare(kind)) for kind in kinds):
        return _TAKES[dict]
    return takes(kinds[0])


def dotted(path: Sequence[Any]) -> str:
    """Return a path as `agents.assistant.tools[0]`; "the file" for the whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


def alternatives(annotation: Any) -> list[Any]:
    """Return the members of a union; the annotation itself if it is none."""
    if get_origin(annotation) in (Union, UnionType):
        return list(get_args(annotation))
    return [annotation]


def bare(annotation: Any) -> Any:
    """Return an annotation without its metadata."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    return annotation


def _metadata(annotation: Any, kind: type) -> list[Any]:
    found = getattr(annotation, "__metadata__", ())
    return [each for each in found if isinstance(each, kind)]


def is_section(kind: Any) -> bool:
    """Return True for a mapping with known keys."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)
    )


def annotations_of(section: Any) -> dict[str, Any]:
    """Return the annotations of a section's keys, by key."""
    return get_type_hints(section, include_extras=True)


def tag_field(section: Any) -> str | None:
    """Return the key that says that a mapping is this section; None if there is no such key."""
    config = getattr(section, "__struct_config__", None)
    found: str | None = getattr(config, "tag_field", None)
    return found


def _required(section: Any) -> list[str]:
    """Return the keys that a section has to have."""
    described: Any = msgspec.inspect.type_info(section)
    return [field.name for field in described.fields if field.required]
