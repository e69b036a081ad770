"""The table of the kinds that are complete at once, and what the stages make of each entry."""

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest
from samples import sample

from nbagent import blocks
from nbagent import events as e
from nbagent.blocks import KIND_OF, KINDS, AnyProps, WholeEvent
from nbagent.blocks.kind import WholeKind
from nbagent.blocks.status import STATUS
from nbagent.gate import LEVELS, Gate, Reveal
from nbagent.protocol.nodes import Node, Notice
from nbagent.transcript import Transcript

CALL = e.ToolStart(id="call", name="f")
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event.__name__)


def test_the_table_and_the_unions_name_the_same_kinds() -> None:
    events = {kind.event for kind in KINDS}
    assert events == set(get_args(WholeEvent)) <= set(get_args(e.Event))
    assert {kind.props for kind in KINDS} <= set(get_args(AnyProps))
    assert sorted(blocks.__all__) == sorted(event.__name__ for event in events)


@every_kind
@pytest.mark.parametrize("level", LEVELS)
def test_a_kind_is_shown_from_its_level_on(kind: WholeKind, level: Reveal) -> None:
    shown = Gate(level).feed(sample(kind.event, "x"))
    is_shown = LEVELS.index(level) >= LEVELS.index(kind.shown_from)
    assert [type(event) for event in shown] == ([kind.event] if is_shown else [])


@every_kind
def test_data_from_upstream_is_hidden_where_a_rule_hides_anything(kind: WholeKind) -> None:
    gate = Gate("all", hide={"other": "args"})
    shown = gate.feed(sample(kind.event, "x"))
    assert bool(shown) is (kind.shown_from != "all")


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a status line tell of calls."""
    monkeypatch.setitem(KIND_OF, e.Status, replace(STATUS, tells_of_calls=True))


@pytest.mark.usefixtures("telling")
def test_a_kind_that_tells_of_calls_is_hidden_where_a_part_of_any_is() -> None:
    status = e.Status(message="f(1) is slow")
    assert Gate().feed(status) == [status]
    assert Gate(hide={"f": "args"}).feed(status) == []
    assert Gate("answer").feed(status) == []


def test_a_kind_without_a_component_travels_with_its_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KIND_OF, e.Status, replace(STATUS, has_component=False))
    transcript = Transcript()
    transcript.feed(e.Status(message="Slow", level="warning"))
    props = transcript.blocks["status:1"].props
    assert props["drawn"] == [{"node": "notice", "text": "Slow", "level": "warning"}]
    assert msgspec.convert(props, type=AnyProps).drawn == [Notice("Slow", "warning")]


@every_kind
def test_props_of_any_form_are_drawn(kind: WholeKind) -> None:
    values: list[Any] = [None, 1, "", "x", [], [None], {}, [{"a": 1}]]
    for odd in values:
        nodes = kind.draws(dict.fromkeys(kind.props.__struct_encode_fields__, odd))
        assert msgspec.convert(msgspec.to_builtins(nodes), type=list[Node]) == nodes
