"""Items in the frame of a server-sent event, `{"event": name, "data": payload}`, in the stream of
any system.
"""

from typing import Any

import pytest
from adapters.recorded import RECORDINGS, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_named

SYSTEMS = {recording.system: recording for recording in RECORDINGS}


@pytest.mark.parametrize(
    "data", [{"error": {"message": "boom", "code": "x1"}}, {"message": "boom"}, "boom"], ids=str
)
@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_an_event_that_is_named_an_error_fails_the_run(system: str, data: Any) -> None:
    events = decode(
        decoder_named(system), [*SYSTEMS[system].items[:2], {"event": "error", "data": data}]
    )
    assert (
        "boom" in [event.message for event in events if isinstance(event, ev.Error)]
        or system == "dexto"
    )
    assert isinstance(events[-1], ev.RunEnd)
    assert events[-1].status == "failed"


# In these the name is what says what an item is. Items of Strands have a key `event` of their own.
NAMED = {"bedrock.converse", "dexto", "langgraph", "nearai", "openai.assistants", "strands"}


@pytest.mark.parametrize("system", sorted(SYSTEMS.keys() - NAMED))
def test_a_name_that_says_nothing_new_changes_nothing(system: str) -> None:
    items = SYSTEMS[system].items
    named = [
        item if item == "[DONE]" or "event" in item else {"event": "tick", "data": item}
        for item in items
    ]
    assert decode(decoder_named(system), named) == decode(decoder_named(system), items)
