"""`search`: finds a text in runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from nbagent.protocol.shared import count
from nbagent.render.json_text import compact
from nbagent.render.markup.table import html_table
from nbagent.render.markup.text import one_line, visible
from nbagent.run.run import Run
from nbagent.run.tool_call import ToolCall

SHOWN_MATCHES = 50
"""Matches that a table shows; the list has all."""
_AROUND_CHARS = 40
"""Characters on each side of what was found."""

_FIELDS = ("text", "name", "title", "args", "args_text", "output", "result", "error", "message")
"""Fields of a block that are searched."""


@dataclass(frozen=True, slots=True)
class Match:
    """A text that was found in a run.

    Attributes:
        run: the run.
        block: id of the block that has it.
        kind: of the block: `prompt`, `text`, `reasoning`, `tool`, `error`, ….
        name: of the tool or of the kind.
        field: the block's field, such as `args` or `result`.
        excerpt: what stands around the text, on one line.
    """

    run: Run
    block: str
    kind: str
    name: str
    field: str
    excerpt: str

    @property
    def call(self) -> ToolCall | None:
        """The tool call; None for another block."""
        return next((call for call in self.run.tools if call.id == self.block), None)

    def __repr__(self) -> str:
        return visible(f"{self.run.name}, {self.name} {self.field}: {self.excerpt}")


class Matches(Sequence[Match]):
    """Findings of a search: a table in a notebook, text in a terminal."""

    def __init__(self, found: Sequence[Match]) -> None:
        self._found = found

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Match]: ...
    def __getitem__(self, index: int | slice) -> Match | Sequence[Match]:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        shown = [f"{number}: {each!r}" for number, each in enumerate(self._found[:SHOWN_MATCHES])]
        return "\n".join([*shown, *self._more()]) or "Nothing was found."

    def _repr_html_(self) -> str:
        if not self._found:
            return "Nothing was found."
        rows = [
            [str(number), each.run.name, each.name, each.field, each.excerpt]
            for number, each in enumerate(self._found[:SHOWN_MATCHES])
        ]
        table = html_table(["", "run", "where", "in", "found"], rows)
        return table + "".join(f"<p>{line}</p>" for line in self._more())

    def _more(self) -> list[str]:
        more = len(self._found) - SHOWN_MATCHES
        return [f"… {count(more)} more"] if more > 0 else []


def search(runs: Iterable[Run], text: str) -> Matches:
    """Return the places at which a text stands in runs, in upper or lower case; one for each field
    of a block. What is hidden from the reader is not searched.

    Raises:
        ValueError: the text is empty.
    """
    if not text:
        raise ValueError("search takes a text to look for; got ''")
    wanted = text.casefold()
    return Matches([match for run in runs for match in _matches(run, wanted)])


def _matches(run: Run, wanted: str) -> Iterator[Match]:
    for block in run.snapshot():
        for field, excerpt in _excerpts(block, wanted):
            yield Match(run, str(block["id"]), str(block["kind"]), _name(block), field, excerpt)


def _excerpts(block: Mapping[str, Any], wanted: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a block in which a text stands, with what is around it."""
    for field in _FIELDS:
        value = block.get(field)
        if value is None or (field == "args_text" and "args" in block):
            continue
        written = value if isinstance(value, str) else compact(value)
        at = written.casefold().find(wanted)
        if at < 0:
            continue
        start = max(0, at - _AROUND_CHARS)
        around = written[start : at + len(wanted) + _AROUND_CHARS]
        yield field, one_line(around, 2 * _AROUND_CHARS + len(wanted))


def _name(block: Mapping[str, Any]) -> str:
    name = block.get("name")
    return str(block["kind"] if name is None else name)
