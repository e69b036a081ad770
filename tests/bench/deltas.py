"""Benchmark of text deltas through decoder, gate, transcript and coalescing: deltas a second on one
core, and bytes sent.

    python tests/bench/deltas.py [count]

Every figure is measured in this run. The pace is about the pump's for a stream of 100 deltas a
second: a batch every seven deltas. It is compared with two common approaches: sending the whole
text with every delta, and sending every delta by itself.
"""

import gc
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from nbagent.adapters.decoders import decoder_named
from nbagent.gate import Gate
from nbagent.pump import Outbox
from nbagent.transcript import Transcript

SENTENCE = "The quick brown fox reads a *table*, thinks, and answers in `code` when it must.\\n\\n"
WORDS = SENTENCE.split(" ")
DELTAS_A_BATCH = 7


def responses(count: int) -> Iterator[dict[str, Any]]:
    yield {
        "type": "response.created",
        "sequence_number": 0,
        "response": {"id": "r", "object": "response", "model": "bench"},
    }
    item = {"id": "m", "type": "message", "role": "assistant", "content": []}
    yield {
        "type": "response.output_item.added",
        "sequence_number": 1,
        "output_index": 0,
        "item": item,
    }
    where = {"item_id": "m", "output_index": 0, "content_index": 0}
    for number in range(count):
        delta = WORDS[number % len(WORDS)] + " "
        yield {
            "type": "response.output_text.delta",
            "sequence_number": number + 2,
            "delta": delta,
            "logprobs": [],
            **where,
        }


def chat(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        delta = {"content": WORDS[number % len(WORDS)] + " "}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "bench",
            "choices": [choice],
        }


def pipeline(system: str, items: list[dict[str, Any]]) -> tuple[float, int, int]:
    """Return seconds, bytes sent and batches."""
    decoder, gate, transcript, outbox = (
        decoder_named(system),
        Gate("thinking"),
        Transcript(),
        Outbox(),
    )
    sent = batches = 0
    counted: dict[str, int] = {}
    gc.collect()
    began = time.perf_counter()
    for number, item in enumerate(items):
        for event in decoder.feed(item):
            for shown in gate.feed(event):
                outbox.feed(transcript.feed(shown))
        if number % DELTAS_A_BATCH == 0:
            outbox.feed(transcript.counters(counted))
            while outbox:
                sent += len(json.dumps({"t": "ops", "seq": batches, "ops": outbox.drain()}))
                batches += 1
    return time.perf_counter() - began, sent, batches


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{count:,} text deltas, Python {sys.version.split()[0]}, one core")
    head = f"{'stream':<20}{'deltas/s':>12}{'us each':>10}{'MB sent':>10}"
    print(head + f"{'MB each alone':>15}{'GB whole text':>15}")
    for system, items in (
        ("openai.responses", list(responses(count))),
        ("openai.chat", list(chat(count))),
    ):
        seconds, sent, _ = min(pipeline(system, items) for _ in range(3))
        sizes = [len(WORDS[number % len(WORDS)]) + 1 for number in range(count)]
        alone = sum(size + 60 for size in sizes)
        whole = sum(size * (count - index) for index, size in enumerate(sizes)) + 60 * count
        rate = f"{count / seconds:>12,.0f}{seconds / count * 1e6:>10.2f}"
        print(f"{system:<20}{rate}{sent / 1e6:>10.2f}{alone / 1e6:>15.2f}{whole / 1e9:>15.2f}")


if __name__ == "__main__":
    main()
