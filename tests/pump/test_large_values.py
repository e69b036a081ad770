"""Values that are too large to travel with their block."""

from typing import Any

from nbagent.pump import LargeValues


def test_each_of_many_parts_of_a_result_travels_or_is_named() -> None:
    bundle = {f"text/html;part={number}": f"<p>{'x' * 7_000}</p>" for number in range(1, 13)} | {
        "text/plain": "y" * 6_000
    }
    values = LargeValues(lambda _: None, lambda _: None, lambda text: text)
    op: Any
    (op,) = values.externalize_large_props([("set", "t", {"result": bundle})])
    assert list(op[2]["result"]) == list(bundle)
