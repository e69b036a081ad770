"""The transcript where there is no notebook: printed as it grows, in a terminal, a log or a pipe.

Output is only ever added to, so that it reads the same in a terminal, in a file, and scrolled back.
Of several agents that write at the same time one is printed as it grows, the others when that one
has ended. Styles appear where the output is a terminal. No control character from a model or tool
reaches it.
"""

from collections.abc import Iterable, Sequence
from typing import IO, Any, TypeAlias, assert_never

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from nbagent.blocks import KIND_NAMED
from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, record_of, text_of
from nbagent.protocol import nodes as n
from nbagent.protocol.shared import LABELS, fill
from nbagent.render.differences import difference_lines
from nbagent.render.durations import duration, worked
from nbagent.render.errors import error_headline
from nbagent.render.figures import figures, spent
from nbagent.render.json_text import json_line
from nbagent.render.labels import call_args, changed_labels, lanes_label, run_label, tool_note
from nbagent.render.markup.text import one_line, prose, visible
from nbagent.render.output_text import encodable, without_controls
from nbagent.render.print_order import PrintOrder
from nbagent.render.questions import changes, decision_label, prompt_label
from nbagent.render.terminal_text import terminal_text
from nbagent.render.thoughts import is_silent_thought, thought_label

Block: TypeAlias = dict[str, Any]

_LINE_CHARS = 100

_DIM = Style(dim=True)
_RED = Style(color="red")
_YELLOW = Style(color="yellow")
_GREEN = Style(color="green")
_BOLD = Style(bold=True)
_PLAIN_STYLE = Style()
_LEVELS = {"debug": _DIM, "info": _DIM, "warning": _YELLOW, "error": _RED}
_TASK_MARKS = {True: "✓ ", False: "○ ", None: ""}
_TOOL_STYLES = {"output-available": _PLAIN_STYLE, "output-error": _RED, "output-denied": _YELLOW}
_RUN_MARKS = {"completed": ("✓", _GREEN), "failed": ("✗", _RED)}
# Characters that are kept of a tool's line that has not ended.
_OUTPUT_CHARS = 10_000
# Characters that a block keeps of a field that is printed on one line.
_HEAD_CHARS = 400
# Lines of what differs between two results.
_DIFFERENCE_LINES = 10


