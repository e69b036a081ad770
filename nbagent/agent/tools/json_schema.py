"""Check of JSON against a JSON Schema (https://json-schema.org) that somebody else has written."""

from collections.abc import Mapping
from typing import Any

from nbagent.errors import ToolError


def check(schema: Mapping[str, Any], value: Any) -> None:
    """Check a value.

    A schema that is not valid, or refers to other documents, is left to the one who wrote it.

    Raises:
        ToolError: the value does not fit; the message says where and why.
    """
    # Imported here: jsonschema reads the grammar of IRIs when it is imported, which takes a second.
    import jsonschema
    import referencing

    try:
        # An empty registry: nothing is fetched.
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        problem = jsonschema.exceptions.best_match(
            kind(schema, registry=referencing.Registry()).iter_errors(value)
        )
    except Exception:
        return
    if problem is not None:
        place = ".".join(map(str, problem.absolute_path))
        raise ToolError(f"{place}: {problem.message}" if place else problem.message)
