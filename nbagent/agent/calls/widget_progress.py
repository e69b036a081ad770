"""Progress bars that a tool displays as widgets, as `tqdm.auto` does in a notebook: their progress,
in the call's panel.
"""

import html
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from nbagent import events as e
from nbagent.agent.calls.output import CallOutput

_VIEW = "application/vnd.jupyter.widget-view+json"
_TAG = re.compile(r"<[^<>]*>")
_FIGURE_SPACE = "\u2007"
"""Space as wide as a digit, which tqdm uses."""


def follow_bar(data: Mapping[str, Any], id: str, output: CallOutput) -> bool:
    """Show the progress of a bar in a MIME bundle. Returns False if it has none.

    Args:
        data: the displayed MIME bundle.
        id: of the call.
        output: of the call.
    """
    widgets = sys.modules.get("ipywidgets.widgets.widget")
    view = data.get(_VIEW)
    if isinstance(view, dict):
        shown = getattr(widgets, "_instances", {}).get(view.get("model_id"))
    else:
        shown = None
    parts = list(_parts(shown))
    bar = next(
        (part for part in parts if hasattr(part, "bar_style") and hasattr(part, "max")), None
    )
    if bar is None:
        return False
    texts = [part for part in parts if isinstance(getattr(part, "value", None), str)]

    def message() -> str:
        text = " ".join(_TAG.sub("", html.unescape(part.value)) for part in texts) or str(
            getattr(bar, "description", "")
        )
        return " ".join(text.replace(_FIGURE_SPACE, " ").split())

    def on_change(_: Any) -> None:
        output.progress(
            e.ToolProgress(
                id=id, message=message() or None, progress=float(bar.value), total=float(bar.max)
            )
        )

    def on_end(_: Any) -> None:
        if bar.bar_style in ("success", "danger"):
            output.write(f"{message()}\n")

    for part in (bar, *texts):
        part.observe(on_change, names="value")
    bar.observe(on_end, names="bar_style")
    return True


def _parts(widget: Any) -> Iterator[Any]:
    if widget is not None:
        yield widget
        for child in getattr(widget, "children", ()):
            yield from _parts(child)
