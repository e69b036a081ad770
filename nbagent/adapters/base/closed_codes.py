"""Codes for which OpenAI's API has a closed list.

A code that is in no list travels in `metadata`, which takes any text, so that nbagent reads it
again and no strict client fails on it.
"""

from collections.abc import Mapping, Set
from typing import Any

from nbagent.adapters.base.fields import fields_or_empty, nonempty_str

_KEY = "nbagent_code"

SERVER_ERROR = "server_error"
"""OpenAI's code for an error that has no other one."""


def code_in_metadata(code: str, known: Set[str]) -> dict[str, str]:
    """Return the metadata of an object with that code: empty if the API knows it."""
    if code in known:
        return {}
    return {_KEY: code}


def code_from_metadata(owner: Mapping[str, Any]) -> str | None:
    """Return the code in the metadata of a response or a run; None if there is none."""
    return nonempty_str(fields_or_empty(owner.get("metadata")).get(_KEY))


def error_with_code(error: Any, owner: Mapping[str, Any]) -> Any:
    """Return the error of a response or a run, with the code in its metadata if there is one."""
    code = code_from_metadata(owner)
    if code is None:
        return error
    return {**fields_or_empty(error), "code": code}
