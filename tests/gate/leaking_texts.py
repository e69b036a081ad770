"""Texts in which models write thoughts, tool calls and results into their answer, and answers that
only look like it.

The forms are those of the models' chat templates. Each text holds marks, so that one can tell what
has leaked.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

THOUGHT = "Zthought: they want Oslo."
RESULT = "Zresult 7 degrees"
Q = "Zquery"
ANSWER = "It is 7 degrees in Oslo."
INTRO = "Let me look that up."
MARKS = ("Zthought", "Zresult", "Zquery", "search")


class Text(NamedTuple):
    """A text and what is to be seen of it.

    Attributes:
        family: of the form; "kept" for an answer that stays as it is.
        text: as the model wrote it.
        answer: what is the answer, spaces aside.
        calls: names of the calls in it.
        tools: names of the tools that the run knows.
        options: of the run.
    """

    family: str
    text: str
    answer: str
    calls: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    options: Mapping[str, Any] = MappingProxyType({})


JSON = f'{{"name": "search", "arguments": {{"q": "{Q} \\"x\\" {{"}}}}'
LLAMA = f'{{"name": "search", "parameters": {{"q": "{Q}"}}}}'
PYTHON = f'search(q="{Q} it\'s (1", n=2)'
ARGS = f'{{"q": "{Q}", "n": [1, {{"a": "}}"}}]}}'
PARAMETER = f'<parameter name="q">{Q}</parameter>'
INVOKE = f'<invoke name="search">\n<parameter name="q">{Q}</parameter>\n</invoke>'
FUNCTION = f"<function=search>\n<parameter=q>\n{Q}\n</parameter>\n</function>"
GLM = f"search\n<arg_key>q</arg_key>\n<arg_value>{Q}</arg_value>\n"
DEEPSEEK = (
    f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>search\n```json\n{ARGS}\n```<｜tool▁call▁end｜>"
)
DEEPSEEK_31 = f"<｜tool▁call▁begin｜>search<｜tool▁sep｜>{ARGS}<｜tool▁call▁end｜>"
KIMI = f"<|tool_call_begin|>functions.search:0<|tool_call_argument_begin|>{ARGS}<|tool_call_end|>"
STEP = (
    '<steptml:invoke name="search"><steptml:parameter '
    f'name="q">{Q}</steptml:parameter></steptml:invoke>'
)

REACT_JSON = f'{{"action": "search", "action_input": {ARGS}}}'


def prefixed(prefix: str, text: str = INVOKE) -> str:
    """Return tags of XML with a prefix to their names."""
    for name in ("invoke", "parameter", "function_calls"):
        text = text.replace(f"<{name}", f"<{prefix}{name}").replace(
            f"</{name}", f"</{prefix}{name}"
        )
    return text


def autogen(head: str, body: str) -> str:
    """Return a call or result as AutoGen prints it."""
    head = f"***** {head} *****"
    return f"{head}\n{body}\n{'*' * len(head)}\n"


CALLS_OF_CLAUDE = f"<function_calls>\n{INVOKE}\n</function_calls>"
OLD_CLAUDE = (
    f"<invoke>\n<tool_name>search</tool_name>\n<parameters>\n<q>{Q}</q>\n</parameters>\n</invoke>"
)

CALLS: list[tuple[str, str]] = [
    ("hermes", f"<tool_call>\n{JSON}\n</tool_call>"),
    ("hermes", f"<TOOL_CALL>{JSON}</TOOL_CALL>"),
    ("hermes", f"<tool_calls>[{JSON}]</tool_calls>"),
    ("hermes", f"<tool_calls>search\n```json\n{ARGS}\n```\n</tool_calls>"),
    ("hermes", f'<tool_call name="search">{ARGS}</tool_call>'),
    ("hermes", f"<tool_call>{GLM}</tool_call>"),
    ("hermes", f"<longcat_tool_call>{JSON}</longcat_tool_call>"),
    ("qwen-coder", f"<tool_call>\n{FUNCTION}\n</tool_call>"),
    ("qwen-coder", FUNCTION),
    ("qwen-coder", f"<function=search>{ARGS}</function>"),
    ("qwen-coder", f"<seed:tool_call>\n{FUNCTION}\n</seed:tool_call>"),
    ("qwen-coder", f"<minimax:tool_call>\n{INVOKE}\n</minimax:tool_call>"),
    ("claude", CALLS_OF_CLAUDE),
    ("claude", CALLS_OF_CLAUDE.replace("function_calls", "FUNCTION_CALLS")),
    ("claude", INVOKE),
    ("claude", prefixed("antml:", CALLS_OF_CLAUDE)),
    ("claude", prefixed("antml:")),
    ("claude", f"<function_calls>{OLD_CLAUDE}</function_calls>"),
    ("claude", f'<function_calls><invoke name="search">{ARGS}</invoke></function_calls>'),
    ("deepseek", prefixed("｜DSML｜", CALLS_OF_CLAUDE)),
    ("deepseek", prefixed("｜DSML｜", CALLS_OF_CLAUDE).replace("function_calls", "tool_calls")),
    ("deepseek", f"<｜tool▁calls▁begin｜>{DEEPSEEK}<｜tool▁calls▁end｜><｜end▁of▁sentence｜>"),
    ("deepseek", f"<｜tool▁calls▁begin｜>{DEEPSEEK_31}<｜tool▁calls▁end｜>"),
    ("deepseek", f"<|tool_calls_begin|>{DEEPSEEK_31}<|tool_calls_end|>"),
    ("deepseek", DEEPSEEK_31),
    (
        "step",
        f"<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>{STEP}<｜tool_call_end｜><｜tool_calls_end｜>",
    ),
    ("kimi", f"<|tool_calls_section_begin|>{KIMI}<|tool_calls_section_end|>"),
    ("kimi", f"<|tool_calls_section_begin|>\n{KIMI}\n<|tool_calls_section_end|><|im_end|>"),
    ("kimi", KIMI),
    ("granite", f"<|tool_call|>[{JSON}]"),
    ("granite", f"<|tool_call|>\n[{JSON}]\n"),
    ("granite", f"<function_call>{JSON}</function_call>"),
    ("granite", f"<function_call> {JSON}\n"),
    ("granite", f"<functioncall> {JSON} <|endoftext|>\n"),
    ("phi", f"<|tool_call|>[{JSON}]<|/tool_call|>"),
    ("phi", f"functools[{JSON}]"),
    ("phi", f"<|tool_calls|>[{JSON}]<|/tool_calls|>"),
    ("nemotron", f"<TOOLCALL>[{JSON}]</TOOLCALL>"),
    ("mistral", f"[TOOL_CALLS] [{JSON}]"),
    ("mistral", f"[TOOL_CALLS][{JSON}]</s>"),
    ("mistral", f"[TOOL_CALLS]search[ARGS]{ARGS}"),
    ("mistral", f"[TOOL_CALLS]search[CALL_ID]abc123XYZ[ARGS]{ARGS}"),
    ("mistral", f"[TOOL_CALLS]search{ARGS}"),
    ("llama", f"<|python_tag|>{LLAMA}<|eom_id|>"),
    ("llama", f"<|python_tag|>{LLAMA}"),
    ("llama", f'<|python_tag|>search.call(q="{Q}")<|eot_id|>'),
    ("llama", f'<|python_tag|>search(q="{Q}")'),
    ("llama", f"<|python_start|>[{PYTHON}]<|python_end|>"),
    ("lfm", f"<|tool_call_start|>[{PYTHON}]<|tool_call_end|>"),
    ("internlm", f"<|action_start|><|plugin|>\n{LLAMA}<|action_end|>"),
    (
        "cohere",
        (
            f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "search", "parameters": '
            f"{ARGS}}}]<|END_ACTION|>"
        ),
    ),
    ("apertus", f'<|tools_prefix|>[{{"search": {ARGS}}}]<|tools_suffix|>'),
    ("gemma", f"```tool_code\n{PYTHON}\n```"),
    ("gemma", f"```tool_code\nprint(search(q='{Q}'))\n```"),
    ("gemma", f"```tool_call\n{JSON}\n```"),
    ("gemma", f"<start_function_call>call:search{{q:<escape>{Q}<escape>}}<end_function_call>"),
    ("gemma", f'<|tool_call>call:search{{q:<|"|>{Q} "x"<|"|>,n:3}}<tool_call|>'),
    ("hector", f'[Tool: search(q="{Q}")]\n'),
    ("hector", f"[Tool: search({ARGS})]\n"),
    ("qwen-agent", f"✿FUNCTION✿: search\n✿ARGS✿: {ARGS}\n✿RESULT✿: {RESULT}\n✿RETURN✿: "),
    ("pangu", f"[unused11][{JSON}][unused12]"),
    (
        "harmony",
        f"<|channel|>commentary to=functions.search <|constrain|>json<|message|>{ARGS}<|call|>",
    ),
    ("grok", f'<xai:function_call name="search">\n{PARAMETER}\n</xai:function_call>'),
    ("minicpm", f'<function name="search"><param name="q">{Q}</param></function>'),
    ("minicpm", f'<function_call name="search">{ARGS}</function_call>'),
    ("qwen-coder", f"<tools>\n{JSON}\n</tools>"),
    ("qwen-coder", f"<tools>\n<tool_call>{JSON}</tool_call>\n</tools>"),
    (
        "cline",
        (
            "<use_mcp_tool>\n<server_name>web</server_name>\n<tool_name>search</tool_name>\n"
            f"<arguments>\n{ARGS}\n</arguments>\n</use_mcp_tool>"
        ),
    ),
    ("functionary", f"<|from|>assistant\n<|recipient|>search\n<|content|>{ARGS}<|stop|>"),
    ("gorilla", f'<<function>>search(q="{Q}")'),
    ("minimax", f'[TOOL_CALL]\n{{tool => "search", args => {{\n  --q "{Q}"\n}}}}\n[/TOOL_CALL]'),
    ("lm-studio", f"[TOOL_REQUEST]\n{JSON}\n[END_TOOL_REQUEST]"),
    ("gemini", f"<tool_code>\nprint(search(q='{Q}'))\n</tool_code>"),
    ("gemini", f"```python\nprint(default_api.search(q='{Q}'))\n```"),
    # attributes
    ("hermes", f'<tool_call id="c1">{JSON}</tool_call>'),
    ("hermes", f"<tool_call id=c1 name='x'  >{JSON}</tool_call>"),
    ("hermes", f'<tool_call name="search" id="c1">{ARGS}</tool_call>'),
    ("claude", f'<function_calls type="a b">\n{INVOKE}\n</function_calls>'),
    *[
        ("hermes", f"<{name}>\n{JSON}\n</{name}>")
        for name in ("call", "action", "function", "tool")
    ],
    *[
        ("tokens", f"<|{opener}|>[{JSON}]<|{end}|>")
        for opener, end in (
            ("tool_calls_start", "tool_calls_end"),
            ("begin_function_call", "end_function_call"),
            ("begin_of_tool_call", "end_of_tool_call"),
            ("start_tool_call", "end_tool_call"),
        )
    ],
    ("qwen-coder", f"<__function=search>{ARGS}</__function>"),
    (
        "gigachat",
        f"<|message_sep|>\n\nfunction call<|role_sep|>\n{JSON}<|message_sep|>\n\n",
    ),
    ("hyperclova", f"<|im_start|>assistant -> tool/function_call\n[{JSON}]<|im_end|>\n"),
    *[
        ("qwen-coder", f"<function{opener}{ARGS}</function>")
        for opener in ("=search", "=search ", "(search)>", "(search)", "/search>")
    ],
    *[
        ("hermes", f"<{name}>{JSON}</{name}>")
        for name in (
            *("tool-call", "function-calls", "tool_invocation", "function_use", "tool_calling"),
            *("toolUse", "tool_request", "mcp_call", "mcp_tool_use", "server_tool_use", "api_call"),
        )
    ],
    ("hermes", f'<tool name="search">{ARGS}</tool>'),
    ("hermes", f'<call name="search">{ARGS}</call>'),
    ("qwen-coder", f"<tool=search>{ARGS}</tool>"),
    ("hermes", f"<mcp_call>{JSON}</mcp_call>\n<mcp_tool_result>{RESULT}</mcp_tool_result>"),
    ("rubra", f"starttoolcall{JSON}endtoolcall"),
    ("gemini", f"<ctrl42>call:search{{q:<ctrl46>{Q}<ctrl46>}}"),
    ("gemini", f"call:default_api:search{{q:<ctrl46>{Q}<ctrl46>}}\n"),
    ("autogen", autogen("Suggested tool call (call_1): search", f"Arguments:\n{ARGS}")),
    (
        "autogen",
        (
            autogen("Suggested function call: search", f"Arguments: \n{ARGS}")
            + autogen("Response from calling tool (call_1)", RESULT)
        ),
    ),
    ("fence", f"```tool\n{JSON}\n```"),
    ("fence", f"```tool_use\n{JSON}\n```"),
    ("openhands", f"<execute>\nsearch('{Q}')\n</execute>"),
    (
        "open-webui",
        f'<code_interpreter type="code" lang="python">\nsearch("{Q}")\n</code_interpreter>',
    ),
    (
        "open-webui",
        (
            '<details type="tool_calls" done="true" id="c1" name="search" '
            f'arguments="{Q}" result="{RESULT}">\n<summary>Tool Executed</summary>\n</details>'
        ),
    ),
    ("langchain", f"<tool>search</tool>\n<tool_input>{Q}</tool_input>"),
    ("langchain", f"<tool_name>search</tool_name>\n<tool_input>{ARGS}</tool_input>"),
    (
        "langchain",
        (
            f"<action>search</action><action_input>{Q}</action_input>\n"
            f"<observation>{RESULT}</observation>"
        ),
    ),
    ("continue", f"```tool\nTOOL_NAME: search\nBEGIN_ARG: q\n{Q}\nEND_ARG\n```"),
    (
        "dspy",
        (
            f"[[ ## next_thought ## ]]\n{THOUGHT}\n\n[[ ## next_tool_name ## ]]\nsearch\n\n"
            f"[[ ## next_tool_args ## ]]\n{ARGS}\n\n[[ ## completed ## ]]\n"
        ),
    ),
]

NAMED_CALLS: list[tuple[str, str]] = [
    ("search", f"search\n{ARGS}"),
    ("search", f"search\n{ARGS}<|observation|>\n"),
    ("web.search-2", f"web.search-2\n{ARGS}"),
    ("search_web", f"<search_web>\n<q>{Q}</q>\n</search_web>"),
    ("search-web", f"<search-web><q>{Q}</q><n>1</n></search-web>\n"),
    ("searchWeb", f"<searchWeb>\n  <q>{Q}</q>\n</searchWeb>"),
    ("search", f"Call: search(q='{Q}')<bot_end>\n"),
    ("search", f"Call: search(q='{Q}')\nThought: {THOUGHT}\n"),
    ("search", f"search\n```python\ntool_call(q='{Q}')\n```"),
    ("search", f"<search>{ARGS}</search>"),
    ("search", f"<action>search(q='{Q}')</action>"),
    ("search", f"<code>\nsearch(q='{Q}')\n</code>"),
    ("search", f"[Calling search(q='{Q}')]\n"),
    ("search", f"[Tool call: search({ARGS})]\n"),
    ("search", f"<|assistant|>search\n{ARGS}<|observation|>\n"),
]
"""Calls that begin with the name of a tool, and the name."""

LATE_CALLS: list[tuple[str, str]] = [
    ("json", f">>>search\n{ARGS}\n>>>all\n"),
    ("pythonic", f"tool_code\nprint(search(q='{Q}'))\n"),
    ("pythonic", f"print(default_api.search(q='{Q}'))\n"),
    ("json", f'Action: ```json\n[{{"tool_name": "search", "parameters": {ARGS}}}]\n```'),
    ("json", f'{{"tool": "search", "args": {ARGS}}}'),
    ("json", f'{{"action": "search", "action_input": "{Q}"}}'),
    ("json", f'```json\n{{"tool_name": "search", "parameters": {ARGS}}}\n```'),
    ("json", f'{{"function": "search", "parameters": {ARGS}}}'),
    ("json", f'{{"type": "tool_use", "id": "t1", "name": "search", "input": {ARGS}}}'),
    ("json", f'{{"tool_calls": [{JSON}]}}'),
    ("json", f'{{"function_call": {JSON}}}'),
    (
        "json",
        f'{{"tool_uses": [{{"recipient_name": "functions.search", "parameters": {ARGS}}}]}}',
    ),
    ("json", f"functions.search:0{ARGS}"),
    ("json", f'{{"thought": "{THOUGHT} \\"x\\"", "action": "search", "action_input": {ARGS}}}'),
    ("json", f"functions.search({ARGS})"),
    ("json", f"Tool: search\nTool Input: {ARGS}"),
    ("json", f"**Calling function:** search\n\n**Arguments:** {ARGS}"),
    ("json", JSON),
    ("json", LLAMA),
    ("json", f"[{JSON}]"),
    ("json", f'{{"type": "function", "function": {JSON}}}'),
    ("json", f'{{"id": "c1", "type": "function", "function": {JSON}}}'),
    ("json", f"```json\n{JSON}\n```"),
    ("json", f"```json\n[{LLAMA}]\n```"),
    ("json", f"```\n{LLAMA}\n```"),
    ("json", '{\n  "name": "search",\n  "arguments": {\n    "q": "' + Q + '"\n  }\n}'),
    ("pythonic", f"[{PYTHON}]"),
    ("pythonic", "[search()]"),
    ("pythonic", f"[search(q='{Q}'), search(q='{Q}')]"),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction: search\nAction Input: {ARGS}\nObservation: {RESULT}\n"
            f"Final "
            "Answer: "
        ),
    ),
    (
        "react",
        (
            f"Action: search\nAction Input: {Q}\nObservation: {RESULT}\nThought: {THOUGHT}\nFinal "
            "Answer: "
        ),
    ),
]
"""Calls that can be told from an answer by the names of the run's tools."""


