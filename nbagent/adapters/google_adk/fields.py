"""Fields of events of Google's Agent Development Kit."""

import re
from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.fields import get_field, nonempty_str, to_jsonable, token_count

_CAPITAL = re.compile("[A-Z]")


def get_either_case(item: Any, name: str) -> Any:
    """Return a field by its name on the wire, or by that name in snake_case; None if there is
    neither.
    """
    value = get_field(item, name)
    if value is None:
        value = get_field(item, _CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name))
    return value


def state_patch(changed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return changes of the state as a JSON Patch (RFC 6902)."""
    return [
        {"op": "add", "path": f"/{_json_pointer(key)}", "value": to_jsonable(value)}
        for key, value in changed.items()
    ]


def _json_pointer(key: Any) -> str:
    """Return a key as a part of a JSON Pointer (RFC 6901)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def enum_value(value: Any) -> str | None:
    """Return the value of an enum's member, or of a plain value, if it is a string."""
    return nonempty_str(getattr(value, "value", value))


def adk_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None.

    Gemini counts reasoning apart from the candidates: it is added to the output.
    """
    if usage is None:
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    prompt, candidates, reasoning = (token_count(get_either_case(usage, name)) for name in names)
    output = candidates
    if reasoning is not None:
        output = (candidates or 0) + reasoning
    return ev.Usage(
        input=prompt,
        output=output,
        total=token_count(get_either_case(usage, "totalTokenCount")),
        reasoning=reasoning,
        cache_read=token_count(get_either_case(usage, "cachedContentTokenCount")),
    )
