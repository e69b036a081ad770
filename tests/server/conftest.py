"""Fixtures of the server's tests."""

import pytest
from server.served import Asking


@pytest.fixture
def asks() -> Asking:
    """Return agents that ask before they delete, and what they have deleted."""
    return Asking()
