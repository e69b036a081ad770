"""Answers the view's questions about the requests to the model.

The questions and answers are declared in `nbagent.protocol.inspection`. No lock of the run is held
meanwhile.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from nbagent.errors import NbagentError
from nbagent.events import Usage
from nbagent.events.jsonable import text_safe
from nbagent.protocol.inspection import Bar, RequestDetail, RequestRow, RequestsAnswer
from nbagent.run.inspector.fitting import PagedAnswer, filled
from nbagent.run.requests import Request, RequestList, outline, request_form


class RequestPages:
    """Answers questions about the requests of one run, on any thread.

    Args:
        requests: returns the requests so far.
    """

    def __init__(self, requests: Callable[[], RequestList]) -> None:
        self._requests = requests
        self._lock = threading.Lock()
        self._paged = PagedAnswer()

    @staticmethod
    def knows(name: str) -> bool:
        """Return True if the name is a question about requests."""
        return name.partition("/")[0] in ("requests", "request")

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of an answer, and the characters in all of it; see `Inspector.page`.

        Raises:
            LookupError: there is no such request, or it is hidden; the message is for the reader.
        """
        kind, _, rest = name.partition("/")
        if kind == "requests":
            answer = self._rows(_index(rest), max_bytes)
            return answer, len(answer)
        with self._lock:
            return self._paged.page(name, offset, max_bytes, lambda: self._answer(*rest.split("/")))

    def _rows(self, number: int, max_bytes: int) -> str:
        requests = self._requests()
        answer = RequestsAnswer(last=0, rows=[])
        if requests:
            answer.last = requests[-1].number
        rows = (_row(each) for each in requests if each.number >= number)
        return filled(answer, rows, max_bytes)

    def _answer(self, number: str, *part: str) -> str:
        wanted = _index(number)
        request = next((each for each in self._requests() if each.number == wanted), None)
        if request is None:
            raise LookupError(f"request {number} is no longer kept")
        if not part:
            return msgspec.json.encode(_detail(request)).decode()
        try:
            return _part(request, *part)
        except NbagentError as error:
            raise LookupError(str(error)) from None


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise LookupError(f"requests are numbered; got {text!r}")
    return int(text)


def _row(request: Request) -> RequestRow:
    usage = request.usage or Usage()
    problem = request.problem
    if problem is not None:
        problem = text_safe(problem)
    return RequestRow(
        number=request.number,
        step=request.step,
        agent=request.agent or request.lane,
        model=text_safe(request.model),
        started=request.started,
        seconds=request.seconds,
        status=request.status,
        problem=problem,
        input=request.total_tokens,
        estimated=usage.input is None,
        output=usage.output,
        changes=text_safe(request.changes),
    )


def request_bar(request: Request) -> Bar:
    """Return a request as a step of the timeline."""
    end = None
    if request.seconds is not None:
        end = request.started + request.seconds
    return Bar(
        kind="step",
        label=f"request {request.number}",
        start=request.started,
        end=end,
        usage=request.usage,
    )


def _detail(request: Request) -> RequestDetail:
    made = RequestDetail(row=_row(request), url=text_safe(request.url), parts=[])
    try:
        made.parts = list(outline(request))
        made.earlier = request.tokens.get("earlier")
        made.can_send = request.exchange.send_again is not None
    except NbagentError as error:
        made.hidden = str(error)
    return made


def _part(request: Request, kind: str, index: str = "0", *_: str) -> str:
    if kind == "response":
        return request.response
    if kind == "form":
        return msgspec.json.encode(request_form(request)).decode()
    try:
        value = _value(request, kind, _index(index))
    except IndexError:
        raise LookupError(f"request {request.number} has no {kind}/{index}") from None
    return text_safe(json.dumps(value, ensure_ascii=False))


def _value(request: Request, kind: str, index: int) -> Any:
    match kind:
        case "instructions":
            return request.instructions
        case "settings":
            return request.settings
        case "body":
            return request.body
        case "messages":
            return request.message(index)
        case "tools":
            return request.tools[index]
    raise LookupError(f"a request has no {kind!r}")
