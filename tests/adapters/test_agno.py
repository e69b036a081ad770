"""agno: cases that no recording has."""

from typing import Any

from adapters.recorded import Transcript, decode

from nbagent import events as ev
from nbagent.adapters.agno.decoder import AgnoDecoder

ITEM = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm"}],
    "encrypted_content": "sealed",
}


def content(**fields: Any) -> dict[str, Any]:
    return {"event": "RunContent", "run_id": "r", "agent_id": "a", **fields}


def ends(*items: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """Return the thoughts, and what is kept of each for the next request."""
    events = decode(AgnoDecoder(), items)
    kept = [(each.encrypted, each.meta) for each in events if isinstance(each, ev.ReasoningEnd)]
    return Transcript.of(events).thoughts, kept


KEPT = ("sealed", {"item_id": "rs_1"})


def test_an_item_of_reasoning_is_kept_for_the_next_request() -> None:
    item = content(model_provider_data={"reasoning_output": ITEM})
    assert ends(content(reasoning_content="H"), item) == (["Hm"], [KEPT])
    assert ends(content(model_provider_data={"response_id": "r"}), item) == ([""], [KEPT])


def test_an_item_of_reasoning_behind_the_answer_does_not_repeat_its_text() -> None:
    item = content(model_provider_data={"reasoning_output": ITEM})
    thoughts, kept = ends(content(reasoning_content="Hm"), content(content="Hi"), item)
    assert (thoughts, kept) == (["Hm", ""], [(None, None), KEPT])
