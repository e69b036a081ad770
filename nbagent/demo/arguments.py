"""Arguments of a tool call: values found in the prompt that fit the tool's JSON Schema.

Supported of JSON Schema (https://json-schema.org/draft/2020-12): types, enums, required, minimum,
maximum, references, unions.
"""

import re
from collections.abc import Mapping
from typing import Any

from nbagent.demo.conversation import Json

_WORDS = """a about all also an and any are as at be by can could do does each for from give has have how i if in into is it its
just me my no not now of on one or our out please so some such tell that the their them then there these they this to up us use
want was we were what when where which who why will with without would you your"""
_STOP_WORDS = frozenset(_WORDS.split())
_FREE_TEXT = {
    "query",
    "question",
    "q",
    "text",
    "prompt",
    "message",
    "topic",
    "task",
    "content",
    "search",
    "subject",
}
_EXAMPLES = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T12:00:00Z",
    "email": "ada@example.com",
    "uri": "http://a.example/",
}
_TYPES: Json = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
_LISTED = re.compile(r"\s*(?:,|,?\s*(?:and|or)|&)\s*(?:(?:by|for|of)\s+)?")
CLUE = re.compile(
    r"""(?<!\w)["“`'](?P<quoted>[^"”`'\n]+)["”`'](?!\w)
    | (?P<url>https?://[^\s<>"]*[^\s<>".,;:!?)])
    | (?P<email>[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+)
    | (?P<date>\b\d{4}-\d\d-\d\d\b)
    | (?P<expression>(?<![\w.])\(*-?\d[\d.]*(?:[\s)]*[-+*/^%]+[\s(]*\d[\d.]*)+\)*)
    | (?P<path>(?<![\w/.])[\w~./-]{0,200}\w\.[A-Za-z]\w{1,4}\b)
    | (?P<number>(?<![\w.])-?\d+(?:,\d{3}(?!\d))*(?:\.\d+)?(?![\w:]))
    | (?P<time>\b\d{1,2}:\d\d\b)
    | (?P<name>\b(?!I\b)(?:[A-Z][A-Z\d]+\b|(?<!^)(?<![.!?:]\s)[A-Z][\w’-]*(?:\s+[A-Z][\w’-]*)*))
    | (?P<word>\w[\w-]*)""",
    re.VERBOSE,
)
"""A piece of a prompt that could be a value. A capital at the start of a sentence makes no name."""


def fill(
    schema: Any, prompt: str, span: range | None = None, known: Json | None = None
) -> list[Json]:
    """Return arguments that fit a JSON Schema: one set, or several if the prompt lists values ("for
    CHF, EUR and USD").

    `span` is the part of the prompt that is about the tool; `known` has values by name from the
    results of other tools.
    """
    top = resolve(schema, schema)
    properties = top.get("properties") or {}
    filler = _Filler(schema, prompt, span or range(len(prompt)), known or {})
    sets = [filler.object(top)]
    for clue, name in list(filler.used.items()) if len(filler.used) == 1 else ():
        end = clue.end()
        for other in filler.clues:
            score, value = filler.suits(name, resolve(properties.get(name), schema), other)
            if (
                name in properties
                and score
                and other.start() > end
                and _LISTED.fullmatch(prompt, end, other.start())
            ):
                sets.append({**sets[0], name: value})
                end = other.end()
    return sets


