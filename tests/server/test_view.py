"""The web page's WebSocket: the same messages as over a widget's comm."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from server.served import Asking, Process, asking, holding
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

import nbagent
from nbagent import Run
from nbagent.agent import Agent
from nbagent.run_context import run_around
from nbagent.server.event_store import StoreUnreachable
from nbagent.server.sqlite_events import SqliteEvents


class Page:
    """A page's end of the WebSocket, with all ops that it has got."""

    def __init__(self, socket: WebSocketTestSession, have: int = 0) -> None:
        self._socket = socket
        self.ops: list[Any] = []
        self.seq = have
        self.send(t="hello", have=have)

    def send(self, **message: Any) -> None:
        self._socket.send_json(message)

    def until(self, has: Callable[[Any], bool]) -> Any:
        """Read up to the first op that has something, and return it."""
        while True:
            for op in self.ops:
                if has(op):
                    return op
            self._read()

    def _read(self) -> Any:
        message = self._socket.receive_json()
        if message["t"] in ("ops", "snapshot"):
            assert message["seq"] > self.seq
            self.seq = message["seq"]
            self.ops = [*([] if message.get("first") else self.ops), *message["ops"]]
        return message

    def ends(self, status: str) -> Any:
        """Read up to the end of an answer."""
        return self.until(lambda op: op[1] == "run" and op[-1].get("status") == status and "ended" in op[-1])

    def part(self, name: str) -> Any:
        """Ask for a page of something large."""
        self.send(t="need", name=name, at=0)
        return self.told("part")

    def told(self, kind: str) -> Any:
        """Read up to the first message of a type, and return it."""
        while (message := self._read())["t"] != kind:
            pass
        return message

    @property
    def text(self) -> str:
        return json.dumps(self.ops)


Served = Callable[..., AbstractContextManager[tuple[TestClient, str]]]


@pytest.fixture
def served(asks: Asking) -> Served:
    """Return a function that serves an agent with a tool that asks; it yields a client, and the name of a session."""

    @contextmanager
    def serving(*replies: Any, tools: Any = (), **options: Any) -> Iterator[tuple[TestClient, str]]:
        with (
            asks.agent(*replies, tools=tools) as agent,
            TestClient(nbagent.asgi(agent, **options), base_url="http://localhost") as http,
        ):
            yield http, http.post("/agents/assistant/sessions").json()["session_id"]

    return serving


@contextmanager
def page(http: TestClient, have: int = 0, **place: str) -> Iterator[Page]:
    query = "&".join(f"{name}={value}" for name, value in place.items())
    with http.websocket_connect(f"ws://localhost/view?{query}") as socket:
        yield Page(socket, have)


def test_prompts_of_a_chat_are_one_conversation(served: Served) -> None:
    with served(chat("One."), chat("Two.")) as (http, session), page(http, agent="assistant", session=session) as view:
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
        view.ends("cancelled")
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


def test_the_variables_of_a_tool_that_fails_stay_on_the_server(served: Served) -> None:
    @nbagent.tool
    def fail() -> None:
        """Fail."""
        customers = ["Ada Lovelace"]
        raise ValueError(f"{len(customers)} too many")

    with (
        served(chat(calls=[("c1", "fail", "{}")]), chat("Sorry."), tools=(fail,)) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="go")
        error = view.until(lambda op: op[0] == "set" and "error" in op[-1])[-1]["error"]
        view.ends("completed")
        assert [(frame["function"], frame["locals"]) for frame in error["frames"]] == [("fail", {})]
        assert "Lovelace" not in view.text


def test_braces_in_a_prompt_name_no_variable_of_the_server(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["nbagent.chat"], "notebook_variables", lambda: {"key": "hidden"})
    with served(chat("Hi.")) as (http, session), page(http, agent="assistant", session=session) as view:
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


