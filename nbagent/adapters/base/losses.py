"""Losses: what a system cannot represent of a run.

Every encoder lists its own. Four things are lost in every system and are not listed: sequence
numbers and times, step numbers, `meta` and `raw`, and what exists only for display (tracebacks,
live objects, `display` of a result).
"""

import inspect
from enum import StrEnum
from typing import Final

from nbagent.blocks import KINDS


class Loss(StrEnum):
    """Part of a run that a system cannot represent.

    The value describes it, with what is sent instead in parentheses.
    """

    MODEL = "model name"
    USAGE = "token counts"
    MISSING_COUNTS = "missing token counts (sent as 0)"
    MISSING_TOTALS = "missing token totals (sent as 0 or as the sum)"
    TOKEN_DETAILS = "counts of reasoning tokens and cached tokens"  # noqa: S105 - no password
    CACHE_WRITES = "count of tokens written to a cache"
    COST = "cost of the run"
    FINISH_REASON = "the provider's finish reason"
    ERROR_CODES = "code of an error or of the run's end"
    MISSING_ERROR_CODES = "missing error code (sent as server_error)"
    MISSING_REASONS = "missing reason of an incomplete run (sent as incomplete)"
    CUT_REASONS = (
        "the provider's name for the limit that cut an answer short (the system's own name is sent)"
    )
    END_STATUS = "end statuses that the system does not have (sent as a failure with a message)"
    IMPLICIT_END = (
        "end status (read as completed after a message, else as incomplete; an error is sent as a "
        "message)"
    )
    PAUSED = "the status paused (sent as completed)"
    PAUSE_REASON = "what a paused run waits for (read as a request for input)"
    MAX_STEPS = "the status max_steps (sent as incomplete)"

    PROMPTS = "the user's messages, and the return to an earlier one"

    REASONING = "reasoning"
    REASONING_FORM = "kind, signatures, boundaries and place of reasoning (its text is sent)"
    REASONING_KIND = "whether reasoning is a summary or raw"
    REASONING_PLACE = "place of reasoning, and boundaries within it (sent whole at the end)"
    OVERLAPS = "overlap of texts or of reasoning blocks (sent one after another)"
    SPLITS = "continuation of a text or reasoning block after something else (sent as a second one)"
    BOUNDARIES = "boundary between adjacent texts or reasoning blocks (joined by an empty line)"
    ANSWER_BOUNDARIES = (
        "boundary between texts without a tool call between them (joined by an empty line)"
    )
    CALL_BOUNDARIES = (
        "boundary between texts (joined by an empty line, or by the line of a tool call)"
    )
    OPAQUE_REASONING = "signatures and encrypted reasoning"
    SIGNATURES = "signatures of reasoning"
    OPAQUE_KIND = (
        "whether opaque reasoning data is a signature or encrypted reasoning (only one of them is "
        "sent)"
    )
    REFUSALS = "whether a text is a refusal"
    PHASES = "phase of a text"
    LINE_BREAKS = "whether the line ends of a text are line breaks"
    EARLY_STARTS = "start of a text or reasoning block before its first characters (sent with them)"
    REPLACED_TEXT = "replacement of a text by its final version (the streamed text stays)"
    REPLACED_REASONING = (
        "replacement of reasoning by its final version (the streamed reasoning stays)"
    )
    EARLIER_TEXT = (
        "replacement by its final version of a text that a tool call follows (the streamed text "
        "stays)"
    )
    RETRACTED = (
        "retraction of a text or reasoning block by an empty final version (the streamed text "
        "stays)"
    )

    TOOLS = "tool calls"
    TOOL_KINDS = "kind of a tool (function, hosted, MCP, …)"
    TOOL_NAME_CHARS = (
        "characters of a tool's name other than letters, digits, dot and hyphen (sent as _)"
    )
    TOOL_TITLES = "titles of tools"
    CALL_IDS = "ids of tool calls"
    HOSTED_CALL_IDS = "ids of tool calls that the provider ran"
    ARGS = "arguments"
    ARGS_AS_TEXT = (
        "names of arguments (their values are sent), and a call whose arguments are incomplete"
    )
    MISSING_ARGS = "missing arguments of a call that has a result (sent as empty)"
    ARGS_TEXT = "arguments as they were written (sent parsed)"
    PARSED_ARGS = "arguments that differ from their text (the client parses the text)"
    CUSTOM_ARGS = "arguments of custom tools as an object (sent as text)"
    FREE_ARGS = "validity of arguments in free text (read as malformed JSON)"
    UNFINISHED_ARGS = "incompleteness of arguments (read as complete)"
    ARGS_COMPLETION = "completeness of arguments without a result, if the run breaks off"
    EMPTY_ARGS = "empty text of arguments (sent as {})"
    REPLACED_ARGS_TEXT = (
        "replacement of the arguments' text by its final version (the streamed text stays)"
    )
    REPLACED_ARGS = "replacement of arguments by their final version (the streamed arguments stay)"
    PROGRESS = "progress of tools"
    OUTPUT = "text that a tool prints"
    PRELIMINARY = "preliminary results"
    RESULTS = "results of tools"
    RESULT_LINES = (
        "failure of a tool and the type of its result (sent as a line of text), and the result of "
        "a call that a text follows"
    )
    NULL_RESULTS = "null results (read as an empty list)"
    RESULT_TYPES = "results other than text (sent as JSON text)"
    RESULT_OF_OLDEST = "which call of a tool a result answers (read as the oldest open one)"
    TOOL_ERRORS = "failure of a tool (its message is sent as the result)"
    FUNCTION_ERRORS = (
        "failure of a tool that the provider did not run (its message is sent as the result)"
    )
    ERROR_RESULTS = "content of a failed result other than its message"
    DENIAL_REASONS = "reason why a call was denied"
    DENIED = "denial of a call (sent as a failure)"

    UNANSWERED = "completion of a run with unanswered calls (sent as waiting for their results)"
    APPROVALS = "approval requests"
    ANSWERED_APPROVALS = "approval requests that were answered, or for which the run does not wait"
    APPROVAL_LINKS = "call, arguments, options and answer of an approval request"
    APPROVAL_DETAILS = (
        "contents of an approval request other than its call, and the value of its answer"
    )
    APPROVAL_ARGS = "arguments and options of an approval request"
    APPROVAL_MEMORY = "permission for all further calls of a tool"
    APPROVAL_OPTIONS = "options of an approval request"
    SIGN_IN = "sign-in as the purpose of a request (sent as input)"
    MISSING_PROMPTS = "missing prompt of an approval request (read as the tool's name)"
    UNLINKED_APPROVALS = "approval requests without a tool call"
    CANCELLED_ANSWERS = "cancellation of an approval request (sent as denied)"

    AGENTS = "sub-agents"
    AGENT_STATUS = "end status of a sub-agent other than completed or failed"
    NESTING = "nesting in a tool call or a sub-agent"
    NESTING_IN_CALLS = "nesting of anything but a sub-agent in a tool call"
    HANDOFFS = "hand-offs"
    HANDOFF_FROM = "origin of a hand-off, if it is not the target of the one before"
    SOURCES = "sources"
    SOURCES_WITHOUT_URL = "sources without a URL"
    LOOSE_SOURCES = "sources while no text is open"
    FILES = "files"
    FILE_NAMES = "names of files"
    FILE_DATA = "base64 data of files (sent as data: URLs)"
    REPLACED_FILES = "replacement of a file (sent as a second file)"
    STATE = "state"
    STATUS = "status lines"
    STATUS_LEVELS = "level of a status line"
    WARNINGS = "non-fatal errors"
    MISSING_ERROR_TYPES = "missing error type (sent as Error or server_error)"
    ERROR_TYPES = "error types"
    CUSTOM = "custom events"
    ROWS = "the table of a map"
    RAW = "raw items"


