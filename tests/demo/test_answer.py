"""The answer says what the results say, in Markdown that the results cannot break."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nbagent.demo.answer import Done, compose
from nbagent.demo.conversation import Call
from nbagent.demo.results import read

PLAIN = MarkdownIt("commonmark").enable("table")


def done(name: str, result: Any, **args: Any) -> Done:
    return Done(Call("c", name, args), read(result if isinstance(result, str) else json.dumps(result)))


def test_growth_of_what_is_ordered_in_time() -> None:
    answer = compose("Sales?", [done("load", [{"year": 2023, "sales": 200}, {"year": 2024, "sales": 250}])])
    assert "From 2023 to 2024, sales changed by\n\n$$\n\\frac{250 - 200}{200} = +25.0\\%\n$$" in answer
    assert "| 2023 | 200 |" in answer


def test_a_mean_that_is_not_exact_says_so() -> None:
    answer = compose("x", [done("f", {"a": 1, "b": 2, "c": 2})])
    assert r"\frac{1 + 2 + 2}{3} \approx 1.67" in answer


def test_a_number_is_the_answer() -> None:
    answer = compose("add 2 and 3", [done("add", 5, a=2, b=3)])
    assert answer.startswith("`add` gives **5**.")
    assert "$$\n\\text{add}(2, 3) = 5\n$$" in answer
    assert "add(a=2, b=3)  # 5" in answer


def test_single_values_are_listed_and_an_id_keeps_its_digits_together() -> None:
    answer = compose("x", [done("get_order", {"order_id": 4711, "total": 1234.5, "note": "<b>|"})])
    assert r"- **order_id**: 4711" + "\n- **total**: 1,234.5\n" + r"- **note**: \<b\>\|" in answer
    fields = compose("x", [done("f", {"a": 1, "b": None, "c": "x|y", "d": True})])
    assert "| field | value |\n|---|---|\n| a | 1 |\n| b | – |\n| c | x\\|y |\n| d | True |" in fields


def test_falsy_results_are_told() -> None:
    answer = compose("x", [done("a", 0), done("b", ""), done("c", False), done("d", None), done("e", [])])
    for text in (
        "It returned **0**.",
        "It returned an empty text.",
        "It returned **False**.",
        "It returned nothing.",
        "an empty list.",
    ):
        assert text in answer


def test_all_calls_failed() -> None:
    answer = compose("x", [done("f", "Error: down"), done("g", "denied by the user")])
    assert answer.startswith(
        "I have no answer: nothing that I called gave a result. `f` failed, so what it would have added is missing."
    )
    assert "`g` was not allowed, so I went on without it." in answer
    assert r"\frac{0}{2} = 0\%" in answer


def test_a_question_is_answered_first() -> None:
    rows = [{"city": "Bern", "people": 134}, {"city": "Basel", "people": 173}, {"city": "Chur", "people": 38}]
    result = [done("towns", rows)]
    assert compose("Which is the smallest?", result).startswith("**Chur** has the lowest people, **38**")
    assert compose("What is the total?", result).startswith("The total people is **345**")
    assert compose("How many towns?", result).startswith("There are **3 rows**.")


def test_a_long_answer_adds_the_numbers_and_a_brief_one_leaves_them_out() -> None:
    result = [done("f", [{"n": "a", "size": 1}, {"n": "b", "size": 3}])]
    assert "| size | 2 | 1 | 2 | 3 |" in compose("x", result, "long")
    assert "|" not in compose("x", result, "brief")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
        max_leaves=12,
    )
)
def test_any_result_gets_an_answer(value: Any) -> None:
    answer = compose("x", [done("f", value)])
    assert answer.endswith("_demo model: a scripted stand-in, no language model_")
    assert answer.count("\n$$\n") % 2 == 0


@given(st.lists(st.fixed_dictionaries({"name": st.text(max_size=30), "size": st.integers(-999, 999)}), min_size=1, max_size=5))
def test_a_table_cell_cannot_break_out_of_its_table(rows: list[dict[str, Any]]) -> None:
    tokens = PLAIN.parse(compose("x", [done("f", rows)]))
    cells = [token for token in tokens if token.type == "td_open"]
    assert len(cells) == 2 * len(rows)
    first = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    kinds = {child.type for token in first for child in token.children or ()}
    assert kinds <= {"text", "text_special"}


@given(st.text(alphabet="`~\n ab", max_size=40))
def test_quoted_text_cannot_break_out_of_its_block(text: str) -> None:
    tokens = PLAIN.parse(compose("x", [done("f", text + "\nz\ny")]))
    assert [token.info for token in tokens if token.type == "fence"][-1] == "python"
    assert tokens[-2].children is not None
    assert tokens[-2].content == "_demo model: a scripted stand-in, no language model_"
