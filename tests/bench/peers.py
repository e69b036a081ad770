"""Contestants: the code that a user would write to watch a stream in a notebook, with nbagent and
without.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """Way to show `stream(deltas, log)`.

    Attributes:
        name: its name in the table.
        body: the cell that streams, which is measured.
        setup: the cell before it, which is not.
        longest: limit of its deltas, since its cost grows with the square of the length.
    """

    name: str
    body: str
    setup: str = ""
    longest: int = 1_000_000


NOTHING = Peer(
    "(nothing shown)",
    "async for delta in stream(deltas, log):\n    pass\nprint('quod-erat-' + 'demonstrandum')",
)
"""Cost of the stream itself, the lower bound of every contestant."""

NBAGENT = Peer("nbagent.show", "run = await nbagent.show(stream(deltas, log))", "import nbagent")

PRINT = Peer(
    "print", "async for delta in stream(deltas, log):\n    print(delta, end='', flush=True)"
)

MARKDOWN = Peer(
    "display(Markdown), 100 ms",
    """\
shown = display(Markdown(""), display_id=True)
text, last = "", 0.0
async for delta in stream(deltas, log):
    text += delta
    if time.monotonic() - last >= 0.1:
        shown.update(Markdown(text))
        last = time.monotonic()
shown.update(Markdown(text))
""",
    "import time\nfrom IPython.display import Markdown, display",
    longest=8_000,
)

TRAIT = Peer(
    "ipywidgets trait",
    """\
box = ipywidgets.HTML()
display(box)
text = ""
async for delta in stream(deltas, log):
    text += delta
    box.value = f"<pre>{text}</pre>"
""",
    "import ipywidgets",
    longest=8_000,
)

PLAIN_WIDGET = Peer(
    "plain anywidget, 100 ms",
    """\
widget = Plain()
display(widget)
pieces, last = [], 0.0
async for delta in stream(deltas, log):
    pieces.append(delta)
    if time.monotonic() - last >= 0.1:
        widget.send("".join(pieces))
        pieces, last = [], time.monotonic()
widget.send("".join(pieces))
""",
    """\
import time, anywidget
class Plain(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { model.on('msg:custom', (text) => el.append(text)) } }"
""",  # noqa: E501
)
"""Least that a widget can do: no Markdown, no acknowledgement, nothing in the saved file."""

CHAT_FEED = Peer(
    "Panel ChatFeed",
    """\
message = None
async for delta in stream(deltas, log):
    message = feed.stream(delta, user="Agent", message=message)
""",
    """\
import panel
panel.extension(inline=True)
feed = panel.chat.ChatFeed(height=400)
feed
""",
    longest=4_000,
)

PEERS = (NOTHING, NBAGENT, PRINT, MARKDOWN, TRAIT, PLAIN_WIDGET, CHAT_FEED)