def test_of_what_no_page_shows_the_oldest_is_let_go_of(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbagent.server.views.MAX_UNSEEN", 1)
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
    with served(chat("Hi.")) as (http, session), page(http, agent="assistant", session=session) as view:
        view.until(lambda op: op[1] == "run")
        assert run_around() is None


def test_a_session_that_was_used_elsewhere_shows_what_was_said(served: Served) -> None:
    with served(chat("Hi.")) as (http, session):
        http.post(f"/agents/assistant/sessions/{session}/messages/stream", json={"message": "Good morning"})
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
            first = json.loads(http.get(f"/runs/{run_id}/events").text.split("data: ")[1].split("\n")[0])
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
        with TestClient(app, base_url="http://localhost") as http, page(http, run=app.state.run_ids[run.id]) as view:
            view.until(lambda op: "Hel" in json.dumps(op))
            assert "secretly" not in view.text
            view.send(t="stop")
            view.ends("cancelled")
    assert run.status == "cancelled"


def test_large_values_and_the_inspectors_answers_are_read_in_pages(served: Served) -> None:
    with served(chat("Hi.")) as (http, session), page(http, agent="assistant", session=session) as view:
        view.send(t="say", text="a")
        view.ends("completed")
        assert view.part("inspector/timeline").get("size") or view.part("inspector/timeline").get("error")
        assert "notebook only" in view.part("plotly.js")["error"]


@pytest.mark.parametrize(
    "junk", ["", "{", "[" * 100_000, "null", "1", '{"t": "other"}', '{"t": "hello", "have": -1}', '"\\ud800"']
)
def test_junk_does_no_harm(served: Served, junk: str) -> None:
    with served(chat("Hi.")) as (http, session):
        with http.websocket_connect(f"ws://localhost/view?agent=assistant&session={session}") as socket:
            socket.send_text(junk)
            view = Page(socket)
            view.send(t="say", text="a")
            view.until(lambda op: "Hi." in json.dumps(op))


@pytest.mark.parametrize("place", ["run=run-aaaaaaaaaaaa", "agent=assistant&session=other", "agent=other&session=s", ""])
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
        assert http.get("/static/page.css", headers={"if-none-match": got.headers["etag"]}).status_code == 304
        for name in ("widget.js", "..%2Fapp.py", "", "page.css.map"):
            assert http.get(f"/static/{name}").status_code == 404


def test_the_page_is_readable_without_the_token_and_its_views_are_not() -> None:
    with ModelServer() as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with TestClient(nbagent.asgi(agent, token="a-long-secret-word"), base_url="http://localhost") as http:
            assert [http.get(path).status_code for path in ("/", "/static/page.js", "/runs")] == [200, 200, 401]
            with pytest.raises(WebSocketDisconnect), http.websocket_connect("ws://localhost/view?run=run-aaaaaaaaaaaa"):
                pass
            assert http.post("/login", json={"token": "a-long-secret-word"}).status_code == 200
            assert http.get("/runs").status_code == 200
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            with page(http, agent="assistant", session=session) as view:
                view.until(lambda op: op[0] == "open" and op[1] == "run")


def test_a_page_of_another_server_answers_and_stops(asks: Asking, served: Served, tmp_path: Path) -> None:
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
            with page(http, agent="assistant", session="any") as view, pytest.raises(WebSocketDisconnect) as refused:
                view.ends("completed")
            assert refused.value.code == 4403
            with page(http, run=run) as view:
                question = view.until(lambda op: op[0] == "open" and op[-1].get("kind") == "approval")
                view.send(t="toggle", block=question[-1]["tool_id"], open=False)  # a panel opens and closes for all
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


# --- prompts of other clients, and prompts that come twice -------------------------------------------------------------------


def say_elsewhere(http: TestClient, session: str, message: str) -> None:
    """Ask in a session as another client does, and read the whole answer."""
    assert http.post(f"/agents/assistant/sessions/{session}/messages/stream", json={"message": message}).status_code == 200


def count_of(view: Page, text: str) -> int:
    """Return how many blocks have a text at their beginning."""
    return sum(op[0] == "open" and op[-1].get("text", "").startswith(text) for op in view.ops)


def test_what_another_client_asks_in_the_session_is_shown_as_it_comes(served: Served) -> None:
    with (
        served(chat("One."), chat("Two."), chat("Three.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.until(lambda op: op[1] == "run")
        say_elsewhere(http, session, "elsewhere")
        view.until(lambda op: "One." in json.dumps(op))
        view.ends("completed")
        view.ops.clear()
        view.send(t="say", text="here")
        view.until(lambda op: "Two." in json.dumps(op))
        view.ends("completed")
        view.ops.clear()
        say_elsewhere(http, session, "again elsewhere")
        view.until(lambda op: "Three." in json.dumps(op))
        assert (count_of(view, "again elsewhere"), "here" in view.text.replace("elsewhere", "")) == (1, False)


def test_what_another_client_asked_while_no_page_was_there_is_shown_to_the_next(served: Served) -> None:
    with served(chat("One."), chat("Two.")) as (http, session):
        with page(http, agent="assistant", session=session) as view:
            view.send(t="say", text="here")
            view.ends("completed")
        say_elsewhere(http, session, "elsewhere")
        with page(http, have=view.seq, agent="assistant", session=session) as again:
            again.until(lambda op: "Two." in json.dumps(op))
            again.send(t="resync")
            again.ops.clear()
            again.until(lambda op: "Two." in json.dumps(op))
            assert (count_of(again, "here"), count_of(again, "elsewhere")) == (1, 1)


def test_a_page_that_is_opened_during_an_answer_to_another_client_shows_it_once_and_stops_it(served: Served) -> None:
    with served(chat("One."), holding) as (http, session):
        say_elsewhere(http, session, "first")
        run = http.post("/runs", json={"message": "second", "session": session}).json()["id"]
        with page(http, agent="assistant", session=session) as view:
            view.until(lambda op: "Hel" in json.dumps(op))
            assert [count_of(view, text) for text in ("first", "One.", "second")] == [1, 1, 1]
            view.send(t="stop")
            view.ends("cancelled")
        assert '"status":"cancelled"' in http.get(f"/runs/{run}/events").text


def test_an_answer_that_broke_off_with_its_server_is_shown_as_far_as_it_came(served: Served, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with ModelServer(chat("One."), holding) as model, Process(model.base_url, store, tmp_path / "deleted") as process:
        with httpx2.Client(base_url=process.url) as http:
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            address = f"/agents/assistant/sessions/{session}/messages/stream"
            http.post(address, json={"message": "first"})
            with http.stream("POST", address, json={"message": "second"}) as response:
                assert "Hel" in next(response.iter_text())
                process.kill()
    with served(chat("Three."), store=store) as (client, _), page(client, agent="assistant", session=session) as view:
        view.send(t="say", text="third", key="key-3")  # it was written while there was no server
        view.until(lambda op: op[0] == "open" and op[-1].get("text") == "Hel")
        view.until(lambda op: "Three." in json.dumps(op))
        assert [count_of(view, text) for text in ("first", "second", "third")] == [1, 1, 1]


def test_a_chat_that_cannot_be_read_is_read_again_for_the_next_page(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(chat("One.")) as (http, session):
        say_elsewhere(http, session, "first")
        with monkeypatch.context() as broken:
            broken.setattr(SqliteEvents, "newest", unreachable)
            with page(http, agent="assistant", session=session) as view, pytest.raises(WebSocketDisconnect) as closed:
                view.until(lambda op: "One." in json.dumps(op))
            assert closed.value.code == 4503
        with page(http, agent="assistant", session=session) as view:
            view.until(lambda op: "One." in json.dumps(op))
            assert count_of(view, "first") == 1


async def unreachable(*_: Any) -> None:
    raise StoreUnreachable("the store does not answer")


def test_what_was_said_in_a_session_without_the_server_is_shown_too(asks: Asking, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with asks.agent(chat("One."), chat("Two.")) as agent:
        with TestClient(nbagent.asgi(agent, store=store), base_url="http://localhost") as http:
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            say_elsewhere(http, session, "first")
            asyncio.run(agent.session(session, store=store).generate("second"))
            with page(http, agent="assistant", session=session) as view:
                view.until(lambda op: op[0] == "open" and op[-1].get("text") == "Two.")
                assert [count_of(view, text) for text in ("first", "One.", "second", "Two.")] == [1, 1, 1, 1]


def test_a_prompt_of_another_client_waits_for_the_answer_to_the_page(served: Served) -> None:
    goes_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "One"}))
        goes_on.wait(30)
        exchange.send(chat_chunk({"content": "."}), chat_chunk({}, "stop"))
        exchange.end()

    with served(slow, chat("Two.")) as (http, session), page(http, agent="assistant", session=session) as view:
        view.send(t="say", text="here")
        view.until(lambda op: "One" in json.dumps(op))
        http.post("/runs", json={"message": "elsewhere", "session": session})
        goes_on.set()
        view.until(lambda op: "Two." in json.dumps(op))
        order = [view.text.index(text) for text in ("here", "One", "elsewhere", "Two.")]
        assert order == sorted(order)


def test_an_earlier_prompt_of_another_client_is_edited(served: Served) -> None:
    with (
        served(chat("One."), chat("Two."), chat("Three.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.until(lambda op: op[1] == "run")
        say_elsewhere(http, session, "first")
        say_elsewhere(http, session, "second")
        prompt = view.until(lambda op: op[0] == "open" and op[-1].get("text") == "second")[1]
        view.until(lambda op: "Two." in json.dumps(op))
        view.ends("completed")
        view.send(t="say", text="other", instead_of=prompt)
        view.until(lambda op: "Three." in json.dumps(op))
        view.until(lambda op: op[0] == "set" and op[1] == prompt and op[-1].get("replaced") is True)


def test_a_prompt_that_comes_again_is_asked_once_and_the_page_is_told(served: Served, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with served(chat("One."), chat("Two."), store=store) as (http, session):
        with page(http, agent="assistant", session=session) as view:
            view.send(t="say", text="a", key="key-1")
            view.send(t="say", text="a", key="key-1")
            assert view.told("said") == {"t": "said", "key": "key-1"}
            view.ends("completed")
            assert count_of(view, "a") == 1
    with served(chat("Two."), store=store) as (http, _), page(http, agent="assistant", session=session) as view:
        view.send(t="say", text="a", key="key-1")  # the server was started again
        assert view.told("said") == {"t": "said", "key": "key-1"}
        view.send(t="say", text="b", key="key-2")
        view.until(lambda op: "Two." in json.dumps(op))
        assert count_of(view, "a") == 1
