"""`prompt`: the user's message."""

from typing import Any

from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, records_of, text_of
from nbagent.blocks.file import file_node
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Message, Node
from nbagent.protocol.parts import Envelope


class Prompt(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="prompt"):
    """The user's message that a run answers.

    Attributes:
        text: of the message.
        files: pictures and other files of the message: dicts with `media_type`, and `url`, `data`
            (base64) or `name`.
    """

    text: str
    files: list[dict[str, Any]] | None = None


class PromptProps(BlockProps, tag="prompt"):
    """The user's message that the run answers.

    Attributes:
        text: of the message.
        files: pictures and other files of the message, each with `media_type`, and `url`, `data`
            (base64) or `name`.
    """

    text: str | UnsetType = UNSET
    files: list[dict[str, Any]] | UnsetType | None = UNSET


def _draw(prompt: Props) -> list[Node]:
    return [Message(text_of(prompt, "text"), list(map(file_node, records_of(prompt, "files"))))]


PROMPT = WholeKind(
    event=Prompt,
    props=PromptProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="the user's messages, and the return to an earlier one",
    is_answer=False,
)
