"""Collects each framework's tests only in the environment that has it."""

from collections.abc import Callable, Iterator

import pytest
from frameworks.environments import TESTS, current, files_of
from frameworks.replay import Answer, Replay

_HERE = current()
collect_ignore = [
    str(path) for path in TESTS.glob("test_*.py") if _HERE is None or path not in files_of(_HERE)
]


@pytest.fixture
def serve() -> Iterator[Callable[..., Replay]]:
    """Return a function that starts a provider with scripted answers."""
    servers: list[Replay] = []

    def start(*answers: Answer) -> Replay:
        servers.append(Replay(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the warnings that a framework gives its own users."""
    if _HERE is not None:
        config.addinivalue_line("filterwarnings", "ignore")
