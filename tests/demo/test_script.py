"""The demo model's script: it calls the tools that a prompt asks for, and answers from their
results.
"""

import json
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nbagent.demo.conversation import Completion, Item, Request
from nbagent.demo.plan import plan
from nbagent.demo.results import quote
from nbagent.demo.scenes import SIGNATURE
from nbagent.demo.script import play

WATCH = "Load the sales of 2025, show the revenue by region, and fetch the rates for CHF."
SALES = {
    "type": "DataFrame",
    "shape": [1010, 2],
    "rows": [{"region": "north", "revenue": 1.5}],
    "…": "1009 more rows",
}
REVENUE = [
    {"region": "north", "2024": 38000.0, "2025": 43700.0, "growth_percent": 15.0},
    {"region": "west", "2024": 18000.0, "2025": 19800.0, "growth_percent": 10.0},
]
REFUSED = ConnectionError("rates.internal:443 refused the connection")
MARKDOWN = MarkdownIt("commonmark").enable("table")


def function(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": parameters,
        "strict": False,
    }


TOOLS: list[Any] = [
    function("load_sales", "Load the sales of one year.", year={"type": "integer"}),
    function(
        "revenue_by",
        "Sum the revenue by a column.",
        column={"type": "string", "enum": ["region", "product"]},
    ),
    function("fetch_rates", "Fetch exchange rates.", currency={"type": "string"}),
]


class Session:
    """Minimal agent: asks, returns `results` for the tools that are called, and asks again."""

    def __init__(self, client: openai.OpenAI, **results: Any) -> None:
        self.client = client
        self.results = {
            "load_sales": SALES,
            "revenue_by": REVENUE,
            "fetch_rates": REFUSED,
            **results,
        }
        self.turns: list[list[str]] = []
        self.thoughts: list[str] = []

    def ask(self, prompt: str, tools: list[Any] = TOOLS, **options: Any) -> str:
        items: list[Any] = [{"role": "user", "content": prompt}]
        while True:
            response = self.client.responses.create(
                model="demo", input=items, tools=tools, **options
            )
            items += [item.model_dump(exclude_none=True) for item in response.output]
            self.thoughts += [
                part.text
                for item in response.output
                if item.type == "reasoning"
                for part in item.summary
            ]
            calls = [item for item in response.output if item.type == "function_call"]
            if not calls:
                return str(response.output_text)
            self.turns.append([f"{call.name}({call.arguments})" for call in calls])
            for call in calls:
                result = self.results[call.name]
                output = (
                    f"Error: {type(result).__name__}: {result}"
                    if isinstance(result, Exception)
                    else json.dumps(result)
                )
                items.append(
                    {"type": "function_call_output", "call_id": call.call_id, "output": output}
                )


def test_the_name_of_a_tool_is_code_in_the_answer(client: openai.OpenAI) -> None:
    tool = function(
        "mean_of", "Mean of numbers.", numbers={"type": "array", "items": {"type": "number"}}
    )
    answer = Session(client, mean_of=2).ask("What is the mean_of 1, 2 and 3?", tools=[tool])
    assert "`mean_of(" in answer
    assert "\\" not in answer


def test_the_tours_answer_quotes_what_its_tools_returned(client: openai.OpenAI) -> None:
    session = Session(client)
    answer = session.ask(WATCH)
    assert session.turns == [
        ['load_sales({"year":2025})'],
        ['revenue_by({"column":"region"})'],
        ['fetch_rates({"currency":"CHF"})'],
    ]
    assert answer.startswith(
        "**north** was the strongest region of 2025: **43,700** in revenue, 69% of the 63,500 in "
        "all."
    )
    assert "| north | 38,000 | 43,700 | 15 |" in answer
    assert r"\frac{43{,}700}{38{,}000} - 1 \right) \approx 15\,\%" in answer
    assert "The 1,010 sales of 2025 are yours already" in answer
    assert "```python\nsales = run.tools[0].result" in answer
    assert (
        "`fetch_rates(currency='CHF')` failed with *ConnectionError: rates.internal:443 refused "
        "the connection*"
    ) in answer
    assert answer.endswith("a script, not a language model.*")
    assert "1,010 rows" in session.thoughts[1]


