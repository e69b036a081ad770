"""Google Gemini's `generateContent` streams, of the Gemini API and of Vertex AI.

The format: https://ai.google.dev/api/generate-content, and the types of the google-genai SDK. Takes chunks as SDK objects, as
dicts in either spelling, or in the JSON array that the service sends where no server-sent events were asked for; and the user's
turn with function responses, where a loop hands that on, too.

What it cannot say: a terminal of its own (the finish reason is the last word), approvals, agents and hand-offs; most calls have
no id. It tells what a search found only with the answer, so that the search shows when it is over.
"""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import base64_text, label, plain, string
from nbagent.adapters.gemini.content import PartialArgs, snaked, sources_of, usage_of

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
        """Whether the item is a chunk, an array of them, or an error of a Google service."""
        if isinstance(item, list) and item:
            item = item[0]
        said = snaked(item)
        error = snaked(said.get("error"))
        if error:
            return isinstance(error.get("code"), int) and string(error.get("status")) is not None
        if "author" in said:  # an agent's event, which wraps what a model said
            return False
        return (
            isinstance(said.get("candidates"), list)
            or "prompt_feedback" in said
            or {"usage_metadata", "response_id"} <= set(said)
        )

    def read(self, item: Any) -> None:
        """One chunk, an array of them, or the user's turn."""
        if isinstance(item, list):
            for chunk in item:
                self.read(chunk)
            return
        chunk = snaked(item)
        candidates = [snaked(candidate) for candidate in chunk.get("candidates") or ()]
        if "error" in chunk:
            error = snaked(chunk["error"])
            self.fail(label(error.get("message")) or "", label(error.get("status")) or str(error.get("code")))
        elif chunk.get("role") in ("user", "function", "tool") and "parts" in chunk:
            for part in chunk["parts"]:
                self._read_result(snaked(snaked(part).get("function_response")))
        elif not (candidates or chunk.keys() & {"usage_metadata", "prompt_feedback"}):
            self.book.raw(item)
        else:
            self._place(chunk, candidates)
            for said in candidates:
                self._read_candidate(said)
            self._usage = usage_of(chunk.get("usage_metadata")) or self._usage
            self._read_feedback(snaked(chunk.get("prompt_feedback")))

    def _place(self, chunk: Mapping[str, Any], candidates: list[dict[str, Any]]) -> None:
        """Find the response that a chunk belongs to: another id is another one; without an id, so is more after the end."""
        response_id = label(chunk.get("response_id"))
        if self.book.in_step:
            known = self._id is not None and response_id is not None
            another = response_id != self._id if known else self._reason is not None and any(map(_speaks, candidates))
            if not another:
                self._id = self._id or response_id
                return
            self.finish()
        self.new_step(label(chunk.get("model_version")))
        self._reset(response_id)

    def _read_feedback(self, feedback: Mapping[str, Any]) -> None:
        reason = label(feedback.get("block_reason"))
        if reason is not None:
            self._reason = self._reason or reason
            self.fail(label(feedback.get("block_reason_message")) or f"The prompt was blocked: {reason}", reason)

    def finish(self) -> None:
        """The response is over; with a finish reason it is whole."""
        reason = self._reason
        if self.verdict.status == "failed":
            self.verdict = self.verdict._replace(finish_reason=reason)
        elif reason is not None and self.verdict is TRUNCATED:
            self.verdict = Verdict("completed", reason) if reason in _COMPLETED else Verdict("incomplete", reason, reason)
        for candidate in self._candidates.values():
            self._close_texts(candidate)
        self.book.end_step(reason, self._usage)

    # --- one candidate --------------------------------------------------------------------------------------------------

    def _read_candidate(self, said: Mapping[str, Any]) -> None:
        index = said.get("index") or 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = Candidate((self.book.step, index))
        for part in snaked(said.get("content")).get("parts") or ():
            self._read_part(candidate, snaked(part))
        self._read_searches(candidate, said)
        for url, title, meta in sources_of(said):
            self._cite(candidate, url, title, meta)
        reason = label(said.get("finish_reason"))
        if reason is not None:
            self._end_call(candidate)
            self._close_texts(candidate)
            if self._reason is None or index == 0:
                self._reason = reason
            if reason in _FAILED:
                self.fail(label(said.get("finish_message")) or f"The model stopped with {reason}", reason)

    def _read_part(self, candidate: Candidate, part: Mapping[str, Any]) -> None:
        book = self.book
        signature = base64_text(part.get("thought_signature"))
        kind = next((name for name in part if name not in _NOT_OF_A_PART), "")
        value = part.get(kind)
        if kind == "text":
            self._write_text(candidate, string(value) or "", thought=part.get("thought") is True)
            candidate.signature += signature or ""
            return
        if kind not in ("", "function_response"):
            self._close_texts(candidate)
        said = snaked(value)
        self._parts += 1
        key = (candidate.key, self._parts)
        meta = None if signature is None else {"thought_signature": plain(signature)}
        match kind:
            case "function_call":
                self._read_call(candidate, key, said, meta)
            case "function_response":
                self._read_result(said)
            case "executable_code":
                block = self._start(key, "code_execution", said, meta)
                book.tool_args(block, string(said.get("code")) or "", free=True)
            case "tool_call":
                block = self._start(key, (label(said.get("tool_type")) or "tool").lower(), said, meta)
                book.tool_args(block, args=said.get("args", {}))
            case "code_execution_result" | "tool_response":
                self._read_hosted_result(key, kind, said)
            case "inline_data" | "file_data":
                media_type = label(said.get("mime_type")) or "application/octet-stream"
                data, url, name = base64_text(said.get("data")), label(said.get("file_uri")), label(said.get("display_name"))
                book.write(
                    ev.File(id=book.mint("file"), media_type=media_type, url=url, data=data, name=name, meta=meta, **book.stamp)
                )
            case "":
                candidate.signature += signature or ""
            case _:
                book.raw(dict(part), kind)

    def _write_text(self, candidate: Candidate, text: str, *, thought: bool) -> None:
        book = self.book
        if not text:
            return
        if thought:
            book.end_text(candidate.key)
            book.thought(candidate.key, text, kind="summary")
        else:
            self._close_thought(candidate)
            block = book.text(candidate.key, text)
            candidate.text_id = block.id if block is not None else candidate.text_id

    def _close_thought(self, candidate: Candidate) -> None:
        if self.book.open_thought(candidate.key) is not None:
            self.book.end_thought(candidate.key, signature=label(candidate.signature))
            candidate.signature = ""

    def _close_texts(self, candidate: Candidate) -> None:
        """End what is open. A signature belongs to it; one that stands alone is a thought of which nothing may be seen."""
        self._close_thought(candidate)
        signature = label(candidate.signature)
        candidate.signature = ""
        if self.book.text_id(candidate.key) is not None:
            self.book.end_text(candidate.key, meta=None if signature is None else {"thought_signature": signature})
        elif signature is not None:
            self.book.start_thought(candidate.key, kind="summary")
            self.book.end_thought(candidate.key, signature=signature)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _start(
        self,
        key: Hashable,
        name: str,
        said: Mapping[str, Any],
        meta: dict[str, Any] | None = None,
        kind: ev.ToolKind = "hosted",
    ) -> Block:
        block = self.book.start_tool(key, name, call_id=label(said.get("id")), kind=kind, meta=meta)
        self._calls.append(block)
        return block

    def _read_call(self, candidate: Candidate, key: Hashable, said: Mapping[str, Any], meta: dict[str, Any] | None) -> None:
        """A call, whole; or its name first, its arguments by path, and at last a part that says nothing more."""
        name = label(said.get("name"))
        if name is not None or candidate.call is None:
            self._end_call(candidate)
            block = self._start(key, name or "function", said, meta, "function")
            candidate.call = (block, PartialArgs())
        block, partial = candidate.call
        for entry in said.get("partial_args") or ():
            partial.add(entry)
        if "args" in said:
            self.book.tool_args(block, args=said["args"])
        if said.get("will_continue") is not True:
            self._end_call(candidate)

    def _end_call(self, candidate: Candidate) -> None:
        if candidate.call is not None:
            block, partial = candidate.call
            self.book.tool_args(block, args=partial.args)
            candidate.call = None

    def _open_call(self, call_id: str | None, *names: str) -> Block | None:
        """The call that a result answers: by its id, else the first of that name that waits."""
        waiting = [block for block in self._calls if not block.closed]
        return next((block for block in waiting if call_id is not None and block.call_id == call_id), None) or next(
            (block for block in waiting if block.name in names and (call_id is None or block.call_id is None)), None
        )

    def _read_result(self, said: Mapping[str, Any]) -> None:
        block = self._open_call(label(said.get("id")), label(said.get("name")) or "")
        if block is None:
            if said:
                self.book.raw(said, "function_response")
            return
        content = said.get("response")
        failure = snaked(content).get("error")
        more = said.get("will_continue") is True
        if failure:
            message = label(failure) or label(snaked(failure).get("message")) or str(plain(failure))
            self.book.tool_result(block, content, status="error", error=ev.ErrorInfo(message=message), preliminary=more)
        else:
            self.book.tool_result(block, content, preliminary=more)

    def _read_hosted_result(self, key: Hashable, kind: str, said: Mapping[str, Any]) -> None:
        name = "code_execution" if kind == "code_execution_result" else (label(said.get("tool_type")) or "tool").lower()
        block = self._open_call(label(said.get("id")), name) or self._start(key, name, said)
        content = said.get("output", "") if kind == "code_execution_result" else said.get("response")
        outcome = label(said.get("outcome")) or "OUTCOME_OK"
        if outcome != "OUTCOME_OK":
            error = ev.ErrorInfo(message=label(content) or outcome, type=outcome)
            self.book.tool_result(block, content, status="error", error=error)
        else:
            self.book.tool_result(block, content)

    def _read_searches(self, candidate: Candidate, said: Mapping[str, Any]) -> None:
        """What the service looked up by itself, once: it repeats this, and tells only afterwards."""
        grounding = snaked(said.get("grounding_metadata"))
        pages = snaked(said.get("url_context_metadata")).get("url_metadata") or ()
        queries = grounding.get("web_search_queries") or grounding.get("retrieval_queries")
        looked_up = {"google_search": ("queries", queries), "url_context": ("urls", [plain(page) for page in pages])}
        for name, (argument, value) in looked_up.items():
            if value and name not in candidate.searched:
                candidate.searched.add(name)
                block = self.book.start_tool((candidate.key, name), name, kind="hosted")
                urls = [label(snaked(page).get("retrieved_url")) for page in pages]
                self.book.tool_args(block, args={argument: value if name == "google_search" else urls})
                found = [{"url": url, "title": title} for url, title, _ in sources_of(said)]
                self.book.tool_result(block, found if name == "google_search" else value)

    def _cite(self, candidate: Candidate, url: str | None, title: str | None, meta: dict[str, Any]) -> None:
        book = self.book
        if (url, title) not in self._cited:
            self._cited.add((url, title))
            text_id = candidate.text_id
            book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))


def _speaks(candidate: Mapping[str, Any]) -> bool:
    """Whether a candidate says something of its own; an SDK that calls functions by itself hands on their results, too."""
    parts = snaked(candidate.get("content")).get("parts") or ()
    return any("function_response" not in snaked(part) for part in parts)
