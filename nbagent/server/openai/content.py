"""The content parts of a request's messages: texts, pictures, files and sound, which an agent's
model gets; others are refused.

Sources: https://platform.openai.com/docs/api-reference/chat/create#messages and
https://platform.openai.com/docs/api-reference/responses/create#input.
"""

from collections.abc import Sequence
from typing import Any

from nbagent.server.openai.parameters import Json
from nbagent.server.problem import Problem

CONTENT = {"message": "content", "function_call_output": "output"}
"""Key of the content of each kind of item that has one."""

KNOWN = "a part is a text, a picture with its URL, a file with its data, or sound with its data"


def check_content(messages: Sequence[Json], param: str) -> None:
    """Check the parts of messages.

    Args:
        messages: in the form of either API.
        param: name of the parameter that they are.

    Raises:
        Problem: the agent's model would not get a part, or not as it was meant (400).
    """
    for number, message in enumerate(messages):
        name = CONTENT.get(str(message.get("type") or "message"), "")
        parts = message.get(name)
        if not isinstance(parts, list):
            continue
        is_result = name == "output" or message.get("role") == "tool"
        for at, part in enumerate(parts):
            reason = _reason_against(part, is_result)
            if reason is not None:
                place = f"{param}[{number}].{name}[{at}]"
                raise Problem(400, f"{place}: {reason}", param=place)


def _reason_against(part: Any, is_result: bool) -> str | None:
    """Return why a part is refused; None if it is taken."""
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str()}:
            return None
        case {"type": "refusal", "refusal": str()}:
            return None
        case _ if is_result:
            return "the result of a call is texts here; a picture can be in a message of the user's"
        case {"file_id": str()} | {"file": {"file_id": str()}}:
            return "this server keeps no files by ids; give the data itself"
        case {"type": "image_url", "image_url": {"url": str()}}:
            return None
        case {"type": "input_image", "image_url": str()}:
            return None
        case {"type": "file", "file": {"file_data": str()}}:
            return None
        case {"type": "input_file", "file_data": str()}:
            return None
        case {"type": "input_file", "file_url": str()}:
            return "not every model takes a file by its URL; give file_data"
        case {"type": "input_audio", "input_audio": {"data": str()}}:
            return None
    return KNOWN
