"""Forks inside a call: which agent a request means, what is asked again, runs of other kinds."""

import asyncio
import threading
from typing import Any

import pytest
from agent.server import (
    Exchange,
    Server,
    call,
    message,
    reasoning,
    refuse,
    responses,
    say,
)
from debug.scenes import fetch_rates, finished
from debug.test_fork_inside import AFTER, BEFORE, agent, boss, fork, told

import nbagent

ONE_MORE = [say("chat", text, number=7 + at) for at, text in enumerate(("9", "Nine.", "It is 9."))]


def test_a_request_of_agents_with_one_name_and_one_id_of_a_call_is_its_own() -> None:
    replies = (
        say("chat", "", [("c1", "ask", '{"task": "outer"}')], number=1),
        say("chat", "", [("c1", "ask", '{"task": "inner"}')], number=2),
        say("chat", "1.09", number=3),
        say("chat", "One.", number=4),
        say("chat", "It is one.", number=5),
        *ONE_MORE,
    )
    with Server(*replies) as server:
        middle = agent(server, "helper", agent(server, "helper", fetch_rates).as_tool("ask"))
        run = finished(agent(server, "helper", middle.as_tool("ask")).stream("?"))
        assert run.fork_form(request=3).schema["properties"]["prompt"]["default"] == "inner"
        fork(run, run.requests[2])
        assert told(server.bodies[5]) == told(server.bodies[2])


def test_a_request_inside_of_an_agent_that_failed_later_is_its_own() -> None:
    replies: tuple[Any, ...] = (
        say("chat", "", [("c1", "middle", '{"task": "ask"}')], number=1),
        say("chat", "", [("c1", "helper", '{"task": "rate"}')], number=2),
        say("chat", "1.09", number=3),
        refuse(400, "too much"),
        say("chat", "Failed.", number=5),
        *ONE_MORE,
    )
    with Server(*replies) as server:
        middle = agent(server, "middle", agent(server, "helper", fetch_rates))
        run = finished(agent(server, "boss", middle).stream("?"))
        fork(run, run.requests[2])
        assert told(server.bodies[5]) == told(server.bodies[2])
        assert told(server.bodies[6]) == [*told(server.bodies[3])[:-1], ("tool", "9")]


def test_the_requests_of_a_fork_are_its_places_too() -> None:
    with Server(*BEFORE, *AFTER) as server, Server(*AFTER, AFTER[1]) as second:
        run = finished(boss(server).stream("Which rate?"))
        made = fork(run, run.requests[2], instructions="Be a poet.")
        for request in made.requests:
            fork(made, request, agent=boss(second))
        assert told(second.bodies[0])[1:] == told(server.bodies[4])[1:]
        assert told(second.bodies[2]) == told(server.bodies[5])


def test_of_two_calls_of_an_agent_in_one_response_each_goes_on() -> None:
    calls = [("a", "helper", '{"task": "2023"}'), ("b", "helper", '{"task": "2024"}')]

    def reply(exchange: Exchange) -> None:
        number, messages = len(server.bodies), exchange.body["messages"]
        task, last = messages[1]["content"], messages[-1]["content"]
        if len(messages) > 2:
            words = say("chat", f"{task}: {last}", number=number)
        elif task == "?":
            words = say("chat", "", calls, number=number)
        else:
            year = [(f"of {task}", "fetch_rates", f'{{"year": {task}}}')]
            words = say("chat", "", year, number=number)
        exchange.begin()
        exchange.send(*words)
        exchange.end()

    with Server(*[reply] * 30) as server:
        run = finished(boss(server).stream("?"))
        for call in (each for each in run.tools if each.name == "fetch_rates"):
            made = fork(run, call, result=9)
            results = {
                each.args["task"]: each.result for each in made.tools if each.name == "helper"
            }
            expected = {"2023": '2023: {"rate":1.08}', "2024": '2024: {"rate":1.09}'}
            assert results == expected | {str(call.args["year"]): f"{call.args['year']}: 9"}
        for request in run.requests:
            begin = len(server.bodies)
            fork(run, request)
            assert server.bodies[begin] == request.body


@pytest.mark.parametrize("stop_at", [(), ("helper", "fetch_rates")])
def test_the_call_that_goes_on_is_not_asked_about_again(stop_at: Any) -> None:
    asked: list[Any] = []

    def answer(question: Any) -> None:
        asked.append(question.args)
        question.allow()

    with Server(*BEFORE, *AFTER) as server:
        helper = agent(server, "helper", fetch_rates).as_tool(approve=True)
        run = finished(agent(server, "boss", helper).stream("?"), answer=answer)
        for tool in stop_at:
            run.breakpoints.add(tool)
        asked.clear()
        fork(run, "fetch_rates")
    assert asked == [{"year": 2024}][: len(stop_at)]


def test_a_task_that_a_reader_changed_stays_changed() -> None:
    def answer(question: Any) -> None:
        question.allow({"task": "rate of 2023"})

    with Server(*BEFORE, *AFTER) as server:
        run = finished(boss(server).stream("?"), stop_at="helper", answer=answer)
        run.breakpoints.clear()
        made = fork(run, "fetch_rates")
        note = '(The user changed the arguments to {"task":"rate of 2023"}.)\n'
        assert told(server.bodies[4]) == told(server.bodies[2])
        assert told(server.bodies[5])[-1] == ("tool", f"{note}It is 9.")
    assert made.tools[0].args == {"task": "rate of 2023"}


