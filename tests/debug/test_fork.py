"""`run.fork`: the old run up to a point without asking the model, then live."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, call, message, reasoning, responses, say
from debug.scenes import REPLIES, difference, fetch_rates, finished, notes, rates_run, seams

import nbagent
from nbagent.errors import ForkError
from nbagent.events import (
    ApprovalRequest,
    Prompt,
    TextDelta,
    TextStart,
    ToolArgs,
    ToolResult,
    ToolStart,
)
from nbagent.render.html import transcript_html
from nbagent.render.markdown import transcript_markdown

PROMPT = "How did the rate change?"
STEPS = [1, 2, 3]
CALLS = [0, 1, 2]
STEP_OF_CALL = [1, 1, 2]
BLOCKS_BEFORE = [1, 4, 5, 6]
"""Blocks of the run before each response: the prompt, a text and two calls, a call, the answer."""
OF_TIME = ("started", "ended", "args_done", "first_token")


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Take what forks print, which are shown here as in a terminal."""
    yield
    capsys.readouterr()


def blocks(run: nbagent.Run) -> list[dict[str, Any]]:
    """Return the transcript without times, and without the run's own props."""
    return [
        {name: value for name, value in block.items() if name not in OF_TIME}
        for block in run.snapshot()
        if block["kind"] != "run" and "Repeated until" not in str(block.get("message"))
    ]


def changed_parts(run: nbagent.Run) -> list[Any]:
    return [block.get("changed") for block in run.snapshot() if block["kind"] == "tool"]


def fork_of(run: nbagent.Run, *args: Any, **options: Any) -> nbagent.Run:
    return run.fork(*args, face="console", **options).wait(20)


@pytest.mark.parametrize("step", STEPS)
def test_up_to_a_step_the_fork_equals_the_run_and_only_the_rest_is_asked(step: int) -> None:
    with Server(*REPLIES, *REPLIES[step - 1 :]) as server:
        run = rates_run(server)
        made = fork_of(run, step)
        asked = server.bodies[len(REPLIES) :]
    assert len(asked) == len(REPLIES) - step + 1
    assert asked[0]["messages"] == server.bodies[step - 1]["messages"]
    kept = [block for block in blocks(made) if "fork-1/" not in block["id"]]
    assert kept == blocks(run)[: BLOCKS_BEFORE[step - 1]]
    assert [each.name for each in made.tools] == ["fetch_rates", "fetch_rates", "difference"]
    assert str(made.answer) == str(run.answer)


@pytest.mark.parametrize("index", CALLS)
def test_up_to_a_call_the_fork_equals_the_run_and_only_the_rest_is_asked(index: int) -> None:
    step = STEP_OF_CALL[index]
    with Server(*REPLIES, *REPLIES[step:]) as server:
        run = rates_run(server)
        made = fork_of(run, run.tools[index], result="changed")
        asked = server.bodies[len(REPLIES) :]
    assert len(asked) == len(REPLIES) - step
    recorded, sent = server.bodies[step]["messages"], asked[0]["messages"]
    own = f"c{index + 1}"
    assert [each for each in sent if each.get("tool_call_id") != own] == [
        each for each in recorded if each.get("tool_call_id") != own
    ]
    assert [each["content"] for each in sent if each.get("tool_call_id") == own] == ["changed"]
    own_id = run.tools[index].id
    kept = [block for block in blocks(made) if "fork-1/" not in block["id"]]
    before = blocks(run)[: BLOCKS_BEFORE[step]]
    assert [block for block in kept if block["id"] != own_id] == [
        block for block in before if block["id"] != own_id
    ]
    assert made.tools[index].result == "changed"


def test_a_call_without_a_change_is_made_again_by_the_function_as_it_is() -> None:
    made_calls: list[int] = []

    def fetch(year: int) -> int:
        """Fetch."""
        made_calls.append(year)
        return len(made_calls)

    replies = [
        say("chat", "", [("c1", "fetch", '{"year": 1}'), ("c2", "fetch", '{"year": 2}')]),
        say("chat", "End."),
    ]
    with Server(*replies, replies[1]) as server:
        run = rates_run(server, fetch)
        made = fork_of(run, run.tools[1])
    # the other call of the response is taken from the record
    assert made_calls in (
        [1, 2, 2],
        [2, 1, 2],
    )
    assert made.tools[1].result == 3
    assert made.tools[0].result == run.tools[0].result


