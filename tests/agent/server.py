"""A model server on loopback with scripted answers, in the formats of OpenAI's two APIs.

The events have the shapes of real streams (openai.com, recorded in 2025); their contents are made
up.
"""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import openai

Json = dict[str, Any]
KEY = "sk-canary-0123456789abcdef"


class Exchange:
    """Request, and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: "Server") -> None:
        self._handler = handler
        self.server = server
        self.path = handler.path
        self.headers = handler.headers
        self.body: Json = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))

    def begin(self) -> None:
        """Send the head of an event stream."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", "text/event-stream")
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()

    def send(self, *events: Json) -> None:
        """Send events of the stream."""
        for event in events:
            head = f"event: {event['type']}\n" if "type" in event else ""
            self._put(f"{head}data: {json.dumps(event)}\n\n")

    def end(self) -> None:
        """End the stream as its API does."""
        if self.path.endswith("/chat/completions"):
            self._put("data: [DONE]\n\n")
        self._handler.wfile.write(b"0\r\n\r\n")

    def refuse(self, status: int, error: Json, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer with an HTTP error."""
        self.answer(status, "application/json", json.dumps({"error": error}).encode(), headers)

    def answer(
        self, status: int, media_type: str, data: bytes, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answer with a body that is no stream."""
        self._handler.send_response(status)
        for name, value in (
            *headers,
            ("Content-Type", media_type),
            ("Content-Length", str(len(data))),
        ):
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def cut(self) -> None:
        """Break off the connection in the middle of the stream."""
        self._handler.connection.shutdown(socket.SHUT_RDWR)
        self._handler.close_connection = True

    def hold(self) -> None:
        """Send nothing more until the client has hung up."""
        select.select([self._handler.connection], [], [])
        if self._handler.connection.recv(1, socket.MSG_PEEK) == b"":
            self.server.hung_up.set()
        self._handler.close_connection = True

    def abandon(self) -> None:
        """Take no more requests on this connection."""
        self._handler.close_connection = True

    def _put(self, text: str) -> None:
        data = text.encode()
        self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self._handler.wfile.flush()


Reply = Callable[[Exchange], None] | list[Json]


class Server:
    """Answers the nth request with the nth reply: a list of events to stream, or a function of the
    exchange.

    Attributes:
        exchanges: the requests so far.
        hung_up: set when a client has closed its connection before a reply was over.
    """

    def __init__(self, *replies: Reply) -> None:
        self.exchanges: list[Exchange] = []
        self.hung_up = threading.Event()
        self._replies = list(replies)
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner._answer(Exchange(self, owner))

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def bodies(self) -> list[Json]:
        """The JSON of the requests so far."""
        return [exchange.body for exchange in self.exchanges]

    def client(self, **options: Any) -> openai.AsyncOpenAI:
        """Return the real client, pointed at this server."""
        return openai.AsyncOpenAI(
            **{"base_url": self.base_url, "api_key": KEY, "max_retries": 0, **options}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _answer(self, exchange: Exchange) -> None:
        with self._lock:
            self.exchanges.append(exchange)
            number = len(self.exchanges)
        reply = (
            self._replies[number - 1]
            if number <= len(self._replies)
            else refuse(500, f"no reply for request {number}")
        )
        try:
            if callable(reply):
                reply(exchange)
            else:
                exchange.begin()
                exchange.send(*reply)
                exchange.end()
        except ConnectionError:
            self.hung_up.set()
            exchange.abandon()


def refuse(status: int, message: str, **fields: Any) -> Callable[[Exchange], None]:
    """Return a reply that is an HTTP error."""
    return lambda exchange: exchange.refuse(
        status, {"message": message, "type": "test", "param": None, "code": None, **fields}
    )


# --- Chat Completions ---


def chat_chunk(delta: Json, finish_reason: str | None = None, number: int = 1) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test-1",
        "usage": None,
        "choices": [choice],
    }


def chat(
    *texts: str,
    calls: Iterable[tuple[str, str, str]] = (),
    finish_reason: str | None = None,
    number: int = 1,
) -> list[Json]:
    """Return a whole reply: a text in pieces, then calls (id, name, arguments), the arguments in
    two pieces each.
    """
    calls = list(calls)
    events = [chat_chunk({"role": "assistant", "content": ""}, number=number)]
    events += [chat_chunk({"content": text}, number=number) for text in texts]
    for index, (call_id, name, arguments) in enumerate(calls):
        middle = len(arguments) // 2
        start = {
            "index": index,
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        events.append(chat_chunk({"tool_calls": [start]}, number=number))
        for piece in (arguments[:middle], arguments[middle:]):
            more = {"index": index, "function": {"arguments": piece}}
            events.append(chat_chunk({"tool_calls": [more]}, number=number))
    events.append(
        chat_chunk({}, finish_reason or ("tool_calls" if calls else "stop"), number=number)
    )
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return [*events, {**chat_chunk({}, number=number), "choices": [], "usage": usage}]


# --- Responses ---


def message(text: str, item_id: str = "msg_1", **fields: Any) -> Json:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {
        "type": "message",
        "id": item_id,
        "status": "completed",
        "role": "assistant",
        "content": [part],
        **fields,
    }


def call(call_id: str, name: str, arguments: str) -> Json:
    fields = {
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }
    return {"type": "function_call", **fields}


def reasoning(text: str, encrypted: str | None = "gAAAA-encrypted") -> Json:
    made = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]}
    return made if encrypted is None else {**made, "encrypted_content": encrypted}


