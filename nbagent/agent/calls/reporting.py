"""`progress`: a tool reports its own progress."""

from typing import SupportsFloat

from nbagent import events as e
from nbagent.agent.calls.context import CURRENT_CALL


def progress(
    done: SupportsFloat | None = None,
    total: SupportsFloat | None = None,
    message: str | None = None,
) -> None:
    """Show the progress of the tool that runs here, in the panel of its call.

    Does nothing outside of a tool.

        for number, page in enumerate(pages):
            nbagent.progress(number, len(pages), page.title)

    It may be called as often as one likes, from sync and async tools: at most ten a second are
    shown, the last one always.

    Args:
        done: amount done so far, in any unit.
        total: amount to do in all, in the same unit; None if unknown.
        message: text beside the bar.

    Raises:
        TypeError: `done` or `total` is not a number.
    """
    numbers = []
    for name, value in (("done", done), ("total", total)):
        if value is not None and not isinstance(value, SupportsFloat):
            raise TypeError(
                f"{name} must be a number, got {value!r}; write nbagent.progress(3, 10, 'page 3')"
            )
        numbers.append(None if value is None else float(value))
    context = CURRENT_CALL.get()
    if context is not None and (done, total, message) != (None, None, None):
        text = None if message is None else str(message)
        context.output.progress(
            e.ToolProgress(id=context.id, message=text, progress=numbers[0], total=numbers[1])
        )
