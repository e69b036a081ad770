"""For any run and any point in it: what is before the point is repeated, what is after it is asked
for, and no more.
"""

from typing import Any

from debug.scenes import finished
from debug.test_fork import blocks
from hypothesis import given, settings
from hypothesis import strategies as st

import nbagent
from nbagent.testing import Call, ModelServer, Reply

texts = st.text("abc é\n", max_size=12).map(str.strip)
calls = st.lists(
    st.builds(
        Call, st.sampled_from(["double", "fail"]), st.fixed_dictionaries({"n": st.integers(0, 9)})
    ),
    max_size=3,
)
scripts = st.tuples(
    st.lists(st.builds(Reply, texts, calls.filter(bool), texts), max_size=4),
    st.builds(Reply, texts.filter(bool), thinking=texts),
).map(lambda parts: [*parts[0], parts[1]])


def double(n: int) -> int:
    """Double."""
    return 2 * n


def fail(n: int) -> None:
    """Fail."""
    raise ValueError(f"not {n}")


@settings(max_examples=15)
@given(scripts, st.data(), st.sampled_from(["chat", "responses"]))
def test_a_fork_at_any_point(script: list[Reply], data: st.DataObject, api: Any) -> None:
    steps = [number for number, reply in enumerate(script, 1) for _ in reply.calls]
    is_call = bool(steps) and data.draw(st.booleans())
    at = (
        data.draw(st.integers(0, len(steps) - 1))
        if is_call
        else data.draw(st.integers(1, len(script)))
    )
    step = steps[at] if is_call else at
    with (
        ModelServer(script) as first,
        ModelServer(script[step if is_call else step - 1 :]) as second,
    ):
        agent = nbagent.Agent(
            "any", tools=[double, fail], client=first.client(), api=api, max_repeats=None
        )
        run = finished(agent.stream("?"))
        other = nbagent.Agent(
            "any", tools=[double, fail], client=second.client(), api=api, max_repeats=None
        )
        options: dict[str, Any] = {"result": "changed"} if is_call else {}
        made = run.fork(
            run.tools[at] if is_call else at, agent=other, face="console", **options
        ).wait(20)
        assert (run.error, made.error) == (None, None)
        assert second.requests == len(script) - step + (not is_call)
    kept = [block for block in blocks(made) if not block["id"].startswith("fork-1/")]
    own = run.tools[at].id if is_call else ""
    without = [block for block in kept if block["id"] != own]
    assert without == [block for block in blocks(run)[: len(kept)] if block["id"] != own]
    assert len(kept) == 1 + sum(
        bool(reply.text) + bool(reply.thinking) + len(reply.calls)
        for reply in script[: step if is_call else step - 1]
    )
    assert [call.name for call in made.tools] == [call.name for call in run.tools]
    assert str(made.answer) == str(run.answer)
    if is_call:
        assert made.tools[at].result == "changed"
