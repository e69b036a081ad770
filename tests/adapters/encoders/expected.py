"""Events that are expected after encoding and decoding: the effect of each loss, written from its
description.

`without_lost(events, encoder)` returns the events that a client of the encoder's stream should see.
"""

import re
from collections.abc import Callable, Iterable

from adapters.encoders.rewrites import (
    APPROVAL,
    LOCAL_KINDS,
    REASONING,
    TOOL,
    Events,
    as_text,
    change,
    change_end,
    drop,
    limit_of,
)
from adapters.encoders.run_rewrites import (
    agent_changes,
    agents_fail,
    approval_links,
    change_request,
    change_usage,
    end_status,
    implicit_end,
    nested_in_agents,
    only_pending,
    pause_reason,
    sign_in,
    sources_in_texts,
    unanswered,
    unique_files,
    with_call_only,
    with_codes,
    with_prompts,
    with_totals,
)
from adapters.encoders.text_rewrites import (
    JoinedTexts,
    call_lines,
    earlier_stays,
    interrupted,
    late_texts,
    one_after_another,
    reasoning_at_end,
    streamed_stays,
)
from adapters.encoders.tool_rewrites import (
    args_as_text,
    custom_args,
    error_as_result,
    error_message,
    free_args,
    incomplete_arguments,
    known_kinds,
    parsed_args,
    result_of_oldest,
    streamed_args_stay,
    text_args,
    with_arguments,
)
from msgspec.structs import replace
from samples import OTHER_KINDS

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import LOSS_OF, Loss


def _without(kind: type[ev.Envelope]) -> Callable[[Events, BaseEncoder], Events]:
    return lambda events, _: drop(kind)(events)


MISSING_TYPE = {"openai.chat": "server_error"}
"""What is sent in place of a missing type of an error, where it is not "Error"."""