def test_the_tours_answer_follows_its_tools(client: openai.OpenAI) -> None:
    working = Session(client, fetch_rates=0.88).ask(WATCH)
    assert "`fetch_rates(currency='CHF')` returned 0.88." in working
    assert "failed" not in working
    broken = Session(client, revenue_by="no such column").ask(WATCH)
    assert "`revenue_by(column='region')` returned no such column." in broken
    assert "strongest" not in broken


def test_calls_are_made_in_parallel_where_the_prompt_and_the_request_allow_it(
    client: openai.OpenAI,
) -> None:
    together, apart = Session(client), Session(client)
    together.ask(f"In parallel: {WATCH}")
    apart.ask(f"In parallel: {WATCH}", parallel_tool_calls=False)
    assert [[len(calls) for calls in session.turns] for session in (together, apart)] == [
        [3],
        [1, 1, 1],
    ]


def test_listed_values_mean_a_call_each_up_to_eight(client: openai.OpenAI) -> None:
    session = Session(client)
    session.ask(
        "Fetch the rates for CHF, EUR, USD, GBP, JPY, SEK, NOK, DKK and PLN at the same time"
    )
    assert session.turns == [
        [
            f'fetch_rates({{"currency":"{code}"}})'
            for code in ("CHF", "EUR", "USD", "GBP", "JPY", "SEK", "NOK", "DKK")
        ]
    ]


def test_tools_can_be_forbidden_and_demanded(client: openai.OpenAI) -> None:
    forbidden, demanded, named = Session(client), Session(client), Session(client)
    forbidden.ask(WATCH, tool_choice="none")
    demanded.ask("Hello", tool_choice="required")
    named.ask("Hello", tool_choice={"type": "function", "name": "revenue_by"})
    assert (forbidden.turns, demanded.turns[0][0][:11], named.turns) == (
        [],
        "load_sales(",
        [['revenue_by({"column":"region"})']],
    )


def test_what_one_tool_returned_fills_the_next_ones_gap(client: openai.OpenAI) -> None:
    session = Session(client, get_order={"order_id": 4711, "total": 9.5}, cancel_order=True)
    find = function("get_order", "Find the order of a customer.", customer={"type": "string"})
    cancel = function("cancel_order", "Cancel an order.", order_id={"type": "integer"})
    session.ask("Find the order of Alice and cancel it.", tools=[find, cancel])
    assert session.turns == [
        ['get_order({"customer":"Alice"})'],
        ['cancel_order({"order_id":4711})'],
    ]


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Load the sales of 2025", ["load_sales"]),
        ("load_customers and load_sales please", ["load_customers", "load_sales"]),
        ("Show the CUSTOMERS, then load sales", ["load_customers", "load_sales"]),
        ("What is the weather in Zurich?", ["getWeather"]),
        ("Will there be rain in Basel?", ["getWeather"]),
        ("What is 2 + 2?", ["calculator"]),
        ("Search for “sales, customers and weather”", ["search"]),
        ("Load sales of 2024, load sales of 2025", ["load_sales", "load_sales"]),
        ("Load sales of 2024, load sales of 2024", ["load_sales"]),
        ("Tell me a joke", []),
        ("", []),
    ],
)
def test_the_tools_a_prompt_means_in_its_order(prompt: str, names: list[str]) -> None:
    box = (
        function("load_sales", "Load the sales of one year.", year={"type": "integer"}),
        function("load_customers", "Load the customers."),
        function(
            "getWeather",
            "Tell the current temperature and rain in a city.",
            city={"type": "string"},
        ),
        function("calculator", "Evaluate arithmetic.", expression={"type": "string"}),
        function("search", "Search the web.", query={"type": "string"}),
    )
    assert [call.name for call in plan(prompt, box, {})] == names


