"""Fixtures and hooks of all tests."""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from campaign import EXAMPLES, WHOLE
from hypothesis import settings
from redis_server import RedisServer, redis_server

if sys.platform != "win32":
    import fcntl

# What is imported and collected stays to the end: looking for garbage in it takes a fifth of the
# time.
gc.disable()

# No deadlines: how long one example takes says more about the machine than about the code. `make
# test` tries the same examples each time, so that it is not red by chance; `make proof` looks for
# new ones.
settings.register_profile("test", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("proof", deadline=None, max_examples=EXAMPLES)
settings.load_profile("proof" if WHOLE else "test")


# No test connects by TLS. From a folder, certificates are read when they are needed; a file of them
# is read for each client, which takes 20 ms.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

# jsonschema would read the grammar of IRIs, a format in no schema of the tests: a second in each
# process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# A shell has what it runs in the background ignore interrupts, and that is inherited, by the
# kernels that tests start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of `make proof` under `make test`."""
    if WHOLE:
        return
    left = [item for item in items if item.get_closest_marker("proof")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not item.get_closest_marker("proof")]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Let one of xdist's workers collect before the others, which find compiled what it has
    imported.
    """
    workers: dict[str, Any] = getattr(session.config, "workerinput", {})
    if sys.platform == "win32" or not workers:
        return (yield)
    path = Path(tempfile.gettempdir()) / f"nbagent-collects-{workers['testrunuid']}"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(file, fcntl.LOCK_SH)
        try:
            return (yield)
        finally:
            path.unlink(missing_ok=True)


def pytest_collection_finish() -> None:
    """Leave the collected tests out of each collection of garbage, which would take half a second
    for all of them.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture
def no_garbage() -> None:
    """Collect what earlier tests left: event loops and clients that are finalized at the bottom of
    a deep recursion fail with a warning in whatever test runs then.
    """
    gc.collect()


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, the loop that every notebook has."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests; skips those of a machine without one."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer) -> RedisServer:
    """A Redis with nothing in it."""
    shared_redis.empty()
    return shared_redis
