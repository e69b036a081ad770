"""A run, printed in the terminal or as JSON, and the exit code that it means."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterable, Collection

from nbagent import events as e
from nbagent import terminal
from nbagent.printable import printable_json
from nbagent.run import Run, registry

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: 1 if the stream failed or broke off, 2 if the arguments are wrong."""

CLOSE_TIMEOUT_S = 1.0
"""Seconds that an interrupted command waits for its stream's connection to close."""


def watch(
    run: Run, args: argparse.Namespace, allowed: Collection[str] = (), *, typed: bool = False
) -> int:
    """Print a run until it ends.

    Its questions are asked at the prompt; where nobody can be asked, they are refused.

    Args:
        run: not started yet.
        args: with `json` and `types`.
        allowed: names of the tools that need no permission.
        typed: whether its prompt was typed here, so that it is not printed again.

    Returns:
        The exit code.

    Raises:
        KeyboardInterrupt: the run was interrupted; it is stopped.
    """
    registry.register(run)
    try:
        if args.json or args.types:
            events = run.stream(
                [name.strip() for name in args.types.split(",")] if args.types else None
            )
            terminal.ask_beside(run, allowed)
            run.start()
            asyncio.run(_print(events))
        else:
            terminal.draw(run, allowed=allowed, typed=typed)
    finally:
        run.cancel()
        with contextlib.suppress(TimeoutError):
            run.wait(CLOSE_TIMEOUT_S)
    return OK if run.status in ("completed", "paused") else FAILED


async def _print(events: AsyncIterable[e.Event]) -> None:
    async for event in events:
        write(event)
        sys.stdout.buffer.flush()


def write(event: e.Event) -> None:
    """Write an event to the standard output, as a line of JSON."""
    sys.stdout.buffer.write(printable_json(e.to_json(event).decode()).encode() + b"\n")
