"""Each framework's tests are collected in the environment that has it, and nowhere else."""

from collections.abc import Callable, Iterator

import pytest
from frameworks.environments import TESTS, current, files_of
from frameworks.replay import Answer, Replay

_HERE = current()
collect_ignore = [str(path) for path in TESTS.glob("test_*.py") if _HERE is None or path not in files_of(_HERE)]


@pytest.fixture
def serve() -> Iterator[Callable[..., Replay]]:
    """Starts a provider that gives those answers."""
    servers: list[Replay] = []

    def start(*answers: Answer) -> Replay:
        servers.append(Replay(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def pytest_configure(config: pytest.Config) -> None:
    """What a framework warns its own users of is no failure here."""
    if _HERE is not None:
        config.addinivalue_line("filterwarnings", "ignore")
