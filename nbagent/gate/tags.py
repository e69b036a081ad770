"""Finds the thoughts and tool calls that a model wrote into its text, by their tags and at any chunk border.

Tags that are recognised outside code, in upper or lower case:

- thoughts: `<think>` (DeepSeek, Qwen, and most open models), `<thinking>`, `<thought>` (Gemini's OpenAI endpoint, EXAONE),
  `<reasoning>`, each up to its own closing tag. Not `<reflection>`: the model family that had it put it inside `<thinking>`.
- tool calls: `<tool_call>` around JSON (Hermes, Qwen) or around `<function=name><parameter=key>…` (Qwen3-Coder).
- harmony messages (gpt-oss, https://cookbook.openai.com/articles/openai-harmony): `<|channel|>analysis<|message|>…<|end|>` is a
  thought, one addressed `to=functions.name` a tool call, any other a text.

A tag in a fenced code block, or in a `code span` that closes on its line, is text: an answer may be about tags. Any other tag
is removed from the text, with or without its counterpart.
"""

import re
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

Kind: TypeAlias = Literal["text", "thought", "tool"]
Marker: TypeAlias = Literal["boundary", "reclassify"]


class Segment(NamedTuple):
    """A segment of a text, or a marker: `boundary` ends the open segment, `reclassify` makes a thought of all text so far.

    Attributes:
        kind: kind of the segment or marker.
        text: the segment's text; of a tool call, the call as written.
        name: name of the tool, where it is not part of the call as written.
    """

    kind: Kind | Marker
    text: str = ""
    name: str = ""


class TaggedCall(NamedTuple):
    """A tool call read from text.

    Attributes:
        name: the tool's name.
        args: the parsed arguments; None if they are not valid.
        args_text: the arguments as written.
        valid: whether the arguments could be parsed.
        call_id: the id that the model gave to the call.
    """

    name: str
    args: Any
    args_text: str
    valid: bool
    call_id: str | None = None


_THOUGHTS = ("think", "thinking", "thought", "reasoning")
_OPENERS = {f"<{name}>": frozenset({f"</{name}>"}) for name in _THOUGHTS}
_THOUGHT_ENDS = frozenset(f"</{name}>" for name in _THOUGHTS)
_FIRST_THOUGHT = _THOUGHT_ENDS | _OPENERS.keys()  # a model may repeat the tag that is in its prompt
_CALL_END = frozenset({"</tool_call>"})
_HEADER_STARTS = frozenset({"<|start|>", "<|channel|>"})
_HEADER_END = frozenset({"<|message|>"})
_MESSAGE_ENDS = frozenset({"<|end|>", "<|return|>", "<|call|>"}) | _HEADER_STARTS
_TAGS = frozenset(
    {*_OPENERS, *_THOUGHT_ENDS, "<tool_call>", *_CALL_END, *_HEADER_STARTS, *_HEADER_END, *_MESSAGE_ENDS, "<|constrain|>"}
)
_UNFINISHED = frozenset(tag[:size] for tag in _TAGS for size in range(1, len(tag)))
_MAX_TAG_CHARS = max(map(len, _TAGS))

_MAX_BACKTICKS = 32  # a longer run counts as several, so that an endless one is never held back
_HOLD_CHARS = 1000  # held back after a tag at most, to see whether its code span closes
_TOKEN = re.compile(rf"(?:{'|'.join(map(re.escape, _TAGS))})|`{{1,{_MAX_BACKTICKS}}}|\n", re.ASCII | re.IGNORECASE)
_LINE_TOKEN = re.compile(rf"`{{1,{_MAX_BACKTICKS}}}|\n")
_MARGIN = " \t\r>-*+.)0123456789"  # what may stand before a fence: indentation, quote and list markers


