"""Forms of calls that look like a part of an answer: ReAct, JSON and Python's syntax.

They count where they name a tool of the run, where `tags=` asks for their family, or where a text
begins with them.
"""

import re
from collections.abc import Callable

from nbagent.gate.form import Form

_NUMBER = r"(?: ?\d+)?"
_LABEL = re.compile(r"(?P<name>[A-Z][A-Za-z ]*)№:")
_EMPHASIZED = (r"**\g<name>№:**", r"**\g<name>№**:", r"*\g<name>№:*")


def _action(action: str, given: str) -> str:
    """Return a regular expression for a call behind a thought, by the labels of its name and its
    arguments. Its groups are the tool's name.
    """
    return (
        rf"\n[ \t]*{action}\s*(?:([^\n{{}}\[\]]+?)\s*{given}|([\w.:/-]+)[\[(]|[^\n]+\nPAUSE|"
        r"(?:```(?:json)?\s*)?\{\s*\"action\"\s*:\s*\"([^\"]+)\")"
    )


def _emphasized(name: str) -> str:
    """Return a regular expression for a label in bold or italic."""
    return rf"\*{{1,2}}{name}{_NUMBER}(?::\*{{1,2}}|\*\*:)"


_AFTER_THOUGHT = (
    f"{_action(f'Action{_NUMBER}:', f'Action Input{_NUMBER}:')}"
    r"|\n[ \t]*(?:Final Answer:|Code:\s*```py|<code>\n)"
)
_AFTER_CAPITALS = (
    f"{_action(f'ACTION{_NUMBER}:', f'ACTION INPUT{_NUMBER}:')}|\\n[ \\t]*FINAL ANSWER:"
)
# Many an answer has "**Thought:**", and "**Final answer:**" behind it.
_AFTER_EMPHASIZED = _action(_emphasized("Action"), _emphasized("Action Input"))

_PLAIN_REACT = [
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
    Form("react", "→Action№:~%\nPAUSE", "tool", (), "line", "start", labels=True),
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
    Form("react", "AI:", "text", (), "line", "family"),
]


def _restyled(form: Form, label: str | Callable[[re.Match[str]], str], ahead: str) -> Form:
    """Return a form with labels of another style."""
    form = form._replace(opener=_LABEL.sub(label, form.opener))
    if not form.ahead:
        return form
    return form._replace(ahead=ahead)


_LABELLED = [form for form in _PLAIN_REACT if "№:" in form.opener]
REACT = [
    *_PLAIN_REACT,
    *[_restyled(form, lambda found: found[0].upper(), _AFTER_CAPITALS) for form in _LABELLED],
    *[_restyled(form, label, _AFTER_EMPHASIZED) for form in _LABELLED for label in _EMPHASIZED],
]

_ID = '"id"~:~"@"~,~'
_TYPE = '"type"~:~"function"~,~'
_TOOL_USE = '"type"~:~"tool_use"~,~'
_FUNCTION = '"function"~:~{~'
_BEFORE_NAMES = (
    "",
    *(f'"{key}"~:~¶~,~' for key in ("thought", "thoughts", "reasoning")),
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
_TOOL_LABELS = (
    *("Tool", "Tool name", "Tool call", "Tool used", "Function", "Function name", "Function call"),
    *("Calling tool", "Calling function", "Using tool"),
)
_ARGS_LABELS = ("Arguments", "Args", "Input", "Tool Input", "Tool input", "Parameters")
_STYLES = ("{}:", "**{}:**", "**{}**:")
JSON = [
    *[
        Form(
            "json",
            f"{style.format(tool)}~→@~{style.format(args)}~{{",
            "tool",
            (),
            "line",
            "name",
            value=True,
        )
        for style in _STYLES
        for tool in _TOOL_LABELS
        for args in _ARGS_LABELS
    ],
    *[
        Form(
            "json",
            f'→{opened}{{~{head}"arguments"~:~{value}{{',
            "tool",
            (),
            "line",
            "start",
            value=True,
        )
        for opened in ("", "[~")
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
    Form("json", "→functions.@(~{", "tool", (), "line", "name", value=True),
    Form("json", ">>>→@~{", "tool", (), "line", "start", value=True),
    Form("json", ">>>all\n", "text", (), "line", "tag"),
    Form("json", '→Action:~```json~[~{~"tool_name"~:~"@"', "tool", ("\n```",), "line", "start"),
]
PYTHONIC = [
    Form("pythonic", "→[~@(", "tool", (), "line", "name", value=True),
    Form("pythonic", "```python→~[~@(", "tool", ("\n```",), "fence", needs="name"),
    Form("nexus", "Call:→~@(", "tool", (), "line", "name", value=True),
    Form("nexus", "Thought:", "thought", ("\n",), "line", "family"),
    Form("pythonic", "<code>→\n@(", "tool", ("</code>",), "line", "name"),
    *[
        Form("pythonic", f"→[{label} @(", "tool", (")]",), "line", "name")
        for label in ("Tool call:", "Tool Call:", "Function call:", "Calling", "Calling tool")
    ],
    *[
        Form("pythonic", f"<{name}>→~@(", "tool", (f"</{name}>",), "line", "name")
        for name in ("call", "action", "function", "tool")
    ],
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
    forms = [
        Form("named", f"→{name}\n{{", "tool", (), "line", value=True),
        Form("named", f"→{name}\n```python\ntool_call(", "tool", ("\n```",), "line"),
        Form("named", f'→<{name}>~{{~"', "tool", (f"</{name}>",), "line"),
    ]
    if _SEVERAL_WORDS.fullmatch(name):
        forms.append(Form("named", f"→<{name}>~<", "tool", (f"</{name}>",), "line"))
    return forms
