"""Decoder of Google Gemini's `generateContent` streams (Gemini API and Vertex AI).

Format: https://ai.google.dev/api/generate-content, and the types of the google-genai SDK. Items are
chunks, as SDK objects, as dicts in snake_case or camelCase, or in the JSON array that the service
sends without `alt=sse`. User turns with function responses are read, too, for agent loops that pass
them on.

The format has no terminal (the finish reason comes last), approvals, agents or hand-offs, and most
calls have no id. A search is reported only with the answer, after it has ended.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    base64_text,
    clean_str,
    entries_in,
    extra_fields,
    index_in,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.gemini.candidate import Candidate
from nbagent.adapters.gemini.content import (
    PartialArgs,
    gemini_usage,
    has_output,
    part_kind,
    snake_case_fields,
    sources_in,
)

_COMPLETED = {"STOP", "FINISH_REASON_UNSPECIFIED"}
_FAILED = {
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
    "TOO_MANY_TOOL_CALLS",
    "UNEXPECTED_TOOL_CALL",
}


class GeminiDecoder(BaseDecoder):
    """Decoder of `generateContent` chunks. A response is a step."""

    system: ClassVar[str] = "google.gemini"
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        # of all responses: a function response may come after the next one began
        self._calls: list[Block] = []
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
        if "author" in payload:  # an event of Google ADK, which wraps a model's response
            return False
        return (
            isinstance(payload.get("candidates"), list)
            or "prompt_feedback" in payload
            or {"usage_metadata", "response_id"} <= set(payload)
        )

    def read(self, item: Any) -> None:
        """Read a chunk, an array of chunks, or a user turn."""
        if isinstance(item, list):
            for chunk in item:
                self.read(chunk)
            return
        chunk = snake_case_fields(item)
        candidates = [snake_case_fields(candidate) for candidate in entries_in(chunk, "candidates")]
        if "error" in chunk:
            self._read_error(snake_case_fields(chunk["error"]))
        elif chunk.get("role") in ("user", "function", "tool") and "parts" in chunk:
            self._read_user_turn(chunk["parts"])
        elif candidates or chunk.keys() & {"usage_metadata", "prompt_feedback"}:
            self._select_response(chunk, candidates)
            for candidate in candidates:
                self._read_candidate(candidate)
            self._usage = gemini_usage(chunk.get("usage_metadata")) or self._usage
            self._read_feedback(snake_case_fields(chunk.get("prompt_feedback")))
        else:
            self.builder.raw(item)

    def _read_error(self, error: Mapping[str, Any]) -> None:
        self.fail(
            clean_str(error.get("message"), default=""),
            clean_str(error.get("status")) or str(error.get("code")),
        )

    def _read_user_turn(self, parts: Iterable[Any]) -> None:
        for part in parts:
            response = snake_case_fields(part).get("function_response")
            self._read_result(snake_case_fields(response))

    def _select_response(self, chunk: Mapping[str, Any], candidates: list[dict[str, Any]]) -> None:
        """Start a new response if the chunk has another id, or, without ids, if it has output after
        a finish reason.
        """
        response_id = clean_str(chunk.get("response_id"))
        if self.builder.in_step:
            known = self._id is not None and response_id is not None
            if known:
                is_new = response_id != self._id
            else:
                is_new = self._reason is not None and any(map(has_output, candidates))
            if not is_new:
                self._id = self._id or response_id
                return
            self.finish()
        self.new_step(clean_str(chunk.get("model_version")))
        self._reset(response_id)

    def _read_feedback(self, feedback: Mapping[str, Any]) -> None:
        reason = clean_str(feedback.get("block_reason"))
        if reason is not None:
            self._reason = self._reason or reason
            self.fail(
                clean_str(feedback.get("block_reason_message"))
                or f"The prompt was blocked: {reason}",
                reason,
            )

    def finish(self) -> None:
        """End the response. Without a finish reason it is truncated."""
        reason = self._reason
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        elif reason in _COMPLETED and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo("completed", reason)
        elif reason is not None and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo("incomplete", reason, reason)
        for candidate in self._candidates.values():
            self._close_texts(candidate)
        self.builder.end_step(reason, self._usage)

    # --- one candidate ---

    def _read_candidate(self, data: Mapping[str, Any]) -> None:
        index = index_in(data, "index")
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = Candidate((self.builder.step, index))
        for part in entries_in(snake_case_fields(data.get("content")), "parts"):
            self._read_part(candidate, snake_case_fields(part))
        self._read_searches(candidate, data)
        for url, title, meta in sources_in(data):
            self._cite(candidate, url, title, meta)
        reason = clean_str(data.get("finish_reason"))
        if reason is None:
            return
        self._end_call(candidate)
        self._close_texts(candidate)
        if self._reason is None or index == 0:
            self._reason = reason
        if reason in _FAILED:
            message = clean_str(data.get("finish_message"))
            self.fail(message or f"The model stopped with {reason}", reason)

    def _read_part(self, candidate: Candidate, part: Mapping[str, Any]) -> None:
        signature = base64_text(part.get("thought_signature"))
        kind = part_kind(part)
        if kind == "text":
            is_thought = part.get("thought") is True
            text = nonempty_str(part["text"], default="")
            self._write_text(candidate, text, reasoning=is_thought)
        if kind in ("text", ""):
            candidate.signature += signature or ""
            return
        if kind != "function_response":
            self._close_texts(candidate)
        self._parts += 1
        key = (candidate.key, self._parts)
        data = snake_case_fields(part.get(kind))
        meta = extra_fields(thought_signature=signature)
        if kind == "function_call":
            self._read_call(candidate, key, data, meta)
        elif kind == "function_response":
            self._read_result(data)
        elif kind in ("executable_code", "tool_call"):
            self._read_hosted_call(key, kind, data, meta)
        elif kind in ("code_execution_result", "tool_response"):
            self._read_hosted_result(key, kind, data)
        elif kind in ("inline_data", "file_data"):
            self._write_file(data, meta)
        else:
            self.builder.raw(dict(part), kind)

    def _read_hosted_call(
        self, key: Hashable, kind: str, data: Mapping[str, Any], meta: dict[str, Any] | None
    ) -> None:
        if kind == "executable_code":
            block = self._start(key, "code_execution", data, meta)
            self.builder.tool_args(block, str_field(data, "code", default=""), free=True)
        else:
            name = clean_str(data.get("tool_type"), default="tool").lower()
            block = self._start(key, name, data, meta)
            self.builder.tool_args(block, args=data.get("args", {}))

    def _write_file(self, data: Mapping[str, Any], meta: dict[str, Any] | None) -> None:
        self.builder.file(
            clean_str(data.get("mime_type"), default="application/octet-stream"),
            url=clean_str(data.get("file_uri")),
            data=base64_text(data.get("data")),
            name=clean_str(data.get("display_name")),
            meta=meta,
        )

    def _write_text(self, candidate: Candidate, text: str, *, reasoning: bool) -> None:
        builder = self.builder
        if not text:
            return
        if reasoning:
            builder.end_text(candidate.key)
            builder.reasoning(candidate.key, text, kind="summary")
        else:
            self._close_reasoning(candidate)
            block = builder.text(candidate.key, text)
            candidate.text_id = block_id(block) or candidate.text_id

    def _close_reasoning(self, candidate: Candidate) -> None:
        if self.builder.open_reasoning(candidate.key) is not None:
            self.builder.end_reasoning(candidate.key, signature=clean_str(candidate.signature))
            candidate.signature = ""

    def _close_texts(self, candidate: Candidate) -> None:
        """End the open reasoning and text.

        A signature belongs to one of them; alone, it stands for hidden reasoning.
        """
        self._close_reasoning(candidate)
        signature = clean_str(candidate.signature)
        candidate.signature = ""
        if self.builder.text_id(candidate.key) is not None:
            self.builder.end_text(candidate.key, meta=extra_fields(thought_signature=signature))
        elif signature is not None:
            self.builder.start_reasoning(candidate.key, kind="summary")
            self.builder.end_reasoning(candidate.key, signature=signature)

    # --- tools ---

    def _start(
        self,
        key: Hashable,
        name: str,
        call: Mapping[str, Any],
        meta: dict[str, Any] | None = None,
        kind: ev.ToolKind = "hosted",
    ) -> Block:
        block = self.builder.start_tool(
            key, name, call_id=clean_str(call.get("id")), kind=kind, meta=meta
        )
        self._calls.append(block)
        return block

    def _read_call(
        self,
        candidate: Candidate,
        key: Hashable,
        call: Mapping[str, Any],
        meta: dict[str, Any] | None,
    ) -> None:
        """Read a call: complete, or as its name, then arguments by path, then a part without
        `willContinue`.
        """
        name = clean_str(call.get("name"))
        if name is not None or candidate.call is None:
            self._end_call(candidate)
            block = self._start(key, name or "function", call, meta, "function")
            candidate.call = (block, PartialArgs())
        block, partial = candidate.call
        for entry in entries_in(call, "partial_args"):
            partial.add(entry)
        if "args" in call:
            self.builder.tool_args(block, args=call["args"])
        if call.get("will_continue") is not True:
            self._end_call(candidate)

    def _end_call(self, candidate: Candidate) -> None:
        if candidate.call is not None:
            block, partial = candidate.call
            self.builder.tool_args(block, args=partial.args)
            candidate.call = None

    def _open_call(self, call_id: str | None, *names: str) -> Block | None:
        """Return the open call of a result: by id, else the first of one of those names; None if
        there is none.
        """
        waiting = [block for block in self._calls if not block.closed]
        if call_id is not None:
            for block in waiting:
                if block.call_id == call_id:
                    return block
        for block in waiting:
            may_be_its = call_id is None or block.call_id is None
            if may_be_its and block.name in names:
                return block
        return None

    def _read_result(self, response: Mapping[str, Any]) -> None:
        block = self._open_call(
            clean_str(response.get("id")), clean_str(response.get("name"), default="")
        )
        if block is None:
            if response:
                self.builder.raw(response, "function_response")
            return
        content = response.get("response")
        error = snake_case_fields(content).get("error")
        self.builder.tool_result(
            block,
            content,
            status="error" if error else "ok",
            error=_error_info(error) if error else None,
            preliminary=response.get("will_continue") is True,
        )

    def _read_hosted_result(self, key: Hashable, kind: str, response: Mapping[str, Any]) -> None:
        if kind == "code_execution_result":
            name, content = "code_execution", response.get("output", "")
        else:
            name = clean_str(response.get("tool_type"), default="tool").lower()
            content = response.get("response")
        block = self._open_call(clean_str(response.get("id")), name)
        block = block or self._start(key, name, response)
        outcome = clean_str(response.get("outcome"), default="OUTCOME_OK")
        if outcome == "OUTCOME_OK":
            self.builder.tool_result(block, content)
        else:
            error = ev.ErrorInfo(message=clean_str(content, default=outcome), type=outcome)
            self.builder.tool_result(block, content, status="error", error=error)

    def _read_searches(self, candidate: Candidate, data: Mapping[str, Any]) -> None:
        """Write the searches and page visits of the service, once: it repeats them, and reports
        them only afterwards.
        """
        grounding = snake_case_fields(data.get("grounding_metadata"))
        pages = entries_in(snake_case_fields(data.get("url_context_metadata")), "url_metadata")
        queries = grounding.get("web_search_queries") or grounding.get("retrieval_queries")
        if queries:
            found = [{"url": url, "title": title} for url, title, _ in sources_in(data)]
            self._write_lookup(candidate, "google_search", {"queries": queries}, found)
        if pages:
            urls = [clean_str(snake_case_fields(page).get("retrieved_url")) for page in pages]
            found = [to_jsonable(page) for page in pages]
            self._write_lookup(candidate, "url_context", {"urls": urls}, found)

    def _write_lookup(
        self, candidate: Candidate, name: str, args: dict[str, Any], result: Any
    ) -> None:
        if name in candidate.searched:
            return
        candidate.searched.add(name)
        block = self.builder.start_tool((candidate.key, name), name, kind="hosted")
        self.builder.tool_args(block, args=args)
        self.builder.tool_result(block, result)

    def _cite(
        self, candidate: Candidate, url: str | None, title: str | None, meta: dict[str, Any]
    ) -> None:
        if (url, title) not in self._cited:
            self._cited.add((url, title))
            self.builder.source(url, title=title, text_id=candidate.text_id, meta=meta)


def _error_info(error: Any) -> ev.ErrorInfo:
    """Return the error in a function's response: a text, `{message}` or any other value."""
    message = clean_str(error) or clean_str(snake_case_fields(error).get("message"))
    return ev.ErrorInfo(message=message or str(to_jsonable(error)))
