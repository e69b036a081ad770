"""The forms in which models write thoughts, tool calls and results into their text: a table of one
row each.

The forms are those of the models' chat templates, and of the parsers that servers have for them:
vLLM's (https://docs.vllm.ai/en/latest/features/tool_calling.html, `reasoning_outputs.html`),
SGLang's and llama.cpp's. `docs/explanation/leakage.md` has them as a table for users.
"""

from nbagent.gate.form import Form, pairs, token_pairs, tokens, words
from nbagent.gate.late_families import JSON, PYTHONIC, REACT
from nbagent.gate.product_families import PRODUCTS
from nbagent.gate.turn_tokens import TURN_TOKENS

_INNER = [
    f"{kind}_{noun}"
    for kind in ("inner", "internal", "private", "hidden")
    for noun in (
        *("thought", "thoughts", "thinking", "reasoning", "monologue", "reflection"),
        *("scratchpad", "deliberation", "analysis", "voice", "dialogue"),
    )
]
_PARTS_OF_THOUGHT = [
    f"{of}_{noun}"
    for of in ("think", "thinking", "thought", "reasoning")
    for noun in ("block", "content", "process", "steps", "text", "trace")
]


def _spelled(*nouns: str) -> list[str]:
    """Return the names that models give to the tags of calls and results."""
    joined = [
        f"{of}{sign}{noun}"
        for of in ("tool", "function")
        for sign in ("_", "-", "")
        for noun in nouns
    ]
    services = ("mcp", "mcp_tool", "server_tool", "api", "plugin")
    return [*joined, *(f"{of}_{noun}" for of in services for noun in nouns)]