def test_a_run_of_a_session_goes_on() -> None:
    with Server(say("chat", "Hi."), *BEFORE, *AFTER) as server:
        session = boss(server).session()
        finished(session.stream("hello"))
        _check_goes_on(server, finished(session.stream("Which rate?")))


def test_a_chat_goes_on() -> None:
    with Server(say("chat", "Hi."), *BEFORE, *AFTER) as server:
        chat = nbagent.chat(boss(server))
        chat.send("hello").result(20)
        chat.send("Which rate?").result(20)
        _check_goes_on(server, chat.run)
        chat.close()


def _check_goes_on(server: Server, run: nbagent.Run) -> None:
    """Check that a fork inside the last run tells the model what was said before."""
    call = next(each for each in run.tools if each.name == "fetch_rates")
    made = fork(run, call, result={"rate": 9})
    assert told(server.bodies[5]) == [*told(server.bodies[3])[:-1], ("tool", '{"rate":9}')]
    assert told(server.bodies[6]) == [*told(server.bodies[4])[:-1], ("tool", "It is 9.")]
    assert str(made.answer) == "The helper says 9."


def test_a_call_inside_that_a_stop_broke_off_is_made_now() -> None:
    entered, shown, calls = threading.Event(), threading.Event(), []

    async def slow(year: int) -> int:
        """Wait, at first."""
        calls.append(year)
        entered.set()
        await asyncio.sleep(60 if len(calls) == 1 else 0)
        return 9

    begin = say("chat", "", [("h1", "slow", '{"year": 2024}')], number=2)
    with Server(BEFORE[0], begin, *AFTER) as server:
        run = nbagent.Run(boss(server, slow).stream("?"))
        run.on("tool.start", lambda event: shown.set() if event.name == "slow" else None)
        run.start()
        assert entered.wait(20)
        assert shown.wait(20)
        run.cancel()
        made = fork(run.wait(20), "slow")
    assert (calls, str(made.answer)) == ([2024, 2024], "The helper says 9.")


def test_messages_inside_are_changed() -> None:
    def edit(messages: list[Any]) -> None:
        messages[-1]["content"] = "7"

    with Server(*BEFORE, *AFTER) as server:
        run = finished(boss(server).stream("Which rate?"))
        fork(run, run.requests[2], messages=edit)
        assert told(server.bodies[4]) == [*told(server.bodies[2])[:-1], ("tool", "7")]


def books(seat: int) -> tuple[Any, ...]:
    """Return what the models say of a call of the helper, who books a seat."""
    return (
        say("chat", "", [(f"c{seat}", "helper", '{"task": "book"}')], number=seat),
        say("chat", "", [(f"h{seat}", "book", f'{{"seat": {seat}}}')], number=seat + 1),
        say("chat", "Booked.", number=seat + 2),
    )


@pytest.mark.parametrize(
    ("at", "left_out"),
    [(1, 0), ("helper", 4), (2, 1)],
    ids=["asked anew", "call made again", "agent inside asked anew"],
)
def test_a_tool_that_must_not_run_twice_is_not_called_again_by_agents_inside(
    at: Any, left_out: int
) -> None:
    made: list[int] = []

    @nbagent.tool(once=True)
    def book(seat: int) -> str:
        """Book."""
        made.append(seat)
        return f"seat {seat}"

    both, end = (*books(10), *books(20)), say("chat", "End.", number=40)
    with Server(*both, end, *both[left_out:], *books(30), end) as server:
        run = finished(boss(server, book).stream("?"))
        place = run.requests[1] if at == 2 else at
        again = fork(run, place)
        results = [call.result for call in again.tools if call.name == "book"]
    assert results == ["seat 10", "seat 20", "seat 30"]
    assert made == [10, 20, 30]


@pytest.mark.parametrize("at", ["fetch_rates", 3])
def test_what_only_the_responses_api_understands_is_sent_again_inside(at: Any) -> None:
    items = [reasoning("A."), reasoning("B.")]
    with Server(
        responses(items[0], call("c1", "helper", '{"task": "rate"}'), number=1),
        responses(items[1], call("h1", "fetch_rates", '{"year": 2024}'), number=2),
        responses(message("1.09"), number=3),
        responses(message("It is 1.09."), number=4),
        *[say("responses", "1.09", number=number) for number in range(5, 9)],
    ) as server:
        helper = agent(server, "helper", fetch_rates, api="responses")
        run = finished(agent(server, "boss", helper, api="responses").stream("Which rate?"))
        made = run
        for begin in (4, 6):  # a fork, and a fork of it
            made = fork(made, made.requests[-2] if at == 3 else at)
            assert server.bodies[begin]["input"] == server.bodies[2]["input"]
            assert server.bodies[begin + 1]["input"] == server.bodies[3]["input"]
    assert items[1] in server.bodies[2]["input"]
