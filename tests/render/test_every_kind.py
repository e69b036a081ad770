"""Every renderer in the kernel has a form of its own for each kind of block.

The kinds are those of the contract itself. A new one fails here until each renderer has a place for
it. In the view, tsc holds that (`js/src/transcript/kinds.ts`).
"""

import io
from collections.abc import Callable
from typing import Any, get_args

import pytest
from samples import blocks_of

from nbagent.blocks import AnyProps
from nbagent.protocol.blocks import kind_of
from nbagent.render.console import ConsoleRenderer
from nbagent.render.html import transcript_html
from nbagent.render.markdown import transcript_markdown

KINDS = {kind_of(props()) for props in get_args(AnyProps)} - {"run"}
RUN = {"kind": "run", "name": "r", "status": "completed"}
WORDS = dict.fromkeys(("text", "name", "title", "message"), "word")
WHOLE = {block["kind"]: block for block in blocks_of("word")}


def block_of(kind: str, like: str) -> dict[str, Any]:
    """Return a block of a kind, with the props of another one."""
    props = WHOLE.get(like, WORDS)
    return {**props, "id": "b", "parent": "run", "closed": True, "kind": kind}


@pytest.mark.parametrize("render", [transcript_html, transcript_markdown])
@pytest.mark.parametrize(
    "kind", sorted(KINDS - {"custom"})
)  # which looks like an unknown one: a name and data
def test_a_document_draws_it_otherwise_than_an_unknown_kind(
    kind: str, render: Callable[[Any], str]
) -> None:
    def drawn(name: str) -> str:
        run = {"id": "run", "parent": None, "closed": True, **RUN}
        return render([run, block_of(name, like=kind)])

    assert drawn(kind) != drawn("unknown").replace("unknown", kind)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_console_prints_it(kind: str) -> None:
    def printed(*ops: list[Any]) -> str:
        file = io.StringIO()
        ConsoleRenderer(file).draw(1, [["open", "run", None, RUN], *ops, ["close", "run"]])
        return file.getvalue()

    block = block_of(kind, like=kind)
    assert printed(["open", "b", "run", block], ["close", "b"]) != printed()
