"""Services of a server: coroutines that go on for as long as it does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nbagent.server.hosting.hosted_run import RETRY_S
from nbagent.server.stores.event_store import StoreFault

_logger = logging.getLogger("nbagent")


async def keep_running(service: Callable[[], Awaitable[None]]) -> None:
    """Run a service until cancelled; start it again after each failure."""
    while True:
        try:
            await service()
        except StoreFault:
            pass  # its requests are refused with the reason
        except Exception:
            _logger.exception("a service of the server failed, and begins again")
        await asyncio.sleep(RETRY_S)
