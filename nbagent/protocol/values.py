"""Values in the props of blocks: what a prop holds that is neither a text nor a number."""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from nbagent.protocol.parts import ErrorFrame

ToolState: TypeAlias = Literal[
    "input-streaming",
    "input-available",
    "approval-requested",
    "approval-responded",
    "output-available",
    "output-error",
    "output-denied",
    "cancelled",
]
"""State of a tool call. All but `cancelled` are the AI SDK's
(https://ai-sdk.dev/docs/ai-sdk-ui/chatbot-tool-usage)."""

MimeBundle: TypeAlias = dict[str, Any]
"""Representations of one value, MIME type to payload: text for `text/*`, markup for
`image/svg+xml`, base64 for other images, any JSON for `application/json`. Where there are several,
the reader is shown the richest.
"""


class LargeValue(msgspec.Struct):
    """Marker in place of a value that is too large to travel with its block; the view asks for its
    pages by `need`.

    Attributes:
        part: name of the value: `result/BLOCK/MIME` for a payload of a tool's result,
            `prop/BLOCK/FIELD` for anything else.
        size: characters (Unicode code points) of the whole text; of JSON, of its encoded text.
        head: the first 1,000 characters at most.
    """

    part: str
    size: int
    head: str


class ToolProgress(msgspec.Struct):
    """Progress of a running tool call.

    Attributes:
        message: one line of text.
        progress: how much is done, in the unit of `total`.
        total: how much there is in all.
    """

    message: str | None
    progress: float | None
    total: float | None


class ToolError(msgspec.Struct):
    """Error of a tool call.

    Attributes:
        type: the exception's class name, or the provider's error type.
        message: the error's message.
        traceback: the formatted traceback.
        frames: frames of the code that raised it, outermost first; absent if there are none.
    """

    type: str | None
    message: str
    traceback: str | None
    frames: list[ErrorFrame] | UnsetType = UNSET


class Outcome(msgspec.Struct):
    """Outcome of the last act of a reader that the run's transcript does not show.

    Attributes:
        key: of the act, as the view that sent it made it.
        problem: why it failed; null if it did not.
        run: id of the run that it made; null for none.
        file: absolute path of the file that it wrote; null for none.
        html: its content, which the view asks for; null for nothing.
    """

    key: str
    problem: str | None = None
    run: str | None = None
    file: str | None = None
    html: LargeValue | None = None


class ForkNode(msgspec.Struct):
    """A run in the tree of a run and its forks.

    Attributes:
        number: of the run in the tree, from 1.
        parent: number of the run that it goes on from; null for the first.
        run: id of the run; null for a recording.
        name: of the run or recording.
        label: point of the fork and its changes, such as `rates(year=2023) → 99`; empty for the
            first.
        status: of the run, or `recorded`.
        own: true for the run that shows the tree.
    """

    number: int
    parent: int | None
    run: str | None
    name: str
    label: str
    status: str
    own: bool
