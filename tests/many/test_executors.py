"""Maps whose rows run in the workers of executors: one set of tests for all of them."""

import multiprocessing
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from many import rows

import nbagent
from nbagent.errors import NbagentError
from nbagent.many.engine import MAX_LOSSES
from nbagent.many.runs import Runs

# Where there are forks: of a process that has imported what they need, and has no threads.
CONTEXT: Any = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
CONTEXT.set_forkserver_preload(["nbagent.agent", "nbagent.demo", "nbagent.many"])


def processes() -> Executor:
    """Return an executor whose workers are processes."""
    return ProcessPoolExecutor(2, mp_context=CONTEXT)


def loky() -> Executor:
    """Return loky's executor."""
    executor: Executor = pytest.importorskip("loky").ProcessPoolExecutor(2)
    return executor


def dask() -> Executor:
    """Return Dask's executor."""
    client = pytest.importorskip("distributed").Client(n_workers=2, threads_per_worker=1)
    executor: Executor = client.get_executor()
    return executor


def ray() -> Executor:
    """Return the executor of Ray's workers."""
    module = pytest.importorskip("ray")
    # Ray tells its workers nothing of this process's path, on which the tests are.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        module.init(num_cpus=2, include_dashboard=False, ignore_reinit_error=True)
    return nbagent.RayExecutor()


ENGINES: list[Any] = [
    pytest.param(lambda: ThreadPoolExecutor(2), id="threads"),
    pytest.param(processes, id="processes"),
    pytest.param(loky, id="loky", marks=pytest.mark.proof),
    pytest.param(dask, id="dask", marks=pytest.mark.proof),
    pytest.param(ray, id="ray", marks=pytest.mark.proof),
]


@pytest.fixture(scope="module", params=ENGINES)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    make: Callable[[], Executor] = request.param
    with make() as made:
        yield made


def done(*args: Any, **options: Any) -> Runs:
    """Return the rows of a map, when all have ended."""
    runs: Runs = nbagent.map(*args, **options)
    return runs.wait()


def test_a_row_that_fails_leaves_the_others(executor: Executor) -> None:
    runs = done(rows.say, ["one", "bad", "two"], executor=executor)
    assert [run.status for run in runs] == ["completed", "failed", "completed"]
    assert [run.text for run in runs] == ["one, said", "bad, ", "two, said"]
    assert runs.df()["error"][1] == "a bad item"


def test_an_agent_works_in_a_worker(executor: Executor) -> None:
    agent = nbagent.Agent("demo", "Be brief.", tools=[rows.pay])
    [run] = done(agent, ["Call pay for 3 euros"], executor=executor, check=has_paid)
    assert run.tools[0].args == {"amount": 3}
    assert run.tools[0].state == "output-available"


def has_paid(item: str, run: nbagent.Run) -> bool:
    """Return whether the tool was called."""
    return len(run.tools) == 1


def test_a_function_that_raises_fails_its_row(executor: Executor) -> None:
    runs = done(rows.no_stream, ["key"], executor=executor)
    assert "key" in runs.df()["error"][0]


def test_stop_reaches_the_workers(executor: Executor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        runs: Runs = nbagent.map(rows.endless, [port, port], executor=executor, concurrency=2)
        begun = [server.accept()[0] for _ in runs.rows]
        runs.cancel()
        assert [connection.recv(1) for connection in begun] == [b"", b""]
        for connection in begun:
            connection.close()
    runs.wait()
    assert [row.status for row in runs.rows] == ["cancelled", "cancelled"]


class NewProcesses(Executor):
    """Runs each call in a process of its own."""

    def __init__(self) -> None:
        self._started: list[Executor] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run a call in a new process."""
        self._started.append(ProcessPoolExecutor(1, mp_context=CONTEXT))
        return self._started[-1].submit(function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        for each in self._started:
            each.shutdown(wait, cancel_futures=cancel_futures)


def test_a_row_whose_worker_died_is_begun_again_without_its_once_only_call(tmp_path: Path) -> None:
    demo = nbagent.Agent("demo", tools=[rows.pay_and_die])
    with NewProcesses() as executor:
        runs = done(demo, [f'Call pay_and_die for folder "{tmp_path}"'], executor=executor)
    assert (tmp_path / "paid").read_text() == "paid\n"
    assert runs.df()["attempts"].tolist() == [2]
    assert "was not made again" in str(runs[0].tools[0].error)


def test_a_row_whose_workers_die_fails() -> None:
    with NewProcesses() as executor:
        runs = done(rows.die, ["a"], executor=executor)
    assert runs.df()["error"][0].startswith("the worker died while it ran this row")
    assert runs.df()["attempts"].tolist() == [1 + MAX_LOSSES]


def test_what_cannot_travel_is_named() -> None:
    lock = threading.Lock()
    with processes() as executor:
        runs = done(lambda item: [str(lock)], ["a"], executor=executor)
    assert "cannot be sent to another process" in runs.df()["error"][0]


# --- recipes ---


def test_an_agent_is_pickled_as_what_makes_an_equal_one() -> None:
    agent = nbagent.Agent(
        "test-1",
        "Be brief.",
        tools=[rows.pay],
        client=openai.AsyncOpenAI(api_key="key", base_url="http://127.0.0.1:9/v1"),
        allow=["pay"],
        prices={"input": 1, "output": 2},
    )
    other = nbagent.Agent("demo", name="other", handoffs=[agent])
    agent.handoffs.append(other)
    copied = pickle.loads(pickle.dumps(agent))
    assert copied.fingerprint() == agent.fingerprint()
    assert (copied.allow, copied.prices) == (agent.allow, agent.prices)
    assert copied.tools == agent.tools  # found by its name: the same object in this process
    assert copied._model._client.api_key == "key"
    assert copied.handoffs[0].handoffs[0] is copied


def test_an_agent_with_a_recorded_model_stays_here() -> None:
    run = nbagent.Run(["Hello"]).wait()
    with pytest.raises(NbagentError, match="its model is a recording"):
        pickle.dumps(nbagent.Agent(run.events))
