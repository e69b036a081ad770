"""Recorded streams by their manifest (tests/recordings/manifest.toml), and the rules of every event
stream.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named

FOLDER = Path(__file__).parent.parent / "recordings"
MANIFEST: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "manifest.toml").read_text())


@dataclass(frozen=True)
class Recording:
    """Recorded stream. The fields after `part` are those of the manifest, which explains them.

    Attributes:
        path: the file.
        part: name of the stream within its file, if that holds several.
    """

    path: Path
    part: str
    system: str
    kind: Literal["provider", "framework", "protocol"]
    provenance: tuple[str, ...]
    oracle: Literal["snapshots", "deltas", "expected", "own"]
    terminal: Literal["marker", "last", "half", "none"]
    trailing: int = 0
    frames: bool = False
    status: ev.RunStatus = "completed"
    raw: int = 0
    detected: str = ""

    @property
    def name(self) -> str:
        return name_of(self.path) + (f"[{self.part}]" if self.part else "")

    @property
    def folder(self) -> str:
        return self.path.parent.name

    @property
    def items(self) -> list[Any]:
        """The items of the stream. The list is a copy, the items are shared."""
        return list(read_streams(self.path, frames=self.frames)[self.part])

    def decoder(self) -> Decoder:
        return decoder_named(self.system)

    def __str__(self) -> str:
        return self.name


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@cache
def read_streams(path: Path, *, frames: bool = False) -> dict[str, list[Any]]:
    """Return the streams of a file by name; most files have one, named "".

    The reading is independent of nbagent's.

    Args:
        path: the file.
        frames: keep the names of server-sent events, as `{"event": name, "data": payload}`.
    """
    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    if path.suffix == ".json":
        data = json.loads(text)
        return data if isinstance(data, dict) else {"": data}
    if path.suffix in (".jsonl", ".ndjson"):
        return {"": [json.loads(line) for line in text.splitlines()]}
    if path.suffix == ".txt" and text.lstrip().startswith("{"):
        # Agentor's JSON objects, one after another.
        return {"": _concatenated(text)}
    return {"": _server_sent(text, frames)}


def _concatenated(text: str) -> list[Any]:
    found, offset = [], 0
    while text[offset:].strip():
        offset += len(text[offset:]) - len(text[offset:].lstrip())
        item, offset = json.JSONDecoder().raw_decode(text, offset)
        found.append(item)
    return found


def _server_sent(text: str, frames: bool) -> list[Any]:
    found: list[Any] = []
    for frame in text.split("\n\n"):
        lines = frame.split("\n")
        names = [line[6:].strip() for line in lines if line.startswith("event:")]
        for line in lines:
            # One payload to a line in every recording, also in Hector's that has no empty lines.
            if line.startswith("data:"):
                payload = _json_or_text(line[5:].removeprefix(" "))
                found.append({"event": names[0], "data": payload} if frames and names else payload)
    return [item for item in found if item != ""]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def payloads(path: Path) -> list[Any]:
    """Return the payloads of a file with one stream."""
    return list(read_streams(path)[""])


def _recordings() -> Iterable[Recording]:
    for folder, table in MANIFEST.items():
        for path in sorted((FOLDER / folder).iterdir()):
            if _fields(table, path.stem)["system"]:
                for part in read_streams(path):
                    yield Recording(
                        path, part, **_fields(table, f"{path.stem}[{part}]" if part else path.stem)
                    )


def _fields(table: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the fields of a folder, overridden by the tables whose name is a prefix of `name`."""
    fields = {key: value for key, value in table.items() if not isinstance(value, dict)}
    for prefix, override in table.items():
        if isinstance(override, dict) and name.startswith(prefix):
            fields |= override
    return fields | {"provenance": tuple(fields["provenance"])}


RECORDINGS = list(_recordings())
BY_NAME = {recording.name: recording for recording in RECORDINGS}
RESPONSES = [recording.path for recording in RECORDINGS if recording.system == "openai.responses"]
CHAT = [recording.path for recording in RECORDINGS if recording.system == "openai.chat"]


def of_folder(folder: str) -> list[Recording]:
    return [recording for recording in RECORDINGS if recording.folder == folder]


def decode(
    decoder: Decoder, items: Iterable[Any], error: BaseException | None = None
) -> list[ev.Event]:
    events = [event for item in items for event in decoder.feed(item)]
    return [*events, *decoder.close(error)]


IN_PROCESS = ("value", "exception", "reply", "tool")
"""Fields of events that are never encoded."""


@dataclass
class Transcript:
    """Content of an event stream as a reader sees it.

    Building it asserts the rules of event streams.
    """

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
            here_only = {
                name for name in IN_PROCESS if isinstance(getattr(event, name, None), ev.Live)
            }
            sent = replace(event, **dict.fromkeys(here_only)) if here_only else event
            assert ev.from_json(ev.to_json(event)) == sent
            match event:
                case ev.TextStart() | ev.ReasoningStart() | ev.ToolStart():
                    assert event.id not in seen, f"{event.id} was started twice"
                    seen.add(event.id)
            match event:
                case ev.TextStart():
                    open_[event.id] = (
                        [],
                        transcript.refusals if event.kind == "refusal" else transcript.texts,
                    )
                case ev.ReasoningStart():
                    open_[event.id] = ([], transcript.thoughts)
                case ev.TextDelta() | ev.ReasoningDelta():
                    assert event.delta
                    open_[event.id][0].append(event.delta)
                case ev.TextEnd() | ev.ReasoningEnd():
                    pieces, where = open_.pop(event.id)
                    where.append("".join(pieces) if event.text is None else event.text)
                case ev.ToolStart():
                    tools[event.id] = {
                        "name": event.name,
                        "call_id": event.call_id,
                        "kind": event.kind,
                        "pieces": "",
                    }
                    transcript.tools.append(tools[event.id])
                case ev.ToolArgsDelta():
                    tools[event.id]["pieces"] += event.delta
                case ev.ToolArgs():
                    assert "args" not in tools[event.id], "arguments are whole once"
                    tools[event.id].update(
                        args=event.args, args_text=event.args_text, valid=event.valid
                    )
                case ev.ToolResult(preliminary=False):
                    assert "result" not in tools[event.id], "a result is final once"
                    tools[event.id].update(result=event.content, status=event.status)
                case ev.ApprovalRequest():
                    assert event.tool_id is None or event.tool_id in tools
        assert not open_, f"left open: {list(open_)}"
        transcript.end = events[-1]
        return transcript

    def calls(self) -> list[tuple[str, str | None, str]]:
        """Return name, provider's id and arguments of each call that the client has to answer."""
        return [
            (tool["name"], tool["call_id"], tool.get("args_text", ""))
            for tool in self.tools
            if tool["kind"] == "function"
        ]
