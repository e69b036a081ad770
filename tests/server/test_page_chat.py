"""A chat in web pages whose session other clients use too, and prompts that come twice."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from server.served import Asking, Process, holding
from server.viewed import Page, Served, page
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import nbagent
from nbagent.server.stores.event_store import StoreUnreachable
from nbagent.server.stores.sqlite_events import SqliteEvents


def say_elsewhere(http: TestClient, session: str, message: str) -> None:
    """Ask in a session as another client does, and read the whole answer."""
    assert (
        http.post(
            f"/agents/assistant/sessions/{session}/messages/stream", json={"message": message}
        ).status_code
        == 200
    )


def count_of(view: Page, text: str) -> int:
    """Return how many blocks have a text at their beginning."""
    return sum(each.startswith(text) for each in view.texts.values())


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
        assert (
            count_of(view, "again elsewhere"),
            "here" in view.text.replace("elsewhere", ""),
        ) == (1, False)


def test_a_page_is_not_told_the_instructions_of_the_agent(served: Served) -> None:
    with (
        served(chat("One.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        _, _, _, root = view.until(lambda op: op[1] == "run")
        assert not {"about", "offers"} & root.keys()


def test_what_another_client_asked_while_no_page_was_there_is_shown_to_the_next(
    served: Served,
) -> None:
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


def test_a_page_that_is_opened_during_an_answer_to_another_client_shows_it_once_and_stops_it(
    served: Served,
) -> None:
    with served(chat("One."), holding) as (http, session):
        say_elsewhere(http, session, "first")
        run = http.post("/runs", json={"message": "second", "session": session}).json()["id"]
        with page(http, agent="assistant", session=session) as view:
            view.until(lambda op: "Hel" in json.dumps(op))
            assert [count_of(view, text) for text in ("first", "One.", "second")] == [1, 1, 1]
            view.send(t="stop")
            view.ends("cancelled")
        assert '"status":"cancelled"' in http.get(f"/runs/{run}/events").text


def test_an_answer_that_broke_off_with_its_server_is_shown_as_far_as_it_came(
    served: Served, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    with (
        ModelServer(chat("One."), holding) as model,
        Process(model.base_url, store, tmp_path / "deleted") as process,
    ):
        with httpx2.Client(base_url=process.url) as http:
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            address = f"/agents/assistant/sessions/{session}/messages/stream"
            http.post(address, json={"message": "first"})
            with http.stream("POST", address, json={"message": "second"}) as response:
                assert "Hel" in next(response.iter_text())
                process.kill()
    with (
        served(chat("Three."), store=store) as (client, _),
        page(client, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="third", key="key-3")  # it was written while there was no server
        view.until(lambda op: "Hel" in json.dumps(op))
        view.until(lambda op: "Three." in json.dumps(op))
        assert [count_of(view, text) for text in ("first", "second", "third")] == [1, 1, 1]


def test_a_chat_that_cannot_be_read_is_read_again_for_the_next_page(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(chat("One.")) as (http, session):
        say_elsewhere(http, session, "first")
        with monkeypatch.context() as broken:
            broken.setattr(SqliteEvents, "of_session", unreachable)
            with (
                page(http, agent="assistant", session=session) as view,
                pytest.raises(WebSocketDisconnect) as closed,
            ):
                view.until(lambda op: "One." in json.dumps(op))
            assert closed.value.code == 4503
        with page(http, agent="assistant", session=session) as view:
            view.until(lambda op: "One." in json.dumps(op))
            assert count_of(view, "first") == 1


async def unreachable(*_: Any) -> None:
    raise StoreUnreachable("the store does not answer")


def test_what_was_said_in_a_session_without_the_server_is_shown_too(
    asks: Asking, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    with asks.agent(chat("One."), chat("Two.")) as agent:
        with TestClient(nbagent.asgi(agent, store=store), base_url="http://localhost") as http:
            session = http.post("/agents/assistant/sessions").json()["session_id"]
            say_elsewhere(http, session, "first")
            asyncio.run(agent.session(session, store=store).generate("second"))
            with page(http, agent="assistant", session=session) as view:
                view.until(lambda op: "Two." in json.dumps(op))
                assert [count_of(view, text) for text in ("first", "One.", "second", "Two.")] == [
                    1,
                    1,
                    1,
                    1,
                ]


def test_a_prompt_of_another_client_waits_for_the_answer_to_the_page(served: Served) -> None:
    goes_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "One"}))
        goes_on.wait(30)
        exchange.send(chat_chunk({"content": "."}), chat_chunk({}, "stop"))
        exchange.end()

    with (
        served(slow, chat("Two.")) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
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
        view.ends("completed")
        view.ops.clear()
        say_elsewhere(http, session, "second")
        prompt = view.until(lambda op: op[0] == "open" and op[-1].get("text") == "second")[1]
        view.ends("completed")
        view.send(t="say", text="other", instead_of=prompt)
        view.until(lambda op: "Three." in json.dumps(op))
        view.until(lambda op: op[0] == "set" and op[1] == prompt and op[-1].get("replaced") is True)


def test_of_two_answers_that_came_at_once_the_first_prompt_is_edited(served: Served) -> None:
    asked: list[str] = []

    def third(exchange: Exchange) -> None:
        asked.extend(
            message["content"] for message in exchange.body["messages"] if message["role"] == "user"
        )
        exchange.begin()
        exchange.send(*chat("Three."))
        exchange.end()

    with (
        served(chat("One."), chat("Two."), third) as (http, session),
        page(http, agent="assistant", session=session) as view,
    ):
        view.until(lambda op: op[1] == "run")
        say_elsewhere(http, session, "first")
        say_elsewhere(http, session, "second")
        first = view.until(lambda op: op[0] == "open" and op[-1].get("text") == "first")[1]
        view.until(lambda op: "Two." in json.dumps(op))
        while view.status != "completed":
            view.read()
        view.send(t="say", text="other", instead_of=first)
        view.until(lambda op: "Three." in json.dumps(op))
        assert asked == ["other"]


def test_a_prompt_that_comes_again_is_asked_once_and_the_page_is_told(
    served: Served, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    with served(chat("One."), chat("Two."), store=store) as (http, session):
        with page(http, agent="assistant", session=session) as view:
            view.send(t="say", text="a", key="key-1")
            view.send(t="say", text="a", key="key-1")
            assert view.told("said") == {"t": "said", "key": "key-1"}
            view.ends("completed")
            assert count_of(view, "a") == 1
    with (
        served(chat("Two."), store=store) as (http, _),
        page(http, agent="assistant", session=session) as view,
    ):
        view.send(t="say", text="a", key="key-1")  # the server was started again
        assert view.told("said") == {"t": "said", "key": "key-1"}
        view.send(t="say", text="b", key="key-2")
        view.until(lambda op: "Two." in json.dumps(op))
        assert count_of(view, "a") == 1