def in_bold(label: str) -> str:
    """Return a call and a result of ReAct with labels in bold."""
    thought, action, given, observed, answer = (
        label.format(name)
        for name in ("Thought", "Action", "Action Input", "Observation", "Final Answer")
    )
    return (
        f"{thought} {THOUGHT}\n\n{action} search\n\n{given} {ARGS}\n\n{observed} {RESULT}\n\n"
        f"{thought} {THOUGHT}\n{answer} "
    )


SURE_CALLS: list[tuple[str, str]] = [
    ("nexus", f"Call: search(q='{Q}')<bot_end>\nThought: {THOUGHT}\n"),
    ("search-r1", f"<search> {Q} </search>\n\n<information>{RESULT}</information>\n"),
    ("search-r1", f"<think>{THOUGHT}</think>\n<search>{Q}</search>"),
    ("json", f"[{JSON}]"),
    ("turn", f"<|observation|>\n{RESULT}<|assistant|>\n"),
    *[("react", in_bold(label)) for label in ("**{}:**", "**{}**:", "*{}:*")],
    (
        "react",
        (
            f"**Thought**: {THOUGHT}\n\n**Action**:\n```json\n{REACT_JSON}\n```\n\n"
            f"**Observation**: {RESULT}\n\n**Final Answer**: "
        ),
    ),
    (
        "react",
        (
            f"THOUGHT: {THOUGHT}\nACTION: search\nACTION INPUT: {ARGS}\nOBSERVATION: {RESULT}\n"
            "FINAL ANSWER: "
        ),
    ),
    (
        "react",
        f"Thought: {THOUGHT}\nAction: search: {Q}\nPAUSE\n\nObservation: {RESULT}\nAnswer: ",
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction: search\nAction Input: {Q}\nObservation: {RESULT}\n"
            "Thought: Do I need to use a tool? No\nAI: "
        ),
    ),
    ("json", f">>>search\n{ARGS}\n>>>all\n"),
    ("pythonic", f"tool_code\nprint(search(q='{Q}'))\n"),
    ("pythonic", f"print(default_api.search(q='{Q}'))\n"),
    ("json", f'Action: ```json\n[{{"tool_name": "search", "parameters": {ARGS}}}]\n```'),
    ("harmony", f"commentary to=functions.search json{ARGS}"),
    ("harmony", f"to=functions.search code\n{ARGS}"),
    ("harmony", f"assistant to=functions.search <|message|>{ARGS}<|call|>"),
    ("json", JSON),
    (
        "json",
        (
            '{"tool_calls": [{"id": "c1", "type": "function", "function": '
            f'{{"name": "search", "arguments": {json.dumps(ARGS)}}}}}]}}'
        ),
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nCode:\n```py\nfound = search('{Q}')\n```<end_code>\n"
            f"Observation: {RESULT}\nFinal Answer: "
        ),
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\n<code>\nfound = search('{Q}')\n</code>\n"
            f"Observation: {RESULT}\nFinal Answer: "
        ),
    ),
    ("json", f'{{"type": "function", "function": {JSON}}}'),
    ("json", f"{JSON}\n{JSON}"),
    ("json", f"{JSON}; {JSON}"),
    ("json", '{\n  "name": "search",\n  "arguments": {\n    "q": "' + Q + '"\n  }\n}'),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction: search\nAction Input: {ARGS}\nObservation: {RESULT}\n"
            f"Final "
            "Answer: "
        ),
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\n\nAction: Zquery search\nAction Input: {Q}\nObservation: "
            f"{RESULT}\n"
            "\nFinal Answer: "
        ),
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction:\n```json\n{REACT_JSON}\n```\nObservation: {RESULT}\n"
            f"Final "
            "Answer: "
        ),
    ),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction:\n```\n"
            f'{{\n  "action": "search",\n  "action_input": "{Q}"\n'
            f"}}\n```\n\n"
        ),
    ),
    (
        "react",
        f"Thought 1: {THOUGHT}\nAction 1: search[{Q}]\nObservation 1: {RESULT}\nFinal Answer: ",
    ),
    (
        "react",
        (
            f"Action: search\nAction Input: {ARGS}\nObservation: {RESULT}\nThought: {THOUGHT}\n"
            f"Final "
            "Answer: "
        ),
    ),
    (
        "react",
        (
            f'Thought: {THOUGHT}\nAction: {{"action": "search", "action_input": {{"q": "{Q}"}}}}\n'
            "Final Answer: "
        ),
    ),
    (
        "react",
        (
            f'Question: {THOUGHT}\nThought: {THOUGHT}\nAction: search(q="{Q}")\nObservation: '
            f"{RESULT}\nFinal Answer: "
        ),
    ),
    ("react", f"Thought: {THOUGHT}\nFinal Answer: "),
    ("react", f"Thought: {THOUGHT}\nAction: search\nAction Input: {ARGS}\nObservation: {RESULT}"),
    (
        "react",
        (
            f"Thought: {THOUGHT}\nAction: search\nAction Input: {ARGS}\nObservation: {RESULT}\n"
            "Answer: "
        ),
    ),
]
"""Calls that can be told from an answer where a text begins with them."""

