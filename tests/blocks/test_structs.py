"""A field of an event, and of a block's props, may hold a list of structs: they are masked, sent as
objects, and typed in the view.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nbagent import events as e
from nbagent.gate.redact import Redactor
from nbagent.gate.secrets import Secrets
from nbagent.protocol.blocks import BlockProps, structs_in, to_dict

SECRET = "canary/9f8e7d6c5b4a"


class Step(msgspec.Struct, frozen=True):
    id: str
    done: bool = False


class Steps(e.Envelope, frozen=True, kw_only=True, tag="steps"):
    id: str
    steps: list[Step] | None = None


class StepsProps(BlockProps, tag="steps"):
    steps: list[Step] | UnsetType | None = UNSET


def test_each_text_of_a_struct_is_masked_and_it_stays_a_struct() -> None:
    def masked(*steps: Step) -> Any:
        event: Any = Steps(id="1", steps=list(steps))
        return Redactor(Secrets([SECRET])).feed(event)

    (event,) = masked(Step("a", True), Step(f"key {SECRET}"))
    assert event.steps == [Step("a", True), Step(Secrets([SECRET]).mask(f"key {SECRET}"))]
    assert SECRET not in repr(event)
    whole: Any = Steps(id="1", steps=[Step("a")])
    assert Redactor(Secrets([SECRET])).feed(whole)[0] is whole


def test_they_are_objects_in_an_op() -> None:
    assert to_dict(StepsProps(steps=[Step("a", True)])) == {"steps": [{"id": "a", "done": True}]}
    assert to_dict(StepsProps(steps=None)) == {"steps": None}
    assert to_dict(StepsProps()) == {}


def test_the_structs_of_a_field_are_found_in_lists_and_unions() -> None:
    info = msgspec.inspect.type_info(StepsProps)
    assert isinstance(info, msgspec.inspect.StructType)
    found = {field.name: structs_in(field.type) for field in info.fields}
    assert found["steps"] == [Step]
    assert found["user_open"] == []