@pytest.mark.parametrize(
    ("prompt", "call"),
    [
        ("What is 19 + 23?", 'add({"a":19,"b":23})'),
        ("What is 19+23?", 'add({"a":19,"b":23})'),
        ("How much is 19 plus 23?", 'add({"a":19,"b":23})'),
        ("The sum of 19 and 23, please.", 'add({"a":19,"b":23})'),
        ("What is -1.5 + -2?", 'add({"a":-1.5,"b":-2})'),
        ("6 × 7?", 'multiply({"x":6,"y":7})'),
        ("6 times 7", 'multiply({"x":6,"y":7})'),
        ("What is 9 - 4?", 'subtract_numbers({"minuend":9,"subtrahend":4})'),
        ("The total of 1 + 2 + 3", 'total_of({"values":[1,2,3]})'),
        ("What is 8 / 2?", None),
        ("Who is the sum of all fears?", None),
    ],
)
def test_an_arithmetic_question_finds_the_tool_of_its_operation(
    prompt: str, call: str | None
) -> None:
    number = {"type": "number"}
    box = (
        function("total_of", values={"type": "array", "items": number}),
        function("add", "Add two numbers.", a=number, b=number),
        function("multiply", x=number, y=number),
        function("subtract_numbers", minuend=number, subtrahend=number),
    )
    made = [f"{one.name}({one.text})" for one in plan(prompt, box, {})]
    assert made == ([] if call is None else [call])


def play_with(prompt: str, *tools: Any, **outputs: Any) -> Completion:
    """Return the completion after a tool `f` returned each of the outputs."""
    history = [Item("user", prompt)]
    for key, output in outputs.items():
        history += [Item("call", "{}", key, "f"), Item("output", json.dumps(output), key)]
    return play(Request(tuple(history), "key", tools, False, True, None, True, None))


@pytest.mark.parametrize(
    ("prompt", "start"),
    [
        ("Say hello.", "Hello! I am the demo model"),
        (
            "What is a moving average? Be brief.",
            "A **moving average** replaces each value by the mean of its neighbours",
        ),
        (
            "What is a moving average?",
            "A **moving average** replaces each value by the mean of the last $k$ values",
        ),
        ("What is a median?", "The **median** is the middle"),
        ("What is an outlier?", "An **outlier** is"),
        ("Give me a long answer about reading a time series.", "## How to read a time series"),
        ("Give me a long answer about streams.", "## How this answer reaches you"),
        ("Who wrote Hamlet?", "That is not in my script, and I know nothing else."),
        ("", "That is not in my script"),
    ],
)
def test_a_prompt_without_tools_gets_its_scene(prompt: str, start: str) -> None:
    completion = play_with(prompt)
    assert completion.thought
    assert completion.text.startswith(start)
    assert completion.text.endswith(SIGNATURE)
    assert play_with(f"{prompt} No thinking.").thought == ""


def test_where_no_tool_fits_it_says_which_there_are() -> None:
    assert (
        "I can call `load_sales`, `revenue_by` and `fetch_rates`"
        in play_with("Who wrote Hamlet?", *TOOLS).text
    )


@pytest.mark.parametrize(
    "text",
    ["load sales of 2025, ", "item-1 a.b-2 0.5, ", "1 + (", "a.b@c.", "https://", "`", "-", "x"],
)
def test_a_pasted_text_of_any_length_is_read_in_one_go(text: str) -> None:
    assert play_with(f"Call fetch_rates. {text * 10_000}", *TOOLS).calls[0].name == "fetch_rates"


def test_repeat_gives_the_text_back_character_for_character() -> None:
    assert play_with('Repeat: **a** "b" $c$\n\n ').text == '**a** "b" $c$\n\n '


