"""`ModelStream`: the items of a model's response, also where its server sends something else than a
stream.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from nbagent.errors import StreamError
from nbagent.events.json_text import decode_json
from nbagent.runtime.loop import MAX_SLICE_S
from nbagent.sources.closing import aclose
from nbagent.sources.following import with_json_items
from nbagent.sources.refusal import cut, page_title, status_error

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Bytes of an answer that is no stream."""

_HEAD_CHARS = 200
_EVENT_STREAM = re.compile(r":|(?:data|event|id|retry):")

Json = dict[str, Any]


class ModelStream:
    """The items of a response. Where the server does not stream, its whole answer is one item.

    Args:
        stream: the client's open stream.
        address: of the model's API, for messages; without anything secret.
        whole: returns the item that a whole answer is, or None if the JSON is no answer.
    """

    def __init__(self, stream: Any, address: str, whole: Callable[[Json], Json | None]) -> None:
        self._stream = stream
        self._address = address
        self._whole = whole
        self._body: bytes | None = b""  # until the first item
        self._loop = asyncio.get_running_loop()
        self._pause = self._loop.time() + MAX_SLICE_S
        self._read = stream.response.aiter_bytes
        stream.response.aiter_bytes = self._bytes  # the client hands on events alone
        with_json_items(stream)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        """Return the next item.

        Raises:
            StreamError: the server sent something else than an answer.
        """
        try:
            item = await anext(self._stream)
        except StopAsyncIteration:
            body, self._body = self._body, None
            if body is None or _EVENT_STREAM.match(text := body.decode("utf-8", "replace").strip()):
                raise
            return self._item_of(text, body)
        self._body = None
        if self._loop.time() > self._pause:
            # Items that have come together need no wait, and would keep other runs waiting: 50 at
            # once had their first word after 1 to 3 s (issue 32).
            await asyncio.sleep(0)
            self._pause = self._loop.time() + MAX_SLICE_S
        return item

    async def aclose(self) -> None:
        """Close the stream."""
        await aclose(self._stream)

    async def _bytes(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the response, and keep those before the first item."""
        async for chunk in self._read():
            if self._body is not None:
                self._body += chunk
                if len(self._body) > MAX_ANSWER_BYTES:
                    self._body = None
            yield chunk

    def _item_of(self, text: str, body: bytes) -> Json:
        """Return the item of an answer that is no stream."""
        title = page_title(text)
        if title is not None:
            titled = f", titled {title!r}" if title else ""
            raise StreamError(
                f"The model's address {self._address} answered with a web page{titled}, not with "
                "a stream. "
                "Is base_url the root of the API, and does a proxy or a login stand before it?",
                "html",
            )
        try:
            answer = decode_json(text)
        except msgspec.DecodeError:
            answer = None
        item = self._whole(answer) if isinstance(answer, dict) else None
        if item is not None:
            return item
        if isinstance(answer, dict) and answer.get("error"):
            raise status_error(self._address, 200, body)
        if not text:
            message = (
                f"The model's address {self._address} sent an empty answer. Is base_url the root "
                "of the API?"
            )
            raise StreamError(message, "empty_response")
        raise StreamError(
            f"The model's address {self._address} sent no answer of a model. Is base_url the root "
            "of the API? "
            f"It sent: {cut(text, _HEAD_CHARS)}",
            "no_stream",
        )
