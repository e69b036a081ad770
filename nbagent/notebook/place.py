"""Places in a notebook where a run is shown: cells, and `ipywidgets.Output`s."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ipywidgets import Output  # type: ignore[import-untyped]
from ipywidgets.widgets.widget import _instances  # type: ignore[import-untyped]

from nbagent.notebook.kernel_context import is_in_request, request_of


@dataclasses.dataclass(frozen=True)
class Place:
    """Place in the notebook where a run is shown.

    Attributes:
        cell: id of the cell; empty if the front end does not send it.
        execution: id of the cell's execution.
        client: id of the client that executes the cell.
        request: the message that executes the cell.
        is_current: whether the kernel publishes to this place by itself.
        in_output: whether an `ipywidgets.Output` takes what is published.
    """

    cell: str = ""
    execution: str = ""
    client: str = ""
    request: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_current: bool = True
    in_output: bool = False

    @property
    def is_cell(self) -> bool:
        """True if a cell itself shows the run, and the front end names it."""
        return self.cell != "" and not self.in_output


def place_of(request: Mapping[str, Any]) -> Place:
    """Return the place to which the outputs of a request go, as the request's header and metadata
    name it.
    """
    header = request.get("header", {})
    return Place(
        cell=str(request.get("metadata", {}).get("cellId") or ""),
        execution=str(header.get("msg_id") or ""),
        client=str(header.get("session") or ""),
        request=request,
    )


def current_place(shell: Any, latest: Place) -> Place:
    """Return the place of the caller's outputs.

    Args:
        shell: IPython's shell in a kernel.
        latest: the cell that was executed last, for a caller that has no cell: a thread that user
            code has started, or a widget's callback. What the kernel would publish for it is shown
            nowhere.
    """
    if is_in_request():
        place = place_of(request_of(shell))
        if _takes_output(place.execution):
            return dataclasses.replace(place, in_output=True)
        if place.request.get("header", {}).get("msg_type") != "comm_msg":
            return place
    return dataclasses.replace(latest, is_current=not latest.request)


def _takes_output(request: str) -> bool:
    """Return True if an `Output` takes what is published for the request of that id: between its
    `with` and the block's end.
    """
    # ipywidgets has no public list of its widgets.
    return bool(request) and any(
        isinstance(each, Output) and each.msg_id == request for each in tuple(_instances.values())
    )
