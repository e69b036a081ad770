"""Time limits for what is meant to hang: short ones, and longer ones where a busy machine had done
nothing else by then.
"""

from collections.abc import Awaitable, Callable

from nbagent.run import Run

LIMITS_S = (0.1, 1.0, 10.0, 60.0)


async def with_text(watch: Callable[[float], Awaitable[Run]]) -> Run:
    """Return the run of a stream that says something and then hangs.

    Args:
        watch: runs the stream with a limit in seconds. It is called with longer ones until the text
            came in time.
    """
    for limit in LIMITS_S:
        run = await watch(limit)
        if run.text:
            return run
    raise AssertionError(f"no text came in {limit:g} s")
