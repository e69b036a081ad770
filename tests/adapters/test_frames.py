"""Items that come with the name of their server-sent event, as `{"event": name, "data": payload}`, in any system's stream."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from adapters import frameworks, protocols, recorded

from nbagent import events as ev
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named

PATHS = [*recorded.RESPONSES, *recorded.CHAT, *recorded.PROVIDERS]
STREAMS: list[tuple[Decoder, Callable[[], list[Any]]]] = [
    *((recorded.decoder_of(path), partial(recorded.payloads, path)) for path in PATHS),
    *((protocols.decoder_of(name), partial(list, items)) for name, (_, items) in protocols.STREAMS.items()),
    *((frameworks.decoder_of(path), partial(frameworks.items_of, path)) for path in frameworks.RECORDINGS),
]
SYSTEMS = {decoder.system: items for decoder, items in STREAMS}


@pytest.mark.parametrize("said", [{"error": {"message": "boom", "code": "x1"}}, {"message": "boom"}, "boom"], ids=str)
@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_an_event_that_is_named_an_error_fails_the_run(system: str, said: Any) -> None:
    events = recorded.decode(decoder_named(system), [*SYSTEMS[system]()[:2], {"event": "error", "data": said}])
    assert "boom" in [event.message for event in events if isinstance(event, ev.Error)] or system == "dexto"
    assert isinstance(events[-1], ev.RunEnd)
    assert events[-1].status == "failed"


# In these the name is what says what an item is.
NAMED = {"bedrock.converse", "dexto", "langgraph", "nearai", "openai.assistants"}


@pytest.mark.parametrize("system", sorted(SYSTEMS.keys() - NAMED))
def test_a_name_that_says_nothing_new_changes_nothing(system: str) -> None:
    items = SYSTEMS[system]()
    named = [item if item == "[DONE]" or "event" in item else {"event": "tick", "data": item} for item in items]
    assert recorded.decode(decoder_named(system), named) == recorded.decode(decoder_named(system), items)
