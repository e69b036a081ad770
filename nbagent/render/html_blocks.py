"""Blocks of a transcript as HTML: `<details>` that are readable without any style, with the labels
of the view.
"""

from collections.abc import Iterable

from nbagent.blocks import KIND_NAMED
from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, record_of, text_of, texts_of
from nbagent.protocol.shared import LABELS, fill
from nbagent.render.call_row import call_row
from nbagent.render.differences import difference_html
from nbagent.render.durations import duration, worked
from nbagent.render.figures import failed_calls_label, figures, spent
from nbagent.render.html_nodes import LINE_CHARS, data_html, nodes_html
from nbagent.render.html_values import (
    CODE,
    MUTED,
    PANEL,
    ValueWriter,
    caption,
    fold,
    panel,
    paragraph,
    quotation,
)
from nbagent.render.labels import (
    forks_label,
    is_in_row,
    is_live,
    lanes_label,
    run_label,
    waiting_label,
)
from nbagent.render.markup.text import escape, escape_line, without_tex
from nbagent.render.questions import (
    decision_details,
    decision_label,
    is_permitted,
    prompt_label,
    unanswered_note,
)
from nbagent.render.size_budget import SizeBudget
from nbagent.render.terminal_text import terminal_text
from nbagent.render.thoughts import is_silent_thought, is_title_only, thought_label
from nbagent.render.tree import ROOT, Tree

_OF_EVERY_BLOCK = ("id", "parent", "closed")
_AGENT_MARKS = {"completed": "✓", "running": "✓", "": "✓", "failed": "✗"}


