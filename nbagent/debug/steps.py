"""`Item`: one prompt, text, tool call or error of a run, as it is compared with that of another
run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbagent.blocks.fields import text_of
from nbagent.events.jsonable import json_safe
from nbagent.gate.masking import mask_json
from nbagent.mime.text import MASK
from nbagent.render.durations import worked
from nbagent.render.json_text import compact
from nbagent.render.labels import call_args
from nbagent.run.diff import difference

_KINDS = {
    "prompt": "prompt",
    "text": "text",
    "tool": "tool",
    "error": "error",
    "handoff": "handoff",
}


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a run.

    Attributes:
        kind: `prompt`, `text`, `tool`, `error` or `handoff`.
        name: of the tool or of the kind.
        label: in one line.
        parts: what is compared, by name.
        key: the same for two items that agree but for their results.
        seconds: that a call took; None if that is not known.
        summary: of a call's result or error, in one line.
    """

    kind: str
    name: str
    label: str
    parts: dict[str, Any]
    key: str
    seconds: float | None
    summary: str = ""


def items_of(blocks: Sequence[Mapping[str, Any]], results: Mapping[str, Any]) -> list[Item]:
    """Return the items of a run, in order, those of sub-agents among them, without attempts and
    earlier versions of a chat.

    Args:
        blocks: what `run.snapshot()` gives.
        results: of tool calls, by block id; for the others, what the reader sees is taken.
    """
    left_out: set[str] = set()
    items: list[Item] = []
    for block in blocks:
        is_left_out = "attempt_of" in block or block.get("replaced") is True
        if is_left_out or block.get("parent") in left_out:
            left_out.add(str(block.get("id")))
        elif block.get("kind") in _KINDS:
            items.append(_item(block, results))
    return items


def similarity(a: Item, b: Item) -> float:
    """Return the similarity of two items, from 0 for items of different tools to 1."""
    if (a.kind, a.name) != (b.kind, b.name):
        return 0.0
    if a.key == b.key:
        return 1.0
    left, right = a.parts.get("arguments"), b.parts.get("arguments")
    if not isinstance(left, dict) or not isinstance(right, dict):
        return 0.8
    names = left.keys() | right.keys()
    agree = sum(
        name in left and name in right and bool(left[name] == right[name]) for name in names
    )
    return 0.75 + 0.25 * agree / max(1, len(names))


def differences(a: Item, b: Item) -> dict[str, dict[str, Any]]:
    """Return what differs between two items, by the name of the part; see
    `nbagent.run.diff.difference`.
    """
    both = {name: (a.parts[name], b.parts[name]) for name in a.parts if name in b.parts}
    parts = differing(both)
    for name in sorted(a.parts.keys() ^ b.parts.keys()):
        parts[name] = {"kind": "value", "before": _brief(a, name), "after": _brief(b, name)}
    return parts


def differing(values: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Return the differences of pairs of values by their names, without those that are the same."""
    found = {name: difference(before, after) for name, (before, after) in values.items()}
    others = {name: diff for name, diff in found.items() if diff["kind"] != "same"}
    mask = MASK.get()
    if mask is None:
        return others
    masked: dict[str, dict[str, Any]] = mask_json(others, mask)
    return masked


def _brief(item: Item, name: str) -> str:
    if name not in item.parts:
        return "none"
    return str(item.parts[name])[:200]


def _item(block: Mapping[str, Any], results: Mapping[str, Any]) -> Item:
    kind, id = str(block["kind"]), str(block.get("id"))
    if kind == "tool":
        name = str(block.get("name"))
        arguments = block.get("args", block.get("args_text"))
        parts: dict[str, Any] = {"arguments": arguments}
        if "result" in block.get("hidden", ()):
            pass
        elif block.get("error"):
            parts["error"] = f"{block['error'].get('type')}: {block['error'].get('message')}"
        elif id in results:
            parts["result"] = results[id]
        elif block.get("result") is not None:
            parts["result"] = block["result"].get(
                "application/json", block["result"].get("text/plain")
            )
        key = compact(["tool", name, json_safe(arguments)])
        label, took = f"{name}{call_args(block)}", worked(block, "args_done")
        summary = parts.get("error") or text_of(block, "summary")
        return Item(kind, name, label, parts, key, took, summary)
    if kind == "handoff":
        text = f"{block.get('from')} → {block.get('to')}"
    else:
        text = str(block.get("message" if kind == "error" else "text") or "")
    label = " ".join(text[:400].split())[:100]
    key = compact([kind, text])
    if kind == "text":  # the answers of two runs are compared, whatever they say
        key = "text"
    return Item(kind, _KINDS[kind], label, {"text": text}, key, None)
