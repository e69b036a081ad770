"""Arguments of a tool call: values found in the prompt that fit the tool's JSON Schema."""

import re
from collections.abc import Iterator
from typing import Any

from nbagent.demo.clues import CLUE, CLUE_OF_NUMBERS, STOP_WORDS, value_of
from nbagent.demo.conversation import Json
from nbagent.demo.json_schema import fits, properties_of, resolve

_FREE_TEXT_NAMES = """
query question q text prompt message topic task content search subject
"""
_FREE_TEXT = frozenset(_FREE_TEXT_NAMES.split())
"""Names of parameters that take any text."""

_COLUMN_WORDS = frozenset(("column", "field", "key", "group"))
"""Words in the name of a parameter that "by" leads to: by region."""

_EXAMPLES = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T12:00:00Z",
    "email": "ada@example.com",
    "uri": "http://a.example/",
}
_LISTED = re.compile(r"\s*(?:,|,?\s*(?:and|or)|&)\s*(?:(?:by|for|of)\s+)?")
_NEGATION = re.compile(r"(?i)\b(?:no|not|without)\s+$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_AFTER_PREPOSITION = re.compile(r"(?is)\b(?:in|for|of|at|from|about)\s+(?:the\s+)?(.+)")
_AFTER_FIRST_WORD = re.compile(r"(?s)\w+\s+(.+)")
_BEFORE_CHARS = 80  # of the prompt, in which a parameter's name may stand before its value
_MAX_DEPTH = 6  # of objects inside objects

# Scores of how well a clue suits a parameter.
_NOT, _UNLIKELY, _POSSIBLE, _LIKELY, _NAMED = range(5)


def fill(
    schema: Any, prompt: str, span: range | None = None, known: Json | None = None
) -> list[Json]:
    """Return arguments that fit a JSON Schema: one set, or several if the prompt lists values ("for
    CHF, EUR and USD").

    Args:
        schema: of the tool's parameters.
        prompt: the user's.
        span: the part of the prompt that is about the tool.
        known: values by name from the results of other tools.
    """
    filler = _Filler(schema, prompt, span or range(len(prompt)), known or {})
    first = filler.object(resolve(schema, schema))
    return [first, *filler.others(first)]


def _takes_numbers(schema: Any) -> bool:
    """Return True for a tool that takes the numbers of `19 + 23` apart, as `add(a, b)` does."""
    kinds = [inner.get("type") for inner in properties_of(schema).values()]
    return "array" in kinds or kinds.count("number") + kinds.count("integer") >= 2


class _Filler:
    """Fills one set of arguments.

    Attributes:
        clues: the pieces of the prompt, those that are about the tool first.
        used: the parameters that took one.
    """

    def __init__(self, root: Any, prompt: str, span: range, known: Json) -> None:
        self._root, self._prompt, self._span, self._known = root, prompt, span, known
        pattern = CLUE_OF_NUMBERS if _takes_numbers(root) else CLUE
        found = [clue for clue in pattern.finditer(prompt) if clue[0].lower() not in STOP_WORDS]
        self.clues = sorted(found, key=lambda clue: clue.start() not in span)
        self.used: dict[re.Match[str], str] = {}

    def object(self, schema: Json, depth: int = 0) -> Json:
        """Return the properties of an object: the best matches from the prompt, else defaults if
        required.
        """
        properties = {
            name: resolve(inner, self._root)
            for name, inner in (schema.get("properties") or {}).items()
        }
        required = list(schema.get("required") or ())
        found: Json = {}
        for name, clue, value in self._matches(properties, required):
            if name not in found and clue not in self.used:
                found[name], self.used[clue] = value, name
        for name in required:
            if name not in found:
                found[name] = self._default(name, properties.get(name, {}), depth)
        return {name: found[name] for name in (*properties, *required) if name in found}

    def _matches(
        self, properties: Json, required: list[str]
    ) -> Iterator[tuple[str, re.Match[str], Any]]:
        """Yield the clues that may be values of the properties, the best first."""
        pairs = [
            (name, clue, *self._suits(name, inner, clue))
            for name, inner in properties.items()
            for clue in self.clues
        ]
        for name, clue, score, value in sorted(pairs, key=lambda pair: -pair[2]):
            is_named = score == _NAMED and clue.start() in self._span
            if is_named or (name in required and score > _NOT):
                yield name, clue, value

    def others(self, first: Json) -> Iterator[Json]:
        """Yield more sets of arguments, one for each value that the prompt lists behind the one
        that was taken.
        """
        if len(self.used) != 1:
            return
        [(clue, name)] = self.used.items()
        schema = properties_of(self._root).get(name)
        if schema is None:
            return
        end = clue.end()
        for other in self.clues:
            score, value = self._suits(name, schema, other)
            follows = other.start() > end and _LISTED.fullmatch(self._prompt, end, other.start())
            if score > _NOT and follows:
                yield {**first, name: value}
                end = other.end()

    # --- one clue and one parameter ---

    def _suits(self, name: str, schema: Json, clue: re.Match[str]) -> tuple[int, Any]:
        """Return a score of how well a clue suits a parameter, and the value."""
        if "enum" in schema:
            return _member(schema["enum"], value_of(clue))
        if schema.get("type") == "boolean":
            is_it = clue[0].lower() == name.lower()
            return _NAMED * is_it, not _NEGATION.search(self._before(clue))
        value = value_of(clue)
        if not fits(value, schema):
            value = clue[0]
        if not fits(value, schema):
            return _NOT, None
        if self._is_beside_name(name, clue):
            return _NAMED, value
        if clue["word"] or schema.get("type", "array") == "array":
            return _NOT, None
        if name in _FREE_TEXT:
            if clue["quoted"]:
                return (_LIKELY, value)
            return (_NOT, None)
        return _likelihood(name, schema, clue, value), value

    def _before(self, clue: re.Match[str]) -> str:
        return self._prompt[max(0, clue.start() - _BEFORE_CHARS) : clue.start()]

    def _is_beside_name(self, name: str, clue: re.Match[str]) -> bool:
        """Return True for a value beside the name of its parameter: `5 days`, `days = 5`."""
        parts = re.findall(r"[^\W_]+", name)
        forms = [r"[\s_-]".join(parts), *parts]
        if not _COLUMN_WORDS.isdisjoint(parts):
            forms.append("by")
        any_form = "|".join(forms)
        if re.search(rf"(?i)\b(?:{any_form})(\s*[=:]|\s+is|\s+of)?\s*$", self._before(clue)):
            return True
        after = re.compile(rf"(?i)\s+(?:{any_form})\b")
        return bool(clue["number"]) and after.match(self._prompt, clue.end()) is not None

    # --- what the prompt does not give ---

    def _default(self, name: str, schema: Json, depth: int) -> Any:
        """Return a value for a required parameter that the prompt does not give."""
        if fits(self._known.get(name), schema):
            return self._known[name]
        for value in _named_by(schema):
            if value is not None:
                return value
        if schema.get("nullable"):
            return None
        match schema.get("type"):
            case "null":
                return None
            case "boolean":
                return False
            case "integer" | "number":
                return schema.get("minimum", min(1, schema.get("maximum", 1)))
            case "array":
                return self._array(name, schema, depth)
            case "object":
                if depth < _MAX_DEPTH:
                    return self.object(schema, depth + 1)
                return {}
        return _EXAMPLES.get(schema.get("format", ""), self._text())

    def _array(self, name: str, schema: Json, depth: int) -> list[Any]:
        """Return the values of the prompt that no other parameter took, and as many defaults as the
        array needs besides.
        """
        item = resolve(schema.get("items"), self._root)
        values = [value_of(clue) for clue in self.clues if self._is_free(clue)]
        values = [value for value in values if fits(value, item)]
        missing = range(schema.get("minItems", 0) - len(values))
        defaults = [self._default(name, item, depth + 1) for _ in missing]
        return values[: schema.get("maxItems")] + defaults

    def _is_free(self, clue: re.Match[str]) -> bool:
        return clue not in self.used and not clue["word"] and clue.start() in self._span

    def _text(self) -> str:
        """Return the words of the prompt that a text parameter is about."""
        about = self._prompt[self._span.start : self._span.stop].strip(" \n\t,;:.?!\"'")
        rest = _AFTER_PREPOSITION.search(about) or _AFTER_FIRST_WORD.match(about)
        if rest:
            return rest[1]
        return about or "example"


def _member(members: list[Any], value: Any) -> tuple[int, Any]:
    for member in members:
        if str(member).lower() == str(value).lower():
            return _NAMED, member
    return _NOT, None


def _likelihood(name: str, schema: Json, clue: re.Match[str], value: Any) -> int:
    """Return the score of a clue that does not stand beside the parameter's name."""
    about = f"{name} {schema.get('format', '')} {schema.get('description', '')}".lower()
    is_year = _YEAR.fullmatch(clue[0]) is not None
    if str(clue.lastgroup) in about or (is_year and "year" in about):
        return _LIKELY
    is_number_as_text = bool(clue["number"]) and isinstance(value, str)
    if is_year or is_number_as_text:
        return _UNLIKELY
    return _POSSIBLE


def _named_by(schema: Json) -> list[Any]:
    """Return the values that a schema itself names."""
    examples, members = schema.get("examples", []), schema.get("enum", [])
    return [schema.get("const"), schema.get("default"), *examples[:1], *members[:1]]
