"""The event log is limited by number and by bytes."""

from nbagent import events as e
from nbagent.events.log import MAX_LOG_BYTES, EventLog


def log_of(*events: e.Event) -> list[e.Event]:
    log = EventLog()
    for event in events:
        log.append(event)
    return list(log)


def test_the_oldest_deltas_go_when_there_are_too_many() -> None:
    events = [e.TextDelta(id="t", delta="word") for _ in range(200_000)]
    kept = log_of(*events)
    assert 100_000 < len(kept) < 150_000
    assert kept[-1] is events[-1]


def test_events_that_hold_much_are_fewer() -> None:
    events = [e.TextDelta(id="t", delta=str(number) * (MAX_LOG_BYTES // 5)) for number in range(9)]
    assert log_of(*events) == events[-4:]


def test_the_newest_event_is_kept_however_large() -> None:
    large = e.TextEnd(id="t", text="x" * (2 * MAX_LOG_BYTES))
    assert log_of(e.RunStart(), large) == [large]


def test_what_others_hold_too_pushes_nothing_out() -> None:
    large = "x" * (2 * MAX_LOG_BYTES)
    call: list[e.Event] = [e.ToolArgs(id="c", args=[large]), e.ToolResult(id="c", content=large)]
    events = [e.RunStart(), *call, e.RunEnd(status="completed")]
    assert log_of(*events) == events


def test_a_result_that_was_replaced_is_held_by_nobody_else() -> None:
    parts: list[e.Event] = [
        e.ToolResult(id="c", content={"rows": ["x" * MAX_LOG_BYTES]}, preliminary=True)
        for _ in range(3)
    ]
    assert log_of(*parts) == parts[-1:]


def test_the_newest_come_in_their_order() -> None:
    log = EventLog()
    for number in range(5):
        log.append(e.Status(message=str(number)))
    assert [event.message for event in log.newest(2) if isinstance(event, e.Status)] == ["3", "4"]
    assert len(log.newest(99)) == 5