def test_changed_arguments_are_what_the_model_wrote() -> None:
    with Server(*REPLIES, *REPLIES[1:]) as server:
        run = rates_run(server)
        made = fork_of(run, 0, args={"year": 2024})
        sent = server.bodies[3]["messages"]
    assert made.tools[0].args == {"year": 2024}
    assert made.tools[0].result == {"rate": 1.09}
    assert [each["function"]["arguments"] for each in sent[1 + 1]["tool_calls"]] == [
        '{"year":2024}',
        '{"year": 2024}',
    ]
    assert run.tools[0].args == {"year": 2023}  # the run is left alone


def test_instructions_model_tools_and_prompt_are_replaced() -> None:
    def other() -> None:
        """Do something else."""

    with Server(*REPLIES, say("chat", "Bien.")) as server:
        run = rates_run(server)
        made = fork_of(
            run, 2, instructions="In French.", model="test-2", tools=[other], prompt="Et alors ?"
        )
        body = server.bodies[3]
    assert body["model"] == "test-2"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["other"]
    assert [each["content"] for each in body["messages"][:2]] == ["In French.", "Et alors ?"]
    assert str(made.answer) == "Bien."
    assert [event.text for event in made.events if isinstance(event, Prompt)] == ["Et alors ?"]


def test_a_fork_is_forked_again_and_the_tree_is_in_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nbagent.debug.fork_tree.MIN_INTERVAL_S", 0.0)
    with Server(*REPLIES, REPLIES[2], say("chat", "Third.")) as server:
        run = rates_run(server)
        first = fork_of(run, "difference", result=7)
        second = fork_of(first, 3, instructions="Be long.")
    assert (first.parent, second.parent, run.parent) == (run, first, None)
    assert (run.forks, first.forks, second.forks) == ([first], [second], [])
    assert str(second.answer) == "Third."
    assert second.tools[2].result == 7
    for number, member in enumerate((run, first, second), 1):
        nodes = member.snapshot()[0]["forks"]
        assert [
            (node["number"], node["parent"], node["label"], node["status"], node["own"])
            for node in nodes
        ] == [
            (1, None, "", "completed", number == 1),
            (2, 1, "difference(first=1.08, second=1.09), result 7", "completed", number == 2),
            (3, 2, 'step 3, instructions "Be long."', "completed", number == 3),
        ]
    ids = [block["id"] for block in second.snapshot()]
    assert len(ids) == len(set(ids))


def test_a_fork_is_shown_at_once_in_itself_and_its_parent_and_soon_in_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nbagent.debug.fork_tree.MIN_INTERVAL_S", 600.0)
    with Server(*REPLIES, *[REPLIES[2]] * 3) as server:
        run = rates_run(server)
        first = fork_of(run, 3)
        copies: list[nbagent.Run] = []
        for member in (run, first):
            member.on_addition(partial(copies.append, member))
        second = fork_of(run, 3)
        third = fork_of(second, 3)
    known = [len(member.snapshot()[0]["forks"]) for member in (run, first, second, third)]
    assert known == [3, 2, 4, 4]
    assert copies == [run]  # of whose saved copy a line has changed


def test_what_only_the_responses_api_understands_is_sent_again() -> None:
    first = responses(reasoning("Hm."), call("c1", "fetch_rates", '{"year": 2024}'))
    with Server(first, responses(message("One.")), responses(message("Two."))) as server:
        agent = nbagent.Agent(
            "test-1", tools=[fetch_rates], client=server.client(), api="responses"
        )
        run = finished(agent.stream("?"))
        fork_of(run, "fetch_rates", result=0)
        sent = server.bodies[2]["input"]
    assert sent[:-1] == server.bodies[1]["input"][:-1]
    assert "gAAAA-encrypted" in str(sent)
    assert sent[-1]["output"] == "0"


def test_a_recording_is_forked_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "rates.jsonl")
    with Server(*REPLIES, REPLIES[2]) as server:
        rates_run(server).save(path)
        agent = nbagent.Agent(
            "test-1", "Be brief.", tools=[fetch_rates, difference], client=server.client()
        )
        made = agent.fork(nbagent.replay(path), at="difference", result=5, face="console").wait(20)
        recorded, sent = server.bodies[2]["messages"], server.bodies[3]["messages"]
    assert sent[:-1] == recorded[:-1]
    assert sent[-1]["content"] == "5"
    assert next((node["name"], node["status"]) for node in made.snapshot()[0]["forks"]) == (
        "rates",
        "recorded",
    )
    assert made.parent is None


