"""History of the benchmark: what nbagent's stages cost, as ratios to a yardstick of the same run.

    PYTHONPATH=tests python tests/bench/history.py [--keep]

Processor time is measured. The yardstick is `copy.deepcopy` of the same items: plain Python over
the same data, so that a ratio says little about the machine. `history.jsonl` has one line for each
commit that was measured with `--keep`. The command ends with status 1 if a ratio is more than 10 % above that of the newest line
with the same Python.
"""  # noqa: E501

import argparse
import copy
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from adapters.recorded import RECORDINGS, Recording
from bench.answer import answer
from bench.deltas import chat, pipeline, responses

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.encoders import encoders
from nbagent.events.log import EventLog
from nbagent.protocol.inspection import EventsQuestion
from nbagent.render.markup.embedded import embedded_markdown
from nbagent.render.markup.markdown import markdown_html
from nbagent.run.inspector.search import Search
from nbagent.run.inspector.timeline import Timeline

HISTORY = Path(__file__).with_name("history.jsonl")
MAX_LOSS = 0.1
"""Share by which a ratio may grow."""

ROUNDS = 15
"""Least of so many rounds: other load on the machine can only add."""

TRIES = 3
"""A loss counts if it is seen so many times in a row: a busy machine shows one now and then."""

DELTAS = 20_000

Ratios = dict[str, float]


class Entry(TypedDict):
    """Ratios of a commit."""

    commit: str
    python: str
    ratios: Ratios


def losses(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Return the share by which each ratio has grown, for those that have grown by more than
    `MAX_LOSS`.
    """
    grown = {name: now[name] / before[name] - 1 for name in now if name in before}
    return {name: share for name, share in grown.items() if share > MAX_LOSS}


def newest(entries: Sequence[Entry], python: str) -> Entry | None:
    """Return the newest entry of a Python version; None if there is none."""
    for entry in reversed(entries):
        if entry["python"] == python:
            return entry
    return None


def ratio(work: Callable[[], object], items: Sequence[Any]) -> float:
    """Return the least time of the work, as a multiple of the least time of a copy of its items."""
    took: list[float] = []
    copied: list[float] = []
    for _ in range(ROUNDS):
        took.append(_seconds(work))
        copied.append(_seconds(lambda: copy.deepcopy(items)))
    return min(took) / min(copied)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def measure() -> Ratios:
    """Return each ratio by its name."""
    ratios: Ratios = {}
    for system, items in (
        ("openai.responses", list(responses(DELTAS))),
        ("openai.chat", list(chat(DELTAS))),
    ):
        ratios[f"pipeline, {system}"] = ratio(lambda: pipeline(system, items), items)  # noqa: B023
    recorded = [recording.items for recording in RECORDINGS]
    ratios["decoders, every recording"] = ratio(lambda: _decode(RECORDINGS), recorded)
    events = [event for recording in RECORDINGS[:40] for event in _events(recording)]
    ratios["encoders, 40 recordings"] = ratio(lambda: _encode(events), events)
    deltas = [ev.TextDelta(id="t", delta="word ", ts=float(at)) for at in range(DELTAS)]
    ratios["inspector, events and timeline"] = ratio(lambda: _inspect(deltas), deltas)
    ratios["copies of a growing answer"] = ratio(_copies, deltas)
    return {name: round(value, 3) for name, value in ratios.items()}


def _inspect(events: Sequence[ev.Event]) -> None:
    timeline, log = Timeline(), EventLog(events)
    for event in events:
        timeline.feed(event)
    search = Search(EventsQuestion(fold=True), lambda block, kind: block)
    while search.seen < log.count:
        search.search_next(log)


def _copies() -> None:
    text = answer(DELTAS // 5)
    for end in (len(text) // 9, len(text) // 3, len(text)):
        markdown_html(text[:end])
    embedded_markdown(text)


def _decode(recordings: Sequence[Recording]) -> None:
    for recording in recordings:
        _events(recording)


def _events(recording: Recording) -> list[ev.Event]:
    decoder = decoder_named(recording.system)
    events = [event for item in recording.items for event in decoder.feed(item)]
    return [*events, *decoder.close()]


def _encode(events: Sequence[ev.Event]) -> None:
    for kind in encoders():
        encoder = kind()
        for event in events:
            for item in encoder.feed(event):
                encoder.frame(item)
            if isinstance(event, ev.RunEnd):
                encoder = kind()


def main() -> int:
    """Measure, compare with the history, and print both."""
    parser = argparse.ArgumentParser(description="Compare the stages' cost with the history.")
    parser.add_argument("--keep", action="store_true", help="add this commit to the history")
    keep = parser.parse_args().keep
    python = ".".join(map(str, sys.version_info[:2]))
    entries: list[Entry] = [json.loads(line) for line in HISTORY.read_text().splitlines()]
    before = newest(entries, python)
    known = before["ratios"] if before else {}
    ratios = measure()
    for _ in range(TRIES - 1):
        if losses(known, ratios):
            again = measure()
            ratios = {name: min(ratios[name], again[name]) for name in ratios}
    for name, value in ratios.items():
        then = f"{known[name]:>8.2f}" if name in known else f"{'-':>8}"
        print(f"{name:<32}{value:>8.2f} times a copy; before{then}")
    if keep:
        git = ["git", "rev-parse", "--short=12", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
        line = json.dumps(Entry(commit=commit, python=python, ratios=ratios))
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    lost = losses(known, ratios)
    for name, share in lost.items():
        print(f"{name}: {share:.0%} slower than at {before and before['commit']}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
