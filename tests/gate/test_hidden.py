"""Hidden content reaches no consumer, for any stream, any cut and any rules."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from streams import event_streams

import nbagent
from nbagent import events as e
from nbagent.adapters.encoders import encoders
from nbagent.render.console import ConsoleRenderer
from nbagent.render.html import transcript_html
from nbagent.run import Run

THOUGHT, ARGS, RESULT, CARD = "Qthought", "Qargs", "Qresult", "Qz7-1234"
PATTERN = r"Qz7-\d{4}"
RULES: list[tuple[dict[str, Any], set[str]]] = [
    ({"reveal": "answer"}, {THOUGHT, ARGS, RESULT}),
    ({"reveal": "answer", "redact": [PATTERN]}, {THOUGHT, ARGS, RESULT, CARD}),
    ({"reveal": "tools"}, {THOUGHT}),
    ({"reveal": "tools", "hide": {"*": "result"}, "redact": [PATTERN]}, {THOUGHT, RESULT, CARD}),
    ({"hide": {"*": ["args", "result"]}}, {ARGS, RESULT}),
    ({"hide": {"*": "args"}, "redact": [lambda text: text.replace(CARD, "…")]}, {ARGS, CARD}),
    (
        {"reveal": "all", "hide": {"*": "all"}, "commentary": False, "redact": [PATTERN]},
        {ARGS, RESULT, CARD},
    ),
]


def marked(event: e.Event) -> e.Event:
    """Return the event with markers in its fields that identify their kind of content."""
    match event:
        case e.ReasoningDelta():
            return replace(event, delta=f"{event.delta}{THOUGHT}{CARD} ")
        case e.ReasoningEnd(text=str(text)):
            return replace(event, text=f"{text}{THOUGHT} ")
        case e.ToolStart():
            return replace(event, title=f"{event.name} {ARGS}")
        case e.ToolArgsDelta():
            return replace(event, delta=f"{event.delta}{ARGS} {CARD} ")
        case e.ToolArgs():
            args = {"quote": ARGS, "card": CARD, "was": event.args}
            return replace(event, args=args, args_text=json.dumps(args))
        case e.ToolProgress():
            return replace(event, message=f"{RESULT} {CARD}")
        case e.ToolResult():
            content = [RESULT, CARD, event.content]
            error = event.error and replace(
                event.error, message=f"{ARGS} {RESULT} {CARD}", traceback=RESULT
            )
            return replace(event, content=content, value=e.Live(content), error=error)
        case e.ApprovalRequest(tool_id=str()):
            return replace(event, prompt=f"f({ARGS})", args={"quote": ARGS, "card": CARD})
        case e.TextDelta():
            return replace(event, delta=f"{event.delta}\n{CARD} ")
        case e.TextEnd(text=str(text)):
            return replace(event, text=f"{text}{CARD}")
        case e.Status():
            return replace(event, message=f"{event.message} {CARD}")
        case _:
            return event


def cut(events: list[e.Event], at: list[int]) -> list[e.Event]:
    """Return the same events, with deltas cut in two at those positions."""
    pieces: list[e.Event] = []
    for event, place in zip(events, at * len(events), strict=False):
        if isinstance(event, e.TextDelta | e.ReasoningDelta | e.ToolArgsDelta):
            place %= len(event.delta) + 1
            halves = (event.delta[:place], event.delta[place:])
            pieces += [replace(event, delta=half) for half in halves if half]
        else:
            pieces.append(event)
    return pieces


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    event_streams(), st.lists(st.integers(0, 40), min_size=1, max_size=8), st.sampled_from(RULES)
)
def test_no_hidden_word_reaches_a_face_a_file_a_client_a_log_or_a_repr(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    events: list[e.Event],
    at: list[int],
    rules: tuple[dict[str, Any], set[str]],
) -> None:
    options, hidden = rules
    caplog.clear()
    console = io.StringIO()
    with caplog.at_level(logging.DEBUG), nbagent.record(tmp_path / "recorded.jsonl"):
        run = Run(iter(cut([marked(event) for event in events], at)), **options)
        run.attach(ConsoleRenderer(console))
        run.start()
        run.wait()
    run.save(str(tmp_path / "saved.jsonl"))
    seen = {
        "blocks": repr(run.snapshot()),
        "events": repr([e.to_dict(event) for event in run.events]),
        "Python": repr(
            (
                run,
                run.text,
                run.answer,
                run.thinking,
                run.tools,
                [call.args for call in run.tools],
                run.error,
            )
        ),
        "console": console.getvalue(),
        "twin": transcript_html(run.snapshot()),
        "documents": run.to_markdown() + run.to_html(),
        "recorded": (tmp_path / "recorded.jsonl").read_text(),
        "saved": (tmp_path / "saved.jsonl").read_text(),
        "log": caplog.text,
        **{
            encoder.system: repr(list(nbagent.encode(run.events, encoder.system)))
            for encoder in encoders()
        },
    }
    leaks = [
        (consumer, word) for consumer, output in seen.items() for word in hidden if word in output
    ]
    assert not leaks
