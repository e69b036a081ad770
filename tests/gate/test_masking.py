"""Names stay distinct when they are masked."""

from hypothesis import given
from hypothesis import strategies as st

from nbagent.gate.masking import DistinctNames, mask_json


def test_masked_keys_stay_distinct_whatever_the_other_keys_are() -> None:
    value = {"secret a": 1, "•-3": 2, "secret b": 3, "•-2": 4}
    masked = mask_json(value, lambda text: "•" if text.startswith("secret") else text)
    assert masked == {"•": 1, "•-3": 2, "•-2": 3, "•-2-2": 4}


@given(st.lists(st.sampled_from(["a", "a-2", "a-2-2", "a-3", "b"])))
def test_names_are_distinct(names: list[str]) -> None:
    distinct = DistinctNames()
    made = [distinct.add(name) for name in names]
    assert len(set(made)) == len(names)
    assert made[:1] == names[:1]
