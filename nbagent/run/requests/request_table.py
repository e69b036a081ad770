"""`requests_table`: requests to a model as a table of HTML."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbagent.events import Usage
from nbagent.render.markup.table import html_table

if TYPE_CHECKING:
    from nbagent.run.requests.request import Request

HEAD = ("", "step", "agent", "model", "status", "in", "out", "seconds", "changes")


def requests_table(requests: "Iterable[Request]") -> str:
    """Return a row for each request: its number, step, who sent it, model, status, tokens in and
    out, seconds, changes.
    """
    return html_table(HEAD, map(_row, requests))


def _row(request: "Request") -> list[str]:
    usage = request.usage or Usage()
    tokens = f"{request.total_tokens:,}"
    if usage.input is None:
        tokens = f"≈{tokens}"
    output = seconds = ""
    if usage.output is not None:
        output = f"{usage.output:,}"
    if request.seconds is not None:
        seconds = f"{request.seconds:.1f}"
    return [
        str(request.number),
        str(request.step),
        request.agent or request.lane or "",
        request.model,
        request.outcome,
        tokens,
        output,
        seconds,
        request.changes,
    ]
