"""Every recording of a protocol, whole, cut, broken and damaged, keeps the rules."""

import pytest
from adapters.damage import damaged
from adapters.protocols import STREAMS, decoder_of
from adapters.recorded import Transcript, decode
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.errors import Cancelled

ANY = pytest.mark.parametrize("name", STREAMS)


@ANY
def test_the_first_item_tells_the_system(name: str) -> None:
    item = STREAMS[name][1][0]
    expected = "a2a" if "hector" in name and ("v2" in name or "v1-a2a" in name) else decoder_of(name).system
    assert decoder_for(item).system == expected


@ANY
def test_every_prefix_is_well_formed_and_says_that_it_was_cut(name: str) -> None:
    items = STREAMS[name][1]
    whole = Transcript.of(decode(decoder_of(name), items))
    assert whole.end is not None
    for cut in sorted({*range(min(len(items), 12)), len(items) // 2, len(items) - 2, len(items) - 1} - {-1, -2}):
        decoder = decoder_of(name)
        transcript = Transcript.of(decode(decoder, items[:cut]))
        assert transcript.end is not None
        if cut < len(items) // 2 and "[multiple" not in name:
            assert transcript.end.status in ("incomplete", "failed", "paused")
        assert "".join(whole.texts).startswith("".join(transcript.texts))
        assert list(decoder.close()) == []
        assert list(decoder.feed(items[0])) == []


@ANY
def test_a_stream_that_breaks_or_is_stopped_says_so(name: str) -> None:
    half = STREAMS[name][1][: len(STREAMS[name][1]) // 2]
    broken = Transcript.of(decode(decoder_of(name), half, ConnectionError("the peer hung up")))
    stopped = Transcript.of(decode(decoder_of(name), half, Cancelled()))
    assert broken.end is not None
    assert stopped.end is not None
    assert (broken.end.status, stopped.end.status) == ("failed", "cancelled")
    assert broken.texts == stopped.texts


@ANY
def test_nothing_of_a_recording_is_unknown(name: str) -> None:
    items = STREAMS[name][1]
    events = decode(decoder_of(name), items)
    unread = [event for event in events if isinstance(event, ev.Raw)]
    forwarded = [item for item in items if isinstance(item, dict) and item.get("type") == "RAW"]
    orphans = sum(1 for item in items if "ARGS" in str(item.get("type"))) - 1 if "tool-call-events" in name else 0
    assert len(unread) == len(forwarded) + orphans, unread


@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_items_lost_doubled_or_out_of_order_never_break_the_rules(name: str, data: st.DataObject) -> None:
    items = data.draw(st.lists(st.sampled_from(STREAMS[name][1][:200]), max_size=40))
    Transcript.of(decode(decoder_of(name), items))


@given(st.sampled_from(sorted(STREAMS)), st.data())
def test_no_damaged_item_raises(name: str, data: st.DataObject) -> None:
    Transcript.of(decode(decoder_of(name), damaged(STREAMS[name][1][:30], data)))
