"""Items of a map: what each row is about, under the label that the user's data has for it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from nbagent.errors import NbagentError


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
        data: a pandas or polars Series or frame, a mapping from labels to elements, or any
            iterable.
        template: text of each prompt, with the columns of a frame or the keys of records in
            braces: `"Is {product} from {country}?"`.

    Raises:
        NbagentError: the data is one text, or no iterable; a frame has no template; or a record
            lacks a name of the template.
    """
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
