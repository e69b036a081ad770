"""`object_bytes`: about how much memory an object keeps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nbagent.run.object_size import object_bytes

ARRAY = np.zeros(1_000_000, np.uint8)
FRAME = pd.DataFrame({"a": np.zeros(125_000)})


class Owner:
    """A user's object. Its class may be slow, or wrong."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __sizeof__(self) -> int:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError

    @property
    def nbytes(self) -> int:
        raise AssertionError


class Frame(pd.DataFrame):
    """A frame with methods of its own."""

    def memory_usage(self, *args: Any, **options: Any) -> Any:
        raise AssertionError


class Sequence(list[Any]):
    """A list with methods of its own."""

    def __iter__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    "value",
    [
        ARRAY,
        FRAME,
        FRAME["a"],
        Frame(FRAME),
        Image.new("L", (1000, 1000)),
        "a" * 1_000_000,
        b"a" * 1_000_000,
        [FRAME],
        (ARRAY, ARRAY),
        {"frame": {"inside": FRAME}},
        Owner(ARRAY),
        Sequence([ARRAY]),
        [object() for _ in range(40_000)],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_large_object_is_known_for_its_size(value: Any) -> None:
    assert 900_000 < object_bytes(value) < 1_100_000


@pytest.mark.parametrize(
    "value", [None, 1, 2.5, np, Owner, len, pd.RangeIndex(1_000_000), np.float64(1), {1, 2}]
)
def test_a_small_one_is_small(value: Any) -> None:
    assert object_bytes(value) < 2000


def test_an_object_in_itself_counts_once() -> None:
    cycle: list[Any] = [ARRAY]
    cycle.append(cycle)
    assert object_bytes(cycle) < 1_001_000


def test_nesting_has_no_end() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert object_bytes(deep) > 0


class Proxy:
    """An object that answers nothing."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError


def test_an_object_is_asked_nothing() -> None:
    assert object_bytes(Proxy()) < 200


@given(
    st.recursive(
        st.integers() | st.text() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_data_has_a_size(value: Any) -> None:
    assert object_bytes(value) > 0