def test_a_tool_that_must_not_run_twice_is_taken_from_the_record() -> None:
    paid: list[int] = []

    @nbagent.tool(once=True)
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return f"paid {amount}"

    def pays(amount: int, id: str) -> Any:
        return say("chat", "", [(id, "pay", f'{{"amount": {amount}}}')])

    with Server(
        pays(5, "c1"),
        say("chat", "Paid."),
        pays(6, "c9"),
        say("chat", "Paid."),
        say("chat", "Paid."),
    ) as server:
        run = rates_run(server, pay)
        again = fork_of(run, 1)
        same = fork_of(run, "pay")
    assert paid == [5]
    assert again.tools[0].result == same.tools[0].result == "paid 5"
    assert notes(again) == [
        (
            "pay was not called again (once=True): its result is the recorded one, of a call with "
            "other arguments"
        )
    ]
    assert len(notes(same)) == 1


def test_the_run_of_a_session_gives_a_run_of_its_own() -> None:
    with Server(say("chat", "One."), say("chat", "Two."), say("chat", "Deux.")) as server:
        session = nbagent.Agent("test-1", client=server.client()).session()
        finished(session.stream("first"))
        run = finished(session.stream("second"))
        before = session.messages
        made = fork_of(run, instructions="In French.")
        assert session.messages == before
        sent = server.bodies[2]["messages"]
    assert [each["content"] for each in sent] == ["In French.", "first", "One.", "second"]
    assert str(made.answer) == "Deux."
    assert [each["content"] for each in made.messages] == ["first", "One.", "second", "Deux."]


def test_a_chat_is_forked_at_any_of_its_answers() -> None:
    with Server(say("chat", "One."), say("chat", "Two."), say("chat", "Deux.")) as server:
        chat = nbagent.chat(nbagent.Agent("test-1", client=server.client()))
        assert [chat.send("first").result(20), chat.send("second").result(20)] == ["One.", "Two."]
        made = fork_of(chat.run, 2, prompt="autre")
        sent = server.bodies[2]["messages"]
        chat.close()
    assert [each["content"] for each in sent] == ["first", "One.", "autre"]
    assert str(made.answer) == "Deux."
    assert not made.is_chat


def test_the_run_of_another_framework_goes_on_with_an_agent_of_ours() -> None:
    events = [
        ToolStart(id="t", name="fetch_rates", call_id="x"),
        ToolArgs(id="t", args={"year": 2023}, args_text='{"year": 2023}'),
        ToolResult(id="t", content={"rate": 1.08}),
        TextStart(id="a"),
        TextDelta(id="a", delta="It is 1.08."),
    ]
    run = finished(events, prompt=PROMPT)
    with pytest.raises(ForkError, match=r"is not a run of nbagent's agent: give fork\(…, agent="):
        run.fork(at=1)
    with Server(say("chat", "Now 2.")) as server:
        made = fork_of(
            run, "fetch_rates", result=2, agent=nbagent.Agent("test-1", client=server.client())
        )
        sent = server.bodies[0]["messages"]
    assert [(each["role"], each.get("content")) for each in sent] == [
        ("user", PROMPT),
        ("assistant", None),
        ("tool", "2"),
    ]
    assert str(made.answer) == "Now 2."


def test_what_was_hidden_stays_hidden() -> None:
    with Server(*REPLIES, REPLIES[2]) as server:
        run = rates_run(server, hide={"*": "result"})
        made = fork_of(run, "difference", result="secret")
        assert server.bodies[3]["messages"][-1]["content"] == "secret"
    assert "secret" not in str(made.snapshot())
    assert '"rate"' not in str(made.snapshot())


def test_a_sub_agents_work_is_repeated_with_its_call() -> None:
    with Server(
        say("chat", "", [("c1", "helper", '{"task": "help"}')]),
        say("chat", "Helped."),
        say("chat", "Done."),
        say("chat", "Done again."),
    ) as server:
        helper = nbagent.Agent("test-1", client=server.client(), name="helper")
        run = finished(nbagent.Agent("test-1", tools=[helper], client=server.client()).stream("?"))
        made = fork_of(run, 2)
        assert len(server.bodies) == 4
    kept = [block for block in blocks(made) if "fork-1/" not in block["id"]]
    assert kept == blocks(run)[: len(kept)]
    assert any(block["kind"] == "agent" for block in kept)


