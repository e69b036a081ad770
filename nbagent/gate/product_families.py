"""Forms of front ends, frameworks and prompts, of whichever model: a row each."""

from nbagent.gate.form import Form, pairs, tokens

_STARS = ("**********\n",)
_DOTS = ("...", "…")
_SUMMARIES = [
    *(f"Thought for {time}" for time in (*"123456789", "a few", "a moment", "a couple")),
    *(f"Thinking{dots}" for dots in _DOTS),
]
PRODUCTS = [
    Form("open-webui", '<details type="reasoning"%\n', "thought", ("</details>",), "line"),
    *[
        Form("open-webui", f"<details>~<summary>{summary}", "thought", ("</details>",), "line")
        for summary in _SUMMARIES
    ],
    *[
        Form("librechat", f":::{name}→\n", "thought", ("\n:::",), "line")
        for name in ("thinking", "thought", "reasoning")
    ],
    *pairs("cline", "tool", "use_tool", "use_mcp_tool"),
    *[
        Form("cline", f"→<{name}>~<", "tool", (f"</{name}>",), "line")
        for name in (
            "execute_command",
            "read_file",
            "write_to_file",
            "replace_in_file",
            "apply_diff",
            "insert_content",
            "search_files",
            "list_files",
            "list_code_definition_names",
            "codebase_search",
            "browser_action",
            "access_mcp_resource",
            "update_todo_list",
            "switch_mode",
        )
    ],
    *pairs("openhands", "tool", "execute_ipython", "execute_bash", "execute_browse"),
    # An element of XML has elements inside.
    Form("openhands", "<execute>→\n", "tool", ("</execute>",), "line", ahead=r"\A\s*[^<\s]"),
    *pairs("open-webui", "tool", "code_interpreter"),
    Form("open-webui", '→<details type="tool_calls"', "tool", ("</details>",), "line"),
    *[
        Form("langchain", f"<{name}>→@</{name}>~<{given}>", "tool", (f"</{given}>",), "line")
        for name, given in (
            ("tool", "tool_input"),
            ("tool_name", "tool_input"),
            ("action", "action_input"),
        )
    ],
    Form("langchain", "<observation>", "result", ("</observation>",), "line", "family"),
    *tokens(
        "search-o1",
        "tool",
        ("<|begin_search_query|>", "<|end_search_query|>"),
        ("<|begin_of_query|>", "<|end_of_query|>"),
    ),
    *tokens(
        "search-o1",
        "result",
        ("<|begin_search_result|>", "<|end_search_result|>"),
        ("<|begin_of_documents|>", "<|end_of_documents|>"),
    ),
    Form("continue", "```tool→~TOOL_NAME:", "tool", ("\n```",), "fence"),
    Form("hector", "→[Tool: @(", "tool", (")]",), "line"),
    Form("cline", "<attempt_completion>~<result>", "text", place="line"),
    Form("cline", "</result>~</attempt_completion>", "text"),
    *[
        Form("dspy", f"[[ ## {field} ## ]]", "thought", (), "line", labels=True)
        for field in ("reasoning", "rationale", "next_thought")
    ],
    Form(
        "dspy",
        "[[ ## next_tool_name ## ]]→~@~[[ ## next_tool_args ## ]]",
        "tool",
        (),
        "line",
        labels=True,
    ),
    Form("dspy", "[[ ## @ ## ]]", "text", (), "line"),
    # HTML's <search> has elements inside.
    Form(
        "search-r1",
        "<→search>",
        "tool",
        ("</search>",),
        "word",
        ahead=r"\A[^<>]*</search>\s*<(?:information|result)>",
    ),
    Form(
        "search-r1",
        "<→search>",
        "tool",
        ("</search>",),
        "beginning",
        "tag",
        ahead=r"\A[^<>]*</search>",
    ),
    *[
        Form("search-r1", f"<{name}>", "result", (f"</{name}>",), "beginning", "family")
        for name in ("information", "result")
    ],
    *[
        Form(
            "autogen",
            f"***** Suggested {head}→@ *****\nArguments:",
            "tool",
            _STARS,
            "line",
            frame="*",
        )
        for head in ("tool call (@): ", "function call: ", "tool call: ")
    ],
    *[
        Form(
            "autogen",
            f"***** Response from calling {kind}%\n",
            "result",
            _STARS,
            "line",
            frame="*",
        )
        for kind in ("tool", "function")
    ],
    *[Form("poe", f"*Thinking{dots}*~>", "thought", ("\n\n",), "beginning") for dots in _DOTS],
]
