"""Arguments for a tool call: values that the prompt holds, put where the tool's JSON schema wants them."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from nbagent.demo.clues import STOP_WORDS, Clue, Clues
from nbagent.demo.schema import Schema, accepts, alternatives

_NOTHING: Any = object()
_DEEPEST = 6

_FREE_TEXT_NAMES = """q query question text prompt message topic task input content search term terms description instructions
request body sentence words subject note"""
_FREE_TEXT = frozenset(_FREE_TEXT_NAMES.split())
SUM_NAMES = frozenset(("expression", "expr", "formula", "calculation", "equation", "sum"))
"""Names of parameters that take arithmetic, such as `2 * (3 + 4)`."""

_Candidates = Callable[[], Iterator[tuple[Clue, Any]]]


def fill(
    schema: Schema,
    prompt: str,
    *,
    span: tuple[int, int] | None = None,
    known: Mapping[str, Any] | None = None,
    tool_words: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Arguments for one tool: one set, or several where the prompt lists several values ("for CHF and USD").

    Args:
        schema: the tool's parameters.
        prompt: what the user wrote.
        span: the part of it that is about this tool; the rest is looked at only for what is required and still missing.
        known: values by name, from what other tools returned.
        tool_words: words that name the tool, which are no argument.
    """
    filler = _Filler(schema, prompt, span or (0, len(prompt)), known or {}, tool_words)
    found = filler.object(schema, 0)
    return [found, *filler.listed(found)]


