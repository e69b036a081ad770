"""Exceptions as data."""

import contextlib
import pathlib
import traceback

from nbagent.events import ErrorInfo
from nbagent.events.jsonable import text_safe
from nbagent.mime.text import KB, head, middle_cut, without_addresses

_PACKAGE = str(pathlib.Path(__file__).parents[1])


def error_of(error: BaseException) -> ErrorInfo:
    """Return an exception's class, its message, and its traceback without nbagent's own frames, at
    most 16 KB of it.
    """
    try:
        message = str(error)
    except (Exception, SystemExit) as broken:
        message = f"(its message cannot be read: {type(broken).__name__})"
    shown = None
    with contextlib.suppress(Exception, SystemExit):  # of the class of the error
        report = traceback.TracebackException.from_exception(error, compact=True)
        _drop_own_frames(report)
        shown = without_addresses(text_safe("".join(report.format())))
    if shown is not None:
        shown = middle_cut(shown, 16 * KB)
    message = head(without_addresses(text_safe(message)), 4 * KB)
    return ErrorInfo(type=type(error).__name__, message=message, traceback=shown)


def _drop_own_frames(report: traceback.TracebackException) -> None:
    queue = [report]
    for each in queue:
        frames = [frame for frame in each.stack if not frame.filename.startswith(_PACKAGE)]
        each.stack = traceback.StackSummary.from_list(frames)
        queue += filter(None, (each.__cause__, each.__context__, *(each.exceptions or ())))
