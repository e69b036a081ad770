"""JSON texts that others wrote, with one error for all that cannot be read."""

from typing import Any, TypeVar, overload

import msgspec

TOO_DEEP = "its brackets are nested too deeply"
"""Reason for which the parser refuses a text: it would recurse."""


T = TypeVar("T")


@overload
def decode_json(text: str | bytes) -> Any: ...
@overload
def decode_json(text: str | bytes, type: type[T]) -> T: ...
@overload
def decode_json(text: str | bytes, type: Any) -> Any: ...
def decode_json(text: str | bytes, type: Any = Any) -> Any:
    """Return the value of a JSON text.

    Args:
        text: the JSON.
        type: of the value; see `msgspec.json.decode`.

    Raises:
        msgspec.DecodeError: the text is not JSON or not UTF-8, it is nested too deeply, or the
            value is of another type.
    """
    try:
        return msgspec.json.decode(text, type=type)
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None
    except UnicodeError as error:
        raise msgspec.DecodeError(str(error)) from None
