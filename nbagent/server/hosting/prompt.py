"""A prompt, a text or the messages of a conversation: its size, and its first words."""

from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.model import input_items
from nbagent.errors import NbagentError
from nbagent.gate import Gate, secrets
from nbagent.render.markup.text import one_line
from nbagent.server.limits import Limits
from nbagent.server.problem import Problem

_DATA = frozenset({"data", "file_data", "image_url", "url"})
"""Keys of the parts of a message that hold a picture or a file."""


FIRST_WORDS_CHARS = 80
"""Characters of a prompt by which a list names its run."""


def first_words(prompt: Any, gate: Gate) -> str:
    """Return the first words of a prompt on one line, as far as the gate shows them; "" if it has
    none.
    """
    try:
        newest = input_items.from_prompt(prompt)[-1:]
    except NbagentError:  # the run says what is wrong with it
        return ""
    text = "".join(input_items.text_of(item) for item in newest)
    shown = [*gate.feed(e.Prompt(text=text)), *gate.close()]
    seen = "".join(event.text for event in shown if isinstance(event, e.Prompt))
    return one_line(secrets.mask(seen), FIRST_WORDS_CHARS)


def check_prompt_size(prompt: Any, limits: Limits, options: ClientOptions = NO_OPTIONS) -> None:
    """Check the size of a prompt: a text, or messages, with what the client adds for the model.

    Pictures and files count as a part of the body alone.

    Raises:
        Problem: it is too long (413).
    """
    if _text_chars(prompt) + _added_chars(options) > limits.max_prompt_chars:
        limit = f"{limits.max_prompt_chars:,} characters, the limit max_prompt_chars"
        raise Problem(413, f"the prompt has more than {limit}")


def _added_chars(options: ClientOptions) -> int:
    added = [options.tools, options.form]
    return len(options.instructions) + sum(len(msgspec.json.encode(each)) for each in added if each)


def _text_chars(prompt: Any) -> int:
    count, left = 0, [prompt]
    while left:  # not recursive: a body may be nested as deep as Python allows
        value = left.pop()
        if isinstance(value, str):
            count += len(value)
        elif isinstance(value, dict):
            left += [inner for key, inner in value.items() if key not in _DATA]
        elif isinstance(value, list):
            left += value
    return count
