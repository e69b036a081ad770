"""Plugin of pytest: the fixture `nbagent`, and the option `--nbagent-record`.

A module beside the package: pytest imports it in every run, and the package only where a test takes
the fixture.
"""

from collections.abc import Iterator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("nbagent").addoption(
        "--nbagent-record",
        action="store_true",
        help="ask the models of tests that take the fixture `nbagent` for what is not recorded, "
        "and keep their responses beside the tests",
    )


@pytest.fixture
def nbagent(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The package, with agents that answer from a recording; with `--nbagent-record` they are
    recorded.
    """
    from nbagent.testing.cassette import Cassette, path_of

    path = path_of(request.path, request.node.name)
    cassette = Cassette(path, record=request.config.getoption("--nbagent-record"))
    yield cassette
    cassette.close()