class Splitter:
    """Cuts one text into segments as it streams in, holding back only characters that may become a tag.

    The segments of a text do not depend on its chunks, except for the borders inside text of one kind.

    Attributes:
        plain: whether a chunk without "<" and "`" can be passed to `skip`, because it only continues the open segment.
        pristine: whether no tag has come yet.
        mode: kind of the next characters.
    """

    def __init__(self, *, in_thought: bool = False) -> None:
        self.pristine = True
        self.mode: Kind | Literal["header"] = "thought" if in_thought else "text"
        self.plain = True
        self._until = _FIRST_THOUGHT if in_thought else _TAGS
        self._held = ""
        self._body: list[str] = []  # of a tool call or header
        self._name = ""
        self._fence = 0  # backticks that opened the open code block; 0 for none
        self._margin = True  # whether this line has only a margin so far
        self._open: list[int] = []  # runs of backticks on this line that may begin a code span
        self._info = False  # whether this line opened a fence
        self._closing = False  # whether this line closes the fence if nothing else follows

    def feed(self, chunk: str, *, last: bool = False) -> list[Segment]:
        """Return the segments that no later chunk can change; with `last`, all remaining ones."""
        text = self._held + chunk
        stop = len(text) if last else _certain_end(text)
        segments: list[Segment] = []
        start = at = line = 0
        while match := _TOKEN.search(text, at, stop):
            tag, here, at = match[0].lower(), match.start(), match.end()
            if tag == "\n":
                if self._closing and self._at_margin(text, line, here):
                    self._fence = 0
                self._new_line()
                line = at
            elif tag[0] == "`":
                self._backticks(at - here, at_margin=self._at_margin(text, line, here))
                line = at
            elif tag in self._until:
                # Models do put a tag right behind a closing fence.
                behind_fence = self._closing and self._at_margin(text, line, here)
                in_code = not behind_fence and self._is_in_code(text, at, stop, last=last)
                if in_code is None:
                    stop = here
                    break
                if not in_code:
                    self._add(segments, text[start:here])
                    self._tag(segments, tag)
                    start = line = at
        self._add(segments, text[start:stop])
        self._margin = self._at_margin(text, line, stop)
        self._held = text[stop:]
        self.plain = not (self._held or self._open or self._info or self._closing or self.mode in ("tool", "header"))
        if last:
            self._leave(segments)
        return segments

    def skip(self, chunk: str) -> None:
        """Record a chunk that only continues the open segment."""
        newline = chunk.rfind("\n") + 1
        if newline:
            self._margin = not chunk[newline:].strip(_MARGIN)
        elif self._margin:
            self._margin = not chunk.strip(_MARGIN)

    # --- tags ---

    def _add(self, segments: list[Segment], text: str) -> None:
        if not text:
            return
        if self.mode in ("tool", "header"):
            self._body.append(text)
        else:
            segments.append(Segment(self.mode, text))  # type: ignore[arg-type]  # mypy does not narrow by `in`

    def _tag(self, segments: list[Segment], tag: str) -> None:
        """Leave the segment that a tag ends, and enter the one that it begins."""
        unopened = self.mode == "text" and self.pristine and tag in _THOUGHT_ENDS
        if self.mode == "thought" and tag in _OPENERS:
            pass  # already in it
        elif self.mode == "header":
            self._harmony_header()
        else:
            self._leave(segments)
            self.mode, self._until = "text", _TAGS
            if tag in _OPENERS:
                self.mode, self._until = "thought", _OPENERS[tag]
            elif tag == "<tool_call>":
                self.mode, self._until, self._name = "tool", _CALL_END, ""
            elif tag in _HEADER_STARTS:
                self.mode, self._until = "header", _HEADER_END
        segments.append(Segment("reclassify" if unopened else "boundary"))
        self.pristine = False
        self._new_line()
        self._fence = 0

    def _leave(self, segments: list[Segment]) -> None:
        body = "".join(self._body)
        self._body.clear()
        if self.mode == "tool":
            segments.append(Segment("tool", body, self._name))
        elif self.mode == "header" and body:
            segments.append(Segment("thought", body))  # a header without a message: kept, but not as an answer

    def _harmony_header(self) -> None:
        """Enter the segment of a harmony header, which names the channel and, for a tool call, the recipient."""
        header = "".join(self._body)
        self._body.clear()
        recipient = re.search(r"to=([^\s<]+)", header)
        if recipient:
            self.mode, self._until, self._name = "tool", _MESSAGE_ENDS, recipient[1].removeprefix("functions.")
        elif "analysis" in header.rpartition("<|channel|>")[2]:
            self.mode, self._until = "thought", _MESSAGE_ENDS
        else:
            self.mode, self._until = "text", _TAGS

    # --- code ---

    def _new_line(self) -> None:
        self._margin, self._open, self._info, self._closing = True, [], False, False

    def _at_margin(self, text: str, line: int, here: int) -> bool:
        return self._margin and not text[line:here].strip(_MARGIN)

    def _backticks(self, count: int, *, at_margin: bool) -> None:
        """Open or close a fence or a code span at a run of backticks, unless it is part of the code."""
        self._margin = False
        if self.mode == "text" and self._fence:
            if self._info:  # a fence has no backtick in its first line: it was a code span
                self._open, self._fence, self._info = [self._fence], 0, False
            else:
                self._closing = self._margin = at_margin and count >= self._fence
                return
        elif self.mode == "text" and count >= 3 and at_margin:
            self._fence, self._info = count, True
            return
        if count in self._open:  # the span closes; runs inside it were part of the code
            del self._open[self._open.index(count) :]
        else:
            self._open.append(count)

    def _is_in_code(self, text: str, at: int, stop: int, *, last: bool) -> bool | None:
        """Return True if a tag that ends at `at` is part of code; None if the rest of its line must be seen first."""
        if self._fence and self.mode == "text":
            return True
        if not self._open or self.mode in ("tool", "header"):
            return False
        for match in _LINE_TOKEN.finditer(text, at, min(stop, at + _HOLD_CHARS)):
            if match[0] == "\n":
                return False
            if len(match[0]) in self._open:
                return True
        return False if last or stop - at >= _HOLD_CHARS else None


