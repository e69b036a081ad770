"""AG-UI's endpoint: the ids of its client, and threads as sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from server.served import Asking, asking
from server.test_endpoints import data_of
from server.viewed import Served

import nbagent
from nbagent import events as e
from nbagent.agent import Agent
from nbagent.server import serve
from nbagent.server.endpoints.ag_ui import ThreadEncoder

PATH = "/ag-ui/assistant"


@contextmanager
def serving(*replies: Any, **options: Any) -> Iterator[tuple[httpx2.Client, ModelServer]]:
    with ModelServer(*replies) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with (
            serve(agent, port=0, **options) as server,
            httpx2.Client(base_url=server.url, timeout=20) as client,
        ):
            yield client, model


def asked(*messages: Any, **ids: Any) -> dict[str, Any]:
    """Return the input of a run. A text is the user's; a dict is a message without its id."""
    made = [
        {"role": "user", "content": each} if isinstance(each, str) else each for each in messages
    ]
    return (
        {"threadId": "t", "runId": "r"}
        | ids
        | {"messages": [{"id": f"m{at}", **each} for at, each in enumerate(made)]}
    )


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def sent(model: ModelServer) -> list[list[tuple[str, Any]]]:
    """Return the messages of each request to the model, as (role, content)."""
    return [[(each["role"], each["content"]) for each in body["messages"]] for body in model.bodies]


@pytest.mark.parametrize(
    "reply", [chat("Hi."), lambda exchange: exchange.refuse(400, {"message": "no"})]
)
def test_a_run_has_the_ids_of_its_client(reply: Any) -> None:
    with serving(reply) as (client, _):
        events = data_of(client.post(PATH, json=asked("x", threadId="my thread", runId="my run")))
    ids = [(each["threadId"], each["runId"]) for each in events if "runId" in each]
    assert set(ids) == {("my thread", "my run")}
    assert (events[0]["type"], ids[0]) == ("RUN_STARTED", ("my thread", "my run"))


def test_a_reader_that_goes_on_gets_its_own_ids_too() -> None:
    with serving(chat("Hi.")) as (client, _):
        first = client.post(PATH, json=asked("x"))
        last = next(
            line for line in first.text.splitlines() if line.startswith("id: ")
        ).removeprefix("id: ")
        rest = data_of(client.post(PATH, json=asked("x"), headers={"last-event-id": last}))
    assert [
        (each["threadId"], each["runId"]) for each in rest if each["type"] == "RUN_FINISHED"
    ] == [("t", "r")]


def test_a_client_without_ids_gets_those_of_the_run_and_its_new_session() -> None:
    with serving(chat("Hi."), chat("Again.")) as (client, _):
        response = client.post(PATH, json=asked("x", threadId=None, runId=None))
        started = data_of(response)[0]
        path = f"/agents/assistant/sessions/{started['threadId']}/messages/stream"
        assert client.post(path, json={"message": "y"}).status_code == 200
    assert started["runId"] == response.headers["x-run-id"]


def test_a_thread_is_a_session_which_any_endpoint_goes_on_with() -> None:
    with serving(chat("One."), chat("Two."), chat("Three.")) as (client, model):
        client.post(PATH, json=asked("a"))
        client.post("/agents/assistant/sessions/t/messages/stream", json={"message": "b"})
        client.post(PATH, json=asked("a", assistant("One."), "b", assistant("Two."), "c"))
        session = [
            ("user", "a"),
            ("assistant", "One."),
            ("user", "b"),
            ("assistant", "Two."),
            ("user", "c"),
        ]
    assert sent(model)[-1] == session


def test_the_session_knows_what_the_client_was_not_shown() -> None:
    @nbagent.tool
    def look(at: str) -> str:
        """Look at something."""
        return "secret details"

    with ModelServer(
        chat(calls=[("c1", "look", '{"at": "x"}')]), chat("Seen."), chat("Yes.")
    ) as model:
        agent = Agent("test-1", tools=[look], client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, reveal="answer") as server:
            assert (
                "secret details" not in httpx2.post(f"{server.url}{PATH}", json=asked("look")).text
            )
            httpx2.post(f"{server.url}{PATH}", json=asked("look", assistant("Seen."), "sure?"))
    assert [role for role, _ in sent(model)[-1]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(["a"], id="asked again"),
        pytest.param(["other"], id="edited"),
        pytest.param(["other", assistant("Some."), "c"], id="of another conversation"),
        pytest.param(
            ["a", assistant("One."), "refused", "c"], id="with a prompt that the server never had"
        ),
        pytest.param(
            [{"role": "system", "content": "Be brief."}, "z", assistant("Z."), "c"],
            id="with instructions",
        ),
    ],
)
def test_the_clients_messages_count_where_the_session_has_others(messages: list[Any]) -> None:
    with serving(chat("One."), chat("Two."), chat("Three.")) as (client, model):
        client.post(PATH, json=asked("a"))
        client.post(PATH, json=asked(*messages))
        told = [(each["role"], each["content"]) for each in asked(*messages)["messages"]]
        assert sent(model)[-1] == told
        client.post(PATH, json=asked(*messages, assistant("Two."), "d"))
        assert sent(model)[-1] == [*told, ("assistant", "Two."), ("user", "d")]


