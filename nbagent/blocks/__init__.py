"""The kinds of blocks: one file for each that is complete at once, with all that the stages know.

Gate, transcript, inspector, encoders, recorded runs and renderers read `KINDS`. Texts, thoughts,
tool calls, agents and questions change while a run goes on: their props are in
`nbagent.protocol.blocks`, their events in `nbagent.events.kinds`, and each stage has its own code
for them.
"""

from typing import TypeAlias

from nbagent.blocks.custom import CUSTOM, RAW, STATE, Custom, CustomProps, Raw, State
from nbagent.blocks.error import ERROR, Error, ErrorProps
from nbagent.blocks.file import FILE, File, FileProps
from nbagent.blocks.handoff import HANDOFF, AgentHandoff, HandoffProps
from nbagent.blocks.kind import WholeKind
from nbagent.blocks.prompt import PROMPT, Prompt, PromptProps
from nbagent.blocks.rows import ROWS, Rows, RowsProps
from nbagent.blocks.source import SOURCE, Source, SourceProps
from nbagent.blocks.status import STATUS, Status, StatusProps
from nbagent.protocol.blocks import GrowingProps

__all__ = [
    "AgentHandoff",
    "Custom",
    "Error",
    "File",
    "Prompt",
    "Raw",
    "Rows",
    "Source",
    "State",
    "Status",
]

KINDS: tuple[WholeKind, ...] = (
    PROMPT,
    HANDOFF,
    SOURCE,
    FILE,
    STATUS,
    ERROR,
    CUSTOM,
    STATE,
    RAW,
    ROWS,
)
"""The kinds that are complete at once."""

WholeEvent: TypeAlias = (
    Prompt | AgentHandoff | Source | File | Status | Error | Custom | State | Raw | Rows
)
"""Event that is a block by itself: those of `KINDS`, for the type checker."""

AnyProps: TypeAlias = (
    GrowingProps
    | PromptProps
    | HandoffProps
    | SourceProps
    | FileProps
    | StatusProps
    | ErrorProps
    | CustomProps
    | RowsProps
)
"""The props of a block of any kind."""

KIND_OF: dict[type, WholeKind] = {kind.event: kind for kind in KINDS}
"""The kinds by the class of their event."""

KIND_NAMED: dict[str, WholeKind] = {kind.name: kind for kind in reversed(KINDS)}
"""The kinds by their name."""
