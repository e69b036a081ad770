"""The vocabulary: every event class to JSON and back."""

import functools
import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.events.json_text import decode_json

CLASSES: tuple[type[e.Event], ...] = get_args(e.Event)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text(), items, max_size=3),
    max_leaves=5,
)


def values(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Return every value that a field of that type may hold, by the field's own declaration."""
    match kind:
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.AnyType():
            return JSON
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.IntType():
            return st.integers(-(2**63), 2**63)
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case msgspec.inspect.StrType():
            return st.text()
        case msgspec.inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case msgspec.inspect.ListType(item_type=item):
            return st.lists(values(item), max_size=3)
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(key), values(value), max_size=3)
        case msgspec.inspect.UnionType(types=kinds):
            return st.one_of(*map(values, kinds))
        case msgspec.inspect.CustomType(cls=e.Live):
            return st.none()
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
        case _:
            raise AssertionError(f"no way to make up a {kind}")


@functools.cache
def any_event(cls: type[e.Event]) -> st.SearchStrategy[e.Event]:
    strategy: st.SearchStrategy[e.Event] = values(msgspec.inspect.type_info(cls))
    return strategy


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=settings().max_examples // 5)  # times 28 events
@given(st.data())
def test_every_event_is_the_same_after_a_journey_as_json(
    cls: type[e.Event], data: st.DataObject
) -> None:
    event = data.draw(any_event(cls))
    line = e.to_json(event)
    assert b"\n" not in line
    assert e.from_json(line) == event
    assert e.from_dict(e.to_dict(event)) == event
    assert e.from_dict(json.loads(line)) == event
    assert json.loads(line)["type"] == e.type_of(event) == event.type


def test_every_tag_is_its_own() -> None:
    assert len({cls.__struct_config__.tag for cls in CLASSES}) == len(CLASSES)


def test_live_objects_stay_at_home() -> None:
    class Secret:
        def __repr__(self) -> str:
            return "SECRET"

    event = e.ToolResult(id="c", content={"deep": [e.Live(Secret())]}, value=e.Live(Secret()))
    assert b"SECRET" not in e.to_json(event)
    assert "SECRET" not in f"{event!r} {e.to_dict(event)}"
    assert e.from_json(e.to_json(event)).value is None  # type: ignore[union-attr]


def test_what_was_not_said_is_not_written() -> None:
    assert (
        e.to_json(e.TextDelta(id="t", delta="Hi")) == b'{"type":"text.delta","id":"t","delta":"Hi"}'
    )
    assert (
        e.to_json(e.AgentHandoff(to="b", from_="a"))
        == b'{"type":"agent.handoff","to":"b","from":"a"}'
    )


def test_what_is_no_event_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="delta"):
        e.from_json('{"type":"text.delta","id":"t"}')
    with pytest.raises(msgspec.ValidationError, match=r"from\.the\.future"):
        e.from_dict({"type": "from.the.future"})


def test_usages_add_up_and_what_nobody_counted_stays_unknown() -> None:
    assert e.Usage(input=1, output=2) + e.Usage(output=3, cost=0.5) == e.Usage(
        input=1, output=5, cost=0.5
    )


def test_a_repr_shows_what_is_set() -> None:
    assert repr(e.TextDelta(id="t", delta="Hi")) == "TextDelta(id='t', delta='Hi')"


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b'"\xff"', b"{", '"\ud800"'])
@pytest.mark.usefixtures("no_garbage")
def test_json_that_cannot_be_read_has_one_error(text: bytes | str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_json(text)
    with pytest.raises(msgspec.DecodeError):
        e.from_json(text)
