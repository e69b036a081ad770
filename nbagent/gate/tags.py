"""Thoughts and tool calls that a model wrote into its text: found by their tags, at any chunk border.

What is known here, outside code, in any case:

- thoughts: `<think>` (DeepSeek, Qwen, and most open models), `<thinking>`, `<thought>` (Gemini's OpenAI endpoint, EXAONE),
  `<reasoning>`, each up to its own closing tag. Not `<reflection>`: the model family that had it put it inside `<thinking>`.
- tool calls: `<tool_call>` around JSON (Hermes, Qwen) or around `<function=name><parameter=key>…` (Qwen3-Coder).
- harmony messages (gpt-oss, https://cookbook.openai.com/articles/openai-harmony): `<|channel|>analysis<|message|>…<|end|>` is a
  thought, one addressed `to=functions.name` a tool call, any other a text.

A tag in a fenced code block, or in a `code span` that closes on its line, is text: an answer may talk about tags. Any other tag
never gets into a text, whether it has its partner or not.
"""

import re
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

Kind: TypeAlias = Literal["text", "thought", "tool"]
Cut: TypeAlias = Literal["cut", "was thought"]


class Part(NamedTuple):
    """A stretch of a text, or (`cut`) a border within it; `was thought`: a border that makes a thought of all before it.

    Of a `tool` part, `text` is the call as written and `name` the tool's, where it is not in there.
    """

    kind: Kind | Cut
    text: str = ""
    name: str = ""


class Call(NamedTuple):
    """A tool call read from text; `valid` tells whether its arguments could be read."""

    name: str
    args: Any
    args_text: str
    valid: bool
    call_id: str | None = None


_THOUGHTS = ("think", "thinking", "thought", "reasoning")
_OPENERS = {f"<{name}>": frozenset({f"</{name}>"}) for name in _THOUGHTS}
_THOUGHT_ENDS = frozenset(f"</{name}>" for name in _THOUGHTS)
_FIRST_THOUGHT = _THOUGHT_ENDS | _OPENERS.keys()  # a model may write the tag that its prompt had already
_CALL_END = frozenset({"</tool_call>"})
_HEADER_STARTS = frozenset({"<|start|>", "<|channel|>"})
_HEADER_END = frozenset({"<|message|>"})
_MESSAGE_ENDS = frozenset({"<|end|>", "<|return|>", "<|call|>"}) | _HEADER_STARTS
_TAGS = frozenset(
    {*_OPENERS, *_THOUGHT_ENDS, "<tool_call>", *_CALL_END, *_HEADER_STARTS, *_HEADER_END, *_MESSAGE_ENDS, "<|constrain|>"}
)
_UNFINISHED = frozenset(tag[:size] for tag in _TAGS for size in range(1, len(tag)))
_LONGEST = max(map(len, _TAGS))

_RUN = 32  # the longest run of backticks that counts as one, so that an endless one is never held back
_HOLD = 1000  # how many characters after a tag may be held to see whether its code span closes
_TOKEN = re.compile(rf"(?:{'|'.join(map(re.escape, _TAGS))})|`{{1,{_RUN}}}|\n", re.ASCII | re.IGNORECASE)
_LINE_TOKEN = re.compile(rf"`{{1,{_RUN}}}|\n")
_MARGIN = " \t\r>-*+.)0123456789"  # what may stand before a fence: indentation, quote and list markers


