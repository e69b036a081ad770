"""A disk without room: what the runs of its store, their readers, a stop and new prompts get."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from server.served import Process
from server.test_store_faults import Pieces, Running, ready, running_in, wait_until

DISK_MB = 2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that is a small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def running(disk: Path) -> Iterator[Running]:
    yield from running_in(disk / "runs.db")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no byte on a disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"\0" * 4096)
    yield
    filler.unlink()


def test_a_run_waits_for_room_and_goes_on(running: Running, disk: Path) -> None:
    with filled(disk):
        running.pieces.go_on.set()
        wait_until(lambda: running.hosted.waits)
        assert running.listed("runs") == [running.run]
        assert running.reader.is_alive()
    running.reader.join(30)
    assert b"xend" in running.read
    assert b'"status":"completed"' in running.read
    wait_until(lambda: running.run in running.listed("ended"))


def test_a_stop_is_taken_and_the_readers_end_when_there_is_room(
    running: Running, disk: Path
) -> None:
    with filled(disk):
        assert running.http.post(f"/runs/{running.run}/cancel").status_code == 202
        wait_until(lambda: running.hosted.waits)
        assert running.listed("runs") == [running.run]
        assert running.http.post(f"/runs/{running.run}/cancel").status_code == 202
    running.reader.join(30)
    assert b'"status":"cancelled"' in running.read
    wait_until(lambda: running.run in running.listed("ended"))
    assert running.http.post(f"/runs/{running.run}/cancel").status_code == 409


def test_a_server_stops_and_its_readers_are_cut_to_read_on_elsewhere(
    running: Running, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with filled(disk):
        running.server.stop()
        running.reader.join(30)
    assert not running.reader.is_alive()
    assert b"run.end" not in running.read
    assert "ERROR" not in caplog.text


USER = {"role": "user", "content": "x"}
PROMPTS: list[tuple[str, dict[str, Any]]] = [
    ("/runs", {"message": "x"}),
    ("/agents/assistant/sessions", {}),
    ("/agents/assistant/messages/stream", {"message": "x"}),
    ("/chat", {"input": "x"}),
    ("/chat/stream", {"message": "x"}),
    ("/v1/chat/completions", {"model": "assistant", "messages": [USER]}),
    ("/v1/responses", {"model": "assistant", "input": "x"}),
    ("/api/chat", {"id": "c", "messages": [USER]}),
    ("/ag-ui/assistant", {"threadId": "t", "messages": [USER]}),
    ("/threads", {}),
]


def test_prompts_are_refused_in_words_over_every_protocol_and_the_server_says_why(
    running: Running, disk: Path
) -> None:
    with filled(disk):
        for path, body in PROMPTS:
            refused = running.http.post(path, json=body)
            assert (path, refused.status_code) == (path, 503)
            assert "disk is full" in refused.json()["error"]["message"]
        assert ready(running) == (503, "store")
        health = running.http.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "store")


def test_another_process_refuses_a_stop_in_words(disk: Path) -> None:
    pieces = Pieces()
    store, deleted = disk / "runs.db", disk / "deleted"
    with (
        ModelServer(pieces) as model,
        Process(model.base_url, store, deleted) as one,
        Process(model.base_url, store, deleted) as other,
    ):
        run = httpx2.post(f"{one.url}/runs", json={"message": "go"}, timeout=20).json()["id"]
        with filled(disk):
            refused = httpx2.post(f"{other.url}/runs/{run}/cancel", timeout=20)
        assert refused.status_code == 503
        assert "disk is full" in refused.json()["error"]["message"]
        assert httpx2.post(f"{other.url}/runs/{run}/cancel", timeout=20).status_code == 202
        pieces.go_on.set()
        events = httpx2.get(f"{other.url}/runs/{run}/events", timeout=20).text
    assert '"status":"cancelled"' in events
