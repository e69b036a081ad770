"""Threads, messages and runs as in OpenAI's API, and NEAR AI's stream of a run."""

from typing import Any

import httpx2
import openai
import pytest
from agent.server import chat
from server.served import Asking, asking
from server.test_endpoints import data_of
from server.viewed import Served

import nbagent
from nbagent.server import serve


def begun(http: Any, **body: Any) -> tuple[str, str]:
    """Return a new thread and a run in it."""
    thread = http.post("/v1/threads").json()["id"]
    run = http.post(f"/v1/threads/{thread}/runs", json={"assistant_id": "assistant", **body})
    assert run.status_code == 201, run.text
    return thread, run.json()["id"]


def texts(events: list[Any]) -> str:
    deltas = [each["data"] for each in events if each["event"] == "thread.message.delta"]
    return "".join(delta["delta"]["content"][0]["text"]["value"] for delta in deltas)


def test_messages_wait_for_the_run_that_answers_them(served: Served, asks: Asking) -> None:
    with asks.agent(chat("Both."), chat("More.")) as agent, serve(agent, port=0) as server:
        with httpx2.Client(base_url=f"{server.url}/v1", timeout=20) as http:
            made = http.post("/threads", json={"messages": [{"role": "user", "content": "a"}]})
            thread = made.json()["id"]
            parts = [{"type": "text", "text": "b"}]
            added: dict[str, Any] = {}
            for content in (parts, "c"):
                message = {"role": "user", "content": content}
                added = http.post(f"/threads/{thread}/messages", json=message).json()
            assert (added["object"], added["content"][0]["text"]["value"]) == (
                "thread.message",
                "c",
            )
            run = http.post(f"/threads/{thread}/runs", json={}).json()["id"]
            events = data_of(http.get(f"/threads/{thread}/stream/{run}"))
            assert texts(events) == "Both."
            listed = http.get(f"/threads/{thread}/messages").json()
            said = [each["content"][0]["text"]["value"] for each in listed["data"]]
            assert (said, listed["has_more"]) == (["Both.", "c", "b", "a"], False)
            first = http.get(f"/threads/{thread}/messages?order=asc&limit=1").json()
            assert (first["first_id"], first["has_more"]) == (first["last_id"], True)
            assert http.get(f"/threads/{thread}/runs/{run}").json()["status"] == "completed"
            assert http.post(f"/threads/{thread}/runs", json={}).status_code == 422


@pytest.mark.parametrize(
    ("output", "deleted"),
    [
        ("yes", ["a"]),
        ('{"approved": true}', ["a"]),
        ('{"approved": true, "args": {"path": "b"}}', ["b"]),
        ('{"approved": false, "reason": "Keep it."}', []),
        ("It is gone.", []),
    ],
)
def test_a_question_requires_action_and_the_output_answers_it(
    asks: Asking, served: Served, output: str, deleted: list[str]
) -> None:
    with served(asking(), chat("Done.")) as (http, _):
        thread, run = begun(http, message="x")
        path = f"/api/v1/threads/{thread}"
        events = data_of(http.get(f"{path}/stream/{run}"))
        assert events[-1]["event"] == "thread.run.requires_action"
        action = events[-1]["data"]["delta"]["required_action"]
        (call,) = action["submit_tool_outputs"]["tool_calls"]
        assert call["function"] == {"name": "delete", "arguments": '{"path": "a"}'}
        assert http.get(f"{path}/runs/{run}").json()["required_action"] == action
        outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": output}]}
        submitted = http.post(f"{path}/runs/{run}/submit_tool_outputs", json=outputs)
        assert submitted.status_code == 200
        rest = data_of(http.get(f"{path}/stream/{run}"))
        assert rest[-1]["event"] == "thread.run.completed"
        assert texts(rest) == "Done."
    assert asks.deleted == deleted


def test_an_output_for_no_question_is_refused(served: Served) -> None:
    with served(asking()) as (http, _):
        thread, run = begun(http, message="x")
        data_of(http.get(f"/threads/{thread}/stream/{run}"))
        path = f"/threads/{thread}/runs/{run}"
        outputs = {"tool_outputs": [{"tool_call_id": "other", "output": "yes"}]}
        assert http.post(f"{path}/submit_tool_outputs", json=outputs).status_code == 404
        assert http.get(f"/threads/other/runs/{run}").status_code == 404
        assert http.post(f"{path}/cancel").json()["status"] == "cancelling"
        assert http.post("/threads/other/messages", json={"content": "x"}).status_code == 404


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "x"},
        {"content": " "},
        {"content": []},
        {"content": [{"type": "audio"}]},
    ],
)
def test_a_message_that_cannot_be_read_is_refused(served: Served, message: Any) -> None:
    with served() as (http, _):
        thread = http.post("/threads").json()["id"]
        assert http.post(f"/threads/{thread}/messages", json=message).status_code == 422


@pytest.mark.parametrize("allows", [True, False])
async def test_nbagent_answers_at_the_address_of_a_run(
    asks: Asking, served: Served, allows: bool
) -> None:
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        with httpx2.Client(base_url=server.url, timeout=20) as http:
            thread, made = begun(http, message="x")
        address = f"{server.url}/v1/threads/{thread}/stream/{made}"
        run = nbagent.Run(nbagent.connect(address), answer=lambda question: allows)
        run.start()
        await run
    assert (asks.deleted, run.answer) == (["a"] if allows else [], "Done.")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_openais_client_runs_a_thread_and_submits_outputs(asks: Asking) -> None:
    with (
        asks.agent(asking(), chat("Done."), chat("Again.")) as agent,
        serve(agent, port=0) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="any") as client,
    ):
        threads = client.beta.threads
        thread = threads.create(messages=[{"role": "user", "content": "x"}])
        run = threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id="assistant", poll_interval_ms=50
        )
        assert run.status == "requires_action"
        assert run.required_action is not None
        (call,) = run.required_action.submit_tool_outputs.tool_calls
        run = threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[{"tool_call_id": call.id, "output": "yes"}],
            poll_interval_ms=50,
        )
        assert (run.status, asks.deleted) == ("completed", ["a"])
        threads.messages.create(thread.id, role="user", content="y")
        with threads.runs.stream(thread_id=thread.id, assistant_id=run.assistant_id) as stream:
            assert "".join(stream.text_deltas) == "Again."
        newest = threads.messages.list(thread.id).data[0]
    assert newest.content[0].to_dict()["text"] == {"annotations": [], "value": "Again."}
