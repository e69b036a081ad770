"""The forms in which models write thoughts, tool calls and results into their text: a table of one
row each.

A row's opener is a literal with marks: `~` is optional space, `@` the name of a tool, `%` the rest
of a line, `#` an optional number, `^` a capital letter; from `→` on it belongs to the body. An
opener in angle brackets is recognised in upper and lower case, and with the bars and underscores of
DeepSeek's tokens (`｜`, `▁`).

The forms are those of the models' chat templates, and of the parsers that servers have for them:
vLLM's (https://docs.vllm.ai/en/latest/features/tool_calling.html, `reasoning_outputs.html`),
SGLang's and llama.cpp's. `docs/explanation/leakage.md` has them as a table for users.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["text", "thought", "tool", "result"]
Place: TypeAlias = Literal["anywhere", "line", "beginning", "fence", "end"]
Need: TypeAlias = Literal["nothing", "tag", "family", "name", "start"]


class Form(NamedTuple):
    """A row of the table.

    Attributes:
        family: the name of its family.
        opener: how it begins, in the notation above.
        kind: what its body is: a thought, a call, a tool's result, or text, of which only the tag
            is removed. A `header` is that of a harmony message, which says what follows.
        ends: literals that end the body. Without any, the body is empty.
        place: where the opener counts: anywhere, at the beginning of a line, at the beginning of
            the text or behind another tag, where it opens a code block, or where it ends a line.
        needs: what must be known for it to count: nothing, any tag before it, one of its family
            before it, or the tool that it names. With "start", the beginning of the text will do
            too.
        ahead: a regular expression that must be found behind it; else the opener is text. Its group
            is a tool's name.
        value: whether the body ends with its first JSON value or call too, or before an empty line.
        labels: whether each opener of the family ends the body.
    """

    family: str
    opener: str
    kind: Kind | Literal["header"]
    ends: tuple[str, ...] = ()
    place: Place = "anywhere"
    needs: Need = "nothing"
    ahead: str = ""
    value: bool = False
    labels: bool = False


def _pairs(family: str, kind: Kind, *names: str, value: bool = False) -> list[Form]:
    """Return rows for XML-like tags: `<name>` up to `</name>`."""
    return [Form(family, f"<{name}>", kind, (f"</{name}>",), value=value) for name in names]


def _tokens(family: str, kind: Kind, *pairs: tuple[str, str]) -> list[Form]:
    """Return rows for pairs of special tokens: a body from one up to the other."""
    return [Form(family, opener, kind, (end,)) for opener, end in pairs]


def _words(family: str, opener: str, closer: str) -> list[Form]:
    """Return rows for thoughts in tags that an answer may speak of: they begin a line, or are
    closed.
    """
    return [
        Form(family, opener, "thought", (closer,), "line"),
        Form(family, opener, "thought", (closer,), ahead=re.escape(closer)),
    ]


_THOUGHTS = [
    *_pairs("think", "thought", "think", "thinking", "thought", "thoughts", "reasoning"),
    *_pairs("think", "thought", "think_fast", "think_faster", "longcat_think", "mm:think"),
    *_words("scratchpad", "<reflection>", "</reflection>"),
    *_words("scratchpad", "<scratchpad>", "</scratchpad>"),
    *_words("scratchpad", "<inner_monologue>", "</inner_monologue>"),
    *_words("scratchpad", "<inner_thoughts>", "</inner_thoughts>"),
    *_pairs("seed", "thought", "seed:think", "seed:cot_budget_reflect"),
    *_tokens("think", "thought", ("<|think|>", "<|/think|>"), ("<|thinking|>", "<|/thinking|>")),
    *_tokens(
        "kimi",
        "thought",
        ("◁think▷", "◁/think▷"),
        ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ),
    *_tokens("open-thoughts", "thought", ("<|begin_of_thought|>", "<|end_of_thought|>")),
    *_tokens("cohere", "thought", ("<|START_THINKING|>", "<|END_THINKING|>")),
    *_tokens("apertus", "thought", ("<|inner_prefix|>", "<|inner_suffix|>")),
    *_tokens(
        "gemma", "thought", ("<|channel>thought", "<channel|>"), ("<unused94>thought", "<unused95>")
    ),
    *_tokens("pangu", "thought", ("[unused16]", "[unused17]")),
    *_words("magistral", "[THINK]", "[/THINK]"),
    Form(
        "granite",
        "Here is my thought process:",
        "thought",
        ("Here is my response:", "Here's my response:"),
        "beginning",
        ahead=r"Here(?:'s| is) my response:",
    ),
    Form(
        "granite",
        "Here's my thought process:",
        "thought",
        ("Here is my response:", "Here's my response:"),
        "beginning",
        ahead=r"Here(?:'s| is) my response:",
    ),
]

_CALLS = [
    *_pairs("hermes", "tool", "tool_call", "tool_calls", "tool_use"),
    Form("hermes", '<tool_call name="→@"', "tool", ("</tool_call>",)),
    *_pairs("qwen-coder", "tool", "seed:tool_call", "minimax:tool_call", "longcat_tool_call"),
    Form("qwen-coder", "<function=→@>", "tool", ("</function>",)),
    Form("qwen-agent", "✿FUNCTION✿:→~@~✿ARGS✿:", "tool", value=True, labels=True),
    *_pairs(
        "claude",
        "tool",
        "function_calls",
        "antml:function_calls",
        "｜DSML｜function_calls",
        "｜DSML｜tool_calls",
    ),
    *[
        Form("claude", f'<{prefix}invoke name="→@">', "tool", (f"</{prefix}invoke>",))
        for prefix in ("", "antml:", "｜DSML｜", "steptml:")
    ],
    *_pairs("granite", "tool", "function_call", "functioncall", value=True),
    Form("granite", "<|tool_call|>", "tool", ("<|/tool_call|>",), value=True),
    *_tokens("phi", "tool", ("<|tool_calls|>", "<|/tool_calls|>")),
    Form("phi", "functools→[~{", "tool", place="beginning", value=True),
    *_pairs("nemotron", "tool", "TOOLCALL"),
    Form("mistral", "[TOOL_CALLS]→~[~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@[ARGS]", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@[CALL_ID]", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]", "text", place="end"),
    Form("llama", "<|python_tag|>→~{", "tool", value=True),
    Form("llama", "<|python_tag|>→~@(~@=", "tool", value=True),
    Form("llama", "<|python_tag|>", "tool", ("<|eom_id|>", "<|eot_id|>")),
    *_tokens("llama", "tool", ("<|python_start|>", "<|python_end|>")),
    *_tokens(
        "deepseek",
        "tool",
        ("<|tool_calls_begin|>", "<|tool_calls_end|>"),
        ("<|tool_call_begin|>", "<|tool_call_end|>"),
    ),
    *_tokens("kimi", "tool", ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
    *_tokens("kimi", "tool", ("<|open|>tools<|sep|>", "<|close|>tools<|sep|>")),
    *_tokens("lfm", "tool", ("<|tool_call_start|>", "<|tool_call_end|>")),
    *_tokens("internlm", "tool", ("<|action_start|>", "<|action_end|>")),
    *_tokens("cohere", "tool", ("<|START_ACTION|>", "<|END_ACTION|>")),
    *_tokens("apertus", "tool", ("<|tools_prefix|>", "<|tools_suffix|>")),
    *_tokens("pangu", "tool", ("[unused11]", "[unused12]")),
    *_tokens(
        "gemma",
        "tool",
        ("<start_function_call>", "<end_function_call>"),
        ("<|tool_call>", "<tool_call|>"),
    ),
    *[
        Form("gemma", f"```{name}→\n", "tool", ("\n```",), "fence")
        for name in ("tool_code", "tool_call", "function_call")
    ],
    Form("hector", "→[Tool: @(", "tool", (")]",), "line"),
]

_RESULTS = [
    *_pairs(
        "hermes",
        "result",
        "tool_response",
        "tool_responses",
        "tool_result",
        "tool_results",
        "tool_output",
    ),
    *_pairs("claude", "result", "function_results", "antml:function_results", "function_response"),
    *_tokens(
        "mistral",
        "result",
        ("[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
        ("[TOOL_CONTENT]", "[/TOOL_RESULTS]"),
    ),
    *_tokens("deepseek", "result", ("<|tool_outputs_begin|>", "<|tool_outputs_end|>")),
    *_tokens("deepseek", "result", ("<|tool_output_begin|>", "<|tool_output_end|>")),
    *_tokens("cohere", "result", ("<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>")),
    *_tokens("gemma", "result", ("<start_function_response>", "<end_function_response>")),
    *_tokens("gemma", "result", ("<|tool_response>", "<tool_response|>")),
    *[
        Form("gemma", f"```{name}→\n", "result", ("\n```",), "fence")
        for name in ("tool_output", "tool_outputs")
    ],
    Form("qwen-agent", "✿RESULT✿:", "result", labels=True),
]

_ANSWER_TAGS = ("answer", "final_answer", "response", "output")
_ANSWERS = [
    *_tokens("open-thoughts", "text", ("<|begin_of_solution|>", "<|end_of_solution|>")),
    *_tokens(
        "cohere",
        "text",
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ("<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    *_tokens("kimi", "text", ("<|open|>response<|sep|>", "<|close|>response<|sep|>")),
    Form("qwen-agent", "✿RETURN✿:", "text"),
    *[Form("answer", f"<{name}>", "text", place="beginning", needs="tag") for name in _ANSWER_TAGS],
    *[Form("answer", f"</{name}>", "text", place="end", needs="tag") for name in _ANSWER_TAGS],
]
"""Tags around an answer: they are removed, and the answer stays."""

_TURN_ENDS = [
    *(
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "<|end_of_turn|>",
        "<end_of_turn>",
    ),
    *(
        "<turn|>",
        "<|end_of_sentence|>",
        "<|end of sentence|>",
        "<|end_of_turn_token|>",
        "<|assistant_end|>",
        "[unused10]",
    ),
    *(
        "<|im_start|>assistant",
        "<start_of_turn>model",
        "<|turn>model",
        "<|assistant|>",
        "<|assistant_start|>",
    ),
    *(
        "<|start_header_id|>assistant<|end_header_id|>",
        "<|close|>message<|sep|>",
        "<|start_of_turn_token|>",
    ),
]

_HARMONY_END = ("<|message|>",)
_HARMONY = [
    Form("harmony", "<|start|>", "header", _HARMONY_END),
    Form("harmony", "<|channel|>", "header", _HARMONY_END),
    Form("harmony", "assistant<|channel|>", "header", _HARMONY_END, "beginning"),
    *[
        Form("harmony", token, "text")
        for token in ("<|message|>", "<|end|>", "<|return|>", "<|call|>", "<|constrain|>")
    ],
    *[
        Form("harmony", f"→{channel}<|message|>", "header", (), "beginning")
        for channel in (
            "analysis",
            "commentary",
            "final",
            "commentary to=@",
            "commentary to=@ json",
            "assistant to=@",
        )
    ],
    # Without its special tokens, as a server leaves it that skips them.
    Form(
        "bare-harmony",
        "analysis→^",
        "thought",
        place="beginning",
        ahead="assistant(?:final|commentary)",
        labels=True,
    ),
    Form("bare-harmony", "assistantanalysis", "thought", (), "beginning", "family", labels=True),
    Form(
        "bare-harmony",
        "assistantcommentary→ to=@~json~{",
        "tool",
        (),
        "beginning",
        "family",
        value=True,
    ),
    Form(
        "bare-harmony", "assistantcommentary→ to=@~{", "tool", (), "beginning", "family", value=True
    ),
    Form("bare-harmony", "assistantfinal", "text", (), "beginning", "family"),
]

_ACTION = (
    r"Action(?: ?\d+)?:\s*(?:([^\n{}\[\]]+?)\s*Action Input(?: ?\d+)?:|([\w.:/-]+)[\[(]|"
    r"(?:```(?:json)?\s*)?\{\s*\"action\"\s*:\s*\"([^\"]+)\")"
)
_AFTER_THOUGHT = rf"\n[ \t]*(?:{_ACTION}|Final Answer:)"
_REACT = [
    Form("react", "Question#:", "thought", (), "line", "start", _AFTER_THOUGHT, labels=True),
    Form("react", "Thought#:", "thought", (), "line", "start", _AFTER_THOUGHT, labels=True),
    Form(
        "react", "→Action#:~%~Action Input#:", "tool", (), "line", "start", value=True, labels=True
    ),
    Form("react", "→Action#:~@[", "tool", (), "line", "start", value=True, labels=True),
    Form("react", "→Action#:~@(", "tool", (), "line", "start", value=True, labels=True),
    Form(
        "react", '→Action#:~```json~{~"action"~:', "tool", ("\n```",), "line", "start", labels=True
    ),
    Form("react", '→Action#:~```~{~"action"~:', "tool", ("\n```",), "line", "start", labels=True),
    Form("react", '→Action#:~{~"action"~:', "tool", (), "line", "start", value=True, labels=True),
    Form("react", "Observation#:", "result", (), "line", "family", labels=True),
    Form("react", "Final Answer#:", "text", (), "line", "family"),
    Form("react", "Answer#:", "text", (), "line", "family"),
]

_ID = '"id"~:~"@"~,~'
_TYPE = '"type"~:~"function"~,~'
_FUNCTION = '"function"~:~{~'
_HEADS = [
    f'{before}"name"~:~"@"~,~'
    for before in ("", _ID, _TYPE, _FUNCTION, _TYPE + _FUNCTION, _ID + _TYPE + _FUNCTION)
]
_JSON = [
    *[
        Form("json", f'→{{~{head}"arguments"~:~{{', "tool", (), "line", "start", value=True)
        for head in _HEADS
    ],
    *[
        Form("json", f'→{opened}{{~{head}"{key}"~:', "tool", (), "line", "name", value=True)
        for opened in ("", "[~")
        for head in _HEADS
        for key in ("arguments", "parameters")
    ],
    *[
        Form(
            "json",
            f'```{label}→~{opened}{{~{head}"{key}"~:',
            "tool",
            ("\n```",),
            "fence",
            needs="name",
        )
        for label in ("json", "")
        for opened in ("", "[~")
        for head in _HEADS
        for key in ("arguments", "parameters")
    ],
]
_PYTHONIC = [
    Form("pythonic", "→[~@(", "tool", (), "line", "name", value=True),
    Form("pythonic", "```python→~[~@(", "tool", ("\n```",), "fence", needs="name"),
]

_TABLE = [*_THOUGHTS, *_CALLS, *_RESULTS, *_ANSWERS, *_HARMONY, *_REACT, *_JSON, *_PYTHONIC]
_OPENERS = {form.opener for form in _TABLE} | set(_TURN_ENDS)
_STRAY = {
    end: form.kind
    for form in _TABLE
    if "@" not in form.opener
    for end in form.ends
    if end[0] in "<[◁"
}

THOUGHT_END = "thought end"
"""Family of a tag that ends a thought whose beginning is not in the text."""

FORMS = [
    *_TABLE,
    *[Form("turn", token, "text", place="end") for token in _TURN_ENDS],
    Form("turn", "</s>", "text", place="beginning", needs="tag"),  # elsewhere it is HTML
    *[
        Form(THOUGHT_END if _STRAY[end] == "thought" else "stray", end, "text")
        for end in _STRAY
        if end not in _OPENERS
    ],
]
"""Every form that is known, with the ends that stand alone: they are removed."""

LABELLED = frozenset({"react", "bare-harmony", "qwen-agent"})
"""Families whose bodies are parted by labels."""

THINK_ENDS = frozenset(end for form in _THOUGHTS if form.family == "think" for end in form.ends)
"""Ends of thoughts that models take for one another."""

OPENED_IN_PROMPT = Form(
    "think", "", "thought", tuple(end for end in _STRAY if _STRAY[end] == "thought")
)
"""A thought whose opener is in the prompt."""

HARMONY_THOUGHT = Form("harmony", "", "thought", ("<|end|>", "<|return|>", "<|call|>"), labels=True)
HARMONY_CALL = HARMONY_THOUGHT._replace(kind="tool")


TEXT = Form("", "", "text")
"""Character that stands in no body."""