def test_the_index_of_a_call_counts_those_of_agents_inside_calls() -> None:
    with Server(
        say("chat", "", [("c1", "helper", '{"task": "help"}')]),
        say("chat", "", [("h1", "fetch_rates", '{"year": 2024}')]),
        say("chat", "Helped."),
        say("chat", "", [("c2", "difference", '{"first": 1, "second": 3}')]),
        say("chat", "Done."),
        say("chat", "Done again."),
    ) as server:
        helper = nbagent.Agent("test-1", tools=[fetch_rates], client=server.client(), name="helper")
        agent = nbagent.Agent("test-1", tools=[helper, difference], client=server.client())
        run = finished(agent.stream("?"))
        assert [call.name for call in run.tools] == ["helper", "fetch_rates", "difference"]
        made = fork_of(run, 2, result=9)
    assert [call.result for call in made.tools] == ["Helped.", {"rate": 1.09}, 9]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"at": 9}, "there is no step 9: rates has 3 responses"),
        ({"at": 9, "result": 1}, "there is no call 9: rates has 3 calls"),
        ({"at": "fetch_rate"}, "did you mean 'fetch_rates'"),
        ({"result": 1}, "say which"),
        ({"at": 2.5}, "at= takes a call"),
        ({"at": 0, "args": {"year": "soon"}}, "the arguments do not fit fetch_rates"),
        ({"at": 0, "args": [1]}, "args= takes the arguments to change"),
        ({"at": 0, "args": {"year": 1}, "result": 1}, "give one of them"),
        (
            {"at": "difference", "tools": [fetch_rates]},
            "the tool 'difference' is gone; rates has: fetch_rates",
        ),
        ({"at": 1, "agent": "me"}, "got agent='me'"),
    ],
)
def test_bad_input_is_refused_and_the_run_intact(arguments: dict[str, Any], told: str) -> None:
    with Server(*REPLIES) as server:
        run = rates_run(server)
        before = run.snapshot()
        with pytest.raises(ForkError, match=told.replace("(", r"\(")):
            run.fork(**arguments)
    assert run.snapshot() == before
    assert run.forks == []


def test_a_call_of_another_run_is_refused() -> None:
    with Server(*REPLIES, *REPLIES) as server:
        run, other = rates_run(server), rates_run(server)
        assert run.tools[0] == run.tools[0] != other.tools[0]
        with pytest.raises(ForkError, match="a call of another run"):
            run.fork(at=other.tools[0])


def test_the_tree_is_a_line_in_the_saved_copy_and_in_markdown() -> None:
    with Server(*REPLIES, REPLIES[2], REPLIES[2]) as server:
        run = rates_run(server)
        made = fork_of(run, "difference", result=7)
        fork_of(made, 3, instructions="Be long.")
    assert "Forks: run 2, difference(first=1.08, second=1.09), result 7" in run.to_html()
    assert "Forks: run 2, difference(first=1.08, second=1.09), result 7" in run.to_markdown()
    told = "Run 2: goes on from run 1, difference(first=1.08, second=1.09), result 7"
    assert told in made.to_html()
    assert told in made.to_markdown()


@pytest.mark.parametrize(
    ("at", "changes", "told"),
    [
        (0, {"args": {"year": 2024}}, "fetch_rates(year=2023 → 2024)"),
        (2, {"result": {"of": 7}}, 'difference(first=1.08, second=1.09), result {"of":7}'),
        (3, {"instructions": "Be long."}, 'step 3, instructions "Be long."'),
        ("difference", {}, "difference(first=1.08, second=1.09)"),
        (3, {"tools": [fetch_rates, difference]}, "step 3, other tools"),
    ],
)
def test_a_line_in_the_fork_says_where_it_goes_on_and_with_what(
    at: Any, changes: dict[str, Any], told: str
) -> None:
    with Server(*REPLIES, REPLIES[2], REPLIES[2], REPLIES[2]) as server:
        run = rates_run(server)
        made = fork_of(run, at, **changes)
        again = fork_of(made, 2, model="test-2")
    assert seams(made) == [f"Repeated until here: {told}"]
    assert seams(again) == ['Repeated until here: step 2, model "test-2"']
    kinds = [block["kind"] for block in made.snapshot()]
    assert kinds[kinds.index("status") + 1] in ("text", "tool")