def test_threads_do_not_know_of_each_other() -> None:
    with serving(chat("One."), chat("Two.")) as (client, model):
        client.post(PATH, json=asked("a", threadId="one"))
        client.post(PATH, json=asked("b", threadId="two"))
    assert sent(model) == [[("user", "a")], [("user", "b")]]


def test_a_prompt_after_a_stop_waits_for_the_answer_that_goes_on() -> None:
    def hold(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "Hel"}))
        exchange.hold()

    with serving(hold, chat("Two."), cancel_on_disconnect=True) as (client, model):
        with client.stream("POST", PATH, json=asked("a")) as response:
            next(line for line in response.iter_lines() if '"delta":"Hel"' in line)
        events = data_of(client.post(PATH, json=asked("a", assistant("Hel"), "b")))
    assert "".join(each.get("delta", "") for each in events) == "Two."
    assert [content for role, content in sent(model)[-1] if role == "user"] == ["a", "b"]


PICTURE = {"type": "data", "value": "aGk=", "mimeType": "image/png"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "see"}, {"type": "text", "text": "see"}),
        (
            {"type": "image", "source": PICTURE},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        ),
        (
            {"type": "image", "source": {"type": "url", "value": "https://example.org/a.png"}},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        ),
    ],
)
def test_a_message_of_several_parts(part: Any, expected: Any) -> None:
    with serving(chat("Hi.")) as (client, model):
        client.post(PATH, json=asked({"role": "user", "content": [part]}))
    assert sent(model) == [[("user", [expected])]]


def test_messages_that_no_model_takes_are_left_out() -> None:
    thought, card = (
        {"role": "reasoning", "content": "Hm."},
        {"role": "activity", "activityType": "card", "content": {}},
    )
    with serving(chat("Hi.")) as (client, model):
        client.post(PATH, json=asked("a", thought, card, assistant("One."), "b"))
    assert sent(model) == [[("user", "a"), ("assistant", "One."), ("user", "b")]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (asked(), "the last of the messages must be the user's"),
        (asked("a", assistant("b")), "the last of the messages must be the user's"),
        (asked("x", threadId="t" * 201), "threadId is a text of 1 to 200 printable characters"),
        (asked("x", threadId="\n"), "threadId is a text of 1 to 200 printable characters"),
        (asked("x", runId=""), "runId is a text of 1 to 200 printable characters"),
        (
            asked({"role": "user", "content": [{"type": "video", "source": PICTURE}]}),
            "a part of type 'video'",
        ),
        (
            asked(
                {
                    "role": "user",
                    "content": [{"type": "image", "source": {"type": "file", "value": "f"}}],
                }
            ),
            "of type 'file'",
        ),
        (asked({"role": "user", "content": [7]}), "a part of a message"),
        (asked({"role": "user", "content": " "}), "the message must be a text that is not empty"),
        (asked({"role": "user"}), "the message must be a text that is not empty"),
        (asked({"role": "user", "content": []}), "the message must be a text that is not empty"),
    ],
)
def test_an_input_that_cannot_be_run_is_refused_with_the_reason(body: Any, told: str) -> None:
    with serving() as (client, _):
        response = client.post(PATH, json=body)
    assert (response.status_code, told in response.json()["error"]["message"]) == (422, True), (
        response.text
    )


def resumed(interrupt: Any, run_id: str = "r2", **entry: Any) -> dict[str, Any]:
    """Return the input of the run that answers an interrupt."""
    entries = [{"interruptId": interrupt["id"], "status": "resolved", **entry}]
    return asked("x", runId=run_id) | {"resume": entries}


def interrupt_of(events: list[Any]) -> Any:
    outcome = events[-1]["outcome"]
    assert outcome["type"] == "interrupt"
    (interrupt,) = outcome["interrupts"]
    return interrupt


