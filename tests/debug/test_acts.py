"""A reader's forms in a view: a fork from a call or a request, and why there is none."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, say
from debug.scenes import REPLIES, finished, rates_run
from debug.test_resume import called

import nbagent
from nbagent import events as e
from nbagent.debug.acts import act
from nbagent.protocol.messages import Compare, Fork, Keep, Send
from nbagent.run.fork_form import MAX_VALUES_CHARS
from nbagent.run_context import CURRENT_RUN, HTTPExchange

VIEW_READS_CHARS = 256 * 1024
"""Length of a form up to which a view reads it (`JSON_CHARS` in js/src/transcript/lazy.tsx)."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(*REPLIES, *REPLIES[1:]) as made:
        yield made


def fork(run: nbagent.Run, changes: dict[str, Any] | None = None, **place: Any) -> dict[str, Any]:
    """Send the form for a fork, and return the outcome that the views are shown."""
    act(run, Fork("k1", changes=json.dumps(changes or {}), **place))
    outcome: dict[str, Any] = run.snapshot()[0]["outcome"]
    assert outcome["key"] == "k1"
    return outcome


def test_the_form_begins_with_what_the_run_had(server: Server) -> None:
    run = rates_run(server)
    form = run.fork_form(run.tools[0].id)
    assert json.loads(form.text) == {"arguments": {"year": 2023}}
    fields = form.schema["properties"]
    assert fields["arguments"]["properties"] == {"year": {"type": "integer"}}
    assert {name: field.get("default") for name, field in fields.items()} == {
        "arguments": None,
        "result": '{"rate":1.08}',
        "instructions": "Be brief.",
        "model": "test-1",
        "prompt": "How did the rate change?",
    }
    names = list(run.fork_form(request=1).schema["properties"])
    assert names == ["instructions", "model", "prompt", "messages"]


@pytest.mark.parametrize(
    ("changes", "output"),
    [
        ({"result": '{"rate": 9}'}, '{"rate":9}'),
        ({"result": "unknown"}, "unknown"),
        ({"arguments": {"year": 2024}}, '{"rate":1.09}'),
        ({"arguments": {"year": 2023}}, '{"rate":1.08}'),
    ],
)
def test_a_call_has_another_result_or_other_arguments(
    server: Server, changes: dict[str, Any], output: str
) -> None:
    run = rates_run(server)
    made = fork(run, changes, block=run.tools[0].id)
    assert made["problem"] is None
    assert made["run"] == run.forks[0].id
    run.forks[0].wait(20)
    results = [each for each in server.bodies[3]["messages"] if each["role"] == "tool"]
    assert output in [each["content"] for each in results]


def test_a_request_is_asked_anew_with_other_words(server: Server) -> None:
    run = rates_run(server)
    changes = {"instructions": "Be wordy.", "model": "test-2", "prompt": "And now?"}
    fork(run, changes, request=2)
    run.forks[0].wait(20)
    body = server.bodies[3]
    assert body["model"] == "test-2"
    assert [each["content"] for each in body["messages"][:2]] == ["Be wordy.", "And now?"]
    assert len(server.bodies) == 5


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        ({"result": '{"rate": 9'}, {}, "the result begins as JSON does, and is none"),
        ({"arguments": {"year": "soon"}}, {}, "the arguments do not fit fetch_rates"),
        ({"result": "9", "arguments": {"year": 1}}, {}, "give one of them"),
        ({}, {"block": "gone"}, "rates has no such call any more"),
        ({}, {"block": None, "request": 7}, "request 7 is no longer kept"),
    ],
)
def test_why_there_is_no_fork_is_said_in_the_form(
    server: Server, changes: dict[str, Any], place: dict[str, Any], problem: str
) -> None:
    run = rates_run(server)
    made = fork(run, changes, **{"block": run.tools[0].id, **place})
    assert problem in made["problem"]
    assert run.forks == []