# The order matters: overlaps are resolved before what is inside of the spans.
REWRITES: dict[Loss, Callable[[Events, BaseEncoder], Events]] = {
    Loss.REASONING: lambda es, _: drop(*REASONING)(es),
    Loss.REASONING_FORM: lambda es, _: drop(*REASONING)(es),
    Loss.OVERLAPS: lambda es, _: one_after_another(es),
    Loss.SPLITS: interrupted,
    Loss.NESTING: lambda es, _: change(ev.Envelope, parent_id=None)(
        change(ev.AgentStart, tool_id=None)(es)
    ),
    Loss.NESTING_IN_CALLS: lambda es, _: nested_in_agents(es),
    Loss.MODEL: lambda es, _: change(ev.StepStart, model=None)(change(ev.RunStart, model=None)(es)),
    Loss.USAGE: lambda es, _: change_end(es, usage=None),
    Loss.COST: lambda es, _: change_usage(es, cost=None),
    Loss.CACHE_WRITES: lambda es, _: change_usage(es, cache_write=None),
    Loss.TOKEN_DETAILS: lambda es, _: change_usage(es, cache_read=None, reasoning=None),
    Loss.MISSING_TOTALS: lambda es, _: with_totals(es),
    Loss.MISSING_COUNTS: lambda es, _: change_usage(
        with_totals(es),
        cache_read=lambda u: u.cache_read or 0,
        cache_write=lambda u: u.cache_write or 0,
        reasoning=lambda u: u.reasoning or 0,
    ),
    Loss.MAX_STEPS: lambda es, _: (
        change_end(es, status="incomplete", code="max_steps")
        if es[-1].status == "max_steps"
        else es
    ),
    Loss.MISSING_REASONS: lambda es, _: (
        change_end(es, code=es[-1].code or es[-1].finish_reason or "incomplete")
        if es[-1].status == "incomplete"
        else es
    ),
    Loss.CUT_REASONS: lambda es, x: change_end(
        es, code=x.limit_names.get(limit_of(es[-1]) or "") or es[-1].code
    ),
    Loss.END_STATUS: end_status,
    Loss.ERROR_CODES: lambda es, _: change_end(change(ev.Error, code=None)(es), code=None),
    Loss.MISSING_ERROR_CODES: lambda es, _: with_codes(es),
    Loss.PAUSED: lambda es, _: (
        change_end(es, status="completed") if es[-1].status == "paused" else es
    ),
    Loss.REASONING_PLACE: lambda es, _: reasoning_at_end(es),
    Loss.REASONING_KIND: lambda es, _: change(ev.ReasoningStart, kind="raw")(es),
    Loss.OPAQUE_REASONING: lambda es, _: change(ev.ReasoningEnd, signature=None, encrypted=None)(
        es
    ),
    Loss.SIGNATURES: lambda es, _: change(ev.ReasoningEnd, signature=None)(es),
    Loss.OPAQUE_KIND: lambda es, _: change(
        ev.ReasoningEnd, signature=None, encrypted=lambda e: e.encrypted or e.signature
    )(es),
    Loss.REFUSALS: lambda es, _: change(ev.TextStart, kind="text")(es),
    Loss.PHASES: lambda es, _: change(ev.TextStart, phase=None)(es),
    Loss.LINE_BREAKS: lambda es, x: change(ev.TextStart, line_breaks=x.system == "hector")(es),
    Loss.REPLACED_TEXT: lambda es, _: streamed_stays(es, ev.TextEnd),
    Loss.REPLACED_REASONING: lambda es, _: streamed_stays(es, ev.ReasoningEnd),
    Loss.EARLIER_TEXT: lambda es, _: earlier_stays(es),
    Loss.RETRACTED: lambda es, _: streamed_stays(es, ev.TextEnd | ev.ReasoningEnd, only_empty=True),
    Loss.LOOSE_SOURCES: lambda es, _: sources_in_texts(es),
    Loss.EARLY_STARTS: lambda es, _: late_texts(es),
    Loss.TOOLS: lambda es, _: drop(*TOOL)(es),
    Loss.TOOL_KINDS: known_kinds,
    Loss.TOOL_NAME_CHARS: lambda es, _: change(
        ev.ToolStart, name=lambda e: re.sub(r"[^\w.-]", "_", e.name)
    )(es),
    Loss.TOOL_TITLES: lambda es, _: change(ev.ToolStart, title=None)(es),
    Loss.CALL_IDS: lambda es, _: change(ev.ToolStart, call_id=None)(es),
    Loss.HOSTED_CALL_IDS: lambda es, _: change(
        ev.ToolStart, call_id=lambda e: None if e.kind in ("hosted", "mcp") else e.call_id
    )(es),
    Loss.PRELIMINARY: lambda es, _: [
        e for e in es if not (isinstance(e, ev.ToolResult) and e.preliminary)
    ],
    Loss.REPLACED_ARGS_TEXT: lambda es, _: streamed_args_stay(es, parsed=False),
    Loss.REPLACED_ARGS: lambda es, _: streamed_args_stay(es, parsed=True),
    Loss.ARGS_TEXT: lambda es, _: parsed_args(es),
    Loss.MISSING_ARGS: lambda es, _: with_arguments(es, at_result=True),
    Loss.UNFINISHED_ARGS: lambda es, _: with_arguments(es, at_result=False),
    Loss.FREE_ARGS: lambda es, _: free_args(es),
    Loss.PARSED_ARGS: text_args,
    Loss.CUSTOM_ARGS: lambda es, _: custom_args(es),
    Loss.EMPTY_ARGS: lambda es, _: change(ev.ToolArgs, args_text=lambda e: e.args_text or "{}")(es),
    Loss.ARGS_COMPLETION: lambda es, _: incomplete_arguments(es),
    Loss.ARGS: lambda es, _: drop(ev.ToolArgs, ev.ToolArgsDelta)(es),
    Loss.PROGRESS: lambda es, _: drop(ev.ToolProgress)(es),
    Loss.OUTPUT: lambda es, _: drop(ev.ToolOutput)(es),
    Loss.PROMPTS: lambda es, _: drop(ev.Prompt, ev.Rewind)(es),
    Loss.RESULTS: lambda es, _: drop(ev.ToolResult)(es),
    Loss.RESULT_LINES: lambda es, _: drop(ev.ToolResult)(es),
    Loss.TOOL_ERRORS: lambda es, _: error_as_result(es),
    Loss.FUNCTION_ERRORS: lambda es, _: error_as_result(es, LOCAL_KINDS),
    Loss.DENIAL_REASONS: lambda es, _: change(
        ev.ToolResult,
        content=lambda e: None if e.status == "denied" else e.content,
        error=lambda e: None if e.status == "denied" else e.error,
    )(es),
    Loss.DENIED: lambda es, _: [
        replace(e, status="error", error=ev.ErrorInfo(message=error_message(e)))
        if isinstance(e, ev.ToolResult) and e.status == "denied"
        else e
        for e in es
    ],
    Loss.ERROR_RESULTS: lambda es, _: change(
        ev.ToolResult, content=lambda e: e.content if e.status == "ok" else None
    )(es),
    Loss.RESULT_TYPES: lambda es, _: change(
        ev.ToolResult,
        content=lambda e: None if e.status != "ok" and e.content is None else as_text(e.content),
    )(es),
    Loss.NULL_RESULTS: lambda es, _: change(
        ev.ToolResult, content=lambda e: [] if e.status == "ok" and e.content is None else e.content
    )(es),
    Loss.RESULT_OF_OLDEST: lambda es, _: result_of_oldest(es),
    Loss.APPROVALS: lambda es, _: drop(*APPROVAL)(es),
    Loss.UNANSWERED: lambda es, _: unanswered(es),
    Loss.PAUSE_REASON: lambda es, _: pause_reason(es),
    Loss.UNLINKED_APPROVALS: lambda es, _: with_call_only(es),
    Loss.ANSWERED_APPROVALS: lambda es, _: only_pending(es),
    Loss.APPROVAL_DETAILS: lambda es, _: change(ev.ApprovalResponse, value=None)(
        change_request(kind="tool", prompt=None, args=None, options=None, schema=None)(es)
    ),
    Loss.APPROVAL_MEMORY: lambda es, _: change(ev.ApprovalResponse, remember=False)(
        change_request(can_remember=False)(es)
    ),
    Loss.APPROVAL_ARGS: lambda es, _: change_request(args=None, options=None)(es),
    Loss.APPROVAL_OPTIONS: lambda es, _: change_request(options=None)(es),
    Loss.SIGN_IN: lambda es, _: sign_in(es),
    Loss.MISSING_PROMPTS: lambda es, _: with_prompts(es),
    Loss.CANCELLED_ANSWERS: lambda es, _: change(
        ev.ApprovalResponse, decision=lambda e: "deny" if e.decision == "cancel" else e.decision
    )(es),
    Loss.CUSTOM: lambda es, _: drop(ev.Custom)(es),
    Loss.APPROVAL_LINKS: lambda es, _: approval_links(es),
    Loss.AGENTS: lambda es, _: drop(ev.AgentStart, ev.AgentEnd)(es),
    Loss.HANDOFFS: lambda es, _: drop(ev.AgentHandoff)(es),
    Loss.HANDOFF_FROM: lambda es, _: agent_changes(es),
    Loss.SOURCES: lambda es, _: drop(ev.Source)(es),
    Loss.SOURCES_WITHOUT_URL: lambda es, _: [
        e for e in es if not (isinstance(e, ev.Source) and not e.url)
    ],
    Loss.FILES: lambda es, _: drop(ev.File)(es),
    Loss.FILE_NAMES: lambda es, _: change(ev.File, name=None)(es),
    Loss.FILE_DATA: lambda es, _: change(
        ev.File, data=None, url=lambda e: e.url or f"data:{e.media_type};base64,{e.data}"
    )(es),
    Loss.REPLACED_FILES: lambda es, _: unique_files(es),
    Loss.STATE: lambda es, _: drop(ev.State)(es),
    Loss.ROWS: lambda es, _: drop(ev.Rows)(es),
    Loss.STATUS: lambda es, _: drop(ev.Status)(es),
    Loss.STATUS_LEVELS: lambda es, _: change(ev.Status, level="info")(es),
    Loss.WARNINGS: lambda es, _: [e for e in es if not (isinstance(e, ev.Error) and not e.fatal)],
    Loss.AGENT_STATUS: lambda es, _: agents_fail(es),
    Loss.ERROR_TYPES: lambda es, _: change(ev.Error, error_type=None)(es),
    Loss.MISSING_ERROR_TYPES: lambda es, x: change(
        ev.Error, error_type=lambda e: e.error_type or MISSING_TYPE.get(x.system, "Error")
    )(es),
    Loss.RAW: lambda es, _: drop(ev.Raw)(es),
    **{LOSS_OF[kind.event]: _without(kind.event) for kind in OTHER_KINDS},
    Loss.ARGS_AS_TEXT: lambda es, _: args_as_text(es),
    Loss.IMPLICIT_END: lambda es, _: implicit_end(es),
    Loss.BOUNDARIES: lambda es, _: JoinedTexts(
        {
            "text": {"reasoning"},
            "refusal": {"reasoning"},
            "reasoning": {"text"},
            "call": {"text", "refusal", "reasoning"},
        }
    ).feed(es),
    Loss.ANSWER_BOUNDARIES: lambda es, _: JoinedTexts({"start": {"text"}}, final_answer=True).feed(
        es
    ),
    Loss.CALL_BOUNDARIES: lambda es, _: call_lines(es),
    Loss.FINISH_REASON: lambda es, _: change_end(es, finish_reason=None),
}
FILLED_IN = {
    Loss.REASONING_FORM,
    Loss.FINISH_REASON,
    Loss.ERROR_CODES,
    Loss.ARGS,
    Loss.CALL_IDS,
    Loss.HOSTED_CALL_IDS,
    Loss.TOOL_TITLES,
    Loss.OPAQUE_KIND,
    Loss.MODEL,
    Loss.ERROR_TYPES,
    Loss.RESULTS,
    Loss.RESULT_LINES,
    Loss.ARGS_AS_TEXT,
}
"""Losses for which a decoder fills in a value of its own; they are removed from the decoded events,
too.
"""


def without_lost(
    events: Events, encoder: BaseEncoder, losses: Iterable[Loss] | None = None
) -> Events:
    """Return the events without what the encoder loses, or without the given losses."""
    lost = encoder.loses if losses is None else set(losses)
    for loss, rewrite in REWRITES.items():
        if loss in lost:
            events = rewrite(events, encoder)
    return events
