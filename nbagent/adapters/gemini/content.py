"""Fields that Google's services share: names in two spellings, token counts, sources, arguments by
JSON path.
"""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.fields import (
    clean_str,
    entries_in,
    fields_or_empty,
    is_token_count,
    to_jsonable,
)

_CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])([A-Z])")
_PATH_STEP = re.compile(
    r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]"
)
_MAX_LIST_INDEX = 10_000


@functools.lru_cache(maxsize=512)
def _snake(name: str) -> str:
    return _CAMEL_BOUNDARY.sub(r"_\1", name).lower()


def snake_case_fields(value: Any) -> dict[str, Any]:
    """Return the value's own fields that are not null, in snake_case as in the SDK; the wire has
    camelCase.
    """
    return {
        _snake(str(name)): entry
        for name, entry in fields_or_empty(value).items()
        if entry is not None
    }


def gemini_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None.

    Reasoning is added to the output and tool use to the prompt: both are counted apart.
    """
    counts = {
        name: value for name, value in snake_case_fields(usage).items() if is_token_count(value)
    }
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
    if found:
        return sum(found)
    return None


def sources_in(
    candidate: Mapping[str, Any],
) -> Iterator[tuple[str | None, str | None, dict[str, Any]]]:
    """Yield URL, title and all fields of each source of a candidate: grounding chunks and
    citations.
    """
    for chunk in entries_in(
        snake_case_fields(candidate.get("grounding_metadata")), "grounding_chunks"
    ):
        for kind, inner in snake_case_fields(chunk).items():
            source = snake_case_fields(inner)
            url = clean_str(source.get("uri")) or clean_str(source.get("source_uri"))
            yield url, clean_str(source.get("title")), {kind: to_jsonable(inner)}
    citations = snake_case_fields(candidate.get("citation_metadata"))
    for citation in citations.get("citations") or entries_in(citations, "citation_sources"):
        source = snake_case_fields(citation)
        yield (
            clean_str(source.get("uri")),
            clean_str(source.get("title")),
            {"citation": to_jsonable(citation)},
        )


_PART_METADATA = {
    "thought",
    "thought_signature",
    "video_metadata",
    "part_metadata",
    "media_resolution",
}


def part_kind(part: Mapping[str, Any]) -> str:
    """Return the name of what a part holds; "" for one of metadata only."""
    for name in part:
        if name not in _PART_METADATA:
            return name
    return ""


class PartialArgs:
    """Arguments of a call, assembled from entries: `{"jsonPath": "$.city", "stringValue": "Bos",
    "willContinue": true}`.

    Recording: gemini/vercel-google-stream-tool-call-arguments.
    """

    def __init__(self) -> None:
        self.args: dict[str, Any] = {}
        self._continued_path: str | None = None

    def add(self, entry: Any) -> None:
        """Set one value, or append to the string that the last entry left to be continued."""
        data = snake_case_fields(entry)
        path = str(data.get("json_path"))
        value = next(
            (data[name] for name in ("string_value", "number_value", "bool_value") if name in data),
            None,
        )
        self._put(path, value, append=path == self._continued_path)
        self._continued_path = path if data.get("will_continue") is True else None

    def _put(self, path: str, value: Any, *, append: bool) -> None:
        steps = [
            int(found[2]) if found[2] else found[1] or found[3] or found[4]
            for found in _PATH_STEP.finditer(path)
        ]
        container: Any = self.args
        for step, following in itertools.pairwise(steps):
            container = _enter(container, step, [] if isinstance(following, int) else {})
        if not steps:
            return
        last = steps[-1]
        before = None
        if append:
            before = _enter(container, last, "")
        if isinstance(before, str) and isinstance(value, str):
            value = before + value
        _set(container, last, to_jsonable(value))


def _enter(container: Any, step: str | int, empty: Any) -> Any:
    """Return the value at that key or index, set to `empty` if there is none."""
    if isinstance(container, list) and isinstance(step, int):
        if step >= len(container):
            _set(container, step, empty)
        return container[step]
    return container.setdefault(step, empty)


def _set(container: Any, step: str | int, value: Any) -> None:
    if isinstance(container, list) and isinstance(step, int):
        if step > _MAX_LIST_INDEX:
            raise ValueError(f"a list in the arguments has index {step}, beyond {_MAX_LIST_INDEX}")
        container.extend([None] * (step + 1 - len(container)))
    container[step] = value


def has_output(candidate: Mapping[str, Any]) -> bool:
    """Return True if a candidate has model output.

    An SDK with automatic function calling also sends candidates of results.
    """
    parts = entries_in(snake_case_fields(candidate.get("content")), "parts")
    return any("function_response" not in snake_case_fields(part) for part in parts)
