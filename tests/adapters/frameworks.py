"""The recordings of agent frameworks, and which decoder reads them."""

import json
from pathlib import Path
from typing import Any

from adapters.recorded import FOLDER

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named

SYSTEMS = {
    "langchain/replay-astream_events-v2-parallel-tools": "langchain.events",
    "langchain/replay-astream_events-v3-parallel-tools": "langchain.protocol",
    "langchain/replay-astream_events-v3-subgraph": "langchain.protocol",
    "langchain/replay-astream_events-v3-interrupt": "langchain.protocol",
    "langgraph": "langgraph",
    "openai_agents": "openai.agents",
    "openai_assistants": "openai.assistants",
    "openai_sessions": "openai.sessions",
    "nearai": "nearai",
    "dexto": "dexto",
    "kb_fastapi": "status.tokens",
    "pydantic_ai": "pydantic.ai",
    "smolagents": "smolagents",
    "llama_index": "llama.index",
    "crewai": "crewai",
    "google_adk": "google.adk",
}
RECORDINGS = sorted(path for folder in {name.split("/")[0] for name in SYSTEMS} for path in FOLDER.glob(f"{folder}/*"))


def system_of(path: Path) -> str:
    return SYSTEMS.get(f"{path.parent.name}/{path.stem}") or SYSTEMS[path.parent.name]


def decoder_of(path: Path) -> Decoder:
    return decoder_named(system_of(path))


def items_of(path: Path) -> list[Any]:
    """The items of a recording: lines of JSON, or SSE frames; as `{"event", "data"}` where only the frame has the name."""
    if path.suffix != ".sse":
        return [json.loads(line) for line in path.read_text().splitlines()]
    found: list[Any] = []
    for frame in path.read_text().replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line)
        if "data" in fields:
            data = fields["data"] if fields["data"] == "[DONE]" else json.loads(fields["data"])
            named = path.parent.name == "openai_assistants"
            found.append({"event": fields["event"], "data": data} if named else data)
    return found
