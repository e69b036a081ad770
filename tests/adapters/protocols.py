"""Recordings of protocols: read by the simplest reading there is, and so not by ours."""

import json
from pathlib import Path
from typing import Any

from adapters.recorded import FOLDER, name_of

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named

SYSTEMS = {
    "vercel_ui": "vercel.ui",
    "a2a": "a2a",
    "ag_ui": "ag_ui",
    "hector": "hector",
    "agentor": "agentor",
    "acp": "acp",
    "mcp": "mcp",
}


def streams(path: Path) -> dict[str, list[Any]]:
    """The streams in a file, each a list of items; most files hold one."""
    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    if path.suffix == ".json":
        data = json.loads(text)
        return data if isinstance(data, dict) else {"": data}
    if path.suffix == ".jsonl":
        return {"": [json.loads(line) for line in text.splitlines()]}
    if path.suffix == ".txt":
        return {"": concatenated(text)}
    return {"": sse(text)}


def concatenated(text: str) -> list[Any]:
    found, at = [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        item, at = json.JSONDecoder().raw_decode(text, at)
        found.append(item)
    return found


def sse(text: str) -> list[Any]:
    """Payloads; where the frame had a name, `{"event": name, "data": payload}`."""
    found: list[Any] = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        data = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
        names = [line[6:].strip() for line in lines if line.startswith("event:")]
        for payload in data:  # one to a line in every recording here, also in Hector's that has no empty lines
            item = json.loads(payload) if payload.startswith("{") else payload
            found.append({"event": names[0], "data": item} if names else item)
    return found


STREAMS = {
    name_of(path) + (f"[{part}]" if part else ""): (folder, items)
    for folder in SYSTEMS
    for path in sorted((FOLDER / folder).iterdir() if (FOLDER / folder).is_dir() else ())
    if "dart-sse" not in path.name
    for part, items in streams(path).items()
}


def decoder_of(name: str) -> Decoder:
    folder = name.split("/")[0]
    return decoder_named("a2a" if "a2a-message" in name else SYSTEMS[folder])
