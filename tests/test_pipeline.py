"""From a recorded stream to what a view draws: no text is lost on the way, for any size of
batches.
"""

from pathlib import Path
from typing import Any

import pytest
from adapters.recorded import CHAT, RESPONSES, Transcript, decode, name_of, payloads

from nbagent.adapters.decoders import decoder_for
from nbagent.gate import Gate
from nbagent.pump import Outbox
from nbagent.transcript import Transcript as Blocks

RECORDINGS = [*RESPONSES, *CHAT]


def drawn(items: list[Any], limit: int) -> list[dict[str, Any]]:
    """Return the blocks of a view after the whole stream, sent in batches of at most `limit` bytes,
    one for each item.
    """
    decoder, gate, blocks, outbox = decoder_for(items[0]), Gate("all"), Blocks(), Outbox()
    view: dict[str, dict[str, Any]] = {}
    outbox.feed(blocks.opening())

    def send() -> None:
        for op in outbox.drain(limit):
            if op[0] == "open":
                view[op[1]] = dict(op[3])
            elif op[0] == "append":
                view[op[1]][op[2]] += op[3]
            elif op[0] == "set":
                view[op[1]].update(op[2])

    for item in items:
        for event in decoder.feed(item):
            for shown in gate.feed(event):
                outbox.feed(blocks.feed(shown))
        send()
    for event in decoder.close():
        for shown in (*gate.close(), *gate.feed(event)):
            outbox.feed(blocks.feed(shown))
    while outbox:
        send()
    return list(view.values())


@pytest.mark.parametrize("limit", [64 * 1024, 7])
@pytest.mark.parametrize("path", RECORDINGS, ids=name_of)
def test_the_view_shows_what_the_stream_said(path: Path, limit: int) -> None:
    items = payloads(path)
    expected = Transcript.of(decode(decoder_for(items[0]), items))
    blocks = drawn(items, limit)

    def shown(kind: str, **props: Any) -> list[str]:
        return [
            block["text"]
            for block in blocks
            if block["kind"] == kind and props.items() <= block.items()
        ]

    assert shown("text", text_kind="text") == expected.texts
    assert shown("text", text_kind="refusal") == expected.refusals
    assert sorted(shown("reasoning")) == sorted(expected.thoughts)
    tools = [block for block in blocks if block["kind"] == "tool"]
    assert [(tool["name"], tool["args_text"]) for tool in tools] == [
        (tool["name"], tool.get("args_text", tool["pieces"])) for tool in expected.tools
    ]
    assert blocks[0]["status"] == (expected.end.status if expected.end else None)
