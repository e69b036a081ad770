"""Strategy that damages valid items, for the rules that hold for any input."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def damaged(items: Sequence[Any], data: st.DataObject) -> list[Any]:
    """Return the items with one field of one of them, at any depth, replaced by any JSON value."""
    number = data.draw(st.integers(0, len(items) - 1))
    return [*items[:number], _damage(items[number], data), *items[number + 1 :]]


def _damage(item: Any, data: st.DataObject) -> Any:
    if not isinstance(item, dict | list) or not item or data.draw(st.integers(0, 5)) == 0:
        return data.draw(JSON)
    key = data.draw(st.sampled_from(list(item) if isinstance(item, dict) else range(len(item))))
    copy: Any = item.copy()
    copy[key] = _damage(item[key], data)
    return copy
