"""What Google's services say in many places: names in two spellings, token counts, sources, arguments by path."""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.fields import clean_str, fields_or_empty, is_token_count, to_jsonable

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")
_MOST_ENTRIES = 10_000


@functools.lru_cache(maxsize=512)
def _snake(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


def snake_case_fields(value: Any) -> dict[str, Any]:
    """The value's own fields in the SDK's spelling, which the wire writes in camelCase; what is null is left out."""
    return {_snake(str(name)): entry for name, entry in fields_or_empty(value).items() if entry is not None}


def gemini_usage(usage: Any) -> ev.Usage | None:
    """Token counts in our terms: thoughts are counted apart from the answer, and what tools added apart from the prompt."""
    payload = snake_case_fields(usage)
    counts = {name: value for name, value in payload.items() if is_token_count(value)}
    if not counts:
        return None
    prompt = _sum(counts, "prompt_token_count", "tool_use_prompt_token_count")
    return ev.Usage(
        input=prompt,
        output=_sum(counts, "candidates_token_count", "thoughts_token_count"),
        total=counts.get("total_token_count"),
        reasoning=counts.get("thoughts_token_count"),
        cache_read=counts.get("cached_content_token_count"),
    )


def _sum(counts: Mapping[str, int], *names: str) -> int | None:
    found = [counts[name] for name in names if name in counts]
    return sum(found) if found else None


def sources_in(candidate: Mapping[str, Any]) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Address, title and the rest of everything that a candidate rests on: what it found, and what it recites."""
    for chunk in snake_case_fields(candidate.get("grounding_metadata")).get("grounding_chunks") or ():
        for kind, inner in snake_case_fields(chunk).items():
            payload = snake_case_fields(inner)
            url = clean_str(payload.get("uri")) or clean_str(payload.get("source_uri"))
            yield url, clean_str(payload.get("title")), {kind: to_jsonable(inner)}
    citations = snake_case_fields(candidate.get("citation_metadata"))
    for citation in citations.get("citations") or citations.get("citation_sources") or ():
        payload = snake_case_fields(citation)
        yield clean_str(payload.get("uri")), clean_str(payload.get("title")), {"citation": to_jsonable(citation)}


class PartialArgs:
    """A call's arguments that come by path: `{"jsonPath": "$.place", "stringValue": "Bos", "willContinue": true}`."""

    def __init__(self) -> None:
        self.args: dict[str, Any] = {}
        self._growing: str | None = None

    def add(self, entry: Any) -> None:
        """One more value, or one more piece of the text that is being written."""
        payload = snake_case_fields(entry)
        path = str(payload.get("json_path"))
        value = next((payload[name] for name in ("string_value", "number_value", "bool_value") if name in payload), None)
        self._put(path, value, more=path == self._growing)
        self._growing = path if payload.get("will_continue") is True else None

    def _put(self, path: str, value: Any, *, more: bool) -> None:
        steps = [int(found[2]) if found[2] else found[1] or found[3] or found[4] for found in _STEP.finditer(path)]
        place: Any = self.args
        for step, following in itertools.pairwise(steps):
            place = _enter(place, step, [] if isinstance(following, int) else {})
        if not steps:
            return
        last = steps[-1]
        before = _enter(place, last, "") if more else None
        if isinstance(before, str) and isinstance(value, str):
            value = before + value
        _set(place, last, to_jsonable(value))


def _enter(place: Any, step: str | int, empty: Any) -> Any:
    """What is at that step, made if there is nothing."""
    if isinstance(place, list) and isinstance(step, int):
        if step >= len(place):
            _set(place, step, empty)
        return place[step]
    return place.setdefault(step, empty)


def _set(place: Any, step: str | int, value: Any) -> None:
    if isinstance(place, list) and isinstance(step, int):
        if step > _MOST_ENTRIES:
            raise ValueError(f"an argument's list has an entry number {step}")
        place.extend([None] * (step + 1 - len(place)))
    place[step] = value