class _Filler:
    def __init__(
        self, root: Schema, prompt: str, span: tuple[int, int], known: Mapping[str, Any], tool_words: frozenset[str]
    ) -> None:
        self._root = root
        self._clues = Clues(prompt)
        self._span = span
        self._whole = (0, len(prompt))
        self._known = {name.lower(): value for name, value in known.items()}
        self._tool_words = tool_words
        self._taken: dict[str, tuple[Clue, _Candidates]] = {}

    def object(self, schema: Schema, depth: int) -> dict[str, Any]:
        """First what the prompt says by name, then what else fits, then what is required in any case."""
        properties: Mapping[str, Any] = next(
            (choice["properties"] for choice in alternatives(schema, self._root) if choice.get("properties")), {}
        )
        required = [name for choice in alternatives(schema, self._root)[:1] for name in choice.get("required") or ()]
        order = sorted(properties, key=lambda name: name not in required)
        found: dict[str, Any] = {}
        for step in (self._said, self._hinted, self._seen):
            for name in order:
                if name not in found:
                    value = step(name, properties[name], name in required, depth)
                    if value is not _NOTHING:
                        found[name] = value
        for name in required:
            if name not in found:
                found[name] = self._made(name, properties.get(name, {}), depth)
        return {name: found[name] for name in [*properties, *required] if name in found}

    def listed(self, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Further argument sets, for the values that the prompt lists next to one it already gave."""
        for name, (clue, others) in self._taken.items():
            values = dict(others())
            if more := self._clues.listed(clue, list(values)):
                yield from ({**found, name: values[other]} for other in more)
                return

    # --- what the prompt says ---------------------------------------------------------------------------------------

    def _said(self, name: str, schema: Any, need: bool, depth: int) -> Any:
        """A value given by the parameter's name, or the name of one of its allowed values."""
        for choice in alternatives(schema, self._root):
            if "const" in choice:
                continue
            kind = choice.get("type")
            if kind == "object" and depth < _DEEPEST and not need:
                inner = {**choice, "required": []}
                if (value := self._said_inside(inner, depth + 1)) and accepts(choice, value, self._root):
                    return value
            elif "enum" in choice:
                if (value := self._take(name, depth, partial(self._mentioned, choice, need))) is not _NOTHING:
                    return value
            elif kind not in ("object", "array", "null"):
                for span in self._spans(need):
                    for clue in self._clues.named(name, *span):
                        value = _coerce(clue, kind)
                        if accepts(choice, value, self._root):
                            return self._use(name, depth, clue, value, partial(self._fitting, name, choice, True))
                if kind == "boolean" and (value := self._flag(name, need)) is not _NOTHING:
                    return value
        return _NOTHING

    def _said_inside(self, schema: Schema, depth: int) -> dict[str, Any]:
        found = {}
        for name, inner in (schema.get("properties") or {}).items():
            value = self._said(name, inner, False, depth)
            if value is not _NOTHING:
                found[name] = value
        return found

    def _hinted(self, name: str, schema: Any, need: bool, depth: int) -> Any:
        """A text of the kind that the parameter's name or format asks for: a path, a date, an address."""
        words = set(_words(name))
        for choice in alternatives(schema, self._root):
            if choice.get("type") == "string" and "enum" not in choice and "const" not in choice:
                kinds = [kind for kind, hints in _TEXT_KINDS if words & hints or choice.get("format") in hints]
                value = self._take(name, depth, partial(self._of_kinds, choice, kinds)) if kinds else _NOTHING
                if value is not _NOTHING:
                    return value
        return _NOTHING

    def _of_kinds(self, schema: Schema, kinds: list[str]) -> Iterator[tuple[Clue, Any]]:
        for kind in kinds:
            for clue in self._clues.free(*self._span, kind):
                if accepts(schema, clue.text, self._root):
                    yield clue, clue.text

    def _seen(self, name: str, schema: Any, need: bool, depth: int) -> Any:
        """A value of the right kind that nothing else has claimed."""
        for choice in alternatives(schema, self._root):
            kind = choice.get("type")
            if kind == "array":
                value = self._array_seen(name, choice, need)
            elif kind in ("object", "boolean", "null") or "enum" in choice or "const" in choice:
                continue
            else:
                value = self._take(name, depth, partial(self._fitting, name, choice, need))
                if value is _NOTHING and need:
                    value = self._take(name, depth, partial(self._fitting, name, choice, need, self._whole))
            if value is not _NOTHING:
                return value
        return _NOTHING

    def _take(self, name: str, depth: int, candidates: _Candidates) -> Any:
        for clue, value in candidates():
            return self._use(name, depth, clue, value, candidates)
        return _NOTHING

    def _use(self, name: str, depth: int, clue: Clue, value: Any, others: _Candidates) -> Any:
        self._clues.use(clue)
        if depth == 0 and self._span[0] <= clue.start < self._span[1]:
            self._taken[name] = (clue, others)
        return value

    def _spans(self, need: bool) -> tuple[tuple[int, int], ...]:
        return (self._span, self._whole) if need else (self._span,)

    def _mentioned(self, schema: Schema, need: bool) -> Iterator[tuple[Clue, Any]]:
        for span in self._spans(need):
            found = [
                (clue, member)
                for member in schema["enum"]
                if isinstance(member, str | int)
                for clue in self._clues.mentions(str(member), *span)
                if accepts(schema, member, self._root)
            ]
            if found:
                yield from sorted(found, key=lambda pair: pair[0].start)
                return

    def _fitting(
        self, name: str, schema: Schema, need: bool, span: tuple[int, int] | None = None
    ) -> Iterator[tuple[Clue, Any]]:
        kind = schema.get("type")
        where = span or self._span
        if kind in ("integer", "number"):
            about = f"{name} {schema.get('description', '')}".lower()
            dated = "year" in about or "date" in about
            clues = [c for c in self._clues.free(*where, "number") if c.is_year == dated or need]
            clues.sort(key=lambda clue: clue.is_year != dated)
        else:
            clues = list(self._texts(name, need, where))
        for clue in clues:
            value = _coerce(clue, kind)
            if accepts(schema, value, self._root):
                yield clue, value

    def _texts(self, name: str, need: bool, where: tuple[int, int]) -> Iterator[Clue]:
        yield from self._clues.free(*where, "quoted")
        if need and _FREE_TEXT & set(_words(name)):
            yield from self._rest()
        elif need:
            yield from self._clues.free(*where, "url", "email", "date", "time", "path", "code", "name", "number")

    def _rest(self) -> Iterator[Clue]:
        """What the prompt says beside the words that call the tool."""
        start, end = self._span
        text = self._clues.prompt[start:end]
        skipped = re.compile(r"\W*(\w+)\b")
        at = 0
        while (match := skipped.match(text, at)) and _is_empty_word(match.group(1), self._tool_words):
            at = match.end()
        rest = text[at:].strip(" \n\t,;:.?!")
        for part in (rest, text.strip(), self._clues.prompt.strip()):
            if part:
                begin = self._clues.prompt.find(part)
                yield Clue(begin, begin + len(part), "rest", part)

    def _flag(self, name: str, need: bool) -> Any:
        pattern = r"[\s_-]+".join(map(re.escape, _words(name))) or "$^"
        for start, end in self._spans(need):
            match = re.compile(rf"(?i)\b(no|not|without|don't|non)?[\s-]*\b{pattern}\b").search(self._clues.prompt, start, end)
            if match:
                return not match.group(1)
        return _NOTHING

    def _array_seen(self, name: str, schema: Schema, need: bool) -> Any:
        if schema.get("prefixItems"):
            return _NOTHING
        for item in alternatives(schema.get("items", {}), self._root):
            if item.get("type") in ("object", "array", "null", "boolean"):
                continue
            found = list(self._mentioned(item, need) if "enum" in item else self._fitting(name, item, need))
            found = found[: schema.get("maxItems", len(found))]
            values = [value for _, value in found]
            if values and accepts(schema, values, self._root):
                for clue, _ in found:
                    self._clues.use(clue)
                return values
        return _NOTHING

    # --- what has to be made up -------------------------------------------------------------------------------------

    def _made(self, name: str, schema: Any, depth: int) -> Any:
        """A value for a required parameter that the prompt does not give: what is known, the default, or an example."""
        choices = alternatives(schema, self._root)
        offered = [
            *(choice[word] for choice in choices for word in ("const", "default") if word in choice),
            *([self._known[name.lower()]] if name.lower() in self._known else []),
            *([None] if any(choice.get("type") == "null" for choice in choices) else []),
            *(example for choice in choices for example in choice.get("examples") or ()),
            *(member for choice in choices for member in choice.get("enum") or ()),
        ]
        for value in offered:
            if accepts(schema, value, self._root):
                return value
        value = None
        for choice in choices:
            value = self._example(name, choice, depth)
            if accepts(schema, value, self._root):
                break
        return value

    def _example(self, name: str, schema: Schema, depth: int) -> Any:
        match schema.get("type"):
            case "integer" | "number" as kind:
                return _example_number(schema, whole=kind == "integer")
            case "boolean":
                return False
            case "null":
                return None
            case "array":
                return self._example_list(name, schema, depth)
            case "object":
                return self.object(schema, depth + 1) if depth < _DEEPEST else {}
            case _:
                return self._example_text(schema)

    def _example_list(self, name: str, schema: Schema, depth: int) -> list[Any]:
        shapes = list(schema.get("prefixItems") or ())
        shapes += [schema.get("items", {})] * (schema.get("minItems", 0) - len(shapes))
        values: list[Any] = []
        for shape in shapes:
            value = self._made(name, shape, depth + 1) if depth < _DEEPEST else None
            if schema.get("uniqueItems"):
                value = next(
                    (v for v in (value, *_variants(value, shape)) if v not in values and accepts(shape, v, self._root)), value
                )
            values.append(value)
        return values

    def _example_text(self, schema: Schema) -> str:
        given = [part for clue in self._rest() for part in (clue.text,)]
        if pattern := schema.get("pattern"):
            given += _search(pattern.strip("^$"), self._clues.prompt)
        low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        fitted = [text[: int(min(high, len(text)))].ljust(low, "x") for text in (*given[:1], "example")]
        for value in (*given, *fitted, *_EXAMPLES):
            if accepts({**schema, "type": "string"}, value, self._root):
                return value
        return fitted[-1]


_TEXT_KINDS = (
    ("sum", SUM_NAMES),
    ("url", frozenset(("url", "uri", "link", "website", "page"))),
    ("email", frozenset(("email", "mail", "recipient", "to"))),
    ("date", frozenset(("date", "day", "start", "end", "when", "since", "until", "from", "date-time"))),
    ("time", frozenset(("time", "at", "hour"))),
    ("path", frozenset(("file", "path", "filename", "filepath"))),
)

_EXAMPLES = (
    "2025-01-01",
    "2025-01-01T12:00:00Z",
    "12:00:00",
    "someone@example.com",
    "https://example.com/",
    "00000000-0000-4000-8000-000000000000",
    "127.0.0.1",
    "a",
    "A",
    "0",
    "1",
    "AA",
    "aaa",
    "AAA",
    "123",
    "1234",
    "12345",
    "A1",
    "a1",
    "A-1",
    "AB-123",
    "en-US",
    "#336699",
    "+41000000000",
    "1.0.0",
)


def _coerce(clue: Clue, kind: Any) -> Any:
    """The clue as the schema's type has it; what does not convert stays text, which the check then refuses."""
    number = clue.number if clue.kind == "number" else Clue(0, 0, "number", clue.text).number if _is_number(clue.text) else None
    if kind in ("integer", "number") and number is not None:
        return number
    if kind == "boolean":
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(clue.text.lower())
    return clue.text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(,\d{3})*(\.\d+)?", text) is not None


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]