@pytest.mark.parametrize(
    ("payload", "deleted", "told"),
    [
        ({"approved": True}, ["a"], "gone"),
        (True, ["a"], "gone"),
        ({"approved": True, "editedArgs": {"path": "b"}}, ["b"], "gone"),
        ({"approved": False, "reason": "Keep it."}, [], "denied"),
    ],
)
def test_a_question_interrupts_the_run_and_resume_answers_it(
    asks: Asking, served: Served, payload: Any, deleted: list[str], told: str
) -> None:
    with served(asking(), chat("Done.")) as (http, _):
        first = data_of(http.post(PATH, json=asked("x")))
        interrupt = interrupt_of(first)
        call = next(each for each in first if each["type"] == "TOOL_CALL_START")
        assert (interrupt["reason"], interrupt["toolCallId"]) == (
            "tool_approval",
            call["toolCallId"],
        )
        assert interrupt["responseSchema"]["required"] == ["approved"]
        assert asks.deleted == []
        rest = data_of(http.post(PATH, json=resumed(interrupt, payload=payload)))
        assert [each["runId"] for each in rest if "runId" in each] == ["r2", "r2"]
        assert (rest[0]["type"], rest[-1]["outcome"]) == ("RUN_STARTED", {"type": "success"})
        result = next(each for each in rest if each["type"] == "TOOL_CALL_RESULT")
        assert result["toolCallId"] == call["toolCallId"]
        assert told in result["content"]
        assert "".join(each.get("delta", "") for each in rest) == "Done."
        assert http.get("/runs").json()["runs"] == []
    assert asks.deleted == deleted


def test_calls_at_the_same_time_interrupt_one_after_the_other(asks: Asking, served: Served) -> None:
    calls = [(f"c{path}", "delete", f'{{"path": "{path}"}}') for path in "ab"]
    with served(chat(calls=calls), chat("Done.")) as (http, _):
        events = data_of(http.post(PATH, json=asked("x")))
        for run_id in ("r2", "r3"):
            body = resumed(interrupt_of(events), run_id, payload={"approved": True})
            events = data_of(http.post(PATH, json=body))
        assert events[-1]["outcome"] == {"type": "success"}
    assert sorted(asks.deleted) == ["a", "b"]


def test_a_cancelled_interrupt_denies_the_call(asks: Asking, served: Served) -> None:
    with served(asking(), chat("Not done.")) as (http, _):
        interrupt = interrupt_of(data_of(http.post(PATH, json=asked("x"))))
        rest = data_of(http.post(PATH, json=resumed(interrupt, status="cancelled")))
    assert ("".join(each.get("delta", "") for each in rest), asks.deleted) == ("Not done.", [])


def test_a_client_that_leaves_at_an_interrupt_does_not_stop_the_run(
    asks: Asking, served: Served
) -> None:
    path = f"{PATH}?cancel_on_disconnect=true"
    with served(asking(), chat("Done.")) as (http, _):
        interrupt = interrupt_of(data_of(http.post(path, json=asked("x"))))
        rest = data_of(http.post(path, json=resumed(interrupt, payload={"approved": True})))
    assert (rest[-1]["outcome"], asks.deleted) == ({"type": "success"}, ["a"])