class BlockWriter:
    """Writes the blocks of one run as HTML, within a budget; formulas as MathML if `typeset` is
    true.
    """

    def __init__(self, tree: Tree, budget: SizeBudget, *, typeset: bool = False) -> None:
        self._tree = tree
        self._list_ends = budget.list_ends
        self._value = ValueWriter(budget, typeset)

    def html(self) -> str:
        """Return the run from its header to its footer."""
        return (
            self._header()
            + (self._list(ROOT) or self._empty())
            + self._waiting(ROOT, self._tree.run)
            + self._footer()
        )

    def blocks_html(self) -> str:
        """Return the blocks alone."""
        return self._list(ROOT)

    def _header(self) -> str:
        run = self._tree.run
        name, model = text_of(run, "name"), text_of(run, "model")
        row = f"<strong>{escape_line(name or LABELS['run']['name'])}</strong>"
        if model and model != name:
            row += f" {escape_line(model)}"
        status = [run_label(run), lanes_label(run, self._tree.lanes), failed_calls_label(run)]
        row += f" · {escape_line(' · '.join(filter(None, status)))}"
        forks = forks_label(run)
        if not forks:
            return paragraph(row)
        return caption(escape_line(forks)) + paragraph(row)

    def _empty(self) -> str:
        run = self._tree.run
        if is_live(run):
            return ""
        if run.get("turns") != 0:
            return paragraph(LABELS["run"]["empty"])
        about = [text_of(run, "about")]
        tools = ", ".join(texts_of(run, "offers"))
        if tools:
            about.append(fill(LABELS["chat"]["tools"], tools))
        about.append(LABELS["chat"]["ask"])
        return "".join(paragraph(escape_line(line, LINE_CHARS)) for line in about if line)

    def _waiting(self, parent: str, owner: Props) -> str:
        """Return a line that says that the model has not answered yet, where its answer will stand;
        of a run that goes on.
        """
        waiting = waiting_label(self._tree.run, owner, self._tree.children.get(parent, []))
        if not waiting:
            return ""
        return paragraph(f"<span{MUTED}>{escape_line(waiting)}</span>")

    def _footer(self) -> str:
        found = figures(self._tree.run)
        if not found:
            return ""
        return caption(without_tex(escape(" · ".join(found))))

    def _list(self, parent: str) -> str:
        blocks = self._tree.children.get(parent, [])
        left_out = len(blocks) - 2 * self._list_ends
        if left_out <= 0:
            return self._blocks(blocks)
        head, tail = blocks[: self._list_ends], blocks[self._list_ends + left_out :]
        more = f"{left_out:,} more entries"
        if left_out == 1:
            more = "1 more entry"
        note = paragraph(f"… {more} not kept in the notebook")
        return self._blocks(head) + note + self._blocks(tail)

    def _blocks(self, blocks: Iterable[Props]) -> str:
        return "".join(map(self._block, blocks))

    def _block(self, block: Props) -> str:
        name = text_of(block, "kind")
        draw = {
            "text": self._text,
            "reasoning": self._reasoning,
            "tool": self._tool,
            "agent": self._agent,
            "approval": self._approval,
        }.get(name)
        if draw is not None:
            return draw(block)
        if name in KIND_NAMED:
            return nodes_html(KIND_NAMED[name].draws(block), block, self._value)
        named = {field: value for field, value in block.items() if field not in _OF_EVERY_BLOCK}
        return data_html(name or "block", named, block, self._value)

    def _text(self, block: Props) -> str:
        if block.get("text_kind") == "json":
            return self._value.plain(text_of(block, "text"))
        shown = self._value.answer(
            text_of(block, "text"), line_breaks=block.get("line_breaks") is True
        )
        if block.get("text_kind") == "refusal":
            heading = paragraph(f"⊘ <em>{LABELS['other']['refusal']}</em>")
            return f"{heading}<div{PANEL}>{shown}</div>\n"
        if not shown:
            return ""
        return f"<div>{shown}</div>\n"

    def _reasoning(self, block: Props) -> str:
        if is_silent_thought(block):
            return ""
        body = ""
        if not is_title_only(block):
            body = quotation(self._value.markdown(text_of(block, "text")))
        row = escape_line(thought_label(block))
        return fold(row, body, is_open=self._is_open(block, "thinking"))

    def _tool(self, block: Props) -> str:
        before, about_result = self._tree.asked_of(block)
        body = (
            self._arguments(block)
            + self._blocks(before)
            + self._output(block)
            + self._compared(block)
            + self._outcome(block)
            + self._blocks(about_result)
            + self._list(text_of(block, "id"))
        )
        return fold(self._call(block), panel(body), is_open=self._is_call_open(block))

    def _call(self, block: Props) -> str:
        """Return the row of a tool call."""
        row = call_row(block, stopped=self._tree.is_stopped(block))
        line = f"{row.symbol} <strong>{escape_line(row.name)}</strong>"
        line += f"<code{CODE}>{escape_line(row.args)}</code>"
        if row.summary:
            line += f" → {escape_line(row.summary)}"
        for note in row.notes:
            line += f" · {escape_line(note)}"
        return line

    def _is_call_open(self, block: Props) -> bool:
        state = text_of(block, "state")
        waits = state == "approval-requested" and not block.get("closed")
        if waits or state == "output-error":
            return self._is_open(block, by_default=True)
        return self._is_open(block, "tools", by_default=block.get("open") is True)

    def _is_open(self, block: Props, kind: str | None = None, *, by_default: bool = False) -> bool:
        """Return True if a panel is open: by the reader's choice, else by the run's `panels`, else
        by default.

        Args:
            block: whose panel it is.
            kind: its name in `panels`; None for one that they say nothing about.
            by_default: the block's own wish.
        """
        chosen, panels = block.get("user_open"), self._tree.run.get("panels")
        if isinstance(chosen, bool):
            return chosen
        if kind is not None and isinstance(panels, list):
            return kind in panels
        return by_default

    def _arguments(self, block: Props) -> str:
        args, written = block.get("args"), text_of(block, "args_text")
        if args == {} or (args is None and not written) or is_in_row(block, "arguments"):
            return ""
        heading, is_valid = LABELS["tool"]["arguments"], block.get("args_valid") is not False
        if not is_valid:
            heading += LABELS["tool"]["not_json"]
        if is_valid and not isinstance(args, (str, type(None))):
            return caption(heading) + self._value.json(args)
        return caption(heading) + self._value.plain(text_of(block, "args", "args_text"))

    def _output(self, block: Props) -> str:
        printed = terminal_text(text_of(block, "output"))
        if not printed:
            return ""
        return caption(LABELS["tool"]["output"]) + self._value.plain(printed)

    def _compared(self, block: Props) -> str:
        """Return the difference of an attempt's result and the first one; of two pictures, both
        side by side.
        """
        diff = record_of(block, "difference")
        if not diff:
            return ""
        heading = caption(escape_line(fill(LABELS["attempt"]["compared"], text_of(diff, "note"))))
        first = self._first_picture(block)
        if first is not None:
            return heading + self._side_by_side(first, block)
        return heading + difference_html(diff)

    def _first_picture(self, block: Props) -> Props | None:
        """Return the attempt whose picture this one's is compared with; None if there is none."""
        if record_of(block, "difference").get("kind") != "picture":
            return None
        return self._tree.blocks.get(text_of(block, "attempt_of"))

    def _side_by_side(self, *blocks: Props) -> str:
        cells = [
            f'<div style="flex:1 1 0;min-width:0">{self._result(each)}{self._error(each)}</div>'
            for each in blocks
        ]
        return f'<div style="display:flex;gap:1em">{"".join(cells)}</div>\n'

    def _outcome(self, block: Props) -> str:
        if self._first_picture(block) is not None:
            return ""  # it stands next to the first one
        return self._result(block) + self._error(block)

    def _result(self, block: Props) -> str:
        result, is_whole = block.get("result"), block.get("state") == "output-available"
        if result is None or (is_whole and is_in_row(block, "result")):
            return ""
        if not isinstance(result, dict):
            result = {"application/json": result}
        shown = self._value.result(result, block)
        if not shown:
            return ""
        if is_whole or self._tree.is_stopped_at_result(block):
            return caption(LABELS["tool"]["result"]) + shown
        return caption(LABELS["tool"]["partial"]) + shown

    def _error(self, block: Props) -> str:
        error = record_of(block, "error")
        if not error:
            return ""
        heading = LABELS["tool"]["error"]
        if block.get("state") == "output-denied":
            heading = LABELS["tool"]["denied"]
        return caption(heading) + self._value.error(error)

    def _agent(self, block: Props) -> str:
        id_, took = text_of(block, "id"), worked(block)
        symbol = "…"
        if block.get("closed"):
            symbol = _AGENT_MARKS.get(text_of(block, "status"), "⊘")
        name = text_of(block, "name") or LABELS["other"]["agent"]
        parts = [f"{symbol} <strong>{escape_line(name)}</strong>"]
        if took is not None:
            parts.append(escape(duration(took)))
        parts += map(escape, spent(block))
        if symbol in "✗⊘":
            parts.append(escape_line(end_label(block)))
        if symbol == "…":
            parts.append(LABELS["tool_state"]["input-available"])
        body = quotation(self._list(id_) + self._waiting(id_, block))
        is_open = self._is_open(block, "agents", by_default=True)
        return fold(" · ".join(parts), body, is_open=is_open)

    def _approval(self, block: Props) -> str:
        decision = decision_label(block)
        if decision:
            return self._decision(decision, block)
        prompt = escape_line(prompt_label(block), LINE_CHARS)
        html = paragraph(f"? {prompt}{unanswered_note(block)}")
        args = block.get("args")
        if args not in (None, {}) and block.get("stage") != "result":
            html += self._value.json(args)
        options = ", ".join(filter(None, texts_of(block, "options")))
        if options:
            named = fill(LABELS["approval"]["options"], options)
            html += paragraph(escape_line(named, LINE_CHARS))
        return html

    def _decision(self, decision: str, block: Props) -> str:
        symbol = "⊘"
        if is_permitted(block):
            symbol = "✓"
        parts = [f"{symbol} <strong>{escape_line(decision)}</strong>"]
        parts += [escape_line(detail, LINE_CHARS) for detail in decision_details(block)]
        return paragraph(" · ".join(parts))
