"""`status`: a line about what is going on."""

from typing import get_args

from msgspec import UNSET, UnsetType

from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Node, Notice
from nbagent.protocol.parts import Envelope, Level, RunStatus


class Status(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="status"):
    """A message of one line about the progress of the run: a retry, a queue, a search."""

    message: str
    level: Level = "info"


class StatusProps(BlockProps, tag="status"):
    """A line about what is going on, or the mark of where an answer of a chat stops that is not
    whole.

    Attributes:
        message: the line; absent from a mark, whose words are made of the fields below.
        level: its severity.
        status: of a mark: how the answer ended.
        stopped_by: as for a run.
        finish_reason: as for a run.
        code: as for a run.
        last_output: as for a run.
    """

    message: str | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    status: RunStatus | UnsetType = UNSET
    stopped_by: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    last_output: int | UnsetType = UNSET


_LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}


def _draw(status: Props) -> list[Node]:
    level = _LEVELS.get(text_of(status, "level"), "info")
    return [Notice(text_of(status, "message") or end_label(status), level)]


STATUS = WholeKind(
    event=Status,
    props=StatusProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="status lines",
    is_answer=False,
)
