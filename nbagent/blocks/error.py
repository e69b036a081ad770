"""`error`: an error that is not a tool call's."""

from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Failure, Node
from nbagent.protocol.parts import Envelope


class Error(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    """An error.

    `fatal`: the run cannot go on. `error_type`: name of the exception's class, or the provider's
    type.
    """

    message: str
    code: str | None = None
    error_type: str | None = None
    fatal: bool = False
    tool_id: str | None = None
    traceback: str | None = None


class ErrorProps(BlockProps, tag="error"):
    """An error that is not a tool call's.

    Attributes:
        message: the error's message.
        error_type: the exception's class name, or the provider's error type.
        code: the provider's error code.
        fatal: true if the run cannot go on.
        traceback: the formatted traceback.
    """

    message: str | UnsetType = UNSET
    error_type: str | UnsetType | None = UNSET
    code: str | UnsetType | None = UNSET
    fatal: bool | UnsetType = UNSET
    traceback: str | UnsetType | None = UNSET


def _draw(error: Props) -> list[Node]:
    return [
        Failure(
            text_of(error, "message"),
            text_of(error, "error_type"),
            text_of(error, "code"),
            text_of(error, "traceback"),
        )
    ]


ERROR = WholeKind(
    event=Error,
    props=ErrorProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="non-fatal errors",
    tells_of_calls=True,
    is_answer=False,
    has_panel=True,
)