def test_any_message_before_a_request_is_changed(server: Server) -> None:
    run = rates_run(server)
    told = run.fork_form(request=2).schema["properties"]["messages"]["default"]
    assert [each["role"] for each in told] == ["system", "user", "assistant", "tool", "tool"]
    told[3]["content"] = '{"rate":9}'
    assert fork(run, {"messages": told}, request=2)["problem"] is None
    run.forks[0].wait(20)
    before, after = server.bodies[1]["messages"], server.bodies[3]["messages"]
    assert after == [*before[:3], {**before[3], "content": '{"rate":9}'}, *before[4:]]


def test_a_masked_message_that_was_left_alone_is_sent_as_it_was(server: Server) -> None:
    run = rates_run(server, redact=["brief"])
    told = run.fork_form(request=2).schema["properties"]["messages"]["default"]
    assert told[0]["content"] == "Be •••••."
    told[1]["content"] = "How?"
    fork(run, {"messages": told}, request=2)
    run.forks[0].wait(20)
    before = server.bodies[1]["messages"]
    assert server.bodies[3]["messages"] == [before[0], told[1], *before[2:]]


def test_messages_that_are_more_than_a_view_reads_are_not_in_the_form() -> None:
    with Server(say("chat", "Long."), say("chat", "Lang.")) as server:
        agent = nbagent.Agent("test-1", "Be brief.", client=server.client())
        run = finished(agent.stream([{"role": "user", "content": "x" * MAX_VALUES_CHARS}]))
        form, size = run.page("fork-request/1", 0, 1_000_000)
    assert "messages" not in json.loads(form)["schema"]["properties"]
    assert size < VIEW_READS_CHARS


def test_a_result_that_is_more_than_a_view_reads_is_replaced_and_not_edited() -> None:
    told: list[Any] = []

    def on_fork(messages: list[Any]) -> Iterator[str]:
        told.append(messages[-1]["content"])
        return iter(["Another answer."])

    long = "x" * VIEW_READS_CHARS
    events = [*called("a")]
    events[2] = e.ToolResult(id="a", content=long)
    run = finished(iter(events), prompt=long, on_fork=on_fork)
    call = run.tools[0].id
    form, size = run.page(f"fork/{call}", 0, 1_000_000)
    fields = json.loads(form)["schema"]["properties"]
    assert size < VIEW_READS_CHARS
    assert [field.get("default") for field in fields.values()] == [None, None]
    assert "too long to be shown" in fields["result"]["description"]
    assert fork(run, block=call)["problem"] is None
    assert fork(run, {"result": "other"}, block=call)["problem"] is None
    assert [each.wait(20).text for each in run.forks] == ["Another answer."] * 2
    assert told == [long, "other"]


def test_instructions_and_messages_are_changed_in_one_place(server: Server) -> None:
    run = rates_run(server)
    changes = {"messages": [], "instructions": "Be wordy."}
    assert "change it in one place" in fork(run, changes, request=2)["problem"]


def test_what_is_masked_or_hidden_is_not_in_the_form(server: Server) -> None:
    run = rates_run(server, redact=["brief"], hide={"fetch_rates": "args"})
    fields = run.fork_form(run.tools[0].id).schema["properties"]
    assert list(fields) == ["result", "model", "prompt"]
    masked = rates_run(server, redact=["brief"]).fork_form()
    assert masked.schema["properties"]["instructions"]["default"] == "Be •••••."


def test_a_masked_text_that_was_left_as_it_is_stays_what_it_was(server: Server) -> None:
    run = rates_run(server, redact=["brief"])
    fork(run, {"instructions": "Be •••••."}, request=2)
    run.forks[0].wait(20)
    assert server.bodies[3]["messages"][0]["content"] == "Be brief."


