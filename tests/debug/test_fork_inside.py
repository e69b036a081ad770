"""Forks that go on inside a call: in the run of an agent that is a tool of another one."""

import contextlib
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from agent.server import Server, say
from debug.scenes import fetch_rates, finished, seams

import nbagent
from nbagent.debug.acts import act
from nbagent.errors import ForkError
from nbagent.protocol.messages import Fork

BEFORE = (
    say("chat", "", [("c1", "helper", '{"task": "rate of 2024"}')], number=1),
    say("chat", "", [("h1", "fetch_rates", '{"year": 2024}')], number=2),
    say("chat", "It is 1.09.", number=3),
    say("chat", "The helper says 1.09.", number=4),
)
AFTER = (say("chat", "It is 9.", number=5), say("chat", "The helper says 9.", number=6))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(*BEFORE, *AFTER) as made:
        yield made


def agent(server: Server, name: str, *tools: Any, **options: Any) -> nbagent.Agent:
    return nbagent.Agent(
        "test-1", f"You are {name}.", tools=tools, client=server.client(), name=name, **options
    )


def boss(server: Server, *tools: Any) -> nbagent.Agent:
    return agent(server, "boss", agent(server, "helper", *(tools or (fetch_rates,))))


def fork(run: nbagent.Run, at: Any, **changes: Any) -> nbagent.Run:
    return run.fork(at, **changes).wait(20)


