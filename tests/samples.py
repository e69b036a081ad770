"""Sample event of each class, generated from the vocabulary: a new class has one at once."""

from typing import Any, get_args

import msgspec.inspect as structs

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.transcript import Transcript

OTHER_KINDS = [kind for kind in KINDS if not kind.has_component]
"""Kinds of blocks for which tests have no events of their own."""
CLASSES: tuple[type[e.Event], ...] = get_args(e.Event)
# a call that a reader made again is no part of the run
_OWN = frozenset((*e.Envelope.__struct_fields__, "attempt_of"))


def sample(kind: type[e.Envelope], text: str = "text", **envelope: Any) -> Any:
    """Return an event with every field of its own set, and `text` in every text field."""
    info = structs.type_info(kind)
    assert isinstance(info, structs.StructType)
    fields = {
        field.name: _value(field.type, text) for field in info.fields if field.name not in _OWN
    }
    return kind(**fields, **envelope)


def blocks_of(text: str) -> list[dict[str, Any]]:
    """Return a block of each kind that is complete at once, with `text` in every text field."""
    transcript = Transcript()
    for kind in KINDS:
        transcript.feed(sample(kind.event, text))
    return transcript.snapshot()[1:]


def _value(kind: structs.Type, text: str) -> Any:
    match kind:
        case structs.StrType():
            return text
        case structs.LiteralType():
            return kind.values[0]
        case structs.BoolType():
            return False
        case structs.IntType() | structs.FloatType():
            return 1
        case structs.DictType(value_type=structs.StrType()):
            return {text: text}
        case structs.AnyType() | structs.DictType():
            return {text: [text]}
        case structs.ListType():
            return [_value(kind.item_type, text)]
        case structs.StructType():
            return kind.cls(**{field.name: _value(field.type, text) for field in kind.fields})
        case structs.UnionType():
            return _value(
                next(each for each in kind.types if not isinstance(each, structs.NoneType)), text
            )
        case structs.CustomType():
            return None  # a live object
    raise AssertionError(f"no sample of {kind}")
