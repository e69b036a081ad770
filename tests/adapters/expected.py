"""Expected content of the recordings whose oracle in the manifest is "expected", taken from the
recorded run itself.
"""

from typing import Any

from adapters.recorded import Recording

LONDON = ["The capital of the UK is London."]
Call = tuple[str, Any, Any]
PARALLEL: list[Call] = [("get_country", {}, "Mexico"), ("get_product_name", {}, "Pydantic AI")]
CAPITAL: list[Call] = [("get_capital", {"country": "UK"}, "London")]
WEATHER = [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny")]
COMPOSED = (
    "I've composed a beautiful symphony piece in D major for you. "
    "If you want more details or adjustments, feel free to let me know!"
)
ROOT_HANDOFF: Call = ("transfer_to_symphony_composer", {}, '{"assistant": "Symphony Composer"}')
CALCULATED: list[Call] = [
    ("calculator", {"a": 12, "b": 7, "op": "add"}, None),
    ("calculator", {"a": 19, "b": 3, "op": "multiply"}, None),
    ("calculator", {"a": 57, "b": 10, "op": "multiply"}, None),
]

EXPECTED: dict[str, tuple[list[str], list[Call]]] = {
    "langchain": (LONDON, WEATHER),
    "langgraph": (LONDON, WEATHER),
    "openai_agents/replay-chat-parallel-tools": (
        LONDON,
        [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny in Mexico City")],
    ),
    "openai_agents/replay-responses-function-call": (
        ["The capital of France is Paris."],
        [("get_capital", {"country": "France"}, "Paris")],
    ),
    "openai_agents/replay-responses-handoff": (
        [COMPOSED],
        [ROOT_HANDOFF, ("compose_music", {"style": "symphony", "key": "D major"}, "composed")],
    ),
    "openai_agents/replay-responses-reasoning-summary": (
        ["The final result is **570**."],
        CALCULATED,
    ),
    "openai_agents/replay-responses-tool-approval": (
        [],
        [("get_capital", {"country": "France"}, None)],
    ),
    "nearai": (["I am Socrates.", "Plato here."], []),
    "dexto/constructed-error": ([], []),
    "dexto/constructed-message-stream": (
        ["Reading now."],
        [
            ("read_file", {"path": "/a.txt"}, [{"type": "text", "text": "hello"}]),
            ("bash", {}, None),
        ],
    ),
    "kb_fastapi": (["Hello"], [("search", {}, "3 hits")]),
    "pydantic_ai/replay-chat-parallel-tools.events": (
        LONDON,
        [*PARALLEL, ("get_weather", {"city": "Mexico City"}, "sunny in Mexico City")],
    ),
    "pydantic_ai/replay-responses-function-call.events": (
        ["The capital of France is Paris."],
        [("get_capital", {"country": "France"}, "Paris")],
    ),
    "langchain/replay-astream_events-v3-subgraph": (LONDON, CAPITAL),
    "langchain/replay-astream_events-v3-interrupt": (
        [],
        [("get_capital", {"country": "UK"}, None)],
    ),
    "langchain/replay-model-events-v3-text": (LONDON, []),
    "langchain/replay-model-events-v3-tool-call": ([], [("get_capital", {"country": "UK"}, None)]),
    "langchain/replay-model-text": (LONDON, []),
    "langchain/replay-model-tool-call": ([], [("get_capital", {"country": "UK"}, None)]),
    "crewai": (LONDON, CAPITAL),
    "agent_framework": (LONDON, CAPITAL),
    "strands": (LONDON, CAPITAL),
    "dspy": (LONDON, CAPITAL),
    "haystack/replay-agent": (LONDON, CAPITAL),
    "haystack/replay-generator": (LONDON, []),
    "semantic_kernel/replay-kernel": (LONDON, CAPITAL),
    "semantic_kernel/replay-agent": (LONDON, []),
    "ag2/replay-agent": (LONDON, CAPITAL),
    "ag2_classic": (LONDON, CAPITAL),
    "agno/replay-agent-events": (LONDON, CAPITAL),
    "agno/replay-agent-content": (LONDON, []),
    "agno/replay-team": (
        [*LONDON, "It is London."],
        [
            ("delegate_task_to_member", {"member_id": "geo", "task": "Capital?"}, LONDON[0]),
            *CAPITAL,
        ],
    ),
    "autogen/replay-agent": (LONDON, CAPITAL),
    "autogen/replay-team": ([*LONDON, "Good."], CAPITAL),
    "claude_agent/constructed-partial": (LONDON, CAPITAL),
    "claude_agent/constructed-subagent": (
        ["I ask.", "London", *LONDON],
        [
            (
                "Task",
                {"subagent_type": "geographer", "description": "capital", "prompt": "Capital?"},
                [{"type": "text", "text": "London"}],
            ),
            *CAPITAL,
        ],
    ),
    "smolagents/replay-out-of-steps": (LONDON, CAPITAL),
    "smolagents": (["done"], [*WEATHER, ("final_answer", {"answer": "done"}, "done")]),
    "llama_index": (LONDON, WEATHER),
    "google_adk/replay-tool-loop": (
        ["The temperature in Paris is 30°C.\n"],
        [
            ("get_capital", {"country": "France"}, "Paris"),
            ("get_temperature", {"city": "Paris"}, "30C"),
        ],
    ),
    "openai_sessions/constructed-turn": (
        ["Let me look.", "Checked: yes.", "Paris."],
        [
            ("get_capital", {"country": "France"}, "Paris"),
            ("command_execution", {"command": "pytest -q", "cwd": "/workspace"}, "2 passed\n"),
            ("find", {"query": "capital"}, {"hits": 3}),
            ("web_search", {"type": "search", "query": "capital of France"}, "completed"),
            ("create_subagent", {"content": "Check it"}, "completed"),
            ("command_execution", {"command": "ls"}, "no"),
            ("wait_for_subagents", {"recipient_agent_ids": ["sub_1"]}, "completed"),
            ("close_subagent", {"recipient_agent_id": "sub_1"}, "completed"),
        ],
    ),
    "openai_sessions/constructed-requires-action": (
        ["I need to ask."],
        [("send", {"to": "b"}, None), ("computer_use", {}, "completed")],
    ),
    "openai_sessions/constructed-failed": (["I begin"], []),
}
"""By recording or folder: the texts, and the calls with their arguments and results."""


def expected_of(recording: Recording) -> tuple[list[str], list[Call]]:
    return EXPECTED[recording.name if recording.name in EXPECTED else recording.folder]
