"""Conversion of the JSON that a model wrote to a type."""

import ast
import contextlib
import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from nbagent.agent.tools.type_reader import TypeReader, type_name
from nbagent.errors import ToolError

_MAX_PROBLEMS = 3
"""Reasons listed in an error message; a union has at least one for each of its members."""

_MAX_VALUE_CHARS = 80
"""Characters of a refused value quoted in its error message."""

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
"""A choice in pydantic's message: Input should be 'red' or 'green'."""


def convert(value: Any, reader: TypeReader, annotation: Any, what: str) -> Any:
    """Convert JSON to a type, leniently: `"3"` is taken for an int, a string of JSON for a list or
    an object.

    Args:
        value: the JSON, decoded.
        reader: of the type.
        annotation: the type.
        what: the value is, for the error.

    Raises:
        ToolError: it does not fit; the message has what was got and what is wanted.
    """
    try:
        return reader.validate_python(value)
    except (TypeError, ValueError) as error:
        problem = error
    folded = _with_case_of_choices(value, problem)
    if folded is not value:
        return convert(folded, reader, annotation, what)
    if isinstance(value, str):  # some models write a list or an object as a string of JSON
        with contextlib.suppress(TypeError, ValueError):
            return reader.validate_json(value)
    raise ToolError(
        f"{what}: got {_quote(value)}, wanted {type_name(annotation)}: {_reason(problem)}"
    ) from problem


def _with_case_of_choices(value: Any, error: Exception) -> Any:
    """Return the value with a refused choice in the type's own case ("red" for "RED"); the value
    itself if there is none.
    """
    if not isinstance(error, ValidationError):
        return value
    for problem in error.errors(include_url=False):
        match problem:
            case {"type": "enum" | "literal_error", "input": str(refused), "ctx": context}:
                alike = _alike(refused, str(context.get("expected")))
                if len(alike) == 1:
                    return _replaced(value, problem["loc"], refused, alike[0])
    return value


def _alike(refused: str, expected: str) -> list[str]:
    """Return the choices of pydantic's message that differ from a text in case only."""
    choices = [ast.literal_eval(choice) for choice in _QUOTED.findall(expected)]
    folded = refused.casefold()
    return [each for each in choices if each.casefold() == folded and each != refused]


def _replaced(value: Any, path: Sequence[int | str], old: str, new: str) -> Any:
    """Return a copy of JSON with another text at a path; a part of the path that is not the JSON's
    is a union's member.
    """
    if value == old:
        return new
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step in value:
        return {**value, step: _replaced(value[step], rest, old, new)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        changed = list(value)
        changed[step] = _replaced(value[step], rest, old, new)
        return changed
    return _replaced(value, rest, old, new)


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    told: list[str] = []
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    for problem in problems[:_MAX_PROBLEMS]:
        place = ".".join(map(str, problem["loc"]))
        told.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    if len(problems) > len(told):
        told.append(f"and {len(problems) - len(told)} more")
    return "; ".join(told)


def _quote(value: Any) -> str:
    text = repr(value)
    cut = text[:_MAX_VALUE_CHARS] + "…" if len(text) > _MAX_VALUE_CHARS else text
    return f"{cut} ({type(value).__name__})"
