"""Conversion of items to JSON: bounded in size, and without private fields."""

import json
import types
from dataclasses import dataclass, field
from typing import Any

from nbagent.adapters.base.fields import to_jsonable


@dataclass
class Node:
    name: str
    others: list[Any] = field(default_factory=list)
    call: Any = None


def test_objects_become_their_fields() -> None:
    assert to_jsonable(Node("a", [Node("b")])) == {
        "name": "a",
        "others": [{"name": "b", "others": [], "call": None}],
        "call": None,
    }


def test_the_same_value_twice_is_written_twice() -> None:
    shared = [1, 2]
    assert to_jsonable({"a": shared, "b": shared}) == {"a": [1, 2], "b": [1, 2]}


def test_what_lies_inside_itself_is_named() -> None:
    node = Node("a")
    node.others.append(node)
    assert to_jsonable(node)["others"] == [f"<{__name__}.Node>"]
    ring: list[Any] = []
    ring += [ring, ring]
    assert to_jsonable(ring) == ["<builtins.list>", "<builtins.list>"]


def test_functions_classes_and_modules_are_no_data() -> None:
    assert [to_jsonable(thing) for thing in (to_jsonable, Node, types)] == [
        "<builtins.function>",
        "<builtins.type>",
        "<builtins.module>",
    ]
    assert to_jsonable(Node("a", call=lambda: None))["call"] == "<builtins.function>"


def test_the_private_parts_of_an_object_stay_there() -> None:
    client = types.SimpleNamespace(url="here", _key="not yours")
    assert to_jsonable(client) == {"url": "here"}
    assert to_jsonable({"_key": "said on the wire"}) == {"_key": "said on the wire"}


def test_everybody_who_knows_everybody_is_written_in_bounded_size() -> None:
    crowd = [Node(str(number)) for number in range(30)]
    for node in crowd:
        node.others = crowd
    assert len(json.dumps(to_jsonable(crowd[0]))) < 10_000_000
