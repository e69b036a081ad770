"""The transcript keeps the contract: its blocks have the props that `nbagent.protocol.blocks`
declares, and no others.
"""

import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader import play
from samples import CLASSES, sample
from streams import event_streams

import nbagent.blocks.typescript
from nbagent import events as e
from nbagent import protocol
from nbagent.blocks import AnyProps
from nbagent.protocol import blocks, messages, ops, values
from nbagent.pump import LargeValues
from nbagent.transcript import Transcript

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))
MODULES = [
    module
    for package in (protocol, nbagent.blocks)
    for name in sorted(path.stem for path in Path(package.__path__[0]).glob("*.py"))
    if isinstance(module := getattr(package, name, None), ModuleType)
]
STRUCTS = [
    struct
    for module in MODULES
    for struct in vars(module).values()
    if isinstance(struct, type)
    and issubclass(struct, msgspec.Struct)
    and struct.__module__ == module.__name__
    and (struct is e.Envelope or not issubclass(struct, e.Envelope))
]


def check(snapshot: list[dict[str, Any]]) -> None:
    """Raise `ValidationError` for a block whose props are not declared."""
    for block in snapshot:
        props = {
            name: value for name, value in block.items() if name not in ("id", "parent", "closed")
        }
        msgspec.convert(props, type=AnyProps)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_golden_blocks_and_ops_are_those_of_the_contract(path: Path) -> None:
    golden = json.loads(path.read_bytes())
    check(golden["blocks"])
    by_name = {op[0]: op for op in golden["ops"]}
    for union in (ops.Open, ops.Append, ops.Set, ops.Close):
        name = get_args(get_args(union)[0])[0]
        msgspec.convert(by_name[name], type=union)


@given(event_streams())
def test_whatever_happens_in_a_run_its_blocks_are_those_of_the_contract(
    events: list[e.Event],
) -> None:
    transcript = Transcript()
    for event in events:
        transcript.feed(event)
    check(transcript.snapshot())


@given(st.lists(st.sampled_from(CLASSES), max_size=12), st.sampled_from(["", "x", "é" * 300]))
def test_events_in_any_order_make_blocks_of_the_contract(
    kinds: list[type[e.Event]], text: str
) -> None:
    transcript = Transcript()
    for kind in kinds:
        transcript.feed(sample(kind, text))
    transcript.toggle("run", True)
    transcript.stopping("you")
    check(transcript.snapshot())


def test_a_large_prop_is_replaced_by_the_declared_marker() -> None:
    transcript = Transcript()
    transcript.feed(e.Error(message="no", traceback="x" * 100_000))
    large = LargeValues(lambda block: None, lambda block: None, str)
    block = play(large.externalize_large_props(transcript.opening()))["error:1"]
    marker = msgspec.convert(block["traceback"], type=values.LargeValue)
    assert (marker.part, marker.size) == ("prop/error:1/traceback", 100_000)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_of_the_contract_is_documented(struct: type[msgspec.Struct]) -> None:
    documentation = inspect.getdoc(struct) or ""
    inherited = blocks.BlockProps.__struct_fields__ if struct is not blocks.BlockProps else ()
    assert [
        name
        for name in struct.__struct_encode_fields__
        if name not in inherited and f"\n    {name}: " not in documentation
    ] == []


@pytest.mark.parametrize(
    "message",
    [messages.Hello(have=3), messages.Ack(seq=7), messages.Need(name="x", at=0), messages.Stop()],
)
def test_a_message_of_a_view_is_read_as_it_was_written(message: messages.ViewMessage) -> None:
    assert messages.read_view_message(msgspec.to_builtins(message)) == message
    assert messages.read_view_message({**msgspec.to_builtins(message), "later": 1}) == message


def test_a_message_of_the_kernel_is_an_object_without_what_is_absent() -> None:
    assert messages.to_wire(messages.Part(name="x", at=0, error="no")) == {
        "t": "part",
        "name": "x",
        "at": 0,
        "error": "no",
    }
