"""The static copy of a transcript in the saved notebook: HTML without a script.

It shows what the view shows (js/src/transcript/), in the same words, where there is no kernel, no
view or no JavaScript: a notebook reopened, nbconvert, GitHub. Nothing in it runs, nothing in it is
loaded from elsewhere.
"""

import re
from collections.abc import Sequence

from nbagent.blocks.fields import Props, text_of
from nbagent.protocol.shared import LABELS
from nbagent.render.html_blocks import BlockWriter
from nbagent.render.labels import is_live
from nbagent.render.markup.text import escape
from nbagent.render.size_budget import SizeBudget
from nbagent.render.tree import Tree

DOCUMENT_BYTES = 32_000_000
"""Largest size of a document."""

_FRAME = (
    ' style="margin:.5em 0;padding:.1em 0 .1em 1em;border-left:3px solid rgba(128,128,128,.35)"'
)

# A live view in the page hides the static copy of its run (js/src/static-copy.ts). Without one, the
# copy hides the output before it, which is the view's: it shows Jupyter's "model not found", or its
# "Loading widget..." in a panel without a class of its own. That stays for ever in JupyterLite 0.8,
# whose kernels answer no `comm_info_request`. No rule may depend on the whole page (`:root:has`):
# with a hundred copies each change anywhere in the page would take a tenth of a second. What stands
# before an `ipywidgets.Output` that holds a copy is not its view: that stays.
_DEAD_VIEW = """<style>
.jp-OutputArea-child:has(.jupyter-widgets, .lm-Panel):not(:has(+ * .jp-OutputArea))\
:not(:has([data-nbagent-live])):has(+ * [data-nbagent-twin="{key}"]) {{
  display: none
}}
</style>
"""
# For a run that has just begun: its view is still loading, and the copy would flash before it. The
# next copy, seconds later, has the rule above: here it would be a fifth of what is sent.
_WAITING = """<style>
@keyframes nbagent-twin {{ from {{ visibility: hidden }} }}
[data-nbagent-twin="{key}"] {{ animation: nbagent-twin 1ms 2s backwards }}
</style>
"""


def transcript_html(
    blocks: Sequence[Props],
    *,
    dom_key: str = "",
    max_bytes: int = 1_000_000,
    typeset: bool = False,
    note: str = "",
) -> str:
    """Return a run's transcript as static HTML.

    Args:
        blocks: what `run.snapshot()` gives, of a run that has ended or still goes on.
        dom_key: the key of the run's live view (letters, digits, `_`, `-`): while that is in the
            page the transcript hides. Without one it never does.
        max_bytes: bytes it may take as UTF-8, at least 2,000. Above that the largest values are
            shortened first, then the middle of long lists is left out; a note says how much is
            missing.
        typeset: write formulas as MathML, for a page without MathJax.
        note: HTML of a line above the transcript.

    Returns:
        One `<div>`, well-formed; inline style, and one `<style>` if there is a key.
    """
    tree, budget = Tree(blocks), SizeBudget.of(blocks, max_bytes)
    key = re.sub(r"[^\w-]", "", dom_key, flags=re.ASCII)
    above = f"<p>{note}</p>\n" if note else ""
    while True:
        body = BlockWriter(tree, budget, typeset=typeset).html()
        html = _wrapped(above + body, tree, key)
        size = len(html.encode())
        if size <= max_bytes or budget.list_ends == 0:
            return html
        budget = budget.reduced(size, tree.longest_list)


def blocks_html(blocks: Sequence[Props], *, max_bytes: int = 1_000_000) -> str:
    """Return some blocks of a transcript as static HTML, without the run's header and footer.

    Args:
        blocks: of what `run.snapshot()` gives; those whose parents are missing come first.
        max_bytes: bytes that their values may take, about.
    """
    body = BlockWriter(Tree(blocks), SizeBudget.of(blocks, max_bytes)).blocks_html()
    return f"<div{_FRAME}>\n{body}</div>\n"


def document_html(blocks: Sequence[Props]) -> str:
    """Return a run's transcript as an HTML document of its own, light or dark as its reader likes
    it.

    Args:
        blocks: what `run.snapshot()` gives.
    """
    name = text_of(Tree(blocks).run, "name") or LABELS["run"]["name"]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" '
        'content="light dark">\n'
        f"<title>{escape(name)}</title>\n</head>\n"
        '<body style="max-width:50em;margin:2em auto;padding:0 1em;font:15px/1.6 '
        'system-ui,sans-serif">\n'
        f"{transcript_html(blocks, max_bytes=DOCUMENT_BYTES, typeset=True)}</body>\n</html>\n"
    )


def _wrapped(body: str, tree: Tree, key: str) -> str:
    if not key:
        return f'<div aria-label="Agent transcript"{_FRAME}>\n{body}</div>\n'
    style = _DEAD_VIEW
    if is_live(tree.run) and not tree.blocks:
        style = _WAITING
    return (
        f'<div data-nbagent-twin="{key}" aria-label="Agent transcript"{_FRAME}>\n'
        f"{style.format(key=key)}{body}</div>\n"
    )
