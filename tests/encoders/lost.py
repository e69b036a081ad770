"""What each loss does to the events of a run, told in events: written from the words of the loss, not from an encoder.

`without(events, encoder)` gives the events that a reader of the encoder's stream should see.
"""

import re
from collections.abc import Callable, Iterable

from encoders.lost_events import APPROVAL, OWN, THOUGHT, TOOL, Events, at_end, change, cut, drop, text_of
from encoders.lost_runs import (
    agents_fail,
    ask,
    ending,
    ends,
    gist,
    handoffs,
    linked,
    nested_in_agents,
    only_pending,
    sign_in,
    sources_in_texts,
    totals,
    unanswered,
    unique_files,
    unknown_codes,
    usage,
    waiting,
    worded,
)
from encoders.lost_texts import Joined, interrupted, late_texts, lines, one_after_another, streamed_stays
from encoders.lost_tools import (
    args_as_text,
    as_result,
    by_name,
    custom_args,
    free_args,
    message_of,
    oldest,
    parsed_args,
    stays,
    text_args,
    tool_kinds,
    untold_arguments,
    with_arguments,
)
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss

# In this order: first what comes in turn, then what is in it.
LOST: dict[Loss, Callable[[Events, BaseEncoder], Events]] = {
    Loss.THOUGHTS: lambda es, _: drop(*THOUGHT)(es),
    Loss.OVERLAPS: lambda es, _: one_after_another(es),
    Loss.INTERRUPTIONS: interrupted,
    Loss.NESTING: lambda es, _: change(ev.Envelope, parent_id=None)(change(ev.AgentStart, tool_id=None)(es)),
    Loss.NESTING_IN_CALLS: lambda es, _: nested_in_agents(es),
    Loss.MODEL: lambda es, _: change(ev.StepStart, model=None)(change(ev.RunStart, model=None)(es)),
    Loss.USAGE: lambda es, _: at_end(es, usage=None),
    Loss.COST: lambda es, _: usage(es, cost=None),
    Loss.CACHE_WRITES: lambda es, _: usage(es, cache_write=None),
    Loss.TOKEN_DETAILS: lambda es, _: usage(es, cache_read=None, reasoning=None),
    Loss.UNKNOWN_TOTALS: lambda es, _: totals(es),
    Loss.UNKNOWN_COUNTS: lambda es, _: usage(
        totals(es),
        cache_read=lambda u: u.cache_read or 0,
        cache_write=lambda u: u.cache_write or 0,
        reasoning=lambda u: u.reasoning or 0,
    ),
    Loss.MAX_STEPS: lambda es, _: at_end(es, status="incomplete", code="max_steps") if es[-1].status == "max_steps" else es,
    Loss.UNKNOWN_REASONS: lambda es, _: (
        at_end(es, code=es[-1].code or es[-1].finish_reason or "incomplete") if es[-1].status == "incomplete" else es
    ),
    Loss.CUT_WORDS: lambda es, x: at_end(es, code=x.cuts.get(cut(es[-1]) or "") or es[-1].code),
    Loss.ENDS: ends,
    Loss.CODES: lambda es, _: at_end(change(ev.Error, code=None)(es), code=None),
    Loss.UNKNOWN_CODES: lambda es, _: unknown_codes(es),
    Loss.PAUSES: lambda es, _: at_end(es, status="completed") if es[-1].status == "paused" else es,
    Loss.THOUGHT_KINDS: lambda es, _: change(ev.ReasoningStart, kind="raw")(es),
    Loss.SEALS: lambda es, _: change(ev.ReasoningEnd, signature=None, encrypted=None)(es),
    Loss.SIGNATURES: lambda es, _: change(ev.ReasoningEnd, signature=None)(es),
    Loss.ONE_SEAL: lambda es, _: change(ev.ReasoningEnd, signature=None, encrypted=lambda e: e.encrypted or e.signature)(es),
    Loss.REFUSALS: lambda es, _: change(ev.TextStart, kind="text")(es),
    Loss.PHASES: lambda es, _: change(ev.TextStart, phase=None)(es),
    Loss.REPLACED: lambda es, _: streamed_stays(es, ev.TextEnd),
    Loss.REPLACED_THOUGHTS: lambda es, _: streamed_stays(es, ev.ReasoningEnd),
    Loss.TAKEN_BACK: lambda es, _: streamed_stays(es, ev.TextEnd | ev.ReasoningEnd, only_empty=True),
    Loss.LOOSE_SOURCES: lambda es, _: sources_in_texts(es),
    Loss.EARLY_TEXTS: lambda es, _: late_texts(es),
    Loss.TOOLS: lambda es, _: drop(*TOOL)(es),
    Loss.TOOL_KINDS: tool_kinds,
    Loss.NAMES: lambda es, _: change(ev.ToolStart, name=lambda e: re.sub(r"[^\w.-]", "_", e.name))(es),
    Loss.TITLES: lambda es, _: change(ev.ToolStart, title=None)(es),
    Loss.CALL_IDS: lambda es, _: change(ev.ToolStart, call_id=None)(es),
    Loss.HOSTED_CALL_IDS: lambda es, _: change(
        ev.ToolStart, call_id=lambda e: None if e.kind in ("hosted", "mcp") else e.call_id
    )(es),
    Loss.PRELIMINARY: lambda es, _: [e for e in es if not (isinstance(e, ev.ToolResult) and e.preliminary)],
    Loss.REPLACED_ARGS_TEXT: lambda es, _: stays(es, parsed=False),
    Loss.REPLACED_ARGS: lambda es, _: stays(es, parsed=True),
    Loss.ARGS_TEXT: lambda es, _: parsed_args(es),
    Loss.NO_ARGS: lambda es, _: with_arguments(es, at_result=True),
    Loss.UNFINISHED: lambda es, _: with_arguments(es, at_result=False),
    Loss.FREE_ARGS: lambda es, _: free_args(es),
    Loss.TEXT_ARGS: text_args,
    Loss.UNPARSED_ARGS: lambda es, _: custom_args(es),
    Loss.EMPTY_ARGS: lambda es, _: change(ev.ToolArgs, args_text=lambda e: e.args_text or "{}")(es),
    Loss.UNTOLD_ARGS: lambda es, _: untold_arguments(es),
    Loss.ARGS: lambda es, _: drop(ev.ToolArgs, ev.ToolArgsDelta)(es),
    Loss.PROGRESS: lambda es, _: drop(ev.ToolProgress)(es),
    Loss.RESULTS: lambda es, _: drop(ev.ToolResult)(es),
    Loss.TOOL_ERRORS: lambda es, _: as_result(es),
    Loss.FUNCTION_ERRORS: lambda es, _: as_result(es, OWN),
    Loss.DENIALS: lambda es, _: change(
        ev.ToolResult,
        content=lambda e: None if e.status == "denied" else e.content,
        error=lambda e: None if e.status == "denied" else e.error,
    )(es),
    Loss.DENIED: lambda es, _: [
        replace(e, status="error", error=ev.ErrorInfo(message=message_of(e)))
        if isinstance(e, ev.ToolResult) and e.status == "denied"
        else e
        for e in es
    ],
    Loss.ERROR_RESULTS: lambda es, _: change(ev.ToolResult, content=lambda e: e.content if e.status == "ok" else None)(es),
    Loss.RESULT_TYPES: lambda es, _: change(
        ev.ToolResult, content=lambda e: None if e.status != "ok" and e.content is None else text_of(e.content)
    )(es),
    Loss.NULL_RESULTS: lambda es, _: change(
        ev.ToolResult, content=lambda e: [] if e.status == "ok" and e.content is None else e.content
    )(es),
    Loss.OLDEST: lambda es, _: oldest(es),
    Loss.RESULTS_BY_NAME: lambda es, _: by_name(es),
    Loss.APPROVALS: lambda es, _: drop(*APPROVAL)(es),
    Loss.UNANSWERED: lambda es, _: unanswered(es),
    Loss.WAITING: lambda es, _: waiting(es),
    Loss.UNLINKED_APPROVALS: lambda es, _: linked(es),
    Loss.ANSWERED_APPROVALS: lambda es, _: only_pending(es),
    Loss.APPROVAL_DETAILS: lambda es, _: ask(kind="tool", prompt=None, args=None, options=None, schema=None)(es),
    Loss.APPROVAL_ARGS: lambda es, _: ask(args=None, options=None)(es),
    Loss.APPROVAL_OPTIONS: lambda es, _: ask(options=None)(es),
    Loss.SIGN_IN: lambda es, _: sign_in(es),
    Loss.WORDLESS: lambda es, _: worded(es),
    Loss.CANCELLED_ANSWERS: lambda es, _: change(
        ev.ApprovalResponse, decision=lambda e: "deny" if e.decision == "cancel" else e.decision
    )(es),
    Loss.CUSTOM: lambda es, _: drop(ev.Custom)(es),
    Loss.APPROVAL_GIST: lambda es, _: gist(es),
    Loss.AGENTS: lambda es, _: drop(ev.AgentStart, ev.AgentEnd)(es),
    Loss.HANDOFFS: lambda es, _: drop(ev.AgentHandoff)(es),
    Loss.HANDOFF_FROM: lambda es, _: handoffs(es),
    Loss.SOURCES: lambda es, _: drop(ev.Source)(es),
    Loss.SOURCES_WITHOUT_URL: lambda es, _: [e for e in es if not (isinstance(e, ev.Source) and not e.url)],
    Loss.FILES: lambda es, _: drop(ev.File)(es),
    Loss.FILE_NAMES: lambda es, _: change(ev.File, name=None)(es),
    Loss.FILE_DATA: lambda es, _: change(ev.File, data=None, url=lambda e: e.url or f"data:{e.media_type};base64,{e.data}")(es),
    Loss.REPLACED_FILES: lambda es, _: unique_files(es),
    Loss.STATE: lambda es, _: drop(ev.State)(es),
    Loss.STATUS: lambda es, _: drop(ev.Status)(es),
    Loss.LEVELS: lambda es, _: change(ev.Status, level="info")(es),
    Loss.WARNINGS: lambda es, _: [e for e in es if not (isinstance(e, ev.Error) and not e.fatal)],
    Loss.AGENT_STATUS: lambda es, _: agents_fail(es),
    Loss.ERROR_TYPES: lambda es, _: change(ev.Error, error_type=None)(es),
    Loss.UNKNOWN_TYPES: lambda es, _: change(ev.Error, error_type=lambda e: e.error_type or "Error")(es),
    Loss.RAW: lambda es, _: drop(ev.Raw)(es),
    Loss.ARGS_AS_TEXT: lambda es, _: args_as_text(es),
    Loss.ENDING: lambda es, _: ending(es),
    Loss.BORDERS: lambda es, _: Joined(
        {"text": {"thought"}, "refusal": {"thought"}, "thought": {"text"}, "call": {"text", "refusal", "thought"}}
    ).of(es),
    Loss.STEP_BORDERS: lambda es, _: Joined({"text": {"thought"}, "step": {"text", "thought"}}, forgets=True).of(es),
    Loss.RUN_BORDERS: lambda es, _: Joined({}).of(es),
    Loss.LINES: lambda es, _: lines(es),
    Loss.FINISH: lambda es, _: at_end(es, finish_reason=None),
}
UNSAID = {
    Loss.FINISH,
    Loss.CODES,
    Loss.ARGS,
    Loss.CALL_IDS,
    Loss.HOSTED_CALL_IDS,
    Loss.TITLES,
    Loss.ONE_SEAL,
    Loss.MODEL,
    Loss.ERROR_TYPES,
}
"""Losses in whose place a decoder puts something of its own, which is no part of what was said."""


def without(events: Events, encoder: BaseEncoder, losses: Iterable[Loss] | None = None) -> Events:
    """The events without what is lost."""
    lost = set(encoder.loses if losses is None else losses)
    for loss, lose in LOST.items():
        if loss in lost:
            events = lose(events, encoder)
    return events
