"""SDK objects under the names of the wire.

The stand-ins have the attributes that the real classes are read by.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from nbagent.adapters.base.payload import (
    frame_of,
    text_in,
    to_wire_dict,
    try_wire_dict,
    usage_counts,
)


class Message:
    """Stand-in for a protobuf message, whose descriptor lists the fields that were set."""

    def __init__(self, name: str = "x.Y", **values: Any) -> None:
        self.DESCRIPTOR = SimpleNamespace(full_name=name, name=name.rsplit(".", 1)[-1])
        self._values = values
        for key, value in values.items():
            setattr(self, key, value)

    def ListFields(self) -> list[Any]:  # noqa: N802
        return [(field_of(key, value), value) for key, value in self._values.items()]

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802
        return next(iter(self._values), None)


STATES = SimpleNamespace(values_by_number={3: SimpleNamespace(name="TASK_STATE_COMPLETED")})


def field_of(key: str, value: Any) -> Any:
    first, *rest = key.split("_")
    inner = SimpleNamespace(GetOptions=lambda: SimpleNamespace(map_entry=False))
    return SimpleNamespace(
        json_name=first + "".join(word.title() for word in rest),
        enum_type=STATES if key == "state" else None,
        message_type=inner if isinstance(value, Message | list) else None,
    )


def test_protobuf_messages_are_read_by_their_descriptor() -> None:
    value = Message("google.protobuf.Value", number_value=1.5)
    struct = Message(
        "google.protobuf.Struct", fields={"a": value, "b": Message("google.protobuf.Value")}
    )
    part = Message(text="Hi", raw=b"\0", data=Message("google.protobuf.Value", struct_value=struct))
    update = Message(
        status_update=Message(task_id="t", status=Message(state=3), parts=[part], metadata=struct)
    )
    assert to_wire_dict(update) == {
        "statusUpdate": {
            "taskId": "t",
            "status": {"state": "TASK_STATE_COMPLETED"},
            "parts": [{"text": "Hi", "raw": "AA==", "data": {"a": 1.5, "b": None}}],
            "metadata": {"a": 1.5, "b": None},
        }
    }


def test_frames_with_a_name_are_opened_and_others_left() -> None:
    assert frame_of({"event": "done", "data": {}}) == ("done", {})
    assert frame_of({"event": "done", "data": {}, "more": 1}).name is None
    assert frame_of("x") == (None, "x")


@pytest.mark.parametrize("item", [None, 3, "x", b"x", [], {"data": 1}, object()])
def test_a_first_look_never_raises(item: Any) -> None:
    try_wire_dict(item)


def test_an_object_that_cannot_be_dumped_has_no_fields() -> None:
    class Broken:
        __pydantic_fields_set__: frozenset[str] = frozenset()

        def model_dump(self, **_: Any) -> Any:
            raise ValueError

    assert try_wire_dict(Broken()) == {}


def test_texts_are_found_in_blocks_and_counts_are_whole_numbers() -> None:
    assert text_in([{"type": "text", "text": "a"}, {"content": {"text": "b"}}, "c", None]) == "abc"
    assert usage_counts({"x": 1, "y": True, "z": "1"}, a="x", b="y", c=("q", "z")) == {"a": 1}