class ConsoleRenderer:
    """Printer of one run.

    Args:
        file: where it prints; the standard output by default.
        console: a rich console to print on instead of `file`.
    """

    def __init__(self, file: IO[str] | None = None, console: Console | None = None) -> None:
        self._console = console or Console(file=file, force_jupyter=False)
        self._blocks: dict[str, Block] = {"run": {"kind": "run", "depth": 0}}
        self._streaming: str | None = None  # the block whose text the cursor stands in
        self._at_line_start = True
        self._titled = False
        self._over = False
        self._units = PrintOrder()

    def draw(self, seq: int, ops: Iterable[Sequence[Any]]) -> None:
        """Print what a batch of ops adds.

        Args:
            seq: the batch's number.
            ops: `["open", id, parent, props]`, `["append", id, field, text]`, `["set", id, props]`,
                `["close", id]`.
        """
        for op in ops:
            for each in self._units.feed(op):
                self._print(each)
        self._console.file.flush()

    def close(self) -> None:
        """Print what was held back, and end an unfinished line.

        The run's last line is printed when its own block closes.
        """
        for op in self._units.close():
            self._print(op)
        self._leave()
        self._console.file.flush()

    # --- ops ---

    def _print(self, op: Sequence[Any]) -> None:
        match op:
            case ["open", str(id_), parent, dict(props)]:
                self._open(id_, parent, props)
            case ["append", str(id_), str(field), str(text)] if id_ in self._blocks:
                self._append(id_, field, text)
            case ["set", str(id_), dict(props)] if id_ in self._blocks:
                self._set(id_, props)
            case ["close", str(id_)] if id_ in self._blocks:
                self._close(id_)

    def _open(self, id_: str, parent: str | None, props: Block) -> None:
        if id_ == "run":
            self._blocks["run"].update(props)
            return
        outer = self._blocks.get(parent or "run", self._blocks["run"])
        depth = outer["depth"]
        if outer["kind"] != "run":
            depth += 1
        block = self._blocks[id_] = {**props, "depth": depth, "printed": []}
        self._title()
        kind = block["kind"]
        if kind in ("text", "reasoning"):
            self._requested(depth)
            block.pop("text", None)
            self._grow(id_, block, props.get("text") or "")
        elif kind == "agent":
            heading = f"▸ {block.get('name')}"
            if outer["kind"] == "tool":
                heading += call_args(outer)
            self._line(depth, heading, _BOLD)
        elif kind == "approval":
            self._question(block)
        elif kind in KIND_NAMED:
            for node in KIND_NAMED[kind].draws(block):
                self._node(depth, node)

    def _append(self, id_: str, field: str, text: str) -> None:
        block = self._blocks[id_]
        is_text = field == "text"
        if is_text and block["kind"] in ("text", "reasoning"):
            self._grow(id_, block, text)
        elif is_text and block["kind"] == "prompt":
            self._quote(block["depth"], text)
        elif field == "output":
            self._print_output(block, text)
        else:
            head = block.get(field) or ""
            if len(head) < _HEAD_CHARS:
                block[field] = head + text

    def _set(self, id_: str, props: Block) -> None:
        block = self._blocks[id_]
        if block["kind"] == "approval":
            self._decision(block, props)
        elif block["kind"] in ("text", "reasoning") and "text" in props:
            self._replace(id_, block, props["text"] or "")
        block.update({name: value for name, value in props.items() if name != "text"})

    def _close(self, id_: str) -> None:
        block = self._blocks[id_]
        if block.get("unfinished"):
            self._print_output(block, "\n")
        if block["kind"] == "run":
            self._end(block)
            return
        end = {"tool": self._end_tool, "reasoning": self._end_thought, "agent": self._end_agent}
        if block["kind"] in end:
            end[block["kind"]](block)
        if id_ == self._streaming:
            self._leave()
        if block["kind"] != "agent":  # an agent's children may still come
            del self._blocks[id_]

    # --- texts ---

    def _grow(self, id_: str, block: Block, text: str) -> None:
        if not text:
            return
        depth, style = block["depth"], _PLAIN_STYLE
        is_thought = block["kind"] == "reasoning"
        if self._streaming != id_:
            self._leave()
            if is_thought:
                self._line(depth, LABELS["thought"]["running"], _DIM)
            self._streaming = id_
        block["printed"].append(text)
        if is_thought:
            depth, style = depth + 1, _DIM
        self._write(prose(without_controls(text)), style, "  " * depth)

    def _replace(self, id_: str, block: Block, text: str) -> None:
        """Print what a text is in the end.

        It is mostly what was printed already, or that and a little more.
        """
        printed = "".join(block["printed"])
        if text.startswith(printed):
            self._grow(id_, block, text[len(printed) :])
            return
        block["printed"].clear()
        note = "(taken back)"
        if text:
            note = "(corrected:)"
        self._line(block["depth"], note, _DIM)
        self._grow(id_, block, text)

    # --- lines ---

    def _title(self) -> None:
        if self._titled:
            return
        self._titled = True
        run = self._blocks["run"]
        names = [str(run[field]) for field in ("name", "model") if run.get(field)]
        self._line(0, " · ".join(dict.fromkeys(names)), _BOLD)

    def _requested(self, depth: int) -> None:
        """Print the calls that wait at this depth: the model's next output comes after them, and
        they may get no result.
        """
        for block in self._blocks.values():
            if block["kind"] != "tool" or block["depth"] != depth:
                continue
            if _waits(block) and not block.get("listed"):
                block["listed"] = True
                self._tool(block)

    def _end_tool(self, block: Block) -> None:
        if not block.get("listed") or not _waits(block):
            self._tool(block)

    def _tool(self, block: Block) -> None:
        state, depth = text_of(block, "state"), block["depth"]
        symbol, note = tool_note(block, closed=True)
        name = text_of(block, "title", "name") or LABELS["tool"]["name"]
        line = f"{symbol} {name}{call_args(block)}"
        outcome = text_of(block, "summary") or note
        if state == "output-error":
            outcome = error_headline(record_of(block, "error"))
        if outcome:
            line += f" → {one_line(outcome, _LINE_CHARS)}"
        for label in changed_labels(block):
            line += f" · {label}"
        took = worked(block, "args_done")
        if took is not None:
            line += f" · {duration(took)}"
        self._line(depth, line, _TOOL_STYLES.get(state, _DIM))
        self._difference(depth, record_of(block, "difference"))

    def _difference(self, depth: int, diff: Props) -> None:
        """Print what differs between an attempt's result and the first one."""
        if not diff:
            return
        heading = fill(LABELS["attempt"]["compared"], text_of(diff, "note"))
        self._line(depth, f"  {heading}", _DIM)
        for line in difference_lines(diff)[:_DIFFERENCE_LINES]:
            self._line(depth, f"    {line}", _DIM)

    def _end_thought(self, block: Block) -> None:
        closed = {**block, "closed": True}
        if block["printed"] or not is_silent_thought(closed):
            self._line(block["depth"], thought_label(closed), _DIM)

    def _end_agent(self, block: Block) -> None:
        about = spent(block)
        if block.get("status") not in ("completed", "running", None):
            about.insert(0, end_label(block))
        if about:
            self._line(block["depth"], f"{block.get('name')}: {' · '.join(about)}", _DIM)

    def _question(self, block: Block) -> None:
        question = f"? {prompt_label(block)}"
        if block.get("args") not in (None, {}):
            question += call_args(block)
        self._line(block["depth"], question, _YELLOW)
        self._decision(block, block)

    def _decision(self, block: Block, props: Block) -> None:
        question = {**block, **props}
        line = decision_label(question)
        if not line:
            return
        details = list(filter(None, [*changes(question), text_of(props, "reason")]))
        if details:
            line += ": " + " · ".join(one_line(each, _LINE_CHARS) for each in details)
        self._line(block["depth"], f"  {line}", _YELLOW)

    # --- the user's message, and what tools print ---

    def _node(self, depth: int, node: n.Node) -> None:
        match node:
            case n.Line():
                text = _TASK_MARKS[node.done] + "".join(words.text for words in node.words)
                self._line(depth, text, _style_of(node))
            case n.Notice():
                self._line(depth, node.text, _LEVELS[node.level])
            case n.Message():
                self._message(depth, node)
            case n.Link():
                self._line(depth, " ".join(filter(None, (node.title, node.url))), _DIM)
            case n.Download():
                fields = (node.name, node.media_type, node.url)
                self._line(depth, " ".join(filter(None, fields)), _DIM)
            case n.Failure():
                self._failure(depth, node)
            case n.Data():
                line = one_line(f"{node.name}: {json_line(node.value)}", _LINE_CHARS)
                self._line(depth, line, _DIM)
            case n.Table():
                self._table(depth, node)
            case _:
                assert_never(node)

    def _message(self, depth: int, message: n.Message) -> None:
        self._quote(depth, message.text)
        for file in message.files:
            name = file.name or file.media_type or "file"
            self._line(depth, f"> [{name}]", _BOLD)

    def _failure(self, depth: int, failure: n.Failure) -> None:
        kind = failure.type or LABELS["error"]["type"]
        headline = error_headline({"type": kind, "message": failure.message})
        self._line(depth, headline, _RED)
        self._line(depth + 1, failure.traceback.rstrip(), _DIM)

    def _table(self, depth: int, table: n.Table) -> None:
        for cells in (table.heads, *table.cells):
            self._line(depth, one_line(" · ".join(cells), _LINE_CHARS), _DIM)

    def _quote(self, depth: int, text: str) -> None:
        for line in text.splitlines():
            self._line(depth, f"> {line}", _BOLD)

    def _print_output(self, block: Block, text: str) -> None:
        """Print the lines that are complete.

        A line that is written over, as a progress bar is, waits for its end.
        """
        lines = (block.get("unfinished", "") + text).split("\n")
        block["unfinished"] = lines.pop()[-_OUTPUT_CHARS:]
        for line in lines:
            self._line(block["depth"], f"  │ {terminal_text(line)}", _DIM)

    def _end(self, run: Block) -> None:
        if self._over:
            return
        self._over = True
        self._title()
        symbol, style = _RUN_MARKS.get(text_of(run, "status"), ("■", _YELLOW))
        label = run_label(run)
        if run.get("status") == "failed" and run.get("code"):
            label += f" ({run['code']})"
        lanes = [block | {"closed": True} for block in self._blocks.values() if _is_lane(block)]
        parts = [label, lanes_label(run, lanes), *figures(run)]
        self._line(0, f"{symbol} {' · '.join(filter(None, parts))}", style)

    def _line(self, depth: int, text: str | None, style: Style) -> None:
        if text:
            self._leave()
            self._write(visible(without_controls(text)), style, "  " * depth)
            self._leave()

    def _leave(self) -> None:
        """Go to the beginning of a line, out of any text."""
        if not self._at_line_start:
            self._put("\n", _PLAIN_STYLE)
            self._at_line_start = True
        self._streaming = None

    def _write(self, text: str, style: Style, indent: str) -> None:
        if not text:
            return
        # The indentation of the next line waits until there is a next line.
        body = text.removesuffix("\n").replace("\n", f"\n{indent}")
        if self._at_line_start:
            body = indent + body
        self._at_line_start = text.endswith("\n")
        if self._at_line_start:
            body += "\n"
        self._put(body, style)

    def _put(self, text: str, style: Style) -> None:
        # Segments, because rich takes the space off the end of a long Text, and this may be the
        # middle of a line.
        segments = Segments([Segment(encodable(text, self._console.encoding), style)])
        self._console.print(segments, end="", soft_wrap=True)


def _style_of(line: n.Line) -> Style:
    """Return the style of a line: of tasks, only those with strong words stand out."""
    if line.done is None or any(words.strong for words in line.words):
        return _BOLD
    return _PLAIN_STYLE


def _is_lane(block: Block) -> bool:
    return (block["kind"], block["depth"]) == ("agent", 0)


def _waits(call: Block) -> bool:
    return call.get("state") == "input-available"
