"""The output of a run in the saved notebook: its transcript in the forms that readers and
converters of notebooks take.

HTML is for JupyterLab, GitHub and web pages, which all prefer it; Markdown for exports without
HTML, as LaTeX and PDF; the plain text names the run.
"""

from collections.abc import Sequence
from typing import Any

from nbagent.blocks.fields import Props, text_of
from nbagent.render.html import transcript_html
from nbagent.render.labels import run_label
from nbagent.render.markdown import transcript_markdown
from nbagent.render.markup.grammar import parsed_once
from nbagent.render.tree import Tree

MARKDOWN_BYTES = 100_000
"""Bytes of the Markdown, about. The HTML may take ten times as much."""

_TIMES = frozenset(
    {"started", "ended", "args_done", "first_token", "speed", "waited", "waits_since"}
)


def static_copy(
    blocks: Sequence[Props], *, dom_key: str = "", stable: bool = False, note: str = ""
) -> dict[str, str]:
    """Return a run's transcript as a MIME bundle. Markdown is in it when the run has ended.

    Args:
        blocks: what `run.snapshot()` gives.
        dom_key: as for `transcript_html`.
        stable: leave out times, which differ each time the cell is executed.
        note: HTML of a line above the transcript.
    """
    if stable:
        blocks = list(map(without_times, blocks))
    run = Tree(blocks).run
    copy = {"text/plain": f"nbagent: {text_of(run, 'name')} · {run_label(run)}"}
    with parsed_once():
        copy["text/html"] = transcript_html(blocks, dom_key=dom_key, note=note)
        if run.get("closed"):  # the copies of a run that goes on are many
            copy["text/markdown"] = transcript_markdown(
                blocks, embedded=True, max_bytes=MARKDOWN_BYTES
            )
    return copy


def without_times(block: Props) -> dict[str, Any]:
    """Return the block without its times, of which all durations are made."""
    return {name: value for name, value in block.items() if name not in _TIMES}
