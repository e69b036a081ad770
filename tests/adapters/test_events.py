from adapters.recorded import CHAT, Transcript, decode, payloads

from nbagent import events as ev
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.adapters.openai_chat.decoder import ChatDecoder


def test_a_whole_run_passes_as_it_is() -> None:
    events = decode(ChatDecoder(), payloads(CHAT[3]))
    assert decode(EventsDecoder(), events) == events
    assert decode(EventsDecoder(), map(ev.to_dict, events)) == events


def test_a_plain_generator_of_events_gets_a_run_around_it() -> None:
    events = decode(EventsDecoder(), [ev.TextDelta(id="a", delta="Hi")])
    assert Transcript.of(events).texts == ["Hi"]
    assert events[-1] == ev.RunEnd(status="completed")


def test_a_run_that_stops_before_its_end_was_cut() -> None:
    opened = [
        ev.RunStart(),
        ev.StepStart(step=1),
        ev.AgentStart(id="s", name="sub"),
        ev.TextStart(id="a"),
        ev.ReasoningStart(id="b"),
    ]
    events = decode(EventsDecoder(), opened)
    assert events[len(opened) :] == [
        ev.ReasoningEnd(id="b"),
        ev.TextEnd(id="a"),
        ev.AgentEnd(id="s", name="sub", status="incomplete"),
        ev.StepEnd(step=1),
        ev.RunEnd(status="incomplete", code=ev.STREAM_TRUNCATED),
    ]


def test_its_own_error_is_not_reported_twice() -> None:
    events = decode(EventsDecoder(), [ev.RunStart(), ev.Error(message="boom", fatal=True)], RuntimeError("boom"))
    assert [event.message for event in events if isinstance(event, ev.Error)] == ["boom"]
    assert events[-1] == ev.RunEnd(status="failed")


def test_nothing_follows_the_end() -> None:
    events = decode(EventsDecoder(), [ev.RunStart(), ev.RunEnd(status="completed"), ev.TextDelta(id="a", delta="late")])
    assert events == [ev.RunStart(), ev.RunEnd(status="completed")]


def test_a_dict_that_only_looks_like_an_event_is_kept_raw() -> None:
    broken = {"type": "text.delta", "id": 7}
    events = decode(EventsDecoder(), [broken])
    assert ev.Raw(data=broken, name="text.delta") in events


def test_usage_of_steps_is_added_up_where_the_run_has_no_end() -> None:
    step = ev.StepEnd(usage=ev.Usage(output=2))
    assert decode(EventsDecoder(), [ev.StepStart(), step, ev.StepStart(), step])[-1] == ev.RunEnd(
        status="completed", usage=ev.Usage(output=4)
    )
