"""The bench's arithmetic, applied to known costs."""

import pytest
from bench.answer import DELTA_CHARS, END, answer
from bench.figures import Cost, goals, least, slope


def cost(peer: str = "ours", deltas: int = 1_000, **known: float) -> Cost:
    figures = {
        "wire": 0.0,
        "once": 0.0,
        "received": 0.0,
        "sent": 0.0,
        "kernel": 1.0,
        "renderer": 1.0,
        "lag": 0.0,
        "task": 0.0,
    }
    return Cost(peer, deltas, **{**figures, **known})


@pytest.mark.parametrize("deltas", [1_000, 4_000, 8_000, 32_000])
def test_an_answer_has_its_length_and_ends_in_its_last_word(deltas: int) -> None:
    text = answer(deltas)
    assert len(text) == deltas * DELTA_CHARS
    assert text.endswith(f"\n\n{END}")
    assert text.count(END) == 1


def test_of_several_rounds_the_least_of_each_figure_counts() -> None:
    rounds = [cost(kernel=2.0, lag=0.1), cost(kernel=1.0, lag=0.3), cost(deltas=8_000, kernel=9.0)]
    assert least(rounds) == [cost(kernel=1.0, lag=0.1), cost(deltas=8_000, kernel=9.0)]


def test_what_a_view_costs_once_is_told_apart_from_what_each_character_costs() -> None:
    opening, each = 150_000, 7
    costs = [
        cost(deltas=deltas, wire=opening + each * deltas * DELTA_CHARS) for deltas in (1_000, 8_000)
    ]
    assert slope(costs, "wire") == pytest.approx(each)
    values = {what: value for what, value, _ in goals(costs, "ours", "theirs")}
    assert values["wire bytes for each of content"] == "7.0"
    assert values["KB to open a page's first view"] == "150"


def test_ratios_are_to_the_other_one_at_the_same_length() -> None:
    costs = [
        cost(kernel=0.5, renderer=2.0),
        cost("theirs", kernel=5.0, renderer=4.0),
        cost("theirs", 8_000, kernel=1.0),
    ]
    values = {what: value for what, value, _ in goals(costs, "ours", "theirs")}
    assert values["kernel CPU beside theirs, 1,000 deltas"] == "0.10"
    assert values["renderer CPU beside theirs, 1,000 deltas"] == "0.50"


def test_growth_is_left_out_where_two_lengths_cost_the_same() -> None:
    costs = [
        cost(deltas=100, kernel=0.4, renderer=0.4),
        cost(deltas=1_000, kernel=0.4, renderer=0.7),
        cost(deltas=8_000, kernel=1.3, renderer=4.0),
    ]
    grown = [what for what, _, _ in goals(costs, "ours", "theirs") if "costs once" in what]
    assert len(grown) == 1
    assert "renderer" in grown[0]
