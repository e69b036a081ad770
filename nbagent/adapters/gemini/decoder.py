"""Google Gemini's `generateContent` streams, of the Gemini API and of Vertex AI.

Format: https://ai.google.dev/api/generate-content, and the types of the google-genai SDK. Takes chunks as SDK objects, as
dicts in either spelling, or in the JSON array that the service sends where no server-sent events were asked for; and the user's
turn with function responses, where a loop hands that on, too.

What it cannot say: a terminal of its own (the finish reason is the last word), approvals, agents and hand-offs; most calls have
no id. It tells what a search found only with the answer, so that the search shows when it is over.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import base64_text, clean_str, nonempty_str, str_field, to_jsonable
from nbagent.adapters.gemini.content import PartialArgs, gemini_usage, snake_case_fields, sources_in

_COMPLETED = {"STOP", "FINISH_REASON_UNSPECIFIED"}
_FAILED = {
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
    "TOO_MANY_TOOL_CALLS",
    "UNEXPECTED_TOOL_CALL",
}
_NOT_OF_A_PART = {"thought", "thought_signature", "video_metadata", "part_metadata", "media_resolution"}


class Candidate:
    """One of the answers of a response.

    Attributes:
        text_id: of the text that was written last, open or not: what it rests on is told after it.
        call: the call whose arguments are coming, and those so far.
        signature: the opaque part of a thought, or of the answer's text.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.text_id: str | None = None
        self.call: tuple[Block, PartialArgs] | None = None
        self.signature = ""
        self.searched: set[str] = set()