def test_a_run_is_kept_as_a_test_beside_the_notebook_in_a_file_of_its_own(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = rates_run(server, name="Rates of the year!")
    files = []
    for _ in range(2):
        act(run, Keep("k1"))
        files.append(run.snapshot()[0]["outcome"]["file"])
    names = ["test_rates_of_the_year.py", "test_rates_of_the_year_2.py"]
    assert files == [str(tmp_path / name) for name in names]
    assert "def test_rates_of_the_year" in Path(files[0]).read_text()


def test_why_a_run_cannot_be_kept_is_said(server: Server) -> None:
    run = rates_run(server, hide={"fetch_rates": "args"})
    act(run, Keep("k1"))
    problem = run.snapshot()[0]["outcome"]["problem"]
    assert "arguments or result of fetch_rates are hidden" in problem


def test_only_a_run_of_ones_own_agent_is_offered_to_be_kept(server: Server) -> None:
    assert rates_run(server).snapshot()[0]["can_keep"] is True
    other = nbagent.Run(["a text"], on_fork=lambda _: ["another"]).wait(20).snapshot()[0]
    assert other["can_fork"] is True
    assert "can_keep" not in other


def test_a_run_without_an_agent_has_no_form() -> None:
    run = nbagent.Run(["a text"], name="texts").wait(20)
    assert "can_fork" not in run.snapshot()[0]
    with pytest.raises(LookupError, match="no agent is known that could go on from texts"):
        run.page("fork/", 0, 1000)


def test_a_run_is_compared_with_its_forks(server: Server) -> None:
    run = rates_run(server)
    call = run.tools[0]
    assert fork(run, {"result": '{"rate": 9}'}, block=call.id)["problem"] is None
    run.forks[0].wait(20)
    act(run, Compare("k2"))
    outcome = run.snapshot()[0]["outcome"]
    assert outcome["key"] == "k2"
    html, size = run.page(outcome["html"]["part"], 0, 1_000_000)
    assert outcome["html"]["size"] == size == len(html)
    assert "rates (run 1)" in html
    assert "rates (run 2, fetch_rates(year=2023), result {&quot;rate&quot;:9})" in html
    assert "9</ins>" in html


def test_a_run_without_forks_is_compared_with_nothing(server: Server) -> None:
    run = rates_run(server)
    act(run, Compare("k1"))
    assert "has no forks to compare it with" in run.snapshot()[0]["outcome"]["problem"]


def form_of(run: nbagent.Run, number: int) -> dict[str, Any]:
    """Return the form of a request, as a view is sent it."""
    form: dict[str, Any] = json.loads(run.page(f"request/{number}/form", 0, 1_000_000)[0])
    return form


def sent_again(run: nbagent.Run, number: int, **changes: Any) -> dict[str, Any]:
    """Send a request again with its form's fields and some changes, and return the outcome."""
    fields = {**json.loads(form_of(run, number)["text"]), **changes}
    left = {name: value for name, value in fields.items() if value is not None}
    act(run, Send("k1", number, json.dumps(left)))
    return outcome_of(run)


def outcome_of(run: nbagent.Run) -> dict[str, Any]:
    """Wait for the outcome of an act, and return it."""
    while "outcome" not in run.snapshot()[0]:
        time.sleep(0.01)
    outcome: dict[str, Any] = run.snapshot()[0]["outcome"]
    return outcome


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_form_of_a_request_has_its_settings_then_its_messages_then_its_tools(api: Any) -> None:
    with Server(say(api, "", [("c1", "add", '{"a": 1}')]), say(api, "2")) as server:
        agent = nbagent.Agent("test-1", "Count.", tools=[add], client=server.client(), api=api)
        form = form_of(finished(agent.stream("1 and 1?")), 2)
    names = list(json.loads(form["text"]))
    assert names == list(form["schema"]["properties"])
    assert names[:2] == ["model", "stream"]
    assert names[-2:] == ["messages" if api == "chat" else "input", "tools"]


def add(a: int) -> int:
    """Add one."""
    return a + 1


@pytest.mark.parametrize(
    ("messages", "parts", "new"),
    [
        ([{"role": "user", "content": "Hi"}], None, {"role": "user", "content": ""}),
        (
            [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "content",
            {"role": "user", "content": [{"type": "text", "text": ""}]},
        ),
        (
            [{"role": "user", "parts": [{"text": "Hi"}]}],
            "parts",
            {"role": "user", "parts": [{"text": ""}]},
        ),
    ],
)
def test_a_message_that_is_added_has_the_form_of_the_others(
    messages: Any, parts: str | None, new: Any
) -> None:
    item = form_of(asked({"messages": messages}), 1)["schema"]["properties"]["messages"]["items"]
    assert item["default"] == new
    assert list(item["properties"]) == [name for name in (parts,) if name]


def test_a_prompt_that_is_one_text_is_one_field() -> None:
    form = form_of(asked({"prompt": "Hi", "n": 1}), 1)
    assert form["schema"]["properties"] == {"n": {}, "prompt": {}}


def asked(body: dict[str, Any]) -> nbagent.Run:
    """Return a run in which a model was asked."""

    def stream() -> Iterator[str]:
        around = CURRENT_RUN.get()
        assert around is not None
        around.run.record(HTTPExchange("http://model.test/v1", json.dumps(body).encode()))
        yield "Hello"

    return finished(stream())


def test_a_request_is_edited_and_sent_again_and_both_answers_are_shown(server: Server) -> None:
    run = rates_run(server)
    assert json.loads(run.page("request/2", 0, 1_000_000)[0])["can_send"] is True
    outcome = sent_again(run, 2, model="test-2", temperature=0, stream_options=None)
    first, again = server.bodies[1], server.bodies[3]
    del first["stream_options"]
    assert again == {**first, "model": "test-2", "temperature": 0}
    html, size = run.page(outcome["html"]["part"], 0, 1_000_000)
    assert outcome["html"]["size"] == size == len(html)
    assert "Request 2 sent again: model: test-1 → test-2" in html


def test_tools_that_are_taken_out_of_a_request_are_not_sent(server: Server) -> None:
    sent_again(rates_run(server), 2, tools=None)
    assert "tools" not in server.bodies[3]


def test_a_text_that_is_masked_in_the_form_is_sent_as_it_was(server: Server) -> None:
    run = rates_run(server, redact=["brief"])
    assert "Be •••••." in run.page("request/2/form", 0, 1_000_000)[0]
    sent_again(run, 2, model="test-2")
    assert server.bodies[3]["messages"][0]["content"] == "Be brief."


@pytest.mark.parametrize(
    ("number", "fields", "problem"),
    [(9, "{}", "request 9 is no longer kept"), (1, "[1]", "Expected `object`")],
)
def test_why_a_request_cannot_be_sent_again_is_said(
    server: Server, number: int, fields: str, problem: str
) -> None:
    run = rates_run(server)
    act(run, Send("k1", number, fields))
    assert problem in outcome_of(run)["problem"]


def test_a_refusal_of_the_service_is_said_in_the_form() -> None:
    refusal = {"message": "no such model"}
    with Server(*REPLIES, lambda it: it.refuse(400, refusal)) as server:
        outcome = sent_again(rates_run(server), 2, model="test-3")
    assert "400 Bad Request from " in outcome["problem"]
    assert "no such model" in outcome["problem"]
    assert outcome["html"] is None


def test_a_run_of_another_framework_goes_on_by_its_own_function() -> None:
    told: list[Any] = []

    def on_fork(messages: list[Any]) -> Iterator[str]:
        told.append(messages[-1]["content"])
        return iter(["Another answer."])

    run = finished(called("a"), prompt="What?", on_fork=on_fork)
    call = run.tools[0].id
    assert list(run.fork_form(call).schema["properties"]) == ["result", "prompt"]
    assert fork(run, block=call)["problem"] is None
    assert fork(run, {"result": "other"}, block=call)["problem"] is None
    assert [each.wait(20).text for each in run.forks] == ["Another answer."] * 2
    assert told == ["result of a", "other"]


def test_on_fork_is_a_function() -> None:
    with pytest.raises(TypeError, match="on_fork= takes a function of the messages"):
        nbagent.Run(iter([]), on_fork="graph")  # type: ignore[arg-type]
