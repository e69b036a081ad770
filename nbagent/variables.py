"""Variables of the notebook in a prompt: `{name}`."""

import re
from collections.abc import Mapping
from typing import Any

from nbagent.agent.prompt_parts import Part, image
from nbagent.agent.results import for_model
from nbagent.agent.tools import RESULT_CHARS
from nbagent.mime import display_of

_NAME = re.compile(r"\{([A-Za-z_]\w*)\}")


def filled(prompt: str, variables: Mapping[str, Any]) -> str | list[str | Part]:
    """Return a prompt with the values of the variables that it names.

    A picture becomes a part of the prompt, any other value a text, as the result of a tool does. A name that is no variable
    stays as it is written: braces are common in code and in JSON.

    Args:
        prompt: with names in braces, `{name}`.
        variables: by name.

    Returns:
        A text; or texts and pictures, in order.
    """
    made: list[str | Part] = [""]
    start = 0
    for found in _NAME.finditer(prompt):
        if found[1] not in variables:
            continue
        _add(made, prompt[start : found.start()])
        _add(made, _value(variables[found[1]]))
        start = found.end()
    _add(made, prompt[start:])
    parts = [part for part in made if part != ""]
    return "".join(map(str, made)) if not any(isinstance(part, Part) for part in parts) else parts


def _add(made: list[str | Part], part: str | Part) -> None:
    last = made[-1]
    if isinstance(part, str) and isinstance(last, str):
        made[-1] = last + part
    else:
        made.append(part)


def _value(value: Any) -> str | Part:
    if isinstance(value, Part):
        return value
    if isinstance(value, str):
        return value
    shown = display_of(value).data
    if any(mime.startswith("image/") for mime in shown) and "text/html" not in shown:
        return image(value)
    return for_model(value, RESULT_CHARS)[1]
