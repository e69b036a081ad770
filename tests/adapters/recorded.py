"""Recorded streams for tests, what their providers say of them, and the rules that every event stream keeps."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named

FOLDER = Path(__file__).parent.parent / "recordings"
RESPONSES = sorted([*FOLDER.glob("openai_responses/*.sse"), *FOLDER.glob("openai_agents_wire/*.sse")])
CHAT = sorted([*FOLDER.glob("openai_chat/*.sse"), *FOLDER.glob("deepseek/*.sse")])
SYSTEMS = {
    "anthropic": "anthropic.messages",
    "gemini": "google.gemini",
    "ollama": "ollama",
    "bedrock": "bedrock.converse",
    "cohere": "cohere.chat",
}
"""Folder to system, of those whose folder holds one system's streams; exceptions by file name."""
EXCEPTIONS = {"vercel-tool-call-step1": "google.interactions"}
PROVIDERS = sorted(path for folder in SYSTEMS for path in FOLDER.glob(f"{folder}/*.*"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def decoder_of(path: Path) -> Decoder:
    """A new decoder for a recording."""
    if path in CHAT or path in RESPONSES:
        return decoder_named("openai.chat" if path in CHAT else "openai.responses")
    return decoder_named(EXCEPTIONS.get(path.stem) or SYSTEMS[path.parent.name])


def payloads(path: Path) -> list[Any]:
    """The payloads of a recording by the simplest reading there is, and so not by ours."""
    if path.suffix in (".jsonl", ".ndjson"):
        return [json.loads(line) for line in path.read_text().splitlines()]
    found: list[Any] = []
    for block in path.read_bytes().decode().replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
        if data:
            try:
                found.append(json.loads(data))
            except ValueError:
                found.append(data)
    return found


def decode(decoder: Decoder, items: Iterable[Any], error: BaseException | None = None) -> list[ev.Event]:
    events = [event for item in items for event in decoder.feed(item)]
    return [*events, *decoder.close(error)]


@dataclass
class Transcript:
    """What a reader would see, put together from events by their rules; building it checks those rules."""

    texts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    end: ev.RunEnd | None = None

    @classmethod
    def of(cls, events: list[ev.Event]) -> "Transcript":
        transcript = cls()
        assert isinstance(events[0], ev.RunStart)
        assert isinstance(events[-1], ev.RunEnd)
        kinds = [type(event) for event in events]
        assert kinds.count(ev.RunStart) == kinds.count(ev.RunEnd) == 1
        steps = [event for event in events if isinstance(event, ev.StepStart | ev.StepEnd)]
        assert [type(event) for event in steps] == [ev.StepStart, ev.StepEnd] * (len(steps) // 2)
        seen: set[str] = set()
        open_: dict[str, tuple[list[str], list[str]]] = {}
        tools: dict[str, dict[str, Any]] = {}
        for event in events:
            assert ev.from_json(ev.to_json(event)) == event
            match event:
                case ev.TextStart() | ev.ReasoningStart() | ev.ToolStart():
                    assert event.id not in seen, f"{event.id} was started twice"
                    seen.add(event.id)
            match event:
                case ev.TextStart():
                    open_[event.id] = ([], transcript.refusals if event.kind == "refusal" else transcript.texts)
                case ev.ReasoningStart():
                    open_[event.id] = ([], transcript.thoughts)
                case ev.TextDelta() | ev.ReasoningDelta():
                    assert event.delta
                    open_[event.id][0].append(event.delta)
                case ev.TextEnd() | ev.ReasoningEnd():
                    pieces, where = open_.pop(event.id)
                    where.append("".join(pieces) if event.text is None else event.text)
                case ev.ToolStart():
                    tools[event.id] = {"name": event.name, "call_id": event.call_id, "kind": event.kind, "pieces": ""}
                    transcript.tools.append(tools[event.id])
                case ev.ToolArgsDelta():
                    tools[event.id]["pieces"] += event.delta
                case ev.ToolArgs():
                    assert "args" not in tools[event.id], "arguments are whole once"
                    tools[event.id].update(args=event.args, args_text=event.args_text, valid=event.valid)
                case ev.ToolResult():
                    assert "result" not in tools[event.id], "a result is final once"
                    tools[event.id].update(result=event.content, status=event.status)
                case ev.ApprovalRequest():
                    assert event.tool_id is None or event.tool_id in tools
        assert not open_, f"left open: {list(open_)}"
        transcript.end = events[-1]
        return transcript

    def calls(self) -> list[tuple[str, str | None, str]]:
        """The calls that the client has to answer: name, the provider's id, arguments."""
        return [(tool["name"], tool["call_id"], tool.get("args_text", "")) for tool in self.tools if tool["kind"] == "function"]