class _Filler:
    """Fills one set of arguments.

    `clues` are the pieces of the prompt, `used` the parameters that took one.
    """

    def __init__(self, root: Any, prompt: str, span: range, known: Json) -> None:
        self._root, self._prompt, self._span, self._known = root, prompt, span, known
        found = (clue for clue in CLUE.finditer(prompt) if clue[0].lower() not in _STOP_WORDS)
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
        pairs = [
            (name, clue, *self.suits(name, properties[name], clue))
            for name in properties
            for clue in self.clues
        ]
        for name, clue, score, value in sorted(pairs, key=lambda pair: -pair[2]):
            enough = score > 0 if name in required else score == 4 and clue.start() in self._span
            if enough and name not in found and clue not in self.used:
                found[name], self.used[clue] = value, name
        for name in required:
            if name not in found:
                found[name] = self._default(name, properties.get(name, {}), depth)
        return {name: found[name] for name in (*properties, *required) if name in found}

    def suits(self, name: str, schema: Json, clue: re.Match[str]) -> tuple[int, Any]:
        """Return a score of how well a clue suits a parameter (0: not; 4: next to its name, as in
        `5 days`), and the value.
        """
        before, value = self._prompt[max(0, clue.start() - 80) : clue.start()], _value(clue)
        if "enum" in schema:
            member = next(
                (one for one in schema["enum"] if str(one).lower() == str(value).lower()), None
            )
            return 4 * (member is not None), member
        if schema.get("type") == "boolean":
            return 4 * (clue[0].lower() == name.lower()), not re.search(
                r"(?i)\b(no|not|without)\s+$", before
            )
        if not _fits(value, schema) and not _fits(value := clue[0], schema):
            return 0, None
        parts = re.findall(r"[^\W_]+", name)
        by = ["by"] if {"column", "field", "key", "group"} & set(parts) else []
        forms = "|".join([r"[\s_-]".join(parts), *parts, *by])
        after = clue["number"] and re.compile(rf"(?i)\s+(?:{forms})\b").match(
            self._prompt, clue.end()
        )
        if after or re.search(rf"(?i)\b(?:{forms})(\s*[=:]|\s+is|\s+of)?\s*$", before):
            return 4, value
        if (
            clue["word"]
            or (name in _FREE_TEXT and not clue["quoted"])
            or schema.get("type", "array") == "array"
        ):
            return 0, None
        about = f"{name} {schema.get('format', '')} {schema.get('description', '')}".lower()
        is_year, wants_year = re.fullmatch(r"(19|20)\d\d", clue[0]) is not None, "year" in about
        likely = str(clue.lastgroup) in about or (is_year and wants_year) or name in _FREE_TEXT
        return 3 if likely else 1 if is_year or (
            clue["number"] and isinstance(value, str)
        ) else 2, value

    def _default(self, name: str, schema: Json, depth: int) -> Any:
        """Return a value for a required parameter that the prompt does not give."""
        if _fits(self._known.get(name), schema):
            return self._known[name]
        for value in (
            schema.get("const"),
            schema.get("default"),
            *schema.get("examples", [])[:1],
            *schema.get("enum", [])[:1],
        ):
            if value is not None:
                return value
        match "null" if schema.get("nullable") else schema.get("type"):
            case "null":
                return None
            case "boolean":
                return False
            case "integer" | "number":
                return schema.get("minimum", min(1, schema.get("maximum", 1)))
            case "array":
                item = resolve(schema.get("items"), self._root)
                free = [
                    clue
                    for clue in self.clues
                    if clue not in self.used and not clue["word"] and clue.start() in self._span
                ]
                values = [_value(clue) for clue in free if _fits(_value(clue), item)]
                missing = range(schema.get("minItems", 0) - len(values))
                return values[: schema.get("maxItems")] + [
                    self._default(name, item, depth + 1) for _ in missing
                ]
            case "object":
                return self.object(schema, depth + 1) if depth < 6 else {}
        about = self._prompt[self._span.start : self._span.stop].strip(" \n\t,;:.?!\"'")
        rest = re.search(
            r"(?is)\b(?:in|for|of|at|from|about)\s+(?:the\s+)?(.+)", about
        ) or re.match(r"(?s)\w+\s+(.+)", about)
        return _EXAMPLES.get(schema.get("format", ""), rest[1] if rest else about or "example")


def stems(text: str) -> set[str]:
    """Return the words that carry meaning, without their endings; `camelCase` and `snake_case` are
    split.
    """
    found = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return {
        re.sub(r"(?<=\w{3})(?:ings?|ies|ed|es|s|e|y)$", "", word)
        for word in found
        if word not in _STOP_WORDS
    }


def resolve(schema: Any, root: Any, depth: int = 0) -> Json:
    """Return a schema of one type: references resolved; of alternatives the first that is not null
    (with `nullable` set).
    """
    if not isinstance(schema, Mapping) or depth > 16:
        return {}
    plain = {
        name: value
        for name, value in schema.items()
        if name not in ("$ref", "allOf", "anyOf", "oneOf")
    }
    if isinstance(reference := schema.get("$ref"), str):
        target = root
        for step in reference.removeprefix("#").split("/")[1:]:
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        plain = {**resolve(target, root, depth + 1), **plain}
    for part in schema.get("allOf") or ():
        plain = {**resolve(part, root, depth + 1), **plain}
    if choices := [
        resolve(part, root, depth + 1) for part in schema.get("anyOf") or schema.get("oneOf") or ()
    ]:
        real = [choice for choice in choices if choice.get("type") != "null"] or choices
        plain = {"nullable": len(real) < len(choices), **plain, **real[0]}
    if isinstance(kinds := plain.get("type"), list):
        plain |= {
            "type": next((kind for kind in kinds if kind != "null"), "null"),
            "nullable": "null" in kinds,
        }
    return {"type": "object", **plain} if "properties" in plain else plain


def _value(clue: re.Match[str]) -> Any:
    if not clue["number"]:
        return clue[str(clue.lastgroup)]
    number = clue[0].replace(",", "")
    return float(number) if "." in number else int(number)


def _fits(value: Any, schema: Json) -> bool:
    """Return True if a value is of the schema's type, range and values."""
    if (
        value is None
        or schema.get("type") == "null"
        or isinstance(value, bool) != (schema.get("type") == "boolean")
    ):
        return False
    if (
        isinstance(value, str)
        and schema.get("format") == "date"
        and not re.fullmatch(r"\d{4}-\d\d-\d\d", value)
    ):
        return False
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        return False
    known = schema.get("const", value) == value and value in schema.get("enum", [value])
    return known and isinstance(value, _TYPES.get(schema.get("type", ""), object))
