"""Items that still carry the name of their server-sent event, as `{"event": name, "data": payload}`."""

from collections.abc import Mapping
from typing import Any


def unframed(item: Any) -> Any:
    """The payload of a framed item; any other item as it is.

    For the systems whose payloads say their type themselves, so that the name of the frame adds nothing.
    """
    if isinstance(item, Mapping) and item.keys() == {"event", "data"} and isinstance(item["data"], Mapping):
        return item["data"]
    return item
