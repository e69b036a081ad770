from adapters.recorded import CHAT, Transcript, decode, payloads

from nbagent import events as ev
from nbagent.adapters.detect import DetectingDecoder
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.errors import Cancelled, StreamError


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
    events = decode(
        EventsDecoder(), [ev.RunStart(), ev.Error(message="boom", fatal=True)], RuntimeError("boom")
    )
    assert [event.message for event in events if isinstance(event, ev.Error)] == ["boom"]
    assert events[-1] == ev.RunEnd(status="failed")


def persona(name: str, text: str, status: ev.RunStatus = "completed") -> list[ev.Event]:
    """Return the events of an agent's run as `agent.stream` gives them: every run has the same
    ids.
    """
    usage = ev.Usage(input=10, output=2)
    return [
        ev.RunStart(name=name, model="m"),
        ev.StepStart(step=1, agent=name),
        ev.ToolStart(id="tool-1", name="look", step=1),
        ev.ToolResult(id="tool-1", content=text, step=1),
        ev.TextStart(id="text-1", step=1),
        ev.TextDelta(id="text-1", delta=text, step=1),
        ev.TextEnd(id="text-1", step=1),
        ev.StepEnd(usage=usage, step=1),
        ev.RunEnd(status=status, output=text, usage=usage),
    ]


def test_runs_that_follow_one_another_are_one_run() -> None:
    events = decode(
        EventsDecoder(), [*persona("Socrates", "I know nothing."), *persona("Plato", "Ideas.")]
    )
    assert Transcript.of(events).texts == ["I know nothing.", "Ideas."]
    assert [event.id for event in events if isinstance(event, ev.ToolStart)] == [
        "tool-1",
        "run-2/tool-1",
    ]
    assert [event.step for event in events if isinstance(event, ev.StepStart)] == [1, 2]
    assert [event for event in events if isinstance(event, ev.AgentHandoff)] == [
        ev.AgentHandoff(from_="Socrates", to="Plato")
    ]
    assert [type(event) for event in events].count(ev.RunStart) == 1
    assert [event for event in events if isinstance(event, ev.RunEnd)] == [
        ev.RunEnd(status="completed", output="Ideas.", usage=ev.Usage(input=20, output=4))
    ]


def test_the_last_of_several_runs_tells_how_they_ended() -> None:
    failed, done = persona("a", "x", "failed"), persona("a", "y")
    assert decode(EventsDecoder(), [*failed, *done])[-1].status == "completed"  # type: ignore[union-attr]
    assert decode(EventsDecoder(), [*done, *failed])[-1].status == "failed"  # type: ignore[union-attr]
    assert decode(EventsDecoder(), [*done, *done[:4]])[-1].status == "incomplete"  # type: ignore[union-attr]
    assert decode(EventsDecoder(), done, RuntimeError("between two runs"))[-1].status == "failed"  # type: ignore[union-attr]
    assert decode(EventsDecoder(), done, Cancelled())[-1].status == "cancelled"  # type: ignore[union-attr]
    assert (
        decode(EventsDecoder(), done, StreamError("after the last word", "connection_lost"))[-1]
        == done[-1]
    )


def test_a_stream_that_is_left_open_after_a_run_changes_nothing() -> None:
    done = persona("a", "x")
    for code in ("idle_timeout", "timeout"):
        assert decode(EventsDecoder(), done, StreamError("left open", code))[-1] == done[-1]


def test_of_a_service_the_first_end_is_the_last_event() -> None:
    decoder = DetectingDecoder(is_service=True)
    done = persona("a", "x")
    fed = [event for event in [*done, *persona("b", "y")] for event in decoder.feed(event)]
    assert fed == done
    assert decoder.stream_outlives_run


def test_what_follows_the_end_of_a_run_is_shown() -> None:
    events = decode(
        EventsDecoder(),
        [ev.RunStart(), ev.RunEnd(status="completed"), ev.TextDelta(id="a", delta="late")],
    )
    assert Transcript.of(events).texts == ["late"]
    assert events[-1] == ev.RunEnd(status="completed")


def test_a_dict_that_only_looks_like_an_event_is_kept_raw() -> None:
    broken = {"type": "text.delta", "id": 7}
    events = decode(EventsDecoder(), [broken])
    assert ev.Raw(data=broken, name="text.delta") in events


def test_usage_of_steps_is_added_up_where_the_run_has_no_end() -> None:
    step = ev.StepEnd(usage=ev.Usage(output=2))
    assert decode(EventsDecoder(), [ev.StepStart(), step, ev.StepStart(), step])[-1] == ev.RunEnd(
        status="completed", usage=ev.Usage(output=4)
    )