_THOUGHTS = [
    *pairs("think", "thought", "think", "thinking", "thought", "thoughts", "reasoning"),
    *pairs("think", "thought", "think_fast", "think_faster", "longcat_think", "mm:think"),
    *token_pairs("think", "thought", "think", "thinking", "thought", "reasoning"),
    *[
        Form("think", f"<|{name}|>", "thought", (f"<|/{name}|>",))
        for name in ("thinking", "thought", "reasoning")
    ],
    *words("scratchpad", "<reflection>", "</reflection>"),
    *words("scratchpad", "<scratchpad>", "</scratchpad>"),
    *[
        form
        for name in (
            *_INNER,
            *_PARTS_OF_THOUGHT,
            *("scratch_pad", "chain_of_thought", "cot", "antThinking", "lobeThinking"),
            *("deep_think", "deep_thinking", "extended_thinking", "redacted_thinking"),
            "search_quality_reflection",
        )
        for form in words("scratchpad", f"<{name}>", f"</{name}>")
    ],
    *pairs("seed", "thought", "seed:think", "seed:cot_budget_reflect"),
    Form("solar", "<|think|>", "thought", ("<|/think|>", "<|end|>")),
    Form("s1", "<|im_start|>think", "thought", ("<|im_start|>answer", "<|im_end|>")),
    *tokens("hyperclova", "thought", ("<|im_start|>assistant/think", "<|im_end|>")),
    *tokens(
        "kimi",
        "thought",
        ("◁think▷", "◁/think▷"),
        ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ),
    *tokens(
        "unsloth",
        "thought",
        ("<start_working_out>", "<end_working_out>"),
        ("<reasoning_start>", "<reasoning_end>"),
    ),
    # Where an answer in tags follows; else they may be parts of the answer.
    *[
        Form(
            "scratchpad",
            f"<{name}>",
            "thought",
            (f"</{name}>",),
            "beginning",
            ahead=rf"</{name}>\s*<(?:answer|final_answer|response|output)>",
        )
        for name in ("analysis", "plan", "planning", "rationale", "reason", "deliberation")
    ],
    Form(
        "llava-cot",
        "<summary>",
        "thought",
        ("</summary>",),
        "beginning",
        ahead=r"</summary>\s*<(?:caption|reasoning)>",
    ),
    Form(
        "llava-cot",
        "<caption>",
        "thought",
        ("</caption>",),
        "beginning",
        ahead=r"</caption>\s*<reasoning>",
    ),
    *tokens("cohere", "thought", ("<|START_THINKING|>", "<|END_THINKING|>")),
    *tokens("apertus", "thought", ("<|inner_prefix|>", "<|inner_suffix|>")),
    *tokens(
        "gemma",
        "thought",
        ("<|channel>thought", "<channel|>"),
        ("<unused94>thought", "<unused95>"),
        ("<ctrl94>thought", "<ctrl95>"),
    ),
    *[
        Form("fence", f"```{name}→\n", "thought", ("\n```",), "fence")
        for name in ("thinking", "think", "thought", "reasoning")
    ],
    *tokens("pangu", "thought", ("[unused16]", "[unused17]")),
    *words("magistral", "[THINK]", "[/THINK]"),
    *[
        Form("magistral", f"[{name}]", "thought", (f"[/{name}]",), ahead=rf"\[/{name}\]")
        for name in ("think", "thinking", "THINKING", "THOUGHT", "THOUGHTS", "REASONING")
    ],
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
    *[
        Form("hermes", f'<{name} name="→@"', "tool", (f"</{name}>",))
        for name in ("tool_call", "tool_use", "function_call", "function", "xai:function_call")
    ],
    # Granite leaves the end out.
    *pairs("hermes", "tool", "function_call", "functioncall", value=True),
    *pairs("hermes", "tool", *_spelled("call", "calls", "calling", "use", "request")),
    *pairs("hermes", "tool", "tool_invocation", "tool_execution", "execute_tool"),
    # Qwen2.5-Coder answers with the tag that its prompt lists the tools in.
    *[
        Form("hermes", f"<tools>→~{opened}", "tool", ("</tools>",), "line")
        for opened in ("{", "[", "<tool_call>")
    ],
    *[
        Form("hermes", f"<{name}>→~{{~$~:", "tool", (f"</{name}>",), "line")
        for name in ("call", "action", "function", "tool")
    ],
    Form("gigachat", "function call~<|role_sep|>→~{", "tool", (), "line", value=True),
    *tokens("hyperclova", "tool", ("<|im_start|>assistant -> tool/function_call", "<|im_end|>")),
    *token_pairs("tokens", "tool", "tool_call", "tool_calls", "function_call", "function_calls"),
    Form("gorilla", "<<function>>→@(", "tool", value=True),
    Form("functionary", "<|recipient|>→@~<|content|>~{", "tool", value=True),
    *pairs("qwen-coder", "tool", "seed:tool_call", "minimax:tool_call", "longcat_tool_call"),
    Form("qwen-coder", "<function=→@>", "tool", ("</function>",)),
    # as Llama writes it
    *[
        Form("qwen-coder", f"<function{opener}", "tool", ("</function>",))
        for opener in ("=→@~{", "=→@~[", "(→@)>~{", "(→@)~{", "/→@>~{")
    ],
    Form("qwen-coder", "<tool=→@>~{", "tool", ("</tool>",)),
    *[
        Form("hermes", f'<{name} name="→@">~{{', "tool", (f"</{name}>",))
        for name in ("tool", "call", "use_tool")
    ],
    Form("qwen-coder", "<__function=→@>", "tool", ("</__function>", "</function>")),
    Form("qwen-agent", "✿FUNCTION✿:→~@~✿ARGS✿:", "tool", value=True, labels=True),
    *pairs(
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
    Form("granite", "<|tool_call|>", "tool", ("<|/tool_call|>",), value=True),
    *tokens("phi", "tool", ("<|tool_calls|>", "<|/tool_calls|>")),
    Form("phi", "functools→[~{", "tool", place="beginning", value=True),
    *pairs("nemotron", "tool", "TOOLCALL"),
    Form("mistral", "[TOOL_CALLS]→~[~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@[ARGS]", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@[CALL_ID]", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]→~@~{", "tool", value=True),
    Form("mistral", "[TOOL_CALLS]", "text", place="end"),
    Form("minimax", "[TOOL_CALL]→~{", "tool", ("[/TOOL_CALL]",)),
    Form("lm-studio", "[TOOL_REQUEST]→~{", "tool", ("[END_TOOL_REQUEST]",)),
    Form("llama", "<|python_tag|>→~{", "tool", value=True),
    Form("llama", "<|python_tag|>→~@(~@=", "tool", value=True),
    Form("llama", "<|python_tag|>", "tool", ("<|eom_id|>", "<|eot_id|>")),
    *tokens("llama", "tool", ("<|python_start|>", "<|python_end|>")),
    *tokens(
        "deepseek",
        "tool",
        ("<|tool_calls_begin|>", "<|tool_calls_end|>"),
        ("<|tool_call_begin|>", "<|tool_call_end|>"),
    ),
    *tokens("kimi", "tool", ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
    *tokens("kimi", "tool", ("<|open|>tools<|sep|>", "<|close|>tools<|sep|>")),
    *tokens("internlm", "tool", ("<|action_start|>", "<|action_end|>")),
    *tokens("cohere", "tool", ("<|START_ACTION|>", "<|END_ACTION|>")),
    *tokens("apertus", "tool", ("<|tools_prefix|>", "<|tools_suffix|>")),
    *tokens("pangu", "tool", ("[unused11]", "[unused12]")),
    *tokens(
        "gemma",
        "tool",
        ("<start_function_call>", "<end_function_call>"),
        ("<|tool_call>", "<tool_call|>"),
        ("<tool_code>", "</tool_code>"),
    ),
    *[
        Form("gemma", f"```{name}→\n", "tool", ("\n```",), "fence")
        for name in ("tool_code", "tool_call", "tool_calls", "tool_use", "function_call")
    ],
    Form("fence", "```tool→~{", "tool", ("\n```",), "fence"),
    Form("gemma", "```python→~print(default_api.@(", "tool", ("\n```",), "fence"),
    *tokens("solar", "tool", ("<|tool_call:begin|>", "<|tool_call:end|>")),
    Form("gemini", "<ctrl42>→call:@{", "tool", value=True),
    Form("gemini", "→call:default_api:@{", "tool", (), "line", value=True),
    Form("rubra", "starttoolcall→~{", "tool", ("endtoolcall",), "word"),
    Form(
        "nexus",
        "→Call:~@(",
        "tool",
        (),
        "line",
        ahead=r"\A[^\n]*<bot_end>",
        value=True,
    ),
    *pairs("grok", "tool", "grok:render"),
]

_RESULTS = [
    *tokens("chatml", "result", ("<|im_start|>tool\n", "<|im_end|>")),
    *pairs("hermes", "result", *_spelled("response", "responses", "result", "results", "output")),
    *pairs("hermes", "result", "tool_message"),
    *pairs("claude", "result", "function_results", "antml:function_results", "function_response"),
    *tokens(
        "mistral",
        "result",
        ("[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
        ("[TOOL_CONTENT]", "[/TOOL_RESULTS]"),
    ),
    *tokens("lm-studio", "result", ("[TOOL_RESULT]", "[END_TOOL_RESULT]")),
    *tokens("deepseek", "result", ("<|tool_outputs_begin|>", "<|tool_outputs_end|>")),
    *tokens("deepseek", "result", ("<|tool_output_begin|>", "<|tool_output_end|>")),
    *tokens("cohere", "result", ("<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>")),
    *tokens("gemma", "result", ("<start_function_response>", "<end_function_response>")),
    *tokens("gemma", "result", ("<|tool_response>", "<tool_response|>")),
    *[
        Form("gemma", f"```{name}→\n", "result", ("\n```",), "fence")
        for name in ("tool_output", "tool_outputs", "tool_response", "tool_result")
    ],
    Form("qwen-agent", "✿RESULT✿:", "result", labels=True),
    *token_pairs("tokens", "result", "tool_result", "tool_response", "tool_output"),
    *[
        Form("llama", f"<|start_header_id|>{role}<|end_header_id|>", "result", ("<|eot_id|>",))
        for role in ("ipython", "tool")
    ],
]

_ANSWER_TAGS = ("answer", "final_answer", "response", "output", "solution", "conclusion")
_ANSWERS = [
    *tokens("glm", "text", ("<|begin_of_box|>", "<|end_of_box|>")),
    *tokens("open-thoughts", "text", ("<|begin_of_solution|>", "<|end_of_solution|>")),
    *tokens(
        "cohere",
        "text",
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ("<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    *tokens("kimi", "text", ("<|open|>response<|sep|>", "<|close|>response<|sep|>")),
    Form("qwen-agent", "✿RETURN✿:", "text"),
    Form("functionary", "<|recipient|>all\n<|content|>", "text"),
    Form("solar", "<|begin|>assistant<|content|>", "text"),
    *[Form("answer", f"<{name}>", "text", place="beginning", needs="tag") for name in _ANSWER_TAGS],
    *[Form("answer", f"</{name}>", "text", place="end", needs="tag") for name in _ANSWER_TAGS],
]
"""Tags around an answer: they are removed, and the answer stays."""

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
            "commentary to=@~",
            "commentary to=@~json~",
            "assistant to=@~",
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
    *[
        Form("bare-harmony", f"{head}to=@~{kind}{{", "tool", (), "beginning", value=True)
        for head in ("commentary→ ", "assistant→ ", "→")
        for kind in ("json~", "code~", "")
    ],
    Form("bare-harmony", "assistantfinal", "text", (), "beginning", "family"),
]

_TABLE = [
    *(*_THOUGHTS, *_CALLS, *_RESULTS, *_ANSWERS, *_HARMONY),
    *(*PRODUCTS, *REACT, *JSON, *PYTHONIC),
]
_OPENERS = {form.opener for form in (*_TABLE, *TURN_TOKENS)}
_STRAY = {
    end: form.kind
    for form in _TABLE
    # else what follows decides whether it is a tag
    if form.place == "anywhere" and not set("@%~") & set(form.opener)
    for end in form.ends
    if end[0] in "<[◁"
}

THOUGHT_END = "thought end"
"""Family of a tag that ends a thought whose beginning is not in the text."""

FORMS = [
    *_TABLE,
    *TURN_TOKENS,
    *[
        Form(THOUGHT_END if _STRAY[end] == "thought" else "stray", end, "text")
        for end in _STRAY
        if end not in _OPENERS
    ],
]
"""Every form that is known, with the ends that stand alone: they are removed."""

LABELLED = frozenset({"react", "bare-harmony", "qwen-agent", "dspy"})
"""Families whose bodies are parted by labels."""

FOLLOWED = LABELLED | {form.family for form in _TABLE if form.needs == "family"}
"""Families with forms that count behind another one of theirs only."""

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
