"""Blocks of a transcript as HTML: `<details>` that are readable without any style, with the labels
of the view.
"""

from nbagent.blocks import KIND_NAMED
from nbagent.blocks.end import end_label
from nbagent.blocks.fields import Props, record_of, text_of, texts_of
from nbagent.protocol.shared import LABELS, fill
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
    call_args,
    forks_label,
    is_in_row,
    lanes_label,
    run_label,
    tool_note,
    waiting_label,
)
from nbagent.render.markup.text import escape, escape_line, without_tex
from nbagent.render.questions import decision_details, decision_label, is_permitted, prompt_label
from nbagent.render.size_budget import SizeBudget
from nbagent.render.terminal_text import terminal_text
from nbagent.render.thoughts import is_silent_thought, is_title_only, thought_label
from nbagent.render.tree import ROOT, Tree

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
        model = f" {escape_line(model)}" if model and model != name else ""
        forks = forks_label(run)
        status = filter(
            None, [run_label(run), lanes_label(run, self._tree.lanes), failed_calls_label(run)]
        )
        return (
            paragraph(f"<small{MUTED}>{escape_line(forks)}</small>") if forks else ""
        ) + paragraph(
            f"<strong>{escape_line(name or LABELS['run']['name'])}</strong>{model} · "
            f"{escape_line(' · '.join(status))}"
        )

    def _empty(self) -> str:
        run = self._tree.run
        if text_of(run, "status") in ("running", "stopping", ""):
            return ""
        if run.get("turns") != 0:
            return paragraph(LABELS["run"]["empty"])
        tools = ", ".join(texts_of(run, "offers"))
        about = [
            text_of(run, "about"),
            fill(LABELS["chat"]["tools"], tools) if tools else "",
            LABELS["chat"]["ask"],
        ]
        return "".join(paragraph(escape_line(line, LINE_CHARS)) for line in about if line)

    def _waiting(self, parent: str, owner: Props) -> str:
        """Return a line that says that the model has not answered yet, where its answer will stand;
        of a run that goes on.
        """
        waiting = waiting_label(self._tree.run, owner, self._tree.children.get(parent, []))
        return paragraph(f"<span{MUTED}>{escape_line(waiting)}</span>") if waiting else ""

    def _footer(self) -> str:
        found = figures(self._tree.run)
        return caption(without_tex(escape(" · ".join(found)))) if found else ""

    def _list(self, parent: str) -> str:
        blocks = self._tree.children.get(parent, [])
        left_out = len(blocks) - 2 * self._list_ends
        if left_out <= 0:
            return "".join(map(self._block, blocks))
        head, tail = blocks[: self._list_ends], blocks[self._list_ends + left_out :]
        entries = "entry" if left_out == 1 else "entries"
        note = paragraph(f"… {left_out:,} more {entries} not kept in the notebook")
        return "".join([*map(self._block, head), note, *map(self._block, tail)])

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
        if (kind := KIND_NAMED.get(name)) is not None:
            return nodes_html(kind.draws(block), block, self._value)
        apart = ("id", "parent", "closed")
        named = {field: value for field, value in block.items() if field not in apart}
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
        return f"<div>{shown}</div>\n" if shown else ""

    def _reasoning(self, block: Props) -> str:
        if is_silent_thought(block):
            return ""
        text = "" if is_title_only(block) else text_of(block, "text")
        return fold(
            escape_line(thought_label(block)),
            quotation(self._value.markdown(text)),
            is_open=self._is_open(block, "thinking"),
        )

    def _tool(self, block: Props) -> str:
        id_, state = text_of(block, "id"), text_of(block, "state")
        symbol, note = tool_note(
            block, bool(block.get("closed")), stopped=self._tree.is_stopped(block)
        )
        summary = text_of(block, "summary") if state == "output-available" else ""
        took = worked(block, "args_done")
        name = text_of(block, "title", "name") or LABELS["tool"]["name"]
        row = f"{symbol} <strong>{escape_line(name)}</strong>"
        row += f"<code{CODE}>{escape_line(call_args(block))}</code>"
        if summary:
            row += f" → {escape_line(summary)}"
        if note:
            row += f" · {escape_line(note)}"
        if took is not None:
            row += f" · {escape(duration(took))}"
        before, about_result = self._tree.asked_of(block)
        body = (
            self._arguments(block)
            + "".join(map(self._approval, before))
            + self._output(block)
            + self._compared(block)
            + self._outcome(block)
            + "".join(map(self._approval, about_result))
            + self._list(id_)
        )
        needs_reader = state == "output-error" or (
            state == "approval-requested" and not block.get("closed")
        )
        is_open = self._is_open(
            block,
            None if needs_reader else "tools",
            by_default=needs_reader or block.get("open") is True,
        )
        return fold(row, panel(body), is_open=is_open)

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
        valid = block.get("args_valid") is not False
        if args == {} or (args is None and not written) or is_in_row(block, "arguments"):
            return ""
        labels = LABELS["tool"]
        heading = caption(labels["arguments"] + ("" if valid else labels["not_json"]))
        if isinstance(args, str):
            return heading + self._value.plain(args)
        if valid and args is not None:
            return heading + self._value.json(args)
        return heading + self._value.plain(written)

    def _output(self, block: Props) -> str:
        printed = terminal_text(text_of(block, "output"))
        return caption(LABELS["tool"]["output"]) + self._value.plain(printed) if printed else ""

    def _compared(self, block: Props) -> str:
        """Return the difference of an attempt's result and the first one; of two pictures, the
        first.
        """
        diff = record_of(block, "difference")
        if not diff:
            return ""
        heading = caption(escape_line(fill(LABELS["attempt"]["compared"], text_of(diff, "note"))))
        if (
            diff.get("kind") == "picture"
            and (first := self._tree.blocks.get(text_of(block, "attempt_of"))) is not None
        ):
            return heading + self._side_by_side(first, block)
        return heading + difference_html(diff)

    def _side_by_side(self, *blocks: Props) -> str:
        cells = (
            (
                '<div style="flex:1 1 '
                f'0;min-width:0">{self._outcome({**each, "difference": None})}</div>'
            )
            for each in blocks
        )
        return f'<div style="display:flex;gap:1em">{"".join(cells)}</div>\n'

    def _outcome(self, block: Props) -> str:
        if (
            record_of(block, "difference").get("kind") == "picture"
            and text_of(block, "attempt_of") in self._tree.blocks
        ):
            return ""  # it stands next to the first one
        labels, state = LABELS["tool"], block.get("state")
        result, error = block.get("result"), record_of(block, "error")
        if state == "output-available" and is_in_row(block, "result"):
            result = None
        html = ""
        if result is not None:
            bundle = result if isinstance(result, dict) else {"application/json": result}
            shown = self._value.result(bundle, block)
            is_whole = state == "output-available" or self._tree.is_stopped_at_result(block)
            if shown:
                html += caption(labels["result" if is_whole else "partial"]) + shown
        if error:
            heading = labels["denied" if state == "output-denied" else "error"]
            html += caption(heading) + self._value.error(error)
        return html

    def _agent(self, block: Props) -> str:
        status, took = text_of(block, "status"), worked(block)
        symbol = _AGENT_MARKS.get(status, "⊘") if block.get("closed") else "…"
        name = text_of(block, "name") or LABELS["other"]["agent"]
        parts = [f"{symbol} <strong>{escape_line(name)}</strong>"]
        if took is not None:
            parts.append(escape(duration(took)))
        parts += map(escape, spent(block))
        if symbol in "✗⊘":
            parts.append(escape_line(end_label(block)))
        if symbol == "…":
            parts.append(LABELS["tool_state"]["input-available"])
        return fold(
            " · ".join(parts),
            quotation(
                self._list(text_of(block, "id")) + self._waiting(text_of(block, "id"), block)
            ),
            is_open=self._is_open(block, "agents", by_default=True),
        )

    def _approval(self, block: Props) -> str:
        prompt = escape_line(prompt_label(block), LINE_CHARS)
        if decision := decision_label(block):
            symbol = "✓" if is_permitted(block) else "⊘"
            details = "".join(
                f" · {escape_line(detail, LINE_CHARS)}" for detail in decision_details(block)
            )
            return paragraph(f"{symbol} <strong>{escape_line(decision)}</strong>{details}")
        state = "unanswered" if block.get("closed") else "waiting"
        html = paragraph(f"? {prompt}{LABELS['approval'][state]}")
        args = block.get("args")
        if args not in (None, {}) and block.get("stage") != "result":
            html += self._value.json(args)
        options = ", ".join(filter(None, texts_of(block, "options")))
        if options:
            named = fill(LABELS["approval"]["options"], options)
            html += paragraph(escape_line(named, LINE_CHARS))
        return html
