"""Forms of calls that look like a part of an answer: ReAct, JSON and Python's syntax.

They count where they name a tool of the run, where `tags=` asks for their family, or where a text
begins with them.
"""

import re

from nbagent.gate.form import Form

_ACTION = (
    r"Action(?: ?\d+)?:\s*(?:([^\n{}\[\]]+?)\s*Action Input(?: ?\d+)?:|([\w.:/-]+)[\[(]|"
    r"(?:```(?:json)?\s*)?\{\s*\"action\"\s*:\s*\"([^\"]+)\")"
)
_AFTER_THOUGHT = rf"\n[ \t]*(?:{_ACTION}|Final Answer:|Code:\s*```py|<code>\n)"
REACT = [
    Form("react", "Question№:", "thought", (), "line", "start", _AFTER_THOUGHT, labels=True),
    Form("react", "Thought№:", "thought", (), "line", "start", _AFTER_THOUGHT, labels=True),
    Form(
        "react", "→Action№:~%~Action Input№:", "tool", (), "line", "start", value=True, labels=True
    ),
    Form("react", "→Action№:~@[", "tool", (), "line", "start", value=True, labels=True),
    Form("react", "→Action№:~@(", "tool", (), "line", "start", value=True, labels=True),
    Form(
        "react", '→Action№:~```json~{~"action"~:', "tool", ("\n```",), "line", "start", labels=True
    ),
    Form("react", '→Action№:~```~{~"action"~:', "tool", ("\n```",), "line", "start", labels=True),
    Form("react", '→Action№:~{~"action"~:', "tool", (), "line", "start", value=True, labels=True),
    # smolagents' agent that acts in code.
    *[
        Form("react", f"{opener}→\n", "tool", (end,), "line", "family", labels=True)
        for opener, end in (
            ("Code:~```python", "\n```"),
            ("Code:~```py", "\n```"),
            ("<code>", "</code>"),
        )
    ],
    Form("react", "Observation№:", "result", (), "line", "family", labels=True),
    Form("react", "Final Answer№:", "text", (), "line", "family"),
    Form("react", "Answer№:", "text", (), "line", "family"),
]

_ID = '"id"~:~"@"~,~'
_TYPE = '"type"~:~"function"~,~'
_TOOL_USE = '"type"~:~"tool_use"~,~'
_FUNCTION = '"function"~:~{~'
_BEFORE_NAMES = (
    "",
    _ID,
    _TYPE,
    _FUNCTION,
    _TYPE + _FUNCTION,
    _ID + _TYPE + _FUNCTION,
    _TOOL_USE,
    _TOOL_USE + _ID,
)
_WRAPPERS = (
    "",
    '"tool_calls"~:~[~{~',
    '"tool_uses"~:~[~{~',
    '"tool_call"~:~{~',
    '"function_call"~:~{~',
)
_HEADS = [f'{wrapper}{before}$~:~"@"~,~' for wrapper in _WRAPPERS for before in _BEFORE_NAMES]
JSON = [
    *[
        Form("json", f'→{{~{head}"arguments"~:~{value}{{', "tool", (), "line", "start", value=True)
        for head in _HEADS
        for value in ("", '"')
    ],
    *[
        Form("json", f"→{opened}{{~{head}&~:", "tool", (), "line", "name", value=True)
        for opened in ("", "[~")
        for head in _HEADS
    ],
    *[
        Form("json", f"```{label}→~{opened}{{~{head}&~:", "tool", ("\n```",), "fence", needs="name")
        for label in ("json", "")
        for opened in ("", "[~")
        for head in _HEADS
    ],
    Form("json", "→functions.@~{", "tool", (), "line", "name", value=True),
    Form("json", ">>>→@~{", "tool", (), "line", "start", value=True),
    Form("json", ">>>all\n", "text", (), "line", "tag"),
    Form("json", '→Action:~```json~[~{~"tool_name"~:~"@"', "tool", ("\n```",), "line", "start"),
]
PYTHONIC = [
    Form("pythonic", "→[~@(", "tool", (), "line", "name", value=True),
    Form("pythonic", "```python→~[~@(", "tool", ("\n```",), "fence", needs="name"),
    Form("pythonic", "Call:→~@(", "tool", (), "line", "name", value=True),
    Form("pythonic", "tool_code→\nprint(@(", "tool", (), "line", "start", value=True),
    Form("pythonic", "→print(default_api.@(", "tool", (), "line", "start", value=True),
]

_NAME = re.compile(r"[\w.:/-]{1,64}", re.ASCII)
_SEVERAL_WORDS = re.compile(r"[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)+|[a-z0-9]+[A-Z]\w*")


def named_forms(name: str) -> list[Form]:
    """Return rows for calls that begin with the name of a tool: GLM-4's, and Cline's tags.

    An element of HTML or XML may have a name of one word too, so that a tag of it counts as text.
    """
    if not _NAME.fullmatch(name):
        return []
    forms = [Form("named", f"→{name}\n{{", "tool", (), "line", value=True)]
    if _SEVERAL_WORDS.fullmatch(name):
        forms.append(Form("named", f"→<{name}>~<", "tool", (f"</{name}>",), "line"))
    return forms