def told(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return who says what in a request."""
    return [(each["role"], each.get("content") or None) for each in body["messages"]]


def test_the_agent_inside_goes_on_and_its_answer_is_the_result_of_the_call(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    made = fork(run, run.tools[1], result={"rate": 9})
    assert len(server.bodies) == 6
    inner, outer = server.bodies[4:]
    assert told(inner) == [*told(server.bodies[2])[:-1], ("tool", '{"rate":9}')]
    assert told(outer) == [*told(server.bodies[3])[:-1], ("tool", "It is 9.")]
    assert str(made.answer) == "The helper says 9."
    assert [call.result for call in made.tools] == ["It is 9.", {"rate": 9}]
    assert made.parent is run


@pytest.mark.parametrize("at", ["fetch_rates", 1])
def test_without_a_change_the_requests_are_the_same(server: Server, at: Any) -> None:
    run = finished(boss(server).stream("Which rate?"))
    fork(run, run.tools[at] if at == 1 else at)
    assert server.bodies[4] == server.bodies[2]
    assert told(server.bodies[5])[:-1] == told(server.bodies[3])[:-1]


def test_a_response_of_the_agent_inside_is_asked_for_anew(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    fork(run, run.requests[2], instructions="Be a poet.")
    first, *rest = told(server.bodies[4])
    assert first == ("system", "Be a poet.")
    assert rest == told(server.bodies[2])[1:]
    assert told(server.bodies[5])[0] == ("system", "You are boss.")


def test_another_prompt_is_another_task(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    fork(run, run.requests[1], prompt="rate of 2023")
    assert told(server.bodies[4]) == [("system", "You are helper."), ("user", "rate of 2023")]


def test_the_tree_and_the_seam_name_the_agents_on_the_way(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    made = fork(run, "fetch_rates", result=9)
    assert seams(made) == ["Repeated until here: helper › fetch_rates(year=2024), result 9"]
    assert run.snapshot()[0]["forks"][1]["label"] == "helper › fetch_rates(year=2024), result 9"


def test_a_fork_is_forked_again(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    made = fork(run, run.tools[1], result={"rate": 8})
    with Server(*AFTER) as second:
        again = boss(second)
        fork(made, made.tools[1], result={"rate": 9}, agent=again)
        assert told(second.bodies[0])[-1] == ("tool", '{"rate":9}')


def test_agents_inside_agents() -> None:
    replies = (
        say("chat", "", [("c1", "middle", '{"task": "ask"}')], number=1),
        say("chat", "", [("c1", "helper", '{"task": "rate"}')], number=2),
        say("chat", "", [("c1", "fetch_rates", '{"year": 2024}')], number=3),
        say("chat", "1.09", number=4),
        say("chat", "One.", number=5),
        say("chat", "It is one.", number=6),
        say("chat", "9", number=7),
        say("chat", "Nine.", number=8),
        say("chat", "It is nine.", number=9),
    )
    with Server(*replies) as server:
        middle = agent(server, "middle", agent(server, "helper", fetch_rates))
        run = finished(agent(server, "boss", middle).stream("?"))
        made = fork(run, run.tools[2], result=9)
        assert [told(body)[-1] for body in server.bodies[6:]] == [
            ("tool", "9"),
            ("tool", "9"),
            ("tool", "Nine."),
        ]
    assert str(made.answer) == "It is nine."
    assert seams(made) == [
        "Repeated until here: middle › helper › fetch_rates(year=2024), result 9"
    ]


def test_of_two_agents_at_work_at_once_the_request_tells_which() -> None:
    calls = [("a", "left", '{"task": "L"}'), ("b", "right", '{"task": "R"}')]
    with contextlib.ExitStack() as stack:
        outer = stack.enter_context(
            Server(say("chat", "", calls), say("chat", "Both."), say("chat", "Again."))
        )
        left = stack.enter_context(Server(say("chat", "l"), say("chat", "l, again")))
        right = stack.enter_context(Server(say("chat", "r"), say("chat", "r, again")))
        tools = [
            agent(at, "helper").as_tool(name) for name, at in (("left", left), ("right", right))
        ]
        run = finished(agent(outer, "boss", *tools).stream("?"))
        of_right = next(each for each in run.requests if each.messages[-1]["content"] == "R")
        fork(run, of_right)
        assert (len(left.bodies), len(right.bodies)) == (1, 2)
        assert told(outer.bodies[2])[-2:] == [("tool", "l"), ("tool", "r, again")]


@pytest.mark.parametrize("at", ["fetch_rates", 4])
def test_an_agent_that_has_taken_over_inside_a_call_goes_on(at: Any) -> None:
    replies = (
        say("chat", "", [("c1", "triage", '{"task": "rate"}')], number=1),
        say("chat", "", [("t1", "transfer_to_expert", "{}")], number=2),
        say("chat", "", [("h1", "fetch_rates", '{"year": 2024}')], number=3),
        say("chat", "1.09", number=4),
        say("chat", "It is 1.09.", number=5),
        *AFTER,
    )
    with Server(*replies) as server:
        expert = agent(server, "expert", fetch_rates)
        run = finished(
            agent(server, "boss", agent(server, "triage", handoffs=[expert])).stream("?")
        )
        place = run.requests[at - 1] if isinstance(at, int) else at
        made = fork(run, place, instructions="Be a poet.")
        assert told(server.bodies[5]) == [("system", "Be a poet."), *told(server.bodies[3])[1:]]
        assert server.bodies[5]["tools"] == server.bodies[3]["tools"]
    assert str(made.answer) == "The helper says 9."


def test_an_agent_inside_a_call_of_one_that_has_taken_over_goes_on() -> None:
    replies = (say("chat", "", [("t1", "transfer_to_expert", "{}")], number=1), *BEFORE, *AFTER)
    with Server(*replies) as server:
        expert = agent(server, "expert", agent(server, "helper", fetch_rates))
        run = finished(agent(server, "boss", handoffs=[expert]).stream("Which rate?"))
        assert run.fork_form(run.tools[2].id).schema["properties"]["prompt"]["default"]
        made = fork(run, "fetch_rates", result={"rate": 9})
        assert told(server.bodies[5]) == [*told(server.bodies[3])[:-1], ("tool", '{"rate":9}')]
        assert told(server.bodies[6])[:-1] == told(server.bodies[4])[:-1]
    assert str(made.answer) == "The helper says 9."


def test_a_tool_that_must_not_run_twice_is_taken_from_the_record_inside_too() -> None:
    made: list[int] = []

    @nbagent.tool(once=True)
    def book(seats: int) -> str:
        """Book."""
        made.append(seats)
        return "booked"

    again = say("chat", "", [("h2", "book", '{"seats": 2}')], number=5)
    replies = (
        say("chat", "", [("c1", "helper", '{"task": "book"}')], number=1),
        say("chat", "", [("h1", "book", '{"seats": 2}')], number=2),
        *BEFORE[2:],
        again,
        *AFTER,
    )
    with Server(*replies) as server:
        run = finished(boss(server, book).stream("?"))
        fork(run, run.requests[1])
        assert told(server.bodies[5])[-1] == ("tool", "booked")
    assert made == [2]


def test_a_recording_is_forked_inside_a_call(server: Server) -> None:
    events = finished(boss(server).stream("Which rate?")).events
    made = boss(server).fork(list(events), at="fetch_rates", result={"rate": 9}).wait(20)
    assert told(server.bodies[4]) == [*told(server.bodies[2])[:-1], ("tool", '{"rate":9}')]
    assert str(made.answer) == "The helper says 9."


def test_the_forms_have_what_the_agent_inside_has(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    for form in (run.fork_form(run.tools[1].id), run.fork_form(request=3)):
        fields = form.schema["properties"]
        assert fields["instructions"]["default"] == "You are helper."
        assert fields["prompt"]["default"] == "rate of 2024"
    assert json.loads(run.fork_form(run.tools[1].id).text) == {"arguments": {"year": 2024}}
    of_boss = run.fork_form(request=4).schema["properties"]
    assert of_boss["instructions"]["default"] == "You are boss."
    assert of_boss["prompt"]["default"] == "Which rate?"


@pytest.mark.parametrize(
    "options", [{"hide": {"helper": "args"}}, {"hide": {"helper": "all"}}, {"reveal": "answer"}]
)
def test_a_task_that_is_hidden_is_in_no_form(server: Server, options: dict[str, Any]) -> None:
    run = finished(boss(server).stream("Which rate?"), **options)
    forms = [run.fork_form(request=3), *(run.fork_form(call.id) for call in run.tools)]
    assert not [form for form in forms if "rate of 2024" in str((form.schema, form.text))]


def test_a_form_makes_a_fork_inside(server: Server) -> None:
    run = finished(boss(server).stream("Which rate?"))
    act(run, Fork("k1", changes=json.dumps({"instructions": "Be a poet."}), request=3))
    assert run.snapshot()[0]["outcome"]["problem"] is None
    run.forks[0].wait(20)
    assert told(server.bodies[4])[0] == ("system", "Be a poet.")


def test_an_agent_that_a_function_runs_cannot_go_on_by_itself(server: Server) -> None:
    inner = agent(server, "inner", fetch_rates)

    async def helper(task: str) -> str:
        """Help."""
        return str(await inner.generate(task))

    run = finished(agent(server, "boss", helper).stream("Which rate?"))
    message = "helper is not an agent among the tools of boss. Fork that call"
    with pytest.raises(ForkError, match=message):
        run.fork("fetch_rates", result=9)
    with pytest.raises(LookupError, match=message):
        run.fork_form(run.tools[1].id)


def test_an_agent_as_a_tool_travels_to_another_process(server: Server) -> None:
    tool = agent(server, "helper", nbagent.tool(fetch_rates)).as_tool("ask", "Asks.", timeout=3)
    other = pickle.loads(pickle.dumps(tool))
    assert (other.name, other.description, other.timeout) == ("ask", "Asks.", 3)
    assert other.agent.name == "helper"