def responses(
    *items: Json, number: int = 1, status: str = "completed", **fields: Any
) -> list[Json]:
    """Return a whole reply made of output items, streamed as the API streams them."""
    shell = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "status": "in_progress",
        "model": "test-1",
        "output": [],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "usage": None,
    }
    events: list[Json] = [
        {"type": f"response.{kind}", "response": shell} for kind in ("created", "in_progress")
    ]
    for index, item in enumerate(items):
        events += _item_events(item, {"output_index": index, "item_id": item["id"]})
    usage: Json = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    usage |= {
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {**shell, "status": status, "output": list(items), "usage": usage, **fields}
    events.append({"type": f"response.{status}", "response": whole})
    return [{**event, "sequence_number": position} for position, event in enumerate(events)]


def _item_events(item: Json, where: Json) -> list[Json]:
    index = {"output_index": where["output_index"]}
    done = {"type": "response.output_item.done", "item": item, **index}
    match item["type"]:
        case "message":
            text = item["content"][0]["text"]
            at = {**where, "content_index": 0}
            empty = {**item["content"][0], "text": ""}
            middle = len(text) // 2
            return [
                {
                    "type": "response.output_item.added",
                    "item": {**item, "status": "in_progress", "content": []},
                    **index,
                },
                {"type": "response.content_part.added", "part": empty, **at},
                {
                    "type": "response.output_text.delta",
                    "delta": text[:middle],
                    "logprobs": [],
                    **at,
                },
                {
                    "type": "response.output_text.delta",
                    "delta": text[middle:],
                    "logprobs": [],
                    **at,
                },
                {"type": "response.output_text.done", "text": text, "logprobs": [], **at},
                {"type": "response.content_part.done", "part": item["content"][0], **at},
                done,
            ]
        case "function_call":
            added = {**item, "status": "in_progress", "arguments": ""}
            return [
                {"type": "response.output_item.added", "item": added, **index},
                {
                    "type": "response.function_call_arguments.delta",
                    "delta": item["arguments"],
                    **where,
                },
                {
                    "type": "response.function_call_arguments.done",
                    "arguments": item["arguments"],
                    **where,
                },
                done,
            ]
        case "reasoning":
            text = item["summary"][0]["text"]
            at = {**where, "summary_index": 0}
            return [
                {"type": "response.output_item.added", "item": {**item, "summary": []}, **index},
                {
                    "type": "response.reasoning_summary_part.added",
                    "part": {"type": "summary_text", "text": ""},
                    **at,
                },
                {"type": "response.reasoning_summary_text.delta", "delta": text, **at},
                {"type": "response.reasoning_summary_text.done", "text": text, **at},
                {"type": "response.reasoning_summary_part.done", "part": item["summary"][0], **at},
                done,
            ]
        case other:
            raise AssertionError(other)


def say(
    api: str, text: str = "", calls: Iterable[tuple[str, str, str]] = (), number: int = 1
) -> list[Json]:
    """Return the same reply in either API: a text, then calls (id, name, arguments)."""
    if api == "chat":
        return chat(*([text[:3], text[3:]] if text else []), calls=calls, number=number)
    items = [message(text, f"msg_{number}")] if text else []
    return responses(*items, *(call(*entry) for entry in calls), number=number)
