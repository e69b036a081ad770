"""Results of replaying the recordings of a folder."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

import nbagent
from nbagent.gate.secrets import Secrets
from nbagent.run import Run

ENDINGS = (".json", ".jsonl", ".ndjson", ".sse", ".txt")
CLOCK = 1_800_000_000.0
"""The time of all events, so that no duration depends on the machine."""


async def replays(folder: str) -> dict[str, list[Any]]:
    """Return status, number of events, and digests of events, text and Markdown, by file."""
    files = (path for path in Path(folder).rglob("*") if path.suffix in ENDINGS)
    # A text that may begin a credential is held back, so the deltas depend on the known ones.
    without_credentials = patch("nbagent.gate.secrets.known", return_value=Secrets())
    with patch("time.time", return_value=CLOCK), without_credentials:
        return {str(path.relative_to(folder)): await _replay(path) for path in sorted(files)}


async def _replay(path: Path) -> list[Any]:
    run = Run(nbagent.replay(path), stable=True)
    await asyncio.wait_for(run, 60)
    events = [msgspec.to_builtins(event) for event in run.events]
    for event in events:
        del event["run_id"]
    whole = [msgspec.json.encode(events), run.text.encode(), run.to_markdown().encode()]
    digests = [hashlib.sha256(each).hexdigest()[:12] for each in whole]
    return [run.status, len(events), *digests]