class Splitter:
    """Cuts one text into parts as it streams in, holding back no more than might be a tag.

    The parts of a text are the same however it is chunked, but for borders inside a stretch of one kind.

    Attributes:
        plain: a chunk without "<" and "`" would change nothing but the current line: `skip` it instead of feeding it.
        pristine: no tag was met yet.
        mode: what the next characters are.
    """

    def __init__(self, *, in_thought: bool = False) -> None:
        self.pristine = True
        self.mode: Kind | Literal["header"] = "thought" if in_thought else "text"
        self.plain = True
        self._until = _FIRST_THOUGHT if in_thought else _TAGS
        self._held = ""
        self._body: list[str] = []  # of a tool call or header
        self._name = ""
        self._fence = 0  # how many backticks opened the code block that is open
        self._margin = True  # nothing but a margin on this line so far
        self._open: list[int] = []  # runs of backticks on this line that may begin a code span
        self._info = False  # this line opened a fence
        self._closing = False  # this line closes the fence if nothing else follows

    def feed(self, chunk: str, *, last: bool = False) -> list[Part]:
        """The parts that are certain by now; with `last`, all of them."""
        text = self._held + chunk
        stop = len(text) if last else _certain(text)
        parts: list[Part] = []
        start = at = line = 0
        while match := _TOKEN.search(text, at, stop):
            mark, here, at = match[0].lower(), match.start(), match.end()
            if mark == "\n":
                if self._closing and self._at_margin(text, line, here):
                    self._fence = 0
                self._new_line()
                line = at
            elif mark[0] == "`":
                self._ticks(at - here, at_margin=self._at_margin(text, line, here))
                line = at
            elif mark in self._until:
                # Models do put a tag right behind a closing fence.
                behind_fence = self._closing and self._at_margin(text, line, here)
                quoted = not behind_fence and self._quoted(text, at, stop, last=last)
                if quoted is None:
                    stop = here
                    break
                if not quoted:
                    self._add(parts, text[start:here])
                    self._tag(parts, mark)
                    start = line = at
        self._add(parts, text[start:stop])
        self._margin = self._at_margin(text, line, stop)
        self._held = text[stop:]
        self.plain = not (self._held or self._open or self._info or self._closing or self.mode in ("tool", "header"))
        if last:
            self._leave(parts)
        return parts

    def skip(self, chunk: str) -> None:
        """Takes note of a chunk that is all of the present kind."""
        newline = chunk.rfind("\n") + 1
        if newline:
            self._margin = not chunk[newline:].strip(_MARGIN)
        elif self._margin:
            self._margin = not chunk.strip(_MARGIN)

    # --- tags ---

    def _add(self, parts: list[Part], text: str) -> None:
        if not text:
            return
        if self.mode in ("tool", "header"):
            self._body.append(text)
        else:
            parts.append(Part(self.mode, text))  # type: ignore[arg-type]  # mypy does not narrow by `in`

    def _tag(self, parts: list[Part], tag: str) -> None:
        """A tag that counts: leave what it ends, enter what it begins."""
        unopened = self.mode == "text" and self.pristine and tag in _THOUGHT_ENDS
        if self.mode == "thought" and tag in _OPENERS:
            pass  # already in it
        elif self.mode == "header":
            self._message()
        else:
            self._leave(parts)
            self.mode, self._until = "text", _TAGS
            if tag in _OPENERS:
                self.mode, self._until = "thought", _OPENERS[tag]
            elif tag == "<tool_call>":
                self.mode, self._until, self._name = "tool", _CALL_END, ""
            elif tag in _HEADER_STARTS:
                self.mode, self._until = "header", _HEADER_END
        parts.append(Part("was thought" if unopened else "cut"))
        self.pristine = False
        self._new_line()
        self._fence = 0

    def _leave(self, parts: list[Part]) -> None:
        body = "".join(self._body)
        self._body.clear()
        if self.mode == "tool":
            parts.append(Part("tool", body, self._name))
        elif self.mode == "header" and body:
            parts.append(Part("thought", body))  # a header without a message: kept, but not as an answer

    def _message(self) -> None:
        """A harmony header is whole: it names the channel and, for a tool call, the recipient."""
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

    def _ticks(self, count: int, *, at_margin: bool) -> None:
        """A run of backticks opens or closes a fence or a code span, or is part of the code."""
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

    def _quoted(self, text: str, at: int, stop: int, *, last: bool) -> bool | None:
        """Whether a tag that ends at `at` is part of code; None if the rest of its line must be seen first."""
        if self._fence and self.mode == "text":
            return True
        if not self._open or self.mode in ("tool", "header"):
            return False
        for match in _LINE_TOKEN.finditer(text, at, min(stop, at + _HOLD)):
            if match[0] == "\n":
                return False
            if len(match[0]) in self._open:
                return True
        return False if last or stop - at >= _HOLD else None


def _certain(text: str) -> int:
    """Where the beginning of a possible tag, or of a run of backticks, stands at the end of the text; else its length."""
    size = len(text)
    bracket = text.rfind("<", max(0, size - _LONGEST))
    if bracket >= 0 and text[bracket:].lower() in _UNFINISHED:
        return bracket
    return size - (size - len(text.rstrip("`"))) % _RUN


def split(text: str, *, in_thought: bool = False) -> list[Part]:
    """A whole text as the parts it has: no borders, no two neighbours that were one, the space around tags taken off."""
    parts: list[Part] = []
    tagged = False
    for part in Splitter(in_thought=in_thought).feed(text, last=True):
        if part.kind in ("cut", "was thought"):
            tagged = True
            if part.kind == "was thought":
                parts = [Part("thought", before.text) for before in parts]
        else:
            parts.append(part._replace(text=part.text.lstrip()) if tagged else part)
    parts = [part._replace(text=part.text.lstrip()) if part.kind == "thought" else part for part in parts]
    return [part for part in parts if part.text.strip() or part.name or (part.kind == "text" and not tagged)]


_FUNCTION = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>\s]+)\s*>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]+)"')


def calls_of(part: Part) -> list[Call]:
    """The tool calls in a `tool` part; one that cannot be read is kept as it was written, `valid` false."""
    body = part.text.strip()
    if not body and not part.name:
        return []
    if body.startswith("<") and (functions := _FUNCTION.findall(body)):
        return [_xml_call(name, parameters) for name, parameters in functions]
    try:
        value = msgspec.json.decode(body or "{}")
    except (msgspec.DecodeError, ValueError, RecursionError):
        name = _NAME.search(body)
        return [Call(part.name or (name[1] if name else "tool_call"), None, body, valid=False)]
    if part.name:
        return [Call(part.name, value, body, valid=True)]
    return [_json_call(item) for item in (value if isinstance(value, list) else [value])]


def _xml_call(name: str, parameters: str) -> Call:
    # Values stay strings: only the tool's schema could tell 5 from "5".
    args = dict(_PARAMETER.findall(parameters))
    return Call(name, args, msgspec.json.encode(args).decode(), valid=True)


def _json_call(item: Any) -> Call:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return Call("tool_call", item, msgspec.json.encode(item).decode(), valid=False)
    args = item.get("arguments", item.get("parameters", {}))
    call_id = item.get("id") if isinstance(item.get("id"), str) else None
    if not isinstance(args, str):
        return Call(item["name"], args, msgspec.json.encode(args).decode(), valid=True, call_id=call_id)
    try:
        return Call(item["name"], msgspec.json.decode(args), args, valid=True, call_id=call_id)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Call(item["name"], None, args, valid=False, call_id=call_id)
