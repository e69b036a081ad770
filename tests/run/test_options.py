"""The options of `show` and `Run`: declared once, known to a notebook by their names, and no
others.
"""

import inspect
from typing import Any

import pytest

import nbagent
from nbagent.run import Run
from nbagent.run.options import RunOptions
from nbagent.sources.request import RequestOptions


def names(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_a_notebook_completes_the_options_of_both() -> None:
    options = list(RunOptions.__annotations__)
    assert names(Run) == ["source", "decoder", *options]
    assert names(nbagent.show) == [
        "source",
        "more",
        "concurrency",
        "face",
        *options,
        *RequestOptions.__annotations__,
    ]


def test_every_option_of_show_is_described() -> None:
    described = inspect.getdoc(nbagent.show)
    assert described is not None
    assert [name for name in RunOptions.__annotations__ if f"\n    {name}: " not in described] == []


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match=r"show\(\) got an unexpected keyword argument 'revael'"):
        nbagent.show(iter([]), revael="all")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Run\(\) got an unexpected keyword argument 'face'"):
        Run(iter([]), face="console")  # type: ignore[call-arg]


def test_how_runs_are_drawn_is_said_once_or_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbagent.run.options._defaults", {})
    nbagent.set_options(height=300, panels=[])
    usual, own = (
        nbagent.Run([]).snapshot()[0],
        nbagent.Run([], height="full", panels=["tools"], final_only=True).snapshot()[0],
    )
    assert [usual.get(name) for name in ("height", "panels", "final_only")] == [300, [], None]
    assert [own.get(name) for name in ("height", "panels", "final_only")] == [0, ["tools"], True]
    nbagent.set_options(height=None, panels=None)
    assert "height" not in nbagent.Run([]).snapshot()[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 0},
        {"height": "tall"},
        {"height": True},
        {"panels": "tools"},
        {"panels": ["tool"]},
        {"panels": 1},
        {"interval": 0},
        {"interval": 100},
        {"interval": "slow"},
        {"final_only": "no"},
    ],
)
def test_a_wrong_way_of_drawing_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} "):
        nbagent.Run([], **wrong)
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} "):
        nbagent.set_options(**wrong)


@pytest.mark.parametrize(
    "flag", [name for name, kind in RunOptions.__annotations__.items() if kind is bool]
)
def test_a_flag_is_true_or_false(flag: str) -> None:
    options: Any = {flag: "no"}
    with pytest.raises(ValueError, match=f"^{flag} must be True or False; got 'no'$"):
        nbagent.Run([], **options)
    with pytest.raises(ValueError, match=f"^{flag} must be"):
        nbagent.show(iter([]), **options)
