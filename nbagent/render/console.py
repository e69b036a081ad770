"""The transcript where there is no notebook: printed as it grows, in a terminal, a log or a pipe.

Output is only ever added to, so that it reads the same in a terminal, in a file, and scrolled back. Styles appear where the
output is a terminal. Whatever a model or tool says, no control character of it gets out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, TypeAlias

import msgspec
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from nbagent.render.labels import hidden_note, hides_args

Props: TypeAlias = dict[str, Any]

# Every control character but newline and tab: ESC and C1 begin terminal sequences, the rest move the cursor or ring.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])
# For outputs that cannot encode the marks; what else they cannot encode becomes "?".
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "■": "#", "…": "...", "→": "->", "·": "-", "▸": ">", "×": "x", "’": "'"})
_LINE = 100

_DIM = Style(dim=True)
_RED = Style(color="red")
_YELLOW = Style(color="yellow")
_GREEN = Style(color="green")
_BOLD = Style(bold=True)
_PLAIN_STYLE = Style()
_LEVELS = {"debug": _DIM, "info": _DIM, "warning": _YELLOW, "error": _RED}
_OUTCOMES = {
    "output-available": ("✓", _PLAIN_STYLE),
    "output-error": ("✗", _RED),
    "output-denied": ("✗", _YELLOW),
}
# A call that the stream only announced is for the caller to run; one that was cut off says so.
_UNFINISHED = {"input-available": "requested", "input-streaming": "not finished", "cancelled": "not finished"}


class ConsoleFace:
    """Prints one run.

    Args:
        file: where to; the standard output by default.
        console: a rich console to print on instead of `file`.
    """

    def __init__(self, file: IO[str] | None = None, console: Console | None = None) -> None:
        self._console = console or Console(file=file, force_jupyter=False)
        self._blocks: dict[str, Props] = {"run": {"kind": "run", "depth": 0}}
        self._streaming: str | None = None  # the block whose text the cursor stands in
        self._at_line_start = True
        self._titled = False
        self._over = False

    def draw(self, seq: int, ops: Iterable[Sequence[Any]]) -> None:
        """Print what a batch of ops adds.

        Args:
            seq: the batch's number.
            ops: `["open", id, parent, props]`, `["append", id, field, text]`, `["set", id, props]`, `["close", id]`.
        """
        for op in ops:
            match op:
                case ["open", str(id_), parent, dict(props)]:
                    self._open(id_, parent, props)
                case ["append", str(id_), str(field), str(text)] if id_ in self._blocks:
                    self._append(id_, field, text)
                case ["set", str(id_), dict(props)] if id_ in self._blocks:
                    self._set(id_, props)
                case ["close", str(id_)] if id_ in self._blocks:
                    self._close(id_)
        self._console.file.flush()

    def close(self) -> None:
        """End an unfinished line. The last line of a finished run is printed when the run's own block closes."""
        self._leave()
        self._console.file.flush()

    # --- ops ---

    def _open(self, id_: str, parent: str | None, props: Props) -> None:
        if id_ == "run":
            self._blocks["run"].update(props)
            return
        outer = self._blocks.get(parent or "run", self._blocks["run"])
        depth = outer["depth"] + (outer["kind"] != "run")
        block = self._blocks[id_] = {**props, "depth": depth, "printed": []}
        self._title()
        match block["kind"]:
            case "text" | "reasoning":
                self._requested(depth)
                block.pop("text", None)
                self._grow(id_, block, props.get("text") or "")
            case "agent":
                self._line(depth, f"▸ {block.get('name')}", _BOLD)
            case "handoff":
                self._line(depth, f"{block.get('from') or ''} → {block.get('to')}", _BOLD)
            case "status":
                self._line(depth, block.get("message"), _LEVELS.get(block.get("level") or "info", _DIM))
            case "error":
                self._error(depth, block.get("error_type"), block.get("message"), block.get("traceback"))
            case "approval":
                self._line(depth, f"? {block.get('prompt') or 'Approval needed'}{_arguments(block)}", _YELLOW)
                self._decision(block, block)

    def _append(self, id_: str, field: str, text: str) -> None:
        block = self._blocks[id_]
        if block["kind"] in ("text", "reasoning") and field == "text":
            self._grow(id_, block, text)
        elif len(head := block.get(field) or "") < 4 * _LINE:
            block[field] = head + text  # it is printed in one line, if at all

    def _set(self, id_: str, props: Props) -> None:
        block = self._blocks[id_]
        match block["kind"]:
            case "text" | "reasoning" if "text" in props:
                self._replace(id_, block, props["text"] or "")
            case "approval":
                self._decision(block, props)
        block.update({name: value for name, value in props.items() if name != "text"})

    def _close(self, id_: str) -> None:
        block = self._blocks[id_]
        match block["kind"]:
            case "run":
                self._end(block)
                return
            case "tool" if not block.get("listed") or block.get("state") != "input-available":
                self._tool(block)
            case "reasoning" if block["printed"] or _seconds(block) >= 1:
                self._line(block["depth"], f"Thought{_span(block, 'for ', tenths=False)}", _DIM)
            case "source":
                self._line(block["depth"], " ".join(filter(None, (block.get("title"), block.get("url")))), _DIM)
            case "file":
                said = (block.get("name"), block.get("media_type"), block.get("url"))
                self._line(block["depth"], " ".join(filter(None, said)), _DIM)
            case "custom":
                self._line(block["depth"], _short(f"{block.get('name')}: {_json(block.get('data'))}"), _DIM)
        if id_ == self._streaming:
            self._leave()
        if block["kind"] != "agent":  # an agent's children may still come
            del self._blocks[id_]

    # --- texts ---

    def _grow(self, id_: str, block: Props, text: str) -> None:
        if not text:
            return
        style = _DIM if block["kind"] == "reasoning" else _PLAIN_STYLE
        if self._streaming != id_:
            self._leave()
            if block["kind"] == "reasoning":
                self._line(block["depth"], "Thinking…", _DIM)
            self._streaming = id_
        block["printed"].append(text)
        depth = block["depth"] + (block["kind"] == "reasoning")
        self._write(text, style, "  " * depth)

    def _replace(self, id_: str, block: Props, text: str) -> None:
        """The authoritative text: mostly what was printed already, or that and a little more."""
        printed = "".join(block["printed"])
        if text.startswith(printed):
            self._grow(id_, block, text[len(printed) :])
            return
        block["printed"].clear()
        self._line(block["depth"], "(corrected:)" if text else "(taken back)", _DIM)
        self._grow(id_, block, text)

    # --- lines ---

    def _title(self) -> None:
        if self._titled:
            return
        self._titled = True
        run = self._blocks["run"]
        said = list(dict.fromkeys(str(run[name]) for name in ("name", "model") if run.get(name)))
        if said:
            self._line(0, " · ".join(said), _BOLD)

    def _requested(self, depth: int) -> None:
        """The model goes on: calls it made before, and that nobody answers in this stream, belong before what comes now."""
        waiting = [b for b in self._blocks.values() if b["kind"] == "tool" and b["depth"] == depth and not b.get("listed")]
        for block in waiting:
            if block.get("state") == "input-available":
                block["listed"] = True
                self._tool(block)

    def _tool(self, block: Props) -> None:
        state = block.get("state") or ""
        mark, style = _OUTCOMES.get(state, ("■", _DIM))
        args = "(hidden)" if hides_args(block) else _arguments(block) or "()"
        call = f"{mark} {block.get('title') or block.get('name')}{args}"
        error = block.get("error") or {}
        if state == "output-error":
            outcome = ": ".join(filter(None, (error.get("type"), error.get("message")))) or "failed"
        elif state == "output-denied":
            outcome = "denied"
        else:
            outcome = block.get("summary") or _UNFINISHED.get(state, "")
        said = f"{call} → {_short(outcome)}" if outcome else call
        self._line(block["depth"], said + _span(block, "· "), style)

    def _error(self, depth: int, kind: str | None, message: str | None, traceback: str | None) -> None:
        self._line(depth, ": ".join(filter(None, (kind or "Error", message))), _RED)
        if traceback:
            self._line(depth + 1, traceback.rstrip(), _DIM)

    def _decision(self, block: Props, props: Props) -> None:
        if decision := props.get("decision"):
            said = {"approve": "approved", "deny": "denied", "cancel": "cancelled"}.get(decision, decision)
            reason = props.get("reason")
            self._line(block["depth"], f"  {said}{f': {reason}' if reason else ''}", _YELLOW)

    def _end(self, run: Props) -> None:
        if self._over:
            return
        self._over = True
        self._title()
        status = run.get("status") or "ended"
        usage = run.get("usage") or {}
        tokens = [f"{usage[name]:,} {label}" for name, label in (("input", "in"), ("output", "out")) if usage.get(name)]
        if not tokens and usage.get("total"):
            tokens = [f"{usage['total']:,}"]
        who = f"Stopped by {run['stopped_by']}" if status == "cancelled" and run.get("stopped_by") else status
        reason = run.get("code") if status not in ("completed", "cancelled", run.get("code")) else None
        parts = [f"{who} ({reason})" if reason else who, ", ".join(tokens) + " tokens" if tokens else "", hidden_note(run)]
        mark, style = {"completed": ("✓", _GREEN), "failed": ("✗", _RED)}.get(status, ("■", _YELLOW))
        self._line(0, f"{mark} {' · '.join(filter(None, parts))}{_span(run, '· ')}", style)

    def _line(self, depth: int, text: str | None, style: Style) -> None:
        if text:
            self._leave()
            self._write(text, style, "  " * depth)
            self._leave()

    def _leave(self) -> None:
        """Go to the beginning of a line, out of any text."""
        if not self._at_line_start:
            self._put("\n", _PLAIN_STYLE)
            self._at_line_start = True
        self._streaming = None

    def _write(self, text: str, style: Style, indent: str) -> None:
        text = text.translate(_CONTROLS)
        if not text:
            return
        ends_line = text.endswith("\n")
        body = text[:-1] if ends_line else text
        if indent:
            # The indentation of the next line waits until there is a next line.
            body = (indent if self._at_line_start else "") + body.replace("\n", f"\n{indent}")
        self._put(body + "\n" * ends_line, style)
        self._at_line_start = ends_line

    def _put(self, text: str, style: Style) -> None:
        # Segments, because rich takes the space off the end of a long Text, and this may be the middle of a line.
        self._console.print(Segments([Segment(_encodable(text, self._console.encoding), style)]), end="", soft_wrap=True)