THOUGHTS: list[tuple[str, str]] = [
    *[
        ("think", f"<{name}>{THOUGHT}</{name}>")
        for name in ("think", "THINK", "thinking", "thought", "reasoning", "thoughts")
    ],
    ("think", f"{THOUGHT}\n</think>\n"),
    ("think", f"<think>\n{THOUGHT}\n</think>\n\n<answer>"),
    ("nested", f"<think>a <think>{THOUGHT}</think> {THOUGHT}</think>"),
    ("nested", f"<think>\n<think>\n{THOUGHT}</think>"),
    (
        "nested",
        f"<thinking>a <thinking>b <thinking>{THOUGHT}</thinking> c</thinking> {THOUGHT}</thinking>",
    ),
    ("nested", f"<thinking>{THOUGHT} <reflection>{THOUGHT}</reflection> {THOUGHT}</thinking>"),
    ("think", f"<think>{THOUGHT}</thinking>"),
    ("think", f"<thinking>{THOUGHT} </think> {THOUGHT}</thinking>"),
    ("think", f"<think>{THOUGHT}</think>\n\n<response>\n"),
    ("scratchpad", f"<scratchpad>{THOUGHT}</scratchpad>"),
    ("scratchpad", f"<reflection>\n{THOUGHT}\n</reflection>"),
    ("scratchpad", f"<inner_monologue>{THOUGHT}</inner_monologue>"),
    ("magistral", f"[THINK]{THOUGHT}[/THINK]"),
    ("magistral", f"[THINK]\n{THOUGHT} [x]\n[/THINK]\n\n"),
    ("magistral", f"{THOUGHT}[/THINK]"),
    ("magistral", f"{THOUGHT} [THINK]{THOUGHT}[/THINK]".removeprefix(THOUGHT)),
    ("scratchpad", f"<SCRATCHPAD>{THOUGHT}</Scratchpad>"),
    ("seed", f"<seed:think>{THOUGHT}</seed:think>"),
    (
        "seed",
        f"<seed:think>a<seed:cot_budget_reflect>{THOUGHT}</seed:cot_budget_reflect>b</seed:think>",
    ),
    ("seed", f"{THOUGHT}</seed:think>"),
    ("kimi", f"◁think▷{THOUGHT}◁/think▷"),
    ("kimi", f"◁think▷\n{THOUGHT}\n◁/think▷\n\n"),
    ("kimi", f"<|open|>think<|sep|>{THOUGHT}<|close|>think<|sep|><|open|>response<|sep|>"),
    ("open-thoughts", f"<|begin_of_thought|>\n{THOUGHT}\n<|end_of_thought|>\n"),
    ("open-thoughts", f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n\n<|begin_of_solution|>"),
    ("cohere", f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>"),
    ("apertus", f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>"),
    ("gemma", f"<|channel>thought\n{THOUGHT}<channel|>"),
    ("gemma", f"<unused94>thought\n{THOUGHT}<unused95>"),
    ("pangu", f"[unused16]{THOUGHT}[unused17]"),
    ("gemini", f"<ctrl94>thought\n{THOUGHT}<ctrl95>"),
    ("solar", f"<|think|>{THOUGHT}<|end|><|begin|>assistant<|content|>"),
    ("s1", f"<|im_start|>think\n{THOUGHT}<|im_start|>answer\n"),
    ("unsloth", f"<start_working_out>{THOUGHT}<end_working_out><SOLUTION>"),
    ("unsloth", f"<reasoning_start>{THOUGHT}<reasoning_end>"),
    ("think", f'<thinking mode="deep">{THOUGHT}</thinking>\n'),
    ("think", f"<think time=3  budget='1 2'>\n{THOUGHT}\n</think>\n"),
    ("think", f'<reasoning effort="high" >{THOUGHT}</reasoning>'),
    *[
        ("think", f"<|{opener}|>{THOUGHT}<|{end}|>")
        for opener, end in (
            ("thinking", "/thinking"),
            ("thought_start", "thought_end"),
            ("begin_thinking", "end_thinking"),
            ("begin_of_think", "end_of_think"),
            ("start_reasoning", "end_reasoning"),
        )
    ],
    ("hyperclova", f"<|im_start|>assistant/think\n{THOUGHT}<|im_end|>\n<|im_start|>assistant\n"),
    ("scratchpad", f"<lobeThinking>{THOUGHT}</lobeThinking>\n\n"),
    ("analysis", f"<analysis>\n{THOUGHT}\n</analysis>\n\n<answer>"),
    ("librechat", f":::thinking\n{THOUGHT}\n:::\n\n"),
    ("dspy", f"[[ ## reasoning ## ]]\n{THOUGHT}\n\n[[ ## answer ## ]]\n"),
    ("cline", f"<thinking>{THOUGHT}</thinking>\n\n<attempt_completion>\n<result>\n"),
    (
        "analysis",
        (
            f"<SUMMARY> {THOUGHT} </SUMMARY>\n\n<CAPTION> {THOUGHT} </CAPTION>\n\n"
            f"<REASONING> {THOUGHT} </REASONING>\n\n<CONCLUSION> "
        ),
    ),
    ("poe", f"*Thinking...*\n\n> {THOUGHT}\n> {THOUGHT}\n\n"),
    (
        "open-webui",
        (f"<details>\n<summary>Thought for 3 seconds</summary>\n\n> {THOUGHT}\n\n</details>\n\n"),
    ),
    ("analysis", f"<plan>{THOUGHT}</plan>\n<answer>"),
    ("think", f"<|reasoning|>{THOUGHT}<|/reasoning|>"),
    ("turn", f"<think>{THOUGHT}</think><|begin_of_box|>"),
    ("fence", f"```thinking\n{THOUGHT}\n\n{THOUGHT}\n```\n"),
    (
        "open-webui",
        (
            '<details type="reasoning" done="true" duration="3">\n'
            f"<summary>Thought for 3 seconds</summary>\n> {THOUGHT}\n</details>\n"
        ),
    ),
    ("magistral", f"[thinking]\n{THOUGHT}\n[/thinking]\n"),
    *[
        ("scratchpad", f"<{name}>\n{THOUGHT}\n</{name}>\n")
        for name in (
            *("scratch_pad", "thought_process", "chain_of_thought", "internal_thoughts"),
            *("reasoning_content", "inner_voice", "thinking_block", "redacted_thinking"),
        )
    ],
    ("granite", f"Here is my thought process: {THOUGHT}\nHere is my response: "),
    ("granite", f"Here's my thought process:\n\n{THOUGHT}\n\nHere's my response:\n\n"),
    ("granite", f"<think>{THOUGHT}</think><response>".removesuffix("<response>")),
    (
        "harmony",
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    (
        "harmony",
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|>assistant<|channel|>final<|message|>",
    ),
    (
        "harmony",
        (
            f"assistant<|channel|>analysis<|message|>{THOUGHT}<|end|>\n"
            "<|start|>assistant<|channel|>final<|message|>"
        ),
    ),
    ("harmony", f"analysis<|message|>{THOUGHT}<|end|>final<|message|>"),
    ("harmony", f"analysis{THOUGHT}assistantfinal"),
    (
        "harmony",
        f"analysis{THOUGHT}assistantcommentary to=functions.search json{ARGS}assistantfinal",
    ),
    ("results", f"<tool_response>{RESULT}</tool_response>"),
    ("results", f"<tool_response>\n{RESULT}\n</tool_response>\n"),
    ("results", f"<function_results>{RESULT}</function_results>"),
    ("results", f"[TOOL_RESULTS]{RESULT}[/TOOL_RESULTS]"),
    ("results", f"<｜tool▁outputs▁begin｜>{RESULT}<｜tool▁outputs▁end｜>"),
    ("results", f"```tool_output\n{RESULT}\n```\n"),
    ("results", f"<|START_TOOL_RESULT|>{RESULT}<|END_TOOL_RESULT|>"),
    ("results", f'<tool_response id="c1">{RESULT}</tool_response>'),
    ("results", f"<|tool_result_start|>{RESULT}<|tool_result_end|>"),
    ("results", f"<|begin_search_result|>{RESULT}<|end_search_result|>"),
    ("results", f"```tool_result\n{RESULT}\n```\n"),
    ("results", f"<|start_header_id|>ipython<|end_header_id|>\n\n{RESULT}<|eot_id|>\n"),
]

TURN_ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<｜end▁of▁sentence｜>",
    "<|return|>",
    "<|im_end|>\n",
    "</s>",
    "\n</s>\n",
    "<|eos|>",
    "<|role_end|><|pad|>\n",
    "\n<|separator|>",
    "[|endofturn|]",
    "<eos>",
    "<pad><pad>",
    f"<|im_end|>\n<|im_start|>user\n{THOUGHT}",
    f"\n<|user|>\n{THOUGHT}",
)

KEPT = [
    "Use `<think>` and `</think>`, `[THINK]`, `[TOOL_CALLS]` or `<|python_tag|>` in the prompt.",
    '```\n<tool_call>\n{"name": "search", "arguments": {}}\n</tool_call>\n```\nis Hermes\' form.',
    '```json\n{"name": "search", "arguments": {"q": "x"}}\n```\nis a call.',
    '```json\n{"name": "Ada", "age": 36}\n```',
    '{"name": "Ada", "age": 36}',
    '{"name": "Ada", "arguments": ["for", "against"]}',
    '{"name": "Ada Lovelace", "arguments": {"for": 1}}',
    '{"name": "resnet", "parameters": {"layers": 50}}',
    '{"name": "search", "description": "Searches.", "parameters": {"type": "object"}}',
    '[{"name": "Ada"}, {"name": "Bo"}]',
    "[1, 2, 3]",
    '{"action": "search", "why": "It is cold."}',
    '{"tool": "hammer", "args": {"nails": 3}}',
    '{"tool_calls": 3, "failed": 0}',
    "```python\n>>> search\n{'a': 1}\n```",
    "<tools>\n<tool>hammer</tool>\n</tools>",
    "functions.php {\n}",
    "[TOOL_CALL] and [TOOL_REQUEST] are tokens.",
    "<details open>\n<summary>Why</summary>\nBecause.\n</details>",
    "The tool_code is print(1).",
    "[range(3), sorted(x)]",
    "[Tool: hammer]\n[Tool] saw",
    'The call is `search(q="x")`; [search](https://example.org) has more.',
    'In JSON: {"name": "search", "arguments": {}} is a call.',
    "> <tool_call> quoted".replace("<tool_call>", "`<tool_call>`"),
    "The tag \"<think>\" opens a thought, and '</think>' ends it.",
    "The tag “<tool_call>” and (<think>).",
    "Write \\<think> for the tag.",
    "&lt;think&gt; is escaped, and <thnik> or <think/> or < think> misspelt.",
    "[think] and [Think] and [THINKING] are words; so is [TOOL CALLS].",
    "Thought: it is fair.\nAction: look into [1] and (2).\nOwner: Bo",
    "Write it on a <scratchpad> first.",
    "The token [TOOL_CALLS] begins a call of Mistral's, [THINK] a thought.",
    "Llama writes <|eot_id|> at the end, ChatML <|im_end|> or so.",
    "a<b and b>c, x < y, i<10 && j>2",
    "<details><summary>More</summary>Text</details>",
    "Thought: it is nice.\n\nThen we go.",
    "Thought: we are late.\nAction: call the vendor.\nOwner: Ann",
    "Action: call the vendor.\nOwner: Ann",
    (
        "ReAct goes like this:\n\nThought: I need it.\nAction: search\nAction Input: x\n"
        "Observation: "
        "y\nFinal Answer: z"
    ),
    "> Thought: I need it.\n> Action: search\n> Action Input: x",
    "Here is my thought process: first the vendor, then the price.",
    "My own. Here is my thought process: a. Here is my response: b.",
    "analysis of variance is a test",
    "analysisResult is a name in camel case, and assistant is a word.",
    "assistant is a word; final, too.",
    "final",
    "functools[0] is no call; functools.reduce is.",
    "Final Answer: 42",
    "Observation: it rains.",
    "An answer with a tag: <answer>42</answer>, or <s>struck</s>",
    "```tool_codes\nx\n```",
    "```python\nprint('<think>')\n```",
    "~~~\nx\n~~~",
    "$$\\left[ x \\right]$$ and \\[ y \\]",
    "- [ ] open\n- [x] done",
    "A pipe | and a star * and <br> and <|not a token|>.",
    "Tom's `x` isn't \"<\" or '['.",
    "✿ a flower ✿ and ◁ a triangle ▷",
    "{not json}\n[not a list\n{",
    "a\\\\b `c\\` d",
    # --- answers that speak of thoughts and calls, or have their words
    "A model puts its thoughts between `<think>` and `</think>`; split at the second one.",
    "In Qwen3, \"<think>\" opens the thought; '</think>' ends it, and “<answer>” is not used.",
    'The attribute form `<think mode="deep">` is rare, as is (<thinking level=3>).',
    "<think-cell> is a company, <thinkpad model='x1'> a tag of its own, <thinking_cap/> none.",
    "If a <think or think> b, then a < think mode.",
    "**Reasoning:** both are odd.\n\n**Answer:** 8",
    "**Thinking:** both are odd, so the sum is even.\n\n**Answer:** 8",
    "**Answer:** It is 7 degrees.\n\n**Final answer:** 7",
    "Thinking: two odd numbers.\nAnswer: an even one.",
    "Answer: 42\nFinal answer: 42",
    "## Thinking\n\nThis chapter is on how to think.\n\n## Exercises\n\nOne a day.",
    "## Thinking\n\nWe sort first.\n\n## Answer\n\nO(n log n)",
    "# Thinking in Systems\n\nOn feedback.\n\n## Response\n\nNone.",
    "### Thought process\n\n1. Read.\n2. Try.\n\n### Final answer\n\nYes.",
    "Thinking process:\n\n1. Look.\n2. Leap.\n\nResponse: fine.",
    "► **THINKING** is a label, and ► **ANSWER** another.",
    "```xml\n<tools>\n  <tool>search</tool>\n  <tool_input>x</tool_input>\n</tools>\n```",
    "```xml\n<read_file>\n<path>a.py</path>\n</read_file>\n```\nis how Cline reads a file.",
    '```html\n<details type="reasoning">\n<summary>x</summary>\n</details>\n```',
    '````markdown\n```tool\n{"name": "search"}\n```\n````',
    "~~~\n[[ x ]]\n~~~\nis a test of bash: [[ -f a ]] && [[ ## ]]",
    "<details>\n<summary>Proof</summary>\n\nBy induction.\n\n</details>\n\nDone.",
    '<details class="tool_calls" open>\n<summary>Calls</summary>\nTwo.\n</details>',
    '<p>It is <output name="x">7</output>.</p>\n<code>x</code>',
    '<search>\n  <form><input name="q"></form>\n</search>',
    "<documents>\n<document>One</document>\n</documents>",
    "<analysis>\nSales rose.\n</analysis>\n\n<summary>\nOrder more.\n</summary>",
    "<execute>\n  <command>ls</command>\n</execute>\nis a part of the file.",
    "<action>\n  <name>save</name>\n</action>\n<tool>\n  <id>3</id>\n</tool>",
    "<tool>{tool.name}</tool>\n<action>{onSave}</action>",
    '<function>{"a": 1}</function>\n<call>{"x": 2}</call>',
    "<conclusion>Order more.</conclusion>",
    "<information>Open from 9 to 5.</information>",
    ":::note\nRemember.\n:::\n\n:::thinking-box\nx\n:::",
    "Use :::thinking\n:::",
    "search\n\n- weather\n- read_file\n\nare my tools.",
    'Body of a call of lookup:\n\nlookup\n{"q": 1}',
    "Call: 555 1234 (office).\nCall: me(at home)",
    "functions call each other; a function call costs time.",
    "**Thought:** both are odd.\n\n**Action:** add them.\n\n**Final Answer:** 8",
    "**Thought:** it is late.\n**Action:** call the vendor.\n**Owner:** Ann",
    "**Observation:** it rains.\n\n**Thought:** so we stay.",
    "***** Results *****\n7\n*******************\n\n***** Response *****",
    "* a\n* b\n\n**bold** and *italic*, 2*3*4\n\n***\n\n*****\n",
    "<summary>\nSales rose.\n</summary>\n\n<conclusion>\nOrder more.\n</conclusion>",
    "<plan>\nOne a day.\n</plan>\n\n<budget>7</budget>",
    "<search>\n  Find it\n</search>\n<result>none</result>".replace("<result>", "<output>"),
    "<table><caption>Sales</caption><tr><td>7</td></tr></table>",
    "The tokens of Llama 2 are <s> and </s>",
    "The end is </s>",
    "<s>old price</s>",
    "It was <s class='x'>7</s>\n<s>8</s>",
    "The new one is <|audio|>",
    "It has <eos> and <pad> and <unk> and [INST] x [/INST], and <|user|> or <|im_start|>user.",
    "The type is Array<function(string)> or Promise<function(x)>.\nSo it returns a list.",
    "<details>\n<summary>Thought for the day</summary>\n\nFine.\n\n</details>",
    "Tool: hammer\nInput: {nails}",
    "Function: f\nArguments: x, y",
    "<self_reflection>Good year.</self_reflection>",
    "<search>\n<input>\n</search> is a landmark.",
    "<code>\nx = 1\n</code>",
    "AI: it learns.\nTHOUGHT: it does not.",
    "[Calling Oslo (Norway)]\n[Tool call: (none)]",
    "*Thought:* fine.\n*Action:* go.",
    "<details>\n<summary>Thinking in systems</summary>\n\nFine.\n\n</details>",
    "Its tokens:\n<|audio|>\n<|video|>\nand so on.",
    "<|audio|> is a token.",
    "F# has x <|> y and a |> f <| g.",
    "Use starttoolcall to begin and endtoolcall to end a call.",
    "Call: the office.\nThought: why not?",
    "*Thinking...* is what it shows.\n\n> A quote.",
    "<details>\n<summary>Thoughts on it</summary>\n\nFine.\n\n</details>",
    '{"thought": "It is cold.", "mood": "low", "action": "none"}',
    '[{"name": "Ada", "arguments": ["for", "against"]}]',
    "call: the office {urgent}",
    "The tokens <|query|>, <|documents|> and <|conclusion|> are made up.",
    "```tool\nhammer\n```\n\n```tools\n{}\n```",
    '```python\nm = re.search(r"<think>(.*?)</think>", s, re.S)\n```\ntakes it out.',
    r"The pattern `<(\w+)>.*?</\1>` matches; `\[TOOL_CALLS\]` needs escapes.",
]


def texts() -> list[Text]:
    """Return all texts: each form before an answer, behind one, between two, twice, and cut off."""
    found: list[Text] = []
    names: tuple[str, ...] = ("search",)
    for family, call in CALLS:
        found.append(Text(family, f"{call}{_gap(call)}{ANSWER}", ANSWER, names))
        if not call.startswith("functools"):
            found.append(Text(family, f"{INTRO}\n\n{call}", INTRO, names))
            found.append(
                Text(
                    family,
                    f"{INTRO}\n{call}\n{call}{_gap(call)}{ANSWER}",
                    INTRO + ANSWER,
                    names * 2,
                )
            )
            cut = call[: call.index(Q) + 3]
            found.append(Text(family, f"{INTRO}\n{cut}", INTRO, names))
    for name, call in NAMED_CALLS:
        for before in ("", f"{INTRO}\n\n"):
            text = f"{before}{call}{_gap(call)}{ANSWER}"
            found.append(Text("named", text, before + ANSWER, (name,), (name,)))
            if "<|" not in call and "<bot_end>" not in call:
                found.append(Text("kept", text, text, tools=("lookup",)))
    for name in ("read_file", "execute_command", "apply_diff"):
        call = f"<{name}>\n<q>{Q}</q>\n</{name}>"
        found.append(Text("cline", f"{INTRO}\n\n{call}\n\n{ANSWER}", INTRO + ANSWER, (name,)))
    for family, call in LATE_CALLS:
        made = names * max(1, call.count("search(q='"))
        knowns: list[tuple[tuple[str, ...], dict[str, Any]]] = [
            (names, {}),
            ((), {"tags": [family]}),
        ]
        for known in knowns:
            found.append(Text(family, f"{call}{_gap(call)}{ANSWER}", ANSWER, made, *known))
            found.append(
                Text(family, f"{INTRO}\n\n{call}{_gap(call)}{ANSWER}", INTRO + ANSWER, made, *known)
            )
        found.append(Text("kept", f"{INTRO}\n\n{call}", f"{INTRO}\n\n{call}", tools=("lookup",)))
    for family, call in SURE_CALLS:
        found.append(Text(family, f"{call}{_gap(call)}{ANSWER}", ANSWER))
        found.append(
            Text(family, f"<think>{THOUGHT}</think>\n\n{call}{_gap(call)}{ANSWER}", ANSWER)
        )
    for family, thought in THOUGHTS:
        found.append(Text(family, f"{thought}{ANSWER}", ANSWER))
        if family not in ("harmony", "analysis") and thought.startswith(("<", "[", "◁", "```")):
            found.append(Text(family, f"{INTRO}\n\n{thought}{ANSWER}", INTRO + ANSWER))
    found += [Text("turn", f"{ANSWER}{token}", ANSWER) for token in TURN_ENDS]
    found += [Text("kept", text, text) for text in KEPT]
    return found


def _gap(call: str) -> str:
    """Return what stands between a call and an answer: an empty line, unless a label is before the
    answer.
    """
    return "" if call.endswith(": ") else "\n\n"