def _certain_end(text: str) -> int:
    """Offset of an incomplete tag or run of backticks at the end of the text; the length of the text if there is none."""
    size = len(text)
    bracket = text.rfind("<", max(0, size - _MAX_TAG_CHARS))
    if bracket >= 0 and text[bracket:].lower() in _UNFINISHED:
        return bracket
    return size - (size - len(text.rstrip("`"))) % _MAX_BACKTICKS


def split(text: str, *, in_thought: bool = False) -> list[Segment]:
    """Return the segments of a whole text: without markers, neighbours of one kind joined, the space around tags removed."""
    segments: list[Segment] = []
    tagged = False
    for segment in Splitter(in_thought=in_thought).feed(text, last=True):
        if segment.kind in ("boundary", "reclassify"):
            tagged = True
            if segment.kind == "reclassify":
                segments = [Segment("thought", before.text) for before in segments]
        else:
            segments.append(segment._replace(text=segment.text.lstrip()) if tagged else segment)
    segments = [segment._replace(text=segment.text.lstrip()) if segment.kind == "thought" else segment for segment in segments]
    return [segment for segment in segments if segment.text.strip() or segment.name or (segment.kind == "text" and not tagged)]


_FUNCTION = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)\s*>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]+)"')


def calls_of(segment: Segment) -> list[TaggedCall]:
    """Return the tool calls in a `tool` segment; one that cannot be parsed is kept as it was written, with `valid` false."""
    body = segment.text.strip()
    if not body and not segment.name:
        return []
    if body.startswith("<") and (functions := _FUNCTION.findall(body)):
        return [_xml_call(name, parameters) for name, parameters in functions]
    try:
        value = msgspec.json.decode(body or "{}")
    except (msgspec.DecodeError, ValueError, RecursionError):
        name = _NAME.search(body)
        return [TaggedCall(segment.name or (name[1] if name else "tool_call"), None, body, valid=False)]
    if segment.name:
        return [TaggedCall(segment.name, value, body, valid=True)]
    return [_json_call(item) for item in (value if isinstance(value, list) else [value])]


def _xml_call(name: str, parameters: str) -> TaggedCall:
    # Values stay strings: only the tool's schema could tell 5 from "5".
    args = dict(_PARAMETER.findall(parameters))
    return TaggedCall(name, args, msgspec.json.encode(args).decode(), valid=True)


def _json_call(item: Any) -> TaggedCall:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return TaggedCall("tool_call", item, msgspec.json.encode(item).decode(), valid=False)
    args = item.get("arguments", item.get("parameters", {}))
    call_id = item.get("id") if isinstance(item.get("id"), str) else None
    if not isinstance(args, str):
        return TaggedCall(item["name"], args, msgspec.json.encode(args).decode(), valid=True, call_id=call_id)
    try:
        return TaggedCall(item["name"], msgspec.json.decode(args), args, valid=True, call_id=call_id)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return TaggedCall(item["name"], None, args, valid=False, call_id=call_id)