def test_the_changed_call_has_a_badge_that_a_fork_of_the_fork_keeps() -> None:
    with Server(*REPLIES, *REPLIES[1:], REPLIES[2], REPLIES[2]) as server:
        run = rates_run(server)
        first = fork_of(run, 0, args={"year": 2024})
        second = fork_of(first, 2, result={"of": 7})
    assert changed_parts(run) == [None, None, None]
    assert changed_parts(first) == [["arguments"], None, None]
    assert changed_parts(second) == [["arguments"], None, ["result"]]
    for copy in (second.to_html(), second.to_markdown()):
        assert copy.count("Arguments changed") == copy.count("Result changed") == 1


def test_a_fork_of_a_run_that_hides_something_names_what_is_other_and_not_its_value() -> None:
    with Server(*REPLIES, REPLIES[2]) as server:
        run = rates_run(server, hide={"difference": "result"})
        made = fork_of(run, "difference", result="secret")
    assert seams(made) == ["Repeated until here: difference, other result"]


def test_a_label_is_masked_before_it_is_cut() -> None:
    with Server(*REPLIES, REPLIES[2]) as server:
        run = rates_run(server, redact=[r"key-\w{60}"])
        made = fork_of(run, "difference", result=f"key-{'x' * 60}")
    assert "key-" not in seams(made)[0]


def test_a_function_that_a_cell_has_defined_again_counts() -> None:
    from debug import scenes

    with Server(*REPLIES, *REPLIES[1:]) as server:
        run = rates_run(server)

        def corrected(year: int) -> dict[str, float]:
            """Fetch the rates of a year."""
            return {"rate": 100.0 + year}

        original, corrected.__name__ = scenes.fetch_rates, "fetch_rates"
        scenes.fetch_rates = corrected
        try:
            made = fork_of(run, 0, args={})
        finally:
            scenes.fetch_rates = original
    assert made.tools[0].result == {"rate": 2123.0}
    assert run.tools[0].result == {"rate": 1.08}


def test_the_line_of_the_tree_contains_no_markup() -> None:
    node = {
        "number": 1,
        "parent": None,
        "run": "run-1",
        "name": "x",
        "label": "",
        "status": "completed",
        "own": True,
    }
    forks = [
        node,
        {**node, "number": 2, "parent": 1, "label": "at <script>*x*</script>", "own": False},
        "damaged",
        5,
    ]
    blocks = [
        {
            "id": "run",
            "parent": None,
            "kind": "run",
            "status": "completed",
            "closed": True,
            "forks": forks,
        }
    ]
    assert "<script" not in transcript_html(blocks)
    assert r"at \<script>\*x\*\</script>" in transcript_markdown(blocks)


def test_a_fork_stops_where_its_run_stops_now_unless_it_is_told_not_to() -> None:
    with Server(*REPLIES, *REPLIES[1:] * 3) as server:
        run = rates_run(server)
        run.breakpoints.add("difference")
        forks = [run.fork(at=2, face="console"), run.fork(at=2, breakpoints=False, face="console")]
        run.breakpoints.clear()
        forks.append(run.fork(at=2, face="console"))
        # nobody is there: each goes on at once
        assert [stops(fork.wait(20)) for fork in forks] == [
            ["difference"],
            [],
            [],
        ]


def test_a_fork_that_is_shown_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(*REPLIES, *REPLIES[2:]) as server:
        run = rates_run(server)
        made = nbagent.show(run.fork(at=3))
    assert capsys.readouterr().out.count("It rose by 0.01.") == 1
    nbagent.show(made)
    # again, as any run that has ended
    assert capsys.readouterr().out.count("It rose by 0.01.") == 1


async def test_beside_a_running_loop_too_a_fork_that_is_shown_is_printed_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Server(*REPLIES, *REPLIES[2:]) as server:
        run = rates_run(server)
        await nbagent.show(run.fork(at=3))
    assert capsys.readouterr().out.count("It rose by 0.01.") == 1


def stops(run: nbagent.Run) -> list[str]:
    """Return the tools before whose calls a run has stopped."""
    names = {event.id: event.name for event in run.events if isinstance(event, ToolStart)}
    return [
        names[event.tool_id or ""] for event in run.events if isinstance(event, ApprovalRequest)
    ]
