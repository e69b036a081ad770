"""Items of a map: what each row is about, under the label that the user's data has for it."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nbagent.errors import NbagentError
from nbagent.events.json_text import decode_json

CASES = ".jsonl"
"""Ending of the name of a file of cases."""


class Item(NamedTuple):
    """One element of the data.

    Attributes:
        label: of the element: its label in the index of a Series or a frame, its key in a mapping,
            else its position.
        value: the element; a row of a frame as a dict.
        prompt: what an agent is asked; a function gets `value`.
    """

    label: Any
    value: Any
    prompt: Any


def items_of(data: Any, template: str | None = None) -> list[Item]:
    """Return the items of some data.

    Args:
        data: a pandas or polars Series or frame, a mapping from labels to elements, any iterable,
            or the path of a file of cases (`run.to_case`), whose name ends in `.jsonl`.
        template: text of each prompt, with the columns of a frame or the keys of records in
            braces: `"Is {product} from {country}?"`.

    Raises:
        NbagentError: the data is one text, or no iterable; a frame has no template; a record lacks
            a name of the template; or a line of the file is no case.
        OSError: the file cannot be read.
    """
    if isinstance(data, os.PathLike) or (isinstance(data, str) and data.endswith(CASES)):
        return _cases(Path(data), template)
    if isinstance(data, str | bytes):
        raise NbagentError(f"map() takes a list of prompts; one prompt is a list too: [{data!r}]")
    if _is_frame(data) and template is None:
        raise NbagentError(
            "map() of a frame takes a template, such as "
            f'"{_example(data)}", or one of its columns: frame[{next(iter(data.columns))!r}]'
        )
    try:
        labelled = list(_labelled(data))
    except TypeError:
        raise NbagentError(
            f"map() takes a Series, a frame, records or another iterable; got {type(data).__name__}"
        ) from None
    return [Item(label, value, _prompt(label, value, template)) for label, value in labelled]


def _cases(path: Path, template: str | None) -> list[Item]:
    """Return the items of a file of cases, each under the number of its line."""
    items: list[Item] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            case = decode_json(line, type=dict[str, Any])
            prompt = case["prompt"]
        except (msgspec.DecodeError, KeyError) as error:
            raise NbagentError(
                f"line {number} of {path} is no case, a JSON object with a prompt: {error!r}"
            ) from None
        if template is not None:
            prompt = _prompt(number, case, template)
        items.append(Item(number, case, prompt))
    return items


def _labelled(data: Any) -> Iterable[tuple[Any, Any]]:
    """Return the elements with their labels."""
    if _is_frame(data):
        if hasattr(data, "to_dicts"):  # polars
            return enumerate(data.to_dicts())
        return zip(data.index.tolist(), data.to_dict("records"), strict=True)
    if isinstance(data, Mapping):
        return data.items()
    if hasattr(data, "index") and hasattr(data, "to_numpy"):  # a pandas Series
        return zip(data.index.tolist(), data.tolist(), strict=True)
    return enumerate(data)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and (hasattr(data, "to_dicts") or hasattr(data, "to_dict"))


def _example(data: Any) -> str:
    return " ".join(f"{{{column}}}" for column in list(data.columns)[:2])


def _prompt(label: Any, value: Any, template: str | None) -> Any:
    """Return what an agent is asked about an element."""
    if template is None:
        return value
    if not isinstance(value, Mapping):
        raise NbagentError(
            f"a template takes rows of a frame or records; {label!r} is a {type(value).__name__}"
        )
    try:
        return template.format_map(value)
    except KeyError as missing:
        raise NbagentError(
            f"the template names {missing}, which {label!r} does not have; it has "
            f"{', '.join(map(str, value))}"
        ) from None


def repeated(items: Iterable[Item], repeat: int) -> Iterator[tuple[Item, int]]:
    """Yield each item as often as it is to be run, with the number of the repetition, from 1."""
    for item in items:
        for number in range(1, repeat + 1):
            yield item, number
