"""A run's memory of its events has an end, by number and by bytes."""

from nbagent import eventlog
from nbagent import events as e
from nbagent.eventlog import KEPT_BYTES, EventLog


def log_of(*events: e.Event) -> list[e.Event]:
    log = EventLog()
    for event in events:
        log.append(event)
    return list(log)


def test_the_oldest_events_go_first() -> None:
    events = [e.Status(message=str(number)) for number in range(eventlog.KEPT + 10)]
    assert log_of(*events) == events[10:]


def test_events_that_hold_much_are_fewer() -> None:
    events = [e.TextDelta(id="t", delta=str(number) * (KEPT_BYTES // 40)) for number in range(9)]
    assert log_of(*events) == events[-4:]


def test_the_newest_event_is_kept_however_large() -> None:
    large = e.TextEnd(id="t", text="x" * (2 * KEPT_BYTES))
    assert log_of(e.RunStart(), large) == [large]


def test_what_others_hold_too_pushes_nothing_out() -> None:
    large = "x" * (2 * KEPT_BYTES)
    events = [e.RunStart(), e.ToolArgs(id="c", args=[large]), e.ToolResult(id="c", content=large), e.RunEnd(status="completed")]
    assert log_of(*events) == events


def test_a_result_that_was_replaced_is_held_by_nobody_else() -> None:
    parts = [e.ToolResult(id="c", content={"rows": ["x" * KEPT_BYTES]}, preliminary=True) for _ in range(3)]
    assert log_of(*parts) == parts[-1:]


def test_the_newest_come_in_their_order() -> None:
    log = EventLog()
    for number in range(5):
        log.append(e.Status(message=str(number)))
    assert [event.message for event in log.newest(2) if isinstance(event, e.Status)] == ["3", "4"]
    assert len(log.newest(99)) == 5
