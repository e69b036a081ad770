"""Keys of rows: a row of a store is taken for finished only where everything that its answer comes
from is as it was.
"""

import hashlib
import json
from typing import Any

from nbagent.events.jsonable import json_safe
from nbagent.runtime.function_source import describe_function


def key_of(fingerprint: str, prompt: Any, repeat: int) -> str:
    """Return the key of a row.

    Args:
        fingerprint: of the agent or function.
        prompt: what it is asked.
        repeat: number of the repetition, from 1.
    """
    return _digest([fingerprint, json_safe(prompt), repeat])


def fingerprint_of(target: Any, output: Any, version: str) -> str:
    """Return a text that changes when an agent or a function does.

    Of an agent: see `Agent.fingerprint`. Of a function: see `describe_function`; for what that does
    not see, the user gives a version.

    Args:
        target: an agent, or a function from an item to a stream.
        output: form of the answer, for an agent.
        version: that the user gives.
    """
    describe = getattr(target, "fingerprint", None)
    described = describe(output) if callable(describe) else describe_function(target)
    return _digest([described, version])


def text_of(value: Any) -> str:
    """Return JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _digest(value: Any) -> str:
    return hashlib.sha256(text_of(value).encode("utf-8", "backslashreplace")).hexdigest()
