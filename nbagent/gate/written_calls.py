"""Reads the tool calls that a model wrote as text, in whichever of the forms of `families` they
are.

The text itself shows which form it is: JSON, tags of XML, Python's syntax, Gemma's braces, or the
labels of ReAct. Values of XML stay strings: only the tool's schema could tell 5 from "5".
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec

from nbagent.gate.form import ARGS_KEYS, NAME_KEYS
from nbagent.gate.tagged_call import UNNAMED, TaggedCall, call_of, call_of_values
from nbagent.gate.written_tags import calls_of_tags

FINAL_ANSWER = "Final Answer"
"""The name by which a ReAct agent that writes JSON gives its answer."""


def calls_in(text: str, name: str = "") -> list[TaggedCall]:
    """Return the tool calls in a text; one that cannot be parsed is kept as it was written, with
    `valid` false.

    Args:
        text: the body of a call, or of several.
        name: name of the tool, where it is not part of the text; the text is its arguments.
    """
    body = text.strip()
    if name:
        return [call_of(name, body)]
    if not body:
        return []
    for read in (_labelled, calls_of_tags, _parted, _json, _named, _braces, _python):
        if calls := read(body):
            return calls
    name = UNNAMED
    found = _CUT_NAME.search(body)
    if found is not None:
        name = next(filter(None, found.groups()), UNNAMED)
    return [TaggedCall(_bare(name), None, body, valid=False)]


def _bare(name: str) -> str:
    """Return the name of a tool without what models write around it."""
    for module in ("default_api.", "default_api:", "functions."):
        name = name.removeprefix(module)
    return name.removesuffix(".call")


def final_answer(text: str) -> str | None:
    """Return the answer in the text of a ReAct call whose name says that it is the answer; None for
    any other call.
    """
    if f'"{FINAL_ANSWER}"' not in text:
        return None
    calls = _labelled(text.strip())
    if not calls or calls[0].name != FINAL_ANSWER:
        return None
    args = calls[0].args
    if isinstance(args, str):
        return args
    return calls[0].args_text


_CUT_NAME = re.compile(
    r"""["'](?:tool_)?name["']\s*:\s*["']([^"'\\]+)["']|call:([\w.:/-]+)\{|tool\s*=>\s*"([^"]+)\""""
    r"""|\[\{"([\w.:/-]+)":\s*\{|([\w.:/-]+)</(?:tool|tool_name|action)>|TOOL_NAME:\s*([\w.:/-]+)"""
    r"""|<details [^>]*\bname="([^"]+)"|(?!print)\b(\w[\w.]*)\("""
)
"""The name in a call that is cut off, or has a fault."""

# --- JSON ---

_BETWEEN = re.compile(r"[\s;,]*")
_FENCE = re.compile(r"```[\w-]*\s*(.*?)\s*(?:```|\Z)", re.DOTALL)
_WRAPPERS = ("tool_calls", "tool_uses", "tool_call", "function_call")
_BEFORE = re.compile(r"functools(?=\[)|<\|plugin\|>|<\|interpreter\|>")


def _unfenced(body: str) -> str:
    """Return what is in the code block that a text is, or the text."""
    fenced = _FENCE.match(body)
    if fenced is None:
        return body
    return fenced[1]


def _json(body: str) -> list[TaggedCall]:
    """Return the calls of JSON values that follow each other, such as `{"name": "f", "arguments":
    {}}`.
    """
    body = _BEFORE.sub("", body, count=1).strip()
    items: list[Any] = []
    try:
        for value in _values(_unfenced(body)):
            inner = _unwrapped(value)
            items += inner if isinstance(inner, list) else [inner]
    except (ValueError, RecursionError):
        return []
    return [_json_call(item) for item in items]


def _unwrapped(value: Any) -> Any:
    """Return what is in `{"tool_calls": […]}` or a like object, else the value."""
    if not isinstance(value, dict):
        return value
    return next((value[key] for key in _WRAPPERS if isinstance(value.get(key), dict | list)), value)


def _values(body: str) -> Iterator[Any]:
    """Yield the JSON values of a text.

    Raises:
        ValueError: something else is in it.
    """
    decoder, at = json.JSONDecoder(), 0
    while at < len(body):
        value, at = decoder.raw_decode(body, at)
        yield value
        between = _BETWEEN.match(body, at)
        if between is not None:
            at = between.end()


def _json_call(item: Any) -> TaggedCall:
    fields: dict[str, Any] = {}
    if isinstance(item, dict):
        fields = item
    function = fields.get("function")
    if isinstance(function, dict):
        fields = {**fields, **function}
    name = next((fields[key] for key in NAME_KEYS if isinstance(fields.get(key), str)), None)
    if name is None and len(fields) == 1:  # {"f": {…}}
        [(name, args)] = fields.items()
        if isinstance(args, dict):
            return call_of_values(name, args)
    if name is None or name in NAME_KEYS:
        return TaggedCall(UNNAMED, item, msgspec.json.encode(item).decode(), valid=False)
    args = next((fields[key] for key in ARGS_KEYS if key in fields), {})
    if isinstance(args, str):
        call = call_of(name, args)
    else:
        call = call_of_values(name, args)
    call = call._replace(name=call.name.removeprefix("functions."))
    call_id = fields.get("id")
    if not isinstance(call_id, str):
        return call
    return call._replace(call_id=call_id)


_BAR, _LINE = "[|｜]", "[_▁]"
_PARTS = re.compile(
    rf"(?:<{_BAR}tool{_LINE}call{_LINE}begin{_BAR}>)?\s*([\w.:/-]+)\s*"
    rf"<{_BAR}(?:tool{_LINE}sep|tool{_LINE}call{_LINE}argument{_LINE}begin){_BAR}>"
    rf"(.*?)(?=<{_BAR}tool{_LINE}call{_LINE}(?:begin|end){_BAR}>|\Z)",
    re.DOTALL,
)


def _parted(body: str) -> list[TaggedCall]:
    """Return the calls of DeepSeek and Kimi, whose special tokens part the name from the
    arguments.
    """
    calls: list[TaggedCall] = []
    for head, rest in _PARTS.findall(body):
        calls += _part_calls(head, rest.strip())
    return calls


def _part_calls(head: str, rest: str) -> list[TaggedCall]:
    if head == "function":  # DeepSeek V3: the name follows
        return _named(rest) or calls_of_tags(rest) or [TaggedCall(UNNAMED, None, rest, valid=False)]
    name = re.sub(r":\d+\Z", "", head.removeprefix("functions."))
    call = call_of(name, rest)
    if name != head:  # Kimi's id: "functions.f:0"
        call = call._replace(call_id=head)
    return [call]


# --- a name and JSON ---

_NAMED = re.compile(
    r"(?:to=)?(?:functions\.)?([\w.:/-]+?)(?::\d+)?\)?\s*(?:(?:json|code)\s*)?"
    r"(?:\[CALL_ID\]([\w-]+))?(?:\[ARGS\]|<\|content\|>)?\s*(?:```[\w-]*\s*)?(\{.*)",
    re.DOTALL,
)


def _named(body: str) -> list[TaggedCall]:
    """Return the call of a name and its arguments: `f{…}`, `f[ARGS]{…}`, or on lines of their
    own.
    """
    found = _NAMED.fullmatch(body)
    if found is None or found[1].startswith("call:"):
        return []
    call = call_of(found[1], found[3].removesuffix("```").strip())
    return [call._replace(call_id=found[2])]


_BRACES = re.compile(r"call:([\w.:/-]+)(\{.*?\})\s*(?=(?:<[^<>]*>\s*)*(?:call:|\Z))", re.DOTALL)
_QUOTED = re.compile(
    r'(<\|"\|>.*?<\|"\|>|<escape>.*?<escape>|<ctrl46>.*?<ctrl46>|"(?:\\.|[^"\\])*")', re.DOTALL
)
_BARE_KEY = re.compile(r"([{,]\s*)([\w.-]+)\s*:")


def _braces(body: str) -> list[TaggedCall]:
    """Return the calls of Gemma: `call:f{key:<|"|>text<|"|>}`."""
    return [call_of(_bare(name), _json_of_braces(args)) for name, args in _BRACES.findall(body)]


def _json_of_braces(text: str) -> str:
    pieces = _QUOTED.split(text)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pieces[index] = _BARE_KEY.sub(r'\1"\2":', piece)
        elif piece.startswith("<"):
            mark = piece[: piece.index(">") + 1]
            pieces[index] = json.dumps(
                piece.removeprefix(mark).removesuffix(mark), ensure_ascii=False
            )
    return "".join(pieces)


# --- Python ---


_CHATGLM = re.compile(r"([\w.:/-]+)\n(```python\n.*)", re.DOTALL)
_BRACKETED = re.compile(r"\[[A-Z][A-Za-z ]*[: ] ?([\w.:/-]+)\((.*)", re.DOTALL)


def _python(body: str) -> list[TaggedCall]:
    """Return the calls of Python's syntax: `f(x="a")`, `[f(x=1), g()]`, or in `print(…)`."""
    bracketed = _BRACKETED.match(body)
    if bracketed:
        name, args_text = bracketed[1], bracketed[2].removesuffix(")]").strip()
        if args_text.startswith("{"):
            return [call_of(name, args_text)]
        return [_python_or_text(name, args_text)]
    named = _CHATGLM.fullmatch(body)
    if named is not None:
        return [call._replace(name=named[1]) for call in _python(named[2])]
    source = _unfenced(body)
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    items: list[ast.expr] = []
    for statement in tree.body:
        if isinstance(statement, (ast.Expr, ast.Assign)):
            value = statement.value
            items += value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
    return [_python_call(item, source) for item in items if isinstance(item, ast.Call)]


def _python_or_text(name: str, args_text: str) -> TaggedCall:
    if not args_text:
        return TaggedCall(name, {}, "", valid=True)
    calls = _python(f"f({args_text})")
    if not calls or not calls[0].valid:
        return TaggedCall(name, None, args_text, valid=False)
    return calls[0]._replace(name=name)


def _python_call(call: ast.Call, source: str) -> TaggedCall:
    name = ast.unparse(call.func)
    if name == "print" and call.args and isinstance(call.args[0], ast.Call):
        return _python_call(call.args[0], source)
    name = _bare(name)
    try:
        args = {keyword.arg or "**": ast.literal_eval(keyword.value) for keyword in call.keywords}
        args |= {str(index): ast.literal_eval(value) for index, value in enumerate(call.args)}
        return call_of_values(name, args)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return TaggedCall(name, None, ast.get_source_segment(source, call) or "", valid=False)


# --- labels ---

_REACT = re.compile(r"Action ?\d*:\s*([^\n{}\[\]`]+?)\s*Action Input ?\d*:\s*(.*)", re.DOTALL)
_STYLED_LABEL = re.compile(
    r"^[ \t]*\*{0,2}(Action(?: Input)?|ACTION(?: INPUT)?)(?: ?\d+)?(?::\*{0,2}|\*\*:)", re.MULTILINE
)
_REACT_PAUSE = re.compile(r"Action:\s*([\w.-]+):[ \t]*([^\n]*)\nPAUSE")
_REACT_BRACKETS = re.compile(r"Action ?\d*:\s*([\w.:/-]+)([\[(])(.*)", re.DOTALL)
_REACT_JSON = re.compile(r"Action ?\d*:\s*((?:```|\{).*)", re.DOTALL)
_ARGS_LABEL = re.compile(
    r"([\w.:/-]+)\s*(?:✿ARGS✿:|\[\[ ## next_tool_args ## \]\]|\*+\nArguments:"
    r"|(?:\*\*)?(?:Arguments|Args|(?:Tool )?[Ii]nput|Parameters)(?::\*\*|\*\*:|:))\s*(.*)",
    re.DOTALL,
)


def _labelled(body: str) -> list[TaggedCall]:
    """Return the call of ReAct, Qwen-Agent, DSPy or AutoGen: a name and a value behind labels."""
    body = _STYLED_LABEL.sub(lambda label: f"{label[1].title()}:", body)
    if paused := _REACT_PAUSE.match(body):
        return [call_of_values(paused[1], paused[2])]
    if as_json := _REACT_JSON.match(body):
        return _json(as_json[1])
    if bracketed := _REACT_BRACKETS.match(body):
        name, bracket, args_text = bracketed.groups()
        if bracket == "[":
            return [call_of_values(name, args_text.strip().removesuffix("]"))]
        return _python(f"{name}({args_text}")
    found = _REACT.match(body) or _ARGS_LABEL.match(body)
    if found is None:
        return []
    name, args_text = found[1], _unfenced(found[2].strip())
    if args_text.startswith(("{", "[", '"')):
        return [call_of(name, args_text)]
    return [call_of_values(name, args_text)]
