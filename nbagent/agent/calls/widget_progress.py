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
    parts = list(_parts(_shown_widget(data.get(_VIEW))))
    bars = [part for part in parts if hasattr(part, "bar_style") and hasattr(part, "max")]
    if not bars:
        return False
    bar = bars[0]
    texts = [part for part in parts if isinstance(getattr(part, "value", None), str)]

    def message() -> str:
        text = " ".join(_TAG.sub("", html.unescape(part.value)) for part in texts)
        text = text or str(getattr(bar, "description", ""))
        return " ".join(text.replace(_FIGURE_SPACE, " ").split())

    def on_change(_: Any) -> None:
        done, total = float(bar.value), float(bar.max)
        output.progress(
            e.ToolProgress(id=id, message=message() or None, progress=done, total=total)
        )

    def on_end(_: Any) -> None:
        if bar.bar_style in ("success", "danger"):
            output.write(f"{message()}\n")

    for part in (bar, *texts):
        part.observe(on_change, names="value")
    bar.observe(on_end, names="bar_style")
    return True


def _shown_widget(view: Any) -> Any:
    """Return the widget that a view in a MIME bundle shows, or None."""
    if not isinstance(view, dict):
        return None
    widgets = sys.modules.get("ipywidgets.widgets.widget")
    # ipywidgets has no public way from a model's id to its widget.
    return getattr(widgets, "_instances", {}).get(view.get("model_id"))


def _parts(widget: Any) -> Iterator[Any]:
    if widget is not None:
        yield widget
        for child in getattr(widget, "children", ()):
            yield from _parts(child)
