"""A model provider on loopback that replays recordings: each request is answered with the next
one.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

RECORDINGS = Path(__file__).parents[1] / "recordings"
KEY = "canary-of-the-client"
"""Key for clients. The server does not check it, and it must never be shown."""
CALL, ANSWER = (
    "openai_chat/pydanticai-tool-then-text.0.sse",
    "openai_chat/pydanticai-tool-then-text.1.sse",
)
"""A recorded conversation: a model calls `get_capital`, and once it has the result, answers."""
LONDON = "The capital of the UK is London."
"""Final answer of the recorded conversation."""
REPLY_TIMEOUT_S = 20.0
"""Seconds after which an expected event counts as missing."""

_TYPES = {
    ".sse": "text/event-stream",
    ".ndjson": "application/x-ndjson",
    ".json": "application/json",
}


class Answer(NamedTuple):
    """Response to one request.

    Attributes:
        body: the complete body.
        status: HTTP status.
        media_type: content type.
        stop: bytes after which nothing more comes, until the client hangs up; None sends all.
        drip: whether one more event comes once `Replay.drip` is called, for clients that cannot
            hang up while they wait.
    """

    body: bytes
    status: int = 200
    media_type: str = "text/event-stream"
    stop: int | None = None
    drip: bool = False


def recorded(name: str) -> Answer:
    """Return a recording, by its folder and file name.

    Some lost the empty line that ends their last event.
    """
    path = RECORDINGS / name
    body = path.read_bytes()
    return Answer(
        body.rstrip() + b"\n\n" if path.suffix == ".sse" else body, media_type=_TYPES[path.suffix]
    )


def held(name: str, after: bytes) -> Answer:
    """Return a recording that stops in the middle: after the first frame that contains the bytes
    `after`.
    """
    answer = recorded(name)
    frames = answer.body.replace(b"\r\n", b"\n")
    return answer._replace(body=frames, stop=frames.index(b"\n\n", frames.index(after)) + 2)


def text_reply(text: str) -> Answer:
    """Return an unrecorded stream of Chat that answers with a text."""
    return _chat({"content": text}, "stop")


def tool_reply(name: str, **arguments: Any) -> Answer:
    """Return an unrecorded stream of Chat that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return _chat(
        {"tool_calls": [{"index": 0, "id": "call_made", "type": "function", "function": function}]},
        "tool_calls",
    )


def spoken_tool_reply(text: str, name: str, **arguments: Any) -> Answer:
    """Return an unrecorded stream of Chat that says a text and calls a tool."""
    called = tool_reply(name, **arguments)
    said = json.dumps(text).encode()
    return called._replace(
        body=called.body.replace(b'"tool_calls": [', b'"content": %s, "tool_calls": [' % said, 1)
    )


def _chat(delta: dict[str, Any], reason: str) -> Answer:
    usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    ]
    head = {"id": "made", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return Answer(
        b"".join(b"data: %s\n\n" % json.dumps(head | chunk).encode() for chunk in chunks)
        + b"data: [DONE]\n\n"
    )


def completion(recording: str) -> Answer:
    """Return a recorded stream of Chat as the one answer that the same request gets without
    streaming.
    """
    message: dict[str, Any] = {"role": "assistant", "content": None}
    whole: dict[str, Any] = {}
    for chunk in payloads(recording):
        whole |= chunk
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for name in ("content", "reasoning_content"):
                if delta.get(name):
                    message[name] = (message.get(name) or "") + delta[name]
            for call in delta.get("tool_calls") or ():
                calls = message.setdefault("tool_calls", [])
                if call.get("id"):
                    calls.append({**call, "function": {**call["function"], "arguments": ""}})
                calls[call["index"]]["function"]["arguments"] += (
                    call["function"].get("arguments") or ""
                )
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choices = [{"index": 0, "message": message, "finish_reason": reason}]
    return Answer(
        json.dumps({**whole, "object": "chat.completion", "choices": choices}).encode(),
        media_type="application/json",
    )


def refused(status: int, message: str) -> Answer:
    """Return an error, as OpenAI and Anthropic word it."""
    error = {
        "type": "error",
        "error": {"type": "invalid_request_error", "code": "refused", "message": message},
    }
    return Answer(json.dumps(error).encode(), status, "application/json")


def payloads(name: str) -> list[Any]:
    """Return the payloads of a recording's events, without the last `[DONE]`."""
    lines = recorded(name).body.decode().splitlines()
    texts = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [json.loads(text) for text in texts if text != "[DONE]"]


def snapshots(name: str) -> list[Any]:
    """Return the complete responses with which OpenAI ends the streams of a recording."""
    return [
        event["response"] for event in payloads(name) if event.get("type") == "response.completed"
    ]


class Replay:
    """The server. It runs from the time it is made until `close`.

    Args:
        answers: one for each request, in turn; a request beyond them gets the status 500.

    Attributes:
        url: its address.
        requests: the JSON bodies of the requests, in order.
        hung_up: set when the client closes the connection of an answer that is held.
        drip: releases one more event of an answer that drips.
    """

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[Any] = []
        self.hung_up = threading.Event()
        self._free = threading.Event()
        self.drip = self._free.set
        self._answers = list(answers)
        self._lock = threading.Lock()
        replay = self

        class Handler(BaseHTTPRequestHandler):
            timeout = REPLY_TIMEOUT_S

            def do_POST(self) -> None:
                replay.answer(self)

            def log_message(self, *args: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        sent = handler.rfile.read(int(handler.headers["content-length"]))
        with self._lock:
            self.requests.append(json.loads(sent))
            answer = self._answers.pop(0) if self._answers else refused(500, "no more recordings")
        handler.send_response(answer.status)
        handler.send_header("content-type", answer.media_type)
        handler.send_header("content-length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: answer.stop])
        if answer.stop is not None:
            if answer.drip and self._free.wait(REPLY_TIMEOUT_S):
                handler.wfile.write(
                    answer.body[answer.stop : answer.body.index(b"\n\n", answer.stop) + 2]
                )
            self._wait_for_the_end(handler)

    def _wait_for_the_end(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            gone = not handler.connection.recv(1)
        except ConnectionResetError:
            gone = True
        except TimeoutError:
            gone = False
        if gone:
            self.hung_up.set()

    def close(self) -> None:
        """Stop after all answers."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


Serve = Callable[..., Replay]
"""Type of the fixture `serve`: starts a server with scripted answers."""