def _encodable(text: str, encoding: str) -> str:
    """The text, in characters that the output can encode."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text


def _arguments(block: Props) -> str:
    """A call's arguments as they read in Python: `(city='Paris', days=3)`; nothing if there are none."""
    args = block.get("args")
    if isinstance(args, Mapping):
        return f"({_short(', '.join(f'{name}={_value(value)}' for name, value in args.items()))})" if args else ""
    text = _json(args) if args is not None else block.get("args_text")
    return f"({_short(text)})" if text else ""


def _value(value: Any) -> str:
    return repr(value[:_LINE]) if isinstance(value, str) else _short(_json(value))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    line = " ".join(text[: 2 * _LINE].split())
    return line if len(text) <= 2 * _LINE and len(line) <= _LINE else line[: _LINE - 1] + "…"


def _seconds(block: Props) -> float:
    """How long a block took; a tool's time begins when its arguments are whole."""
    ended, started = block.get("ended"), block.get("args_done") or block.get("started")
    return max(0.0, ended - started) if ended is not None and started is not None else 0.0


def _span(block: Props, before: str, *, tenths: bool = True) -> str:
    """How long a block took, for the end of its line: ` · 1.3s`; nothing if that is not known."""
    if block.get("ended") is None or block.get("started") is None:
        return ""
    seconds = _seconds(block)
    if tenths and seconds < 9.95:
        return f" {before}{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f" {before}{minutes}m {rest}s" if minutes else f" {before}{rest}s"
