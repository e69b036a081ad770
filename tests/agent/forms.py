"""Signatures of tools, with arguments that fit and some that do not: the forms of an answer are
made from their schemas.

`python tests/agent/forms.py` writes them to tests/shared/forms.json, which the view's tests read.
"""

import datetime
import decimal
import enum
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from nbagent.agent.tools.signature import Signature

FILE = Path(__file__).parents[1] / "shared" / "forms.json"


class Colour(enum.Enum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


class Circle(BaseModel):
    """One of two shapes."""

    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Field(gt=0)]


class Box(BaseModel):
    """The other one."""

    kind: Literal["box"]
    width: float
    height: float


class Node(BaseModel):
    """A tree."""

    name: str
    children: list["Node"] = []


@dataclass
class Range:
    """A dataclass."""

    start: datetime.date
    end: datetime.date | None = None


class Filter(TypedDict, total=False):
    """A dict with names."""

    column: str
    limit: int


def numbers(
    count: Annotated[int, Field(ge=1, le=10)],
    share: Annotated[float, Field(ge=0, lt=1)],
    step: Annotated[int, Field(multiple_of=5)],
) -> None: ...
def texts(
    name: Annotated[str, Field(min_length=2, max_length=5)],
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d+$")],
) -> None: ...
def choices(region: Literal["north", "south"], colour: Colour, level: Level, dry: bool) -> None: ...
def optional(limit: int | None = None, note: str = "", dry: bool = True) -> None: ...
def times(
    day: datetime.date, at: datetime.datetime, start: datetime.time, lasts: datetime.timedelta
) -> None: ...
def lists(
    tags: list[str],
    pairs: list[tuple[str, int]],
    few: Annotated[list[int], Field(min_length=1, max_length=2)],
    kinds: set[int],
) -> None: ...
def maps(counts: dict[str, int], anything: Any, free: dict[str, Any]) -> None: ...
def unions(shape: Circle | Box, either: int | str | list[int]) -> None: ...
def discriminated(shape: Annotated[Circle | Box, Field(discriminator="kind")]) -> None: ...
def nested(range: Range, filter: Filter) -> None: ...
def recursive(tree: Node) -> None: ...
def exact(price: decimal.Decimal, id: uuid.UUID, big: int) -> None: ...
def open_ended(first: int, **others: Any) -> None: ...


UUID = "123e4567-e89b-12d3-a456-426614174000"

