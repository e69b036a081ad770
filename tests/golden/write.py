"""Writes the golden corpus: events, and the transcript's ops for them, for the tests of kernel and
view.

    python tests/golden/write.py

Run it after an intended change of the ops, and read the difference before committing it.
"""

import json
from pathlib import Path

from nbagent import events as e
from nbagent.transcript import Transcript

HERE = Path(__file__).parent

LOAD: list[e.Event] = [
    e.ToolStart(id="tool-1", name="load_sales", call_id="call_1", ts=101.0),
    e.ToolArgsDelta(id="tool-1", delta='{"year"', ts=101.1),
    e.ToolArgsDelta(id="tool-1", delta=": 2025}", ts=101.2),
    e.ToolArgs(id="tool-1", args={"year": 2025}, args_text='{"year": 2025}', ts=101.3),
]
TABLE = e.Display(
    summary="DataFrame 2×2",
    data={"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"},
)

CASES: dict[str, list[e.Event]] = {
    "answer": [
        e.RunStart(name="analyst", model="demo", ts=100.0),
        e.StepStart(ts=100.1),
        e.ReasoningStart(id="reasoning-1", kind="summary", ts=100.2),
        e.ReasoningDelta(id="reasoning-1", delta="First load,", ts=100.3),
        e.ReasoningDelta(id="reasoning-1", delta=" then sum.", ts=100.4),
        e.ReasoningEnd(id="reasoning-1", ts=100.9),
        *LOAD,
        e.StepEnd(finish_reason="tool_calls", usage=e.Usage(input=100, output=20), ts=101.4),
        e.ToolResult(id="tool-1", content="2 rows", display=TABLE, ts=102.5),
        e.StepStart(ts=102.6),
        e.TextStart(id="text-1", phase="final_answer", ts=102.7),
        e.TextDelta(id="text-1", delta="Revenue **grew", ts=102.8),
        e.TextDelta(id="text-1", delta="** 😀.", ts=102.9),
        e.TextEnd(id="text-1", text="Revenue **grew** 😀.", ts=103.0),
        e.StepEnd(finish_reason="stop", usage=e.Usage(input=150, output=9, reasoning=3), ts=103.1),
        e.RunEnd(status="completed", finish_reason="stop", ts=103.2),
    ],
    "failure": [
        e.RunStart(name="analyst", ts=100.0),
        *LOAD,
        e.ToolResult(
            id="tool-1",
            status="error",
            error=e.ErrorInfo(
                message="no route",
                type="ConnectionError",
                traceback="Traceback…\nConnectionError: no route",
            ),
            ts=102.0,
        ),
        e.TextDelta(id="text-1", delta="I could not", ts=102.5),
        e.Error(
            message="Rate limit reached", code="429", error_type="rate_limit", fatal=True, ts=103.0
        ),
        e.RunEnd(status="failed", ts=103.0),
    ],
    "cut": [
        e.ReasoningDelta(id="reasoning-1", delta="hm", ts=100.1),
        *LOAD[:2],
        e.TextDelta(id="text-1", delta="half an ans", ts=101.5),
        e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED, ts=102.0),
    ],
    "approval": [
        *LOAD,
        e.ApprovalRequest(
            approval_id="a1", tool_id="tool-1", prompt="Load it?", args={"year": 2025}, ts=101.5
        ),
        e.ApprovalResponse(approval_id="a1", decision="deny", reason="too much", ts=104.0),
        e.ToolResult(id="tool-1", status="denied", error=e.ErrorInfo(message="too much"), ts=104.1),
        e.RunEnd(status="completed", ts=104.2),
    ],
    "agents": [
        e.AgentStart(id="agent-1", name="helper", ts=100.1),
        e.TextDelta(id="text-1", parent_id="agent-1", delta="I help.", ts=100.2),
        e.AgentEnd(id="agent-1", ts=100.3),
        e.AgentHandoff(from_="helper", to="writer", ts=100.4),
        e.Source(id="source-1", url="https://example.org/a", title="A", ts=100.5),
        e.File(id="file-1", media_type="text/csv", name="a.csv", ts=100.6),
        e.Status(message="Retrying…", level="warning", ts=100.7),
        e.Custom(name="mark", data={"at": [1, 2.5, None, True]}, ts=100.8),
        e.Raw(name="vendor.thing", data={"type": "vendor.thing"}, ts=100.9),
        e.RunEnd(status="completed", usage=e.Usage(total=12, cost=0.0021), ts=101.0),
    ],
}


def main() -> None:
    """Write every case beside this file."""
    for name, events in CASES.items():
        transcript = Transcript("test", started=100.0)
        ops, shown = transcript.opening(), transcript.root.snapshot()
        for event in events:
            ops += transcript.feed(event)
        ops += transcript.counters(shown)
        golden = {
            "events": [e.to_dict(event) for event in events],
            "ops": ops,
            "blocks": transcript.snapshot(),
        }
        (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
