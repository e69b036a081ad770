"""Parsing of docstrings of the three styles."""

import pytest

from nbagent.agent.tools.docstring import parse

GOOGLE = """Look up the weather.

    Works for towns only.

    Args:
        town: the town,
            in English: no accents.
        days (int, optional): how many
        **extra: the rest

    Returns:
        dict: not a parameter
    """
NUMPY = """Look up the weather.

    Works for towns only.

    Parameters
    ----------
    town : str
        the town,
        in English: no accents.
    days : int, optional
        how many
    **extra
        the rest

    Returns
    -------
    dict
        not a parameter
    """
SPHINX = """Look up the weather.

    Works for towns only.

    :param town: the town,
        in English: no accents.
    :param int days: how many
    :type town: str
    :param extra: the rest
    :returns: not a parameter
    """


@pytest.mark.parametrize("doc", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_every_style_says_the_same(doc: str) -> None:
    assert parse(doc) == (
        "Look up the weather.\n\nWorks for towns only.",
        {"town": "the town, in English: no accents.", "days": "how many", "extra": "the rest"},
    )


@pytest.mark.parametrize(
    ("doc", "description", "params"),
    [
        (None, "", {}),
        ("", "", {}),
        ("One line.", "One line.", {}),
        ("Only.\n\nArgs:", "Only.", {}),
        ("\n    Args:\n        x: first\n    ", "", {"x": "first"}),
        (
            "Sum.\n\nParameters\n----------\na, b : int\n    two numbers",
            "Sum.",
            {"a": "two numbers", "b": "two numbers"},
        ),
        ("Sum.\n\nParameters\n----------\na\nb\n    the other", "Sum.", {"b": "the other"}),
        ("Like this: Args: not a section", "Like this: Args: not a section", {}),
        (
            "Uses :class:`Town`.\n\n:class:`Town` has more.",
            "Uses :class:`Town`.\n\n:class:`Town` has more.",
            {},
        ),
        (
            "Sum.\n\nArguments:\n\n    x: spaced\n\n    y: out\n\nNote:\n    z: not one",
            "Sum.",
            {"x": "spaced", "y": "out"},
        ),
        ("\nNote:\n    careful\n\nArgs:\n    x (dict[str, int]): map", "", {"x": "map"}),
    ],
)
def test_odd_docstrings(doc: str | None, description: str, params: dict[str, str]) -> None:
    assert parse(doc) == (description, params)