class GeminiDecoder(BaseDecoder):
    """`generateContent` chunks to events. A response is a step."""

    system: ClassVar[str] = "google.gemini"

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Block] = []  # of all responses: the client's results come between them
        self._reset(None)

    def _reset(self, response_id: str | None) -> None:
        self._id = response_id
        self._candidates: dict[Any, Candidate] = {}
        self._usage: ev.Usage | None = None
        self._reason: str | None = None
        self._cited: set[Hashable] = set()
        self._parts = 0

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk, an array of them, or an error of a Google service."""
        if isinstance(item, list) and item:
            item = item[0]
        payload = snake_case_fields(item)
        error = snake_case_fields(payload.get("error"))
        if error:
            return isinstance(error.get("code"), int) and str_field(error, "status") is not None
        if "author" in payload:  # an agent's event, which wraps what a model said
            return False
        return (
            isinstance(payload.get("candidates"), list)
            or "prompt_feedback" in payload
            or {"usage_metadata", "response_id"} <= set(payload)
        )

    def read(self, item: Any) -> None:
        """One chunk, an array of them, or the user's turn."""
        if isinstance(item, list):
            for chunk in item:
                self.read(chunk)
            return
        chunk = snake_case_fields(item)
        candidates = [snake_case_fields(candidate) for candidate in chunk.get("candidates") or ()]
        if "error" in chunk:
            error = snake_case_fields(chunk["error"])
            self.fail(clean_str(error.get("message")) or "", clean_str(error.get("status")) or str(error.get("code")))
        elif chunk.get("role") in ("user", "function", "tool") and "parts" in chunk:
            for part in chunk["parts"]:
                self._read_result(snake_case_fields(snake_case_fields(part).get("function_response")))
        elif not (candidates or chunk.keys() & {"usage_metadata", "prompt_feedback"}):
            self.builder.raw(item)
        else:
            self._place(chunk, candidates)
            for payload in candidates:
                self._read_candidate(payload)
            self._usage = gemini_usage(chunk.get("usage_metadata")) or self._usage
            self._read_feedback(snake_case_fields(chunk.get("prompt_feedback")))

    def _place(self, chunk: Mapping[str, Any], candidates: list[dict[str, Any]]) -> None:
        """Find the response that a chunk belongs to: another id is another one; without an id, so is more after the end."""
        response_id = clean_str(chunk.get("response_id"))
        if self.builder.in_step:
            known = self._id is not None and response_id is not None
            another = response_id != self._id if known else self._reason is not None and any(map(_speaks, candidates))
            if not another:
                self._id = self._id or response_id
                return
            self.finish()
        self.new_step(clean_str(chunk.get("model_version")))
        self._reset(response_id)

    def _read_feedback(self, feedback: Mapping[str, Any]) -> None:
        reason = clean_str(feedback.get("block_reason"))
        if reason is not None:
            self._reason = self._reason or reason
            self.fail(clean_str(feedback.get("block_reason_message")) or f"The prompt was blocked: {reason}", reason)

    def finish(self) -> None:
        """The response is over; with a finish reason it is whole."""
        reason = self._reason
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        elif reason is not None and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo("completed", reason) if reason in _COMPLETED else StopInfo("incomplete", reason, reason)
        for candidate in self._candidates.values():
            self._close_texts(candidate)
        self.builder.end_step(reason, self._usage)

    # --- one candidate --------------------------------------------------------------------------------------------------

    def _read_candidate(self, payload: Mapping[str, Any]) -> None:
        index = payload.get("index") or 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = Candidate((self.builder.step, index))
        for part in snake_case_fields(payload.get("content")).get("parts") or ():
            self._read_part(candidate, snake_case_fields(part))
        self._read_searches(candidate, payload)
        for url, title, meta in sources_in(payload):
            self._cite(candidate, url, title, meta)
        reason = clean_str(payload.get("finish_reason"))
        if reason is not None:
            self._end_call(candidate)
            self._close_texts(candidate)
            if self._reason is None or index == 0:
                self._reason = reason
            if reason in _FAILED:
                self.fail(clean_str(payload.get("finish_message")) or f"The model stopped with {reason}", reason)

    def _read_part(self, candidate: Candidate, part: Mapping[str, Any]) -> None:
        builder = self.builder
        signature = base64_text(part.get("thought_signature"))
        kind = next((name for name in part if name not in _NOT_OF_A_PART), "")
        value = part.get(kind)
        if kind == "text":
            self._write_text(candidate, nonempty_str(value) or "", thought=part.get("thought") is True)
            candidate.signature += signature or ""
            return
        if kind not in ("", "function_response"):
            self._close_texts(candidate)
        payload = snake_case_fields(value)
        self._parts += 1
        key = (candidate.key, self._parts)
        meta = None if signature is None else {"thought_signature": to_jsonable(signature)}
        match kind:
            case "function_call":
                self._read_call(candidate, key, payload, meta)
            case "function_response":
                self._read_result(payload)
            case "executable_code":
                block = self._start(key, "code_execution", payload, meta)
                builder.tool_args(block, str_field(payload, "code") or "", free=True)
            case "tool_call":
                block = self._start(key, (clean_str(payload.get("tool_type")) or "tool").lower(), payload, meta)
                builder.tool_args(block, args=payload.get("args", {}))
            case "code_execution_result" | "tool_response":
                self._read_hosted_result(key, kind, payload)
            case "inline_data" | "file_data":
                media_type = clean_str(payload.get("mime_type")) or "application/octet-stream"
                data, url, name = (
                    base64_text(payload.get("data")),
                    clean_str(payload.get("file_uri")),
                    clean_str(payload.get("display_name")),
                )
                builder.file(media_type, url=url, data=data, name=name, meta=meta)
            case "":
                candidate.signature += signature or ""
            case _:
                builder.raw(dict(part), kind)

    def _write_text(self, candidate: Candidate, text: str, *, thought: bool) -> None:
        builder = self.builder
        if not text:
            return
        if thought:
            builder.end_text(candidate.key)
            builder.thought(candidate.key, text, kind="summary")
        else:
            self._close_thought(candidate)
            block = builder.text(candidate.key, text)
            candidate.text_id = block.id if block is not None else candidate.text_id

    def _close_thought(self, candidate: Candidate) -> None:
        if self.builder.open_thought(candidate.key) is not None:
            self.builder.end_thought(candidate.key, signature=clean_str(candidate.signature))
            candidate.signature = ""

    def _close_texts(self, candidate: Candidate) -> None:
        """End what is open. A signature belongs to it; one that stands alone is a thought of which nothing may be seen."""
        self._close_thought(candidate)
        signature = clean_str(candidate.signature)
        candidate.signature = ""
        if self.builder.text_id(candidate.key) is not None:
            self.builder.end_text(candidate.key, meta=None if signature is None else {"thought_signature": signature})
        elif signature is not None:
            self.builder.start_thought(candidate.key, kind="summary")
            self.builder.end_thought(candidate.key, signature=signature)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _start(
        self,
        key: Hashable,
        name: str,
        payload: Mapping[str, Any],
        meta: dict[str, Any] | None = None,
        kind: ev.ToolKind = "hosted",
    ) -> Block:
        block = self.builder.start_tool(key, name, call_id=clean_str(payload.get("id")), kind=kind, meta=meta)
        self._calls.append(block)
        return block

    def _read_call(self, candidate: Candidate, key: Hashable, payload: Mapping[str, Any], meta: dict[str, Any] | None) -> None:
        """A call, whole; or its name first, its arguments by path, and at last a part that says nothing more."""
        name = clean_str(payload.get("name"))
        if name is not None or candidate.call is None:
            self._end_call(candidate)
            block = self._start(key, name or "function", payload, meta, "function")
            candidate.call = (block, PartialArgs())
        block, partial = candidate.call
        for entry in payload.get("partial_args") or ():
            partial.add(entry)
        if "args" in payload:
            self.builder.tool_args(block, args=payload["args"])
        if payload.get("will_continue") is not True:
            self._end_call(candidate)

    def _end_call(self, candidate: Candidate) -> None:
        if candidate.call is not None:
            block, partial = candidate.call
            self.builder.tool_args(block, args=partial.args)
            candidate.call = None

    def _open_call(self, call_id: str | None, *names: str) -> Block | None:
        """The call that a result answers: by its id, else the first of that name that waits."""
        waiting = [block for block in self._calls if not block.closed]
        return next((block for block in waiting if call_id is not None and block.call_id == call_id), None) or next(
            (block for block in waiting if block.name in names and (call_id is None or block.call_id is None)), None
        )

    def _read_result(self, payload: Mapping[str, Any]) -> None:
        block = self._open_call(clean_str(payload.get("id")), clean_str(payload.get("name")) or "")
        if block is None:
            if payload:
                self.builder.raw(payload, "function_response")
            return
        content = payload.get("response")
        failure = snake_case_fields(content).get("error")
        more = payload.get("will_continue") is True
        if failure:
            message = clean_str(failure) or clean_str(snake_case_fields(failure).get("message")) or str(to_jsonable(failure))
            self.builder.tool_result(block, content, status="error", error=ev.ErrorInfo(message=message), preliminary=more)
        else:
            self.builder.tool_result(block, content, preliminary=more)

    def _read_hosted_result(self, key: Hashable, kind: str, payload: Mapping[str, Any]) -> None:
        name = "code_execution" if kind == "code_execution_result" else (clean_str(payload.get("tool_type")) or "tool").lower()
        block = self._open_call(clean_str(payload.get("id")), name) or self._start(key, name, payload)
        content = payload.get("output", "") if kind == "code_execution_result" else payload.get("response")
        outcome = clean_str(payload.get("outcome")) or "OUTCOME_OK"
        if outcome != "OUTCOME_OK":
            error = ev.ErrorInfo(message=clean_str(content) or outcome, type=outcome)
            self.builder.tool_result(block, content, status="error", error=error)
        else:
            self.builder.tool_result(block, content)

    def _read_searches(self, candidate: Candidate, payload: Mapping[str, Any]) -> None:
        """What the service looked up by itself, once: it repeats this, and tells only afterwards."""
        grounding = snake_case_fields(payload.get("grounding_metadata"))
        pages = snake_case_fields(payload.get("url_context_metadata")).get("url_metadata") or ()
        queries = grounding.get("web_search_queries") or grounding.get("retrieval_queries")
        looked_up = {"google_search": ("queries", queries), "url_context": ("urls", [to_jsonable(page) for page in pages])}
        for name, (argument, value) in looked_up.items():
            if value and name not in candidate.searched:
                candidate.searched.add(name)
                block = self.builder.start_tool((candidate.key, name), name, kind="hosted")
                urls = [clean_str(snake_case_fields(page).get("retrieved_url")) for page in pages]
                self.builder.tool_args(block, args={argument: value if name == "google_search" else urls})
                found = [{"url": url, "title": title} for url, title, _ in sources_in(payload)]
                self.builder.tool_result(block, found if name == "google_search" else value)

    def _cite(self, candidate: Candidate, url: str | None, title: str | None, meta: dict[str, Any]) -> None:
        builder = self.builder
        if (url, title) not in self._cited:
            self._cited.add((url, title))
            text_id = candidate.text_id
            builder.source(url, title=title, text_id=text_id, meta=meta)


def _speaks(candidate: Mapping[str, Any]) -> bool:
    """Return True if a candidate has model output, and not only function results that an SDK with automatic calling sent."""
    parts = snake_case_fields(candidate.get("content")).get("parts") or ()
    return any("function_response" not in snake_case_fields(part) for part in parts)