LOSS_OF: Final = {kind.event: Loss(kind.loss) for kind in KINDS}
"""Loss of an encoder that leaves an event out, by the event's class; of those that are a block by
themselves.
"""


# --- losses that several systems share

COMMON: Final = frozenset(
    {
        Loss.FINISH_REASON,
        Loss.PROMPTS,
        Loss.PHASES,
        Loss.LINE_BREAKS,
        Loss.TOOL_KINDS,
        Loss.PROGRESS,
        Loss.OUTPUT,
    }
    | {Loss.AGENTS, Loss.NESTING, Loss.HANDOFFS, Loss.STATUS, Loss.WARNINGS, Loss.RAW}
    | {Loss.ROWS}
)
"""Losses of nearly every system."""

APPLICATION_DATA: Final = frozenset({Loss.FILES, Loss.STATE, Loss.CUSTOM})
"""Losses of every system that is not a protocol for user interfaces."""

UI_PROTOCOL: Final = COMMON | (
    {Loss.MODEL, Loss.COST, Loss.END_STATUS, Loss.ERROR_TYPES}
    | {
        Loss.REASONING_KIND,
        Loss.OPAQUE_KIND,
        Loss.REFUSALS,
        Loss.REPLACED_TEXT,
        Loss.REPLACED_REASONING,
    }
)
"""Losses of the protocols for user interfaces (AG-UI, Vercel)."""

OPENAI: Final = (
    COMMON
    | APPLICATION_DATA
    | {Loss.COST, Loss.CUT_REASONS, Loss.TOOL_TITLES, Loss.PARSED_ARGS, Loss.APPROVALS}
)
"""Losses of OpenAI's three endpoints."""

OPENAI_RUN: Final = OPENAI | (
    {Loss.MISSING_ERROR_CODES, Loss.MISSING_REASONS, Loss.MAX_STEPS, Loss.ERROR_TYPES}
    | {Loss.RETRACTED, Loss.PRELIMINARY, Loss.RESULT_TYPES}
)
"""Losses of OpenAI's endpoints that report results of tools (Responses, Assistants)."""

TEXT_ONLY: Final = (
    COMMON
    | APPLICATION_DATA
    | {
        Loss.USAGE,
        Loss.END_STATUS,
        Loss.REASONING,
        Loss.REFUSALS,
        Loss.REPLACED_TEXT,
        Loss.SOURCES,
        Loss.ERROR_TYPES,
    }
)
"""Losses of systems whose content is text without structure."""


def documented(doc: str | None, losses: frozenset[Loss]) -> str:
    """Return a class docstring with the list of losses appended, in the order of `Loss`.

    Args:
        doc: the docstring; None (as under `python -OO`) counts as empty.
        losses: the losses to list.
    """
    lines = [f"- {loss}" for loss in Loss if loss in losses]
    return "\n\n".join(filter(None, [inspect.cleandoc(doc or ""), "Loses:", "\n".join(lines)]))