@pytest.mark.parametrize(
    ("output", "sentence", "table"),
    [
        (42.0, "returned 42.", ""),
        (0, "returned 0.", ""),
        (None, "returned nothing.", ""),
        ("", "returned nothing.", ""),
        ("sunny", "returned sunny.", ""),
        ([0, 1, 2], "returned `[0, 1, 2]`.", ""),
        (["a", None], 'returned `["a", null]`.', ""),
        ("see [1]", "returned `see [1]`.", ""),
        (
            {"sizes": [1, "a|b"]},
            "returned 1 value:",
            '| field | value |\n| --- | --- |\n| sizes | `[1, "a\\|b"]` |',
        ),
        (
            "Figure(600x220)",
            "drew a figure, which is above. I cannot see pictures, so the reading is yours.",
            "",
        ),
        (
            {"id": 4711, "total": 1234.5},
            "returned 2 values:",
            "| field | value |\n| --- | --- |\n| id | 4711 |\n| total | 1,234.5 |",
        ),
        (
            [
                {"year": 2024, "city": "Bern", "people": 134.0},
                {"year": 2025, "city": "Chur", "people": 38.25},
            ],
            (
                "returned 2 rows. In `people`, **Bern** is highest with 134 and **Chur** lowest "
                "with "
                "38.25."
            ),
            (
                "| year | city | people |\n| --: | --- | --: |\n| 2024 | Bern | 134.00 |\n| 2025 | "
                "Chur | 38.25 |"
            ),
        ),
        (
            {"shape": [1000, 1], "rows": [{"a": 1}]},
            "returned 1,000 rows; these are the first 1:",
            "| a |\n| --: |\n| 1 |",
        ),
        (
            [{"a": 1}, "… 1,499 more items"],
            "returned 1,500 rows; these are the first 1:",
            "| a |\n| --: |\n| 1 |",
        ),
        (
            {"error": {"message": "down"}},
            "failed with *down*, so I leave that part open rather than guess.",
            "",
        ),
        (
            "Error: ValueError: no such year",
            "failed with *ValueError: no such year*, so I leave that part open rather than guess.",
            "",
        ),
        (
            "The user denied this call.",
            (
                "failed with *The user denied this call*, so I leave that part open rather than "
                "guess."
            ),
            "",
        ),
        ("250.00 € went to Ada.", "returned 250.00 € went to Ada.", ""),
        ("Really?", "returned Really?", ""),
        ("To be continued...", "returned To be continued...", ""),
        (
            "Dear Ada,\nthe figures are here, and\nthey are better than ever before.",
            "returned a text:",
            "> Dear Ada,  \n> the figures are here, and  \n> they are better than ever before.",
        ),
        (
            "a line\n" * 9,
            "returned a text:",
            "> a line  \n" * 8 + "> …",
        ),
    ],
)
def test_how_a_result_reads(output: Any, sentence: str, table: str) -> None:
    quoted = quote(Item("call", "{}", "c", "f"), json.dumps(output), "")
    assert (quoted.sentence, quoted.table) == (f"`f()` {sentence}", table)


def test_a_thought_about_a_result_that_ends_a_sentence_ends_it_once() -> None:
    completion = play_with("Call f", a="It is done.", b="Is it?")
    assert "`f` returned It is done and `f` returned Is it? I report that" in completion.thought


@pytest.mark.parametrize(
    ("prompt", "figure"),
    [
        ("What is the average of numbers(5)?", "; the mean is **2**"),
        ("Give me the sum of numbers", "; the sum is **10**"),
        ("Which is the largest?", "; the largest is **4**"),
        ("How many are there?", "; the count is **5**"),
        ("Summarise them", ""),
    ],
)
def test_of_a_list_of_numbers_it_says_what_the_prompt_asks_for(prompt: str, figure: str) -> None:
    assert (
        quote(Item("call", "{}", "c", "f"), "[0, 1, 2, 3, 4]", prompt).sentence
        == f"`f()` returned `[0, 1, 2, 3, 4]`{figure}."
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_any_results_get_an_answer(first: Any, second: Any) -> None:
    completion = play_with("Call f", a=first, b=second)
    assert completion.text.count("`f()`") >= 2
    assert completion.text.endswith(SIGNATURE)


@given(
    st.lists(
        st.fixed_dictionaries({"name": st.text(max_size=30), "size": st.integers(-999, 999)}),
        min_size=2,
        max_size=5,
    )
)
def test_a_result_cannot_break_out_of_its_table(rows: list[dict[str, Any]]) -> None:
    tokens = MARKDOWN.parse(play_with("Call f", a=rows).text)
    cells = [tokens[index + 1] for index, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2 * len(rows)
    assert {child.type for cell in cells for child in cell.children or ()} <= {
        "text",
        "text_special",
        "code_inline",
    }