def test_what_is_said_instead_of_an_answer_withdraws_the_question(
    asks: Asking, served: Served
) -> None:
    with served(asking(), chat("Hello.")) as (http, _):
        interrupt = interrupt_of(data_of(http.post(PATH, json=asked("x"))))
        said = data_of(http.post(PATH, json=asked("x", assistant(""), "y", runId="r2")))
        assert "".join(each.get("delta", "") for each in said) == "Hello."
        late = data_of(http.post(PATH, json=resumed(interrupt, "r3", payload={"approved": True})))
        assert late[-1]["outcome"] == {"type": "cancelled"}
    assert asks.deleted == []


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"payload": {"yes": 1}}, 422, "the payload of a permission"),
        ({"payload": None}, 422, "the payload of a permission"),
        ({"payload": {"approved": True, "editedArgs": {"path": 7}}}, 409, "path"),
        ({"status": "maybe"}, 422, "maybe"),
        ({"interruptId": "run-unknownunknown:tool-1", "payload": True}, 404, "run-unknown"),
        ({"interruptId": "x", "payload": True}, 404, "x"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays(
    asks: Asking, served: Served, change: Any, status: int, told: str
) -> None:
    with served(asking(), chat("Done.")) as (http, _):
        interrupt = interrupt_of(data_of(http.post(PATH, json=asked("x"))))
        refused = http.post(PATH, json=resumed(interrupt, **change))
        assert (refused.status_code, told in refused.json()["error"]["message"]) == (status, True)
        other = resumed(interrupt, payload=True) | {"threadId": "another"}
        assert http.post(PATH, json=other).status_code == 404
        rest = data_of(http.post(PATH, json=resumed(interrupt, payload=True)))
        assert rest[-1]["outcome"] == {"type": "success"}
    assert asks.deleted == ["a"]


def test_what_is_open_at_an_interrupt_ends_and_goes_on_in_the_next_run() -> None:
    encoder = ThreadEncoder("t", "r")
    before: list[e.Event] = [
        e.RunStart(run_id="run-1"),
        e.StepStart(),
        e.AgentStart(id="agent", name="helper"),
        e.TextStart(id="text", parent_id="agent"),
        e.TextDelta(id="text", delta="Hel", parent_id="agent"),
        e.ReasoningStart(id="thought"),
    ]
    for event in before:
        encoder.feed(event)
    (pause,) = encoder.feed(e.ApprovalRequest(approval_id="q"))
    assert isinstance(pause, dict)
    assert [each["type"] for each in pause["closing"]] == [
        *("TEXT_MESSAGE_END", "REASONING_MESSAGE_END", "REASONING_END", "STEP_FINISHED"),
        *("SUBAGENT_FINISHED", "RUN_FINISHED"),
    ]
    assert [each["type"] for each in pause["opening"]] == [
        *("RUN_STARTED", "SUBAGENT_STARTED", "STEP_STARTED", "REASONING_START"),
        *("REASONING_MESSAGE_START", "TEXT_MESSAGE_START"),
    ]
    (delta,) = encoder.feed(e.TextDelta(id="text", delta="lo", parent_id="agent"))
    assert delta == {
        "type": "TEXT_MESSAGE_CONTENT",
        "messageId": "run-1:text",
        "delta": "lo",
        "subagentRunId": "agent",
    }


CLOCK = {"name": "clock", "description": "Tells the time.", "parameters": {"type": "object"}}
CALLS_CLOCK = chat("Let me see.", calls=[("c1", "clock", '{"zone": "UTC"}')])
CALL = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}


def called(*results: Any) -> list[Any]:
    """Return the conversation behind a prompt in which the client's tool was called."""
    return ["x", assistant("Let me see."), {"role": "assistant", "toolCalls": [CALL]}, *results]


def result(content: str = "12:00", call: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "toolCallId": call, "content": content}


@pytest.mark.parametrize("thread", ["t", None])
def test_a_tool_of_the_client_ends_the_run_and_its_result_goes_on(thread: str | None) -> None:
    with serving(CALLS_CLOCK, chat("Noon.")) as (client, model):
        first = data_of(client.post(PATH, json=asked("x", threadId=thread) | {"tools": [CLOCK]}))
        assert [each["toolCallName"] for each in first if "toolCallName" in each] == ["clock"]
        assert first[-1]["outcome"] == {"type": "success", "pendingToolCallIds": ["c1"]}
        body = asked(*called(result()), threadId=thread, runId="r2") | {"tools": [CLOCK]}
        rest = data_of(client.post(PATH, json=body))
    assert ("".join(each.get("delta", "") for each in rest), rest[-1]["outcome"]) == (
        "Noon.",
        {"type": "success"},
    )
    assert [each["function"]["name"] for each in model.bodies[0]["tools"]] == ["clock"]
    assert sent(model)[-1][-1] == ("tool", "12:00")
    assert [role for role, _ in sent(model)[-1]].count("tool") == 1


def test_a_prompt_after_a_result_takes_both() -> None:
    with serving(CALLS_CLOCK, chat("Noon.")) as (client, model):
        client.post(PATH, json=asked("x") | {"tools": [CLOCK]})
        body = asked(*called({**result(""), "error": "no clock"}, "y"), runId="r2")
        events = data_of(client.post(PATH, json=body))
    assert "".join(each.get("delta", "") for each in events) == "Noon."
    assert sent(model)[-1][-2:] == [("tool", "no clock"), ("user", "y")]


@pytest.mark.parametrize("messages", [called(result(call="other")), called()[:-1]])
def test_what_is_no_result_of_a_call_is_refused(messages: list[Any]) -> None:
    with serving(CALLS_CLOCK) as (client, _):
        client.post(PATH, json=asked("x") | {"tools": [CLOCK]})
        assert client.post(PATH, json=asked(*messages, runId="r2")).status_code == 422


def test_a_tool_that_the_agent_has_itself_is_refused(asks: Asking, served: Served) -> None:
    with served() as (http, _):
        response = http.post(PATH, json=asked("x") | {"tools": [{"name": "delete"}]})
    assert (response.status_code, "delete" in response.text) == (422, True)