def _is_empty_word(word: str, tool_words: frozenset[str]) -> bool:
    return word.lower() in STOP_WORDS or word.lower() in tool_words


def _search(pattern: str, text: str) -> list[str]:
    try:
        return [match.group() for match in re.finditer(pattern, text) if match.group()]
    except re.error:
        return []


def _example_number(schema: Schema, whole: bool) -> float:
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf") or (1 if whole else None)
    near = min(max(1, low), high)
    if step:
        near = math.floor(near / step) * step
        tries: tuple[float, ...] = (near, near + step, near - step, near + 2 * step)
    else:
        tries = (near, (low + high) / 2 if math.isfinite(low + high) else near, near + 1, near - 1)
    for value in tries:
        if accepts({**schema, "type": "integer" if whole else "number"}, value, schema):
            return int(value) if float(value).is_integer() else value
    return int(near) if whole else near


def _variants(value: Any, shape: Any) -> Iterator[Any]:
    """Other values like this one, for a list whose members must differ."""
    yield from (shape.get("enum") or ()) if isinstance(shape, Mapping) else ()
    for index in range(2, 50):
        if isinstance(value, bool):
            yield not value
        elif isinstance(value, int | float):
            step = (shape.get("multipleOf") or 1) if isinstance(shape, Mapping) else 1
            yield value + (index - 1) * step
        elif isinstance(value, str):
            yield f"{value}{index}"
            yield f"{value[:-1]}{index}"[: len(value)]