CASES: list[tuple[Callable[..., None], list[str], list[tuple[str, list[str | int]]]]] = [
    (
        numbers,
        ['{"count": 10, "share": 0.5, "step": 15}', '{"count": 1, "share": 0, "step": -5}'],
        [
            ('{"count": 11, "share": 0.5, "step": 5}', ["count"]),
            ('{"count": 1, "share": 1, "step": 5}', ["share"]),
            ('{"count": 1, "share": 0, "step": 4}', ["step"]),
            ('{"count": "x", "share": 0, "step": 5}', ["count"]),
            ('{"share": 0, "step": 5}', ["count"]),
            ('{"count": 1, "share": 0, "step": 5, "more": 1}', ["more"]),
        ],
    ),
    (
        texts,
        ['{"name": "Zoë", "code": "AB-12"}', '{"name": "😀😀", "code": "ZZ-0"}'],
        [
            ('{"name": "Z", "code": "AB-12"}', ["name"]),
            ('{"name": "Zoe", "code": "ab-1"}', ["code"]),
        ],
    ),
    (
        choices,
        ['{"region": "north", "colour": "blue", "level": 2, "dry": false}'],
        [
            ('{"region": "west", "colour": "blue", "level": 2, "dry": false}', ["region"]),
            ('{"region": "north", "colour": "blue", "level": 3, "dry": false}', ["level"]),
        ],
    ),
    (
        optional,
        ["{}", '{"limit": null}', '{"limit": 3, "note": "a\\nb", "dry": false}'],
        [('{"limit": [1]}', ["limit"])],
    ),
    (
        times,
        [
            (
                '{"day": "2024-02-29", "at": "2025-01-31T09:30:00Z", "start": "09:30", "lasts": '
                '"PT1H30M"}'
            ),
            (
                '{"day": "2025-01-31", "at": "2025-01-31T09:30:00.123456+05:30", "start": '
                '"09:30:15", '
                '"lasts": "P3D"}'
            ),
            (
                '{"day": "2025-01-31", "at": "2025-01-31T09:30", "start": "09:30:15+02:00", '
                '"lasts": '
                '"-PT1S"}'
            ),
        ],
        [
            (
                (
                    '{"day": "2025-02-29", "at": "2025-01-31T09:30:00Z", "start": "09:30", '
                    '"lasts": '
                    '"PT1H"}'
                ),
                ["day"],
            )
        ],
    ),
    (
        lists,
        [
            '{"tags": ["a", ""], "pairs": [["x", 1]], "few": [1], "kinds": [1, 2]}',
            '{"tags": [], "pairs": [], "few": [1, 2], "kinds": []}',
        ],
        [
            ('{"tags": [1, []], "pairs": [], "few": [1], "kinds": []}', ["tags", 1]),
            ('{"tags": [], "pairs": [["x", "y"]], "few": [1], "kinds": []}', ["pairs", 0, 1]),
            ('{"tags": [], "pairs": [], "few": [], "kinds": []}', ["few"]),
            ('{"tags": [], "pairs": [], "few": [1, 2, 3], "kinds": []}', ["few"]),
        ],
    ),
    (
        maps,
        [
            (
                '{"counts": {"a": 1, "__proto__": 2}, "anything": {"b": [1, null]}, "free": {"c": '
                '{"d": "e"}}}'
            ),
            '{"counts": {}, "anything": "x", "free": {}}',
        ],
        [('{"counts": {"a": "x"}, "anything": 1, "free": {}}', ["counts", "a"])],
    ),
    (
        unions,
        [
            '{"shape": {"kind": "box", "width": 1, "height": 2.5}, "either": "x"}',
            '{"shape": {"radius": 1}, "either": [1, 2]}',
            '{"shape": {"kind": "circle", "radius": 0.5}, "either": 3}',
        ],
        [('{"shape": {"kind": "box", "width": 1}, "either": 3}', ["shape", "height"])],
    ),
    (
        discriminated,
        [
            '{"shape": {"kind": "box", "width": 1, "height": 2}}',
            '{"shape": {"kind": "circle", "radius": 2}}',
        ],
        [('{"shape": {"kind": "circle", "radius": 0}}', ["shape", "radius"])],
    ),
    (
        nested,
        [
            '{"range": {"start": "2025-01-01", "end": null}, "filter": {"limit": 3}}',
            '{"range": {"start": "2025-01-01"}, "filter": {}}',
        ],
        [('{"range": {"start": "soon"}, "filter": {}}', ["range", "start"])],
    ),
    (
        recursive,
        ['{"tree": {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}}'],
        [
            (
                '{"tree": {"name": "a", "children": [{"children": []}]}}',
                ["tree", "children", 0, "name"],
            )
        ],
    ),
    (
        exact,
        [
            f'{{"price": "1.10", "id": "{UUID}", "big": 9007199254740993}}',
            f'{{"price": 2.5, "id": "{UUID}", "big": -1}}',
        ],
        [],
    ),
    (open_ended, ['{"first": 1}', '{"first": 1, "b": "x", "a": 2}'], []),
]


def rows() -> list[dict[str, Any]]:
    """Return the cases as the view's tests read them."""
    return [
        {
            "name": function.__name__,
            "schema": Signature(function, {}).schema,
            "fits": fits,
            "fails": [{"value": value, "path": path} for value, path in fails],
        }
        for function, fits, fails in CASES
    ]


if __name__ == "__main__":
    FILE.write_text(json.dumps(rows(), indent=1, ensure_ascii=False) + "\n", "utf-8")
