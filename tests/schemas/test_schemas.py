"""Whatever a run holds, what is sent of it is valid by the system's official schema."""

from collections import Counter

import pytest
from adapters.encoders.test_round_trip import RECORDINGS, recorded
from campaign import EXAMPLES, WHOLE, figure, sample
from hypothesis import given, settings
from schemas import write
from schemas.official import SCHEMAS_OF_AI, schemas
from streams import event_streams

from nbagent import events as ev

EACH = pytest.mark.parametrize("system", schemas())


@EACH
def test_what_is_sent_of_a_recording_is_valid(system: str) -> None:
    official = schemas()[system]
    problems: Counter[str] = Counter()
    checked = 0
    for path in sample(RECORDINGS, 60):
        items = official.write(recorded(path))
        checked += len(items)
        problems.update(problem for item in items for problem in official.check(item))
    assert not problems
    figure("schemas", f"{official.title}, by {official.source}", f"0 of {checked:,} invalid")


@given(event_streams())
@settings(deadline=None, max_examples=EXAMPLES if WHOLE else 20)
def test_what_is_sent_of_any_run_is_valid(events: list[ev.Event]) -> None:
    problems = [
        (system, item, problem)
        for system, official in schemas().items()
        for item in official.write(events)
        for problem in official.check(item)
    ]
    assert problems == []


@EACH
def test_a_field_too_many_is_found(system: str) -> None:
    official = schemas()[system]
    item = next(items[0] for path in RECORDINGS if (items := official.write(recorded(path))))
    where = item["result"] if system == "acp" else item
    assert official.check(item) == []
    where["unheard-of"] = 1
    assert official.check(item) != []


@pytest.mark.proof
def test_the_schemas_of_ai_are_those_of_its_packages() -> None:
    assert SCHEMAS_OF_AI.read_text("utf-8") == write.current()
