"""A served run, watched by nbagent elsewhere: Stop and answers go the way back."""

from pathlib import Path

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from server.served import Asking, asking, holding

import nbagent
from nbagent import Run
from nbagent.agent import Agent
from nbagent.server import serve


async def test_a_question_is_answered_by_a_reader_elsewhere(asks: Asking) -> None:
    with asks.agent(asking(), chat("Done.")) as agent:
        run = Run(agent.stream("go"))
        with serve(run, port=0) as server:
            other = nbagent.show(server.address_of(run), face="console")
            async for _ in other.stream("approval.request"):
                break
            assert asks.deleted == []
            [question] = other.waiting
            question.allow({"path": "b"})
            await other
            await run
    assert (asks.deleted, run.answer, other.answer) == (["b"], "Done.", "Done.")


async def test_a_reader_elsewhere_stops_the_run() -> None:
    with ModelServer(holding) as model:
        run = Run(Agent("test-1", client=model.client(), api="chat").stream("go"))
        with serve(run, port=0) as server:
            other = nbagent.show(server.address_of(run), face="console")
            async for _ in other.stream("text.delta"):
                break
            other.cancel()
            await run
    assert (run.status, other.status) == ("cancelled", "cancelled")


def test_a_reader_that_leaves_does_not_stop_the_run() -> None:
    with ModelServer(chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with (
            serve(agent, port=0) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            with client.stream(
                "POST", "/agents/assistant/messages/stream", json={"message": "x"}
            ) as response:
                run_id = response.headers["x-run-id"]
            assert '"delta":"Hi."' in client.get(f"/runs/{run_id}/events").text


def test_a_question_is_not_answered_without_its_run_and_a_tool_does_not_run_unasked(
    asks: Asking,
) -> None:
    with asks.agent(asking(), chat("Done.")) as agent:
        with (
            serve(agent, port=0) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            client.post("/runs", json={"message": "x"})
            assert (
                client.post("/runs/run-aaaaaaaaaaaa/answers", json={"id": "c1"}).status_code == 404
            )
            run_id = client.get("/runs").json()["runs"][0]["id"]
            assert client.post(f"/runs/{run_id}/answers", json={"id": "other"}).status_code == 409
            assert asks.deleted == []
            assert client.post(f"/runs/{run_id}/cancel").status_code == 202


async def test_two_readers_elsewhere_see_the_same_and_either_answers(asks: Asking) -> None:
    with asks.agent(asking(), chat("Done.")) as agent:
        run = Run(agent.stream("go"))
        with serve(run, port=0) as server:
            readers = [nbagent.show(server.address_of(run), face="console") for _ in range(2)]
            for reader in readers:
                async for _ in reader.stream("approval.request"):
                    break
            assert server.addresses == [server.address_of(run)]
            readers[1].waiting[0].allow({"path": "b"})
            for each in (*readers, run):
                await each
            assert server.addresses == []
    assert asks.deleted == ["b"]
    assert [reader.answer for reader in readers] == ["Done.", "Done."]
    assert [len(reader.waiting) for reader in readers] == [0, 0]


async def test_a_stop_of_one_reader_elsewhere_ends_the_run_for_all() -> None:
    with ModelServer(holding) as model:
        run = Run(Agent("test-1", client=model.client(), api="chat").stream("go"))
        with serve(run, port=0) as server:
            readers = [nbagent.show(server.address_of(run), face="console") for _ in range(2)]
            for reader in readers:
                async for _ in reader.stream("text.delta"):
                    break
            readers[1].cancel()
            for each in (*readers, run):
                await each
    assert [each.status for each in (*readers, run)] == ["cancelled"] * 3


def test_a_server_in_a_notebook_is_a_card_with_a_link_to_its_page() -> None:
    with ModelServer() as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="<b>assistant</b>")
        with serve(agent, port=0) as server:
            card = server._repr_html_()
            assert f'href="{server.url}/"' in card
            assert ".stop()" in card
            assert "<b>assistant" not in card
        assert "href" not in server._repr_html_()


def test_a_server_that_stops_ends_its_runs_for_their_readers_and_logs_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with ModelServer(holding) as model:
        run = Run(Agent("test-1", client=model.client(), api="chat").stream("go"))
        with serve(run, port=0) as server:
            reader = nbagent.Run(nbagent.connect(server.address_of(run)))
            reader.start()
            for _ in reader.stream("text.delta"):
                break
        assert reader.wait(10).status == "cancelled"
    assert "ERROR" not in capfd.readouterr().err


def test_a_server_that_stops_cuts_the_readers_of_a_run_elsewhere_and_logs_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ModelServer(holding) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        store = tmp_path / "runs.db"
        with serve(agent, port=0, store=store) as first, serve(agent, port=0, store=store) as other:
            run = httpx2.post(f"{first.url}/runs", json={"message": "go"}).json()["id"]
            with httpx2.stream("GET", f"{other.url}/runs/{run}/events", timeout=20) as response:
                read = response.iter_bytes()
                next(read)
                other.stop()
                with pytest.raises(httpx2.RemoteProtocolError):
                    list(read)
    assert "ERROR" not in capfd.readouterr().err
