"""The web page's WebSocket: the same messages as over a widget's comm."""

import json
import sys
from pathlib import Path

import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from server.served import Asking, asking, holding
from server.viewed import Page, Served, page
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import nbagent
from nbagent import Run
from nbagent.agent import Agent
from nbagent.run_context import run_around


def test_prompts_of_a_chat_are_one_conversation(served: Served) -> None:
    with (
        served(chat("One."), chat("Two.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="a")
        view.until(lambda op: "One." in json.dumps(op))
        view.ends("completed")
        view.ops.clear()
        view.send(t="say", text="b")
        view.until(lambda op: "Two." in json.dumps(op))


def test_an_answer_is_a_served_run_which_others_stop(served: Served) -> None:
    with served(holding) as (http, session), page(http, agent="assistant", session=session) as view:
        view.send(t="say", text="a")
        view.until(lambda op: "Hel" in json.dumps(op))
        [run] = http.get("/runs").json()["runs"]
        assert http.post(f"/runs/{run['id']}/cancel").status_code == 202
        view.ends("cancelled")


def test_stop_ends_the_served_run(served: Served) -> None:
    with served(holding) as (http, session), page(http, agent="assistant", session=session) as view:
        view.send(t="say", text="a")
        view.until(lambda op: "Hel" in json.dumps(op))
        [run] = http.get("/runs").json()["runs"]
        view.send(t="stop")
        assert view.ends("cancelled")[-1]["stopped_by"] == "a reader"
        assert '"status":"cancelled"' in http.get(f"/runs/{run['id']}/events").text


def test_a_question_is_answered_in_the_page(asks: Asking, served: Served) -> None:
    with (
        served(asking(), chat("Done.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="go")
        question = view.until(lambda op: op[0] == "open" and op[-1].get("kind") == "approval")
        assert (question[-1]["answerable"], asks.deleted) == (True, [])
        view.send(t="answer", block=question[1], decision="approve", value='{"path": "b"}')
        view.ends("completed")
    assert asks.deleted == ["b"]


def test_a_page_calls_no_function_that_the_model_has_not_called(served: Served) -> None:
    ran: list[str] = []

    @nbagent.tool
    def add(a: int, b: int) -> int:
        """Add.

        Args:
            a: One.
            b: The other.
        """
        ran.append(f"{a}+{b}")
        return a + b

    called = chat(calls=[("c1", "add", '{"a": 1, "b": 2}')])
    with (
        served(called, chat("3."), chat("Bye."), tools=[add]) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="go")
        block = view.until(lambda op: op[0] == "open" and op[-1].get("kind") == "tool")[1]
        view.ends("completed")
        view.send(t="rerun", block=block, args='{"a": 5, "b": 5}')
        view.ops.clear()
        view.send(t="say", text="b")
        view.until(lambda op: "Bye." in json.dumps(op))
    assert ran == ["1+2"]


def test_the_source_and_variables_of_a_tool_that_fails_stay_on_the_server(served: Served) -> None:
    @nbagent.tool
    def fail() -> None:
        """Fail."""
        customers = ["Ada Lovelace"]
        raise ValueError(f"{len(customers)} too many")

    with (
        served(chat(calls=[("c1", "fail", "{}")]), chat("Sorry."), tools=(fail,)) as (
            http,
            session,
        ),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="go")
        error = view.until(lambda op: op[0] != "append" and "error" in op[-1])[-1]["error"]
        view.ends("completed")
        assert error == {"type": "ValueError", "message": "1 too many", "traceback": None}
        for hidden in ("Lovelace", __file__, "customers", "raise ValueError"):
            assert hidden not in view.text


def test_braces_in_a_prompt_name_no_variable_of_the_server(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules["nbagent.chat.chat"], "notebook_variables", lambda: {"key": "hidden"}
    )
    with (
        served(chat("Hi.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="the {key}?")
        view.ends("completed")
        assert ("the {key}?" in view.text, "hidden" in view.text) == (True, False)


def test_a_page_that_comes_back_gets_a_snapshot_with_higher_numbers(served: Served) -> None:
    with served(chat("Hi.")) as (http, session):
        with page(http, agent="assistant", session=session) as view:
            view.send(t="say", text="a")
            view.ends("completed")
        with page(http, have=view.seq, agent="assistant", session=session) as again:
            again.ends("completed")
            assert again.seq > view.seq
            assert "Hi." in again.text


def test_pages_that_show_the_same_chat_see_the_same(served: Served) -> None:
    with (
        served(chat("Hi.")) as (http, session),
        page(http, agent="assistant", session=session) as one,
        page(http, agent="assistant", session=session) as other,
    ):
        one.send(t="say", text="a")
        for view in (one, other):
            view.until(lambda op: "Hi." in json.dumps(op))
            view.ends("completed")


def test_of_what_no_page_shows_the_oldest_is_let_go_of(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbagent.server.page.views.MAX_UNSEEN", 1)
    with served(chat("Hi.")) as (http, session):
        with page(http, agent="assistant", session=session) as view:
            view.send(t="say", text="a")
            view.ends("completed")
        for _ in range(3):
            other = http.post("/agents/assistant/sessions").json()["session_id"]
            with page(http, agent="assistant", session=other) as view:
                view.until(lambda op: op[1] == "run")
        with page(http, agent="assistant", session=session) as view:  # read from the session again
            view.until(lambda op: "Hi." in json.dumps(op))


def test_code_without_a_context_does_not_find_the_run_of_a_page(served: Served) -> None:
    with (
        served(chat("Hi.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.until(lambda op: op[1] == "run")
        assert run_around() is None


def test_a_session_that_was_used_elsewhere_shows_what_was_said(served: Served) -> None:
    with served(chat("Hi.")) as (http, session):
        http.post(
            f"/agents/assistant/sessions/{session}/messages/stream",
            json={"message": "Good morning"},
        )
        with page(http, agent="assistant", session=session) as view:
            view.until(lambda op: "Good morning" in json.dumps(op))
            view.until(lambda op: "Hi." in json.dumps(op))


def test_a_run_is_watched_from_its_beginning_and_keeps_its_times(served: Served) -> None:
    with (
        served(chat("Hi.")) as (http, _),
        http.stream("POST", "/agents/assistant/messages/stream", json={"message": "x"}) as answer,
    ):
        run_id = answer.headers["x-run-id"]
        answer.read()
        with page(http, run=run_id) as view:
            end = view.ends("completed")
            root = next(op for op in view.ops if op[0] == "open" and op[1] == "run")
            assert "Hi." in view.text
            first = json.loads(
                http.get(f"/runs/{run_id}/events").text.split("data: ")[1].split("\n")[0]
            )
            assert abs(root[-1]["started"] - first["ts"]) < 1
            assert end[-1]["ended"] >= first["ts"]


async def test_a_run_that_was_served_is_stopped_and_hides_what_the_server_hides() -> None:
    thinking = chat_chunk({"reasoning_content": "Hmm, secretly."})

    def think(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(thinking)
        exchange.send(chat_chunk({"content": "Hel"}))
        exchange.hold()

    with ModelServer(think) as model:
        run = Run(Agent("test-1", client=model.client(), api="chat", name="assistant").stream("go"))
        app = nbagent.asgi(run)
        with (
            TestClient(app, base_url="http://localhost") as http,
            page(http, run=app.state.run_ids[run.id]) as view,
        ):
            view.until(lambda op: "Hel" in json.dumps(op))
            assert "secretly" not in view.text
            view.send(t="stop")
            view.ends("cancelled")
    assert run.status == "cancelled"


def test_large_values_and_the_inspectors_answers_are_read_in_pages(served: Served) -> None:
    with (
        served(chat("Hi.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="a")
        view.ends("completed")
        assert view.part("inspector/timeline").get("size") or view.part("inspector/timeline").get(
            "error"
        )
        assert "notebook only" in view.part("plotly.js")["error"]


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "{",
        "[" * 100_000,
        "null",
        "1",
        '{"t": "other"}',
        '{"t": "hello", "have": -1}',
        '"\\ud800"',
    ],
)
@pytest.mark.usefixtures("no_garbage")
def test_junk_does_no_harm(served: Served, junk: str) -> None:
    with served(chat("Hi.")) as (http, session):
        with http.websocket_connect(
            f"ws://localhost/view?agent=assistant&session={session}"
        ) as socket:
            socket.send_text(junk)
            view = Page(socket)
            view.send(t="say", text="a")
            view.until(lambda op: "Hi." in json.dumps(op))


@pytest.mark.parametrize(
    "place", ["run=run-aaaaaaaaaaaa", "agent=assistant&session=other", "agent=other&session=s", ""]
)
def test_what_there_is_not_is_refused_with_a_reason(served: Served, place: str) -> None:
    with served() as (http, _), http.websocket_connect(f"ws://localhost/view?{place}") as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert (closed.value.code, bool(closed.value.reason)) == (4404, True)


def test_the_page_allows_no_script_but_its_own(served: Served) -> None:
    with served() as (http, _):
        got = http.get("/")
        policy = got.headers["content-security-policy"]
        assert got.text.startswith("<!doctype html>")
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "<script>" not in got.text
        assert "http" not in got.text.replace("http://www.w3.org/2000/svg", "")


def test_the_files_of_the_page_are_sent_once_and_nothing_else_is(served: Served) -> None:
    with served() as (http, _):
        got = http.get("/static/page.css")
        assert (got.status_code, got.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert (
            http.get("/static/page.css", headers={"if-none-match": got.headers["etag"]}).status_code
            == 304
        )
        for name in ("widget.js", "..%2Fapp.py", "", "page.css.map"):
            assert http.get(f"/static/{name}").status_code == 404


def test_the_page_is_readable_without_the_token_and_its_views_are_not() -> None:
    with ModelServer() as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with TestClient(
            nbagent.asgi(agent, token="a-long-secret-word"), base_url="http://localhost"
        ) as http:
            assert [http.get(path).status_code for path in ("/", "/static/page.js", "/runs")] == [
                200,
                200,
                401,
            ]
            with (
                pytest.raises(WebSocketDisconnect),
                http.websocket_connect("ws://localhost/view?run=run-aaaaaaaaaaaa"),
            ):
                pass
            assert http.post("/login", json={"token": "a-long-secret-word"}).status_code == 200
            assert http.get("/runs").status_code == 200
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            with page(http, agent="assistant", session=session) as view:
                view.until(lambda op: op[0] == "open" and op[1] == "run")


def test_a_page_of_another_server_answers_and_stops(
    asks: Asking, served: Served, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    with served(asking(), holding, store=store) as (http, _), served(store=store) as (other, _):
        run = http.post("/runs", json={"message": "go"}).json()["id"]
        with page(other, run=run) as view:
            question = view.until(lambda op: op[0] == "open" and op[-1].get("kind") == "approval")
            view.send(t="answer", block=question[1], decision="approve")
            view.until(lambda op: "Hel" in json.dumps(op))
            view.send(t="stop")
            view.ends("cancelled")
    assert asks.deleted == ["a"]


def test_a_page_with_the_read_token_watches_a_run_and_steers_nothing(asks: Asking) -> None:
    with asks.agent(asking(), chat("Done.")) as agent:
        app = nbagent.asgi(agent, token="a-long-secret-word", read_token="a-word-to-read")
        with TestClient(app, base_url="http://localhost") as http:
            full = {"authorization": "Bearer a-long-secret-word"}
            run = http.post("/runs", json={"message": "go"}, headers=full).json()["id"]
            assert http.get("/health", headers=full).json()["access"] == "full"
            assert http.post("/login", json={"token": "a-word-to-read"}).status_code == 200
            assert http.get("/health").json()["access"] == "read"
            assert http.post("/agents/assistant/sessions").status_code == 403
            with (
                page(http, agent="assistant", session="any") as view,
                pytest.raises(WebSocketDisconnect) as refused,
            ):
                view.ends("completed")
            assert refused.value.code == 4403
            with page(http, run=run) as view:
                question = view.until(
                    lambda op: op[0] == "open" and op[-1].get("kind") == "approval"
                )
                # a panel opens and closes for all
                view.send(t="toggle", block=question[-1]["tool_id"], open=False)
                view.send(t="answer", block=question[1], decision="approve")
                view.send(t="say", text="b")
                view.send(t="stop")
                view.send(t="resync")
                view.ops.clear()
                view.until(lambda op: op[0] == "open" and op[-1].get("kind") == "approval")
                assert asks.deleted == []
                assert "user_open" not in view.text
                assert http.post(f"/runs/{run}/cancel", headers=full).status_code == 202
                view.ends("cancelled")
