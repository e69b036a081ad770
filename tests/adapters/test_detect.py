"""Detection of a stream whose first item identifies no system."""

from typing import Any

import pytest
from adapters.recorded import decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for, decoder_named
from nbagent.adapters.detect import MAX_HELD_ITEMS, DetectingDecoder
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.errors import UnknownSource
from nbagent.run import Run

PING = {"type": "ping"}
OWN = {"session": "s1"}
HELLO = {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}
CLAUDE = {"type": "message_start", "message": {"id": "m", "content": []}}


def system_of(items: list[Any]) -> str:
    decoder = DetectingDecoder()
    for item in items:
        list(decoder.feed(item))
    return decoder.system


@pytest.mark.parametrize(
    ("items", "system"),
    [
        ([HELLO], "openai.chat"),
        ([PING, HELLO], "openai.chat"),
        ([PING, CLAUDE], "anthropic.messages"),
        ([OWN, PING, HELLO], "openai.chat"),
        ([{"event": "heartbeat", "data": PING}, {"type": "start", "messageId": "m"}], "vercel.ui"),
        ([OWN] * MAX_HELD_ITEMS + [HELLO], "openai.chat"),
        ([OWN] * (MAX_HELD_ITEMS + 1) + [HELLO], "unknown"),
        ([OWN, None], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_first_item_that_tells_decides(items: list[Any], system: str) -> None:
    assert system_of(items) == system


@pytest.mark.parametrize(
    "items", [[HELLO], [PING, HELLO], [OWN, HELLO], [PING], [OWN], [], [OWN] * 9]
)
def test_nothing_that_was_held_back_is_lost(items: list[Any]) -> None:
    telling = next((item for item in items if item not in (PING, OWN)), items[-1] if items else "")
    assert decode(DetectingDecoder(), items) == decode(decoder_for(telling), items)


def test_a_stream_that_fails_before_it_tells_says_how() -> None:
    events = decode(DetectingDecoder(), [PING], ConnectionError("gone"))
    assert [event.message for event in events if isinstance(event, ev.Error)] == ["gone"]
    assert isinstance(events[-1], ev.RunEnd)


def test_what_cannot_be_an_item_is_refused() -> None:
    with pytest.raises(UnknownSource, match="NoneType"):
        DetectingDecoder().feed(None)


def test_a_hint_is_asked_at_the_first_item() -> None:
    decoder = DetectingDecoder(lambda: "vercel.ui")
    list(decoder.feed(OWN))
    assert decoder.system == "vercel.ui"


async def show(*items: Any, **options: Any) -> Run:
    run = Run(iter(items), **options)
    run.start()
    return await run


async def test_an_unknown_stream_is_shown_raw_with_one_hint() -> None:
    run = await show(OWN, OWN, OWN, reveal="all")
    assert [event.data for event in run.events if isinstance(event, ev.Raw)] == [OWN] * 3
    (hint,) = [event.message for event in run.events if isinstance(event, ev.Status)]
    assert "adapter=" in hint


@pytest.mark.parametrize(
    "items",
    [[OWN], [{"chunk": "a"}, {"debug": {"tokens": 3}}, "[DONE]"]],
    ids=["unknown", "hector"],
)
async def test_a_hint_on_hidden_items_says_which_level_shows_them(items: list[Any]) -> None:
    for reveal, told in (("thinking", True), ("all", False)):
        run = await show(*items, reveal=reveal)
        (hint,) = [event.message for event in run.events if isinstance(event, ev.Status)]
        assert ('reveal="all"' in hint) is told


async def test_a_guess_can_be_overruled_by_name() -> None:
    item = {"type": "text-delta", "id": "1", "delta": "Hi"}
    run = await show({"type": "start"}, item, adapter="vercel.ui")
    assert run.text == "Hi"
    assert (await show('{"a": 1}', adapter="text")).text == '{"a": 1}'
    with pytest.raises(UnknownSource, match=r"'vercel'.*vercel\.ui"):
        Run(iter([item]), adapter="vercel")


def test_once_found_the_decoder_is_called_directly() -> None:
    decoder = DetectingDecoder()
    list(decoder.feed(PING))
    assert getattr(decoder.feed, "__self__", None) is decoder
    list(decoder.feed(HELLO))
    assert isinstance(getattr(decoder.feed, "__self__", None), ChatDecoder)


def test_a_decoder_by_name_and_by_what_comes_are_the_same() -> None:
    assert decode(DetectingDecoder(), [HELLO]) == decode(decoder_named("openai.chat"), [HELLO])
