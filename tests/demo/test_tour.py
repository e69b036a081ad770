"""The demo as a reader meets it: a small tool loop around the real client, and an answer made of what the tools returned."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import openai
import pytest

PROMPT = "Load the sales of 2025, show revenue by region, and fetch the rates for CHF."

SALES: list[dict[str, Any]] = [
    {"month": f"2025-{month:02}", "region": region, "revenue": 1000 * month + offset}
    for month in range(1, 5)
    for region, offset in (("North", 500), ("South", 7200), ("West", 0))
]


def load_sales(year: int) -> list[dict[str, Any]]:
    return SALES if year == 2025 else []


def revenue_by(column: str) -> list[dict[str, Any]]:
    sums: dict[str, int] = {}
    for row in SALES:
        sums[row[column]] = sums.get(row[column], 0) + row["revenue"]
    return [{column: name, "revenue": total} for name, total in sums.items()]


def fetch_rates(currency: str) -> None:
    raise ConnectionError(f"no rates for {currency}: the service is unreachable")


def function(name: str, description: str, **properties: Any) -> Any:
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "name": name, "description": description, "parameters": parameters, "strict": True}


FUNCTIONS: Mapping[str, Callable[..., Any]] = {f.__name__: f for f in (load_sales, revenue_by, fetch_rates)}
TOOLS = [
    function("load_sales", "Load the sales of one year.", year={"type": "integer"}),
    function("revenue_by", "Sum the revenue by a column.", column={"type": "string", "enum": ["region", "product"]}),
    function("fetch_rates", "Fetch exchange rates.", currency={"type": "string"}),
]


class Session:
    """The smallest agent: asks, calls the tools it is told to, asks again."""

    def __init__(self, client: openai.OpenAI) -> None:
        self.client = client
        self.items: list[Any] = []
        self.turns: list[list[str]] = []
        self.thoughts: list[str] = []

    def ask(self, prompt: str, **options: Any) -> str:
        self.items.append({"role": "user", "content": prompt})
        while True:
            with self.client.responses.stream(model="demo", input=self.items, tools=TOOLS, **options) as stream:
                response = stream.get_final_response()
            self.items += [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in response.output]
            self.thoughts += [part.text for item in response.output if item.type == "reasoning" for part in item.summary]
            calls = [item for item in response.output if item.type == "function_call"]
            self.turns.append([f"{call.name}({call.arguments})" for call in calls])
            if not calls:
                return response.output_text
            self.items += [self._run(call) for call in calls]

    def _run(self, call: Any) -> dict[str, str]:
        try:
            output = json.dumps(FUNCTIONS[call.name](**json.loads(call.arguments)))
        except ConnectionError as error:
            output = f"Error: {type(error).__name__}: {error}"
        return {"type": "function_call_output", "call_id": call.call_id, "output": output}


@pytest.fixture
def session(client: openai.OpenAI) -> Session:
    return Session(client)


def test_the_tour_calls_three_tools_survives_one_and_answers_from_the_others(session: Session) -> None:
    answer = session.ask(PROMPT)
    assert session.turns == [
        ['load_sales({"year":2025})'],
        ['revenue_by({"column":"region"})'],
        ['fetch_rates({"currency":"CHF"})'],
        [],
    ]
    assert "| South | 38,800 |" in answer
    headline = "**South** has the highest revenue, **38,800**, 64% of the 60,800 in all; the lowest is 10,000 (West)."
    assert answer.startswith(f"{headline} `fetch_rates` failed")
    assert "_The first 6 of 12 rows._" in answer
    assert '### `fetch_rates(currency="CHF")` failed' in answer
    assert "ConnectionError: no rates for CHF: the service is unreachable" in answer
    assert '```python\nload_sales(year=2025)        # 12 rows, 3 columns\nrevenue_by(column="region")' in answer
    assert r"\frac{12{,}000 + 38{,}800 + 10{,}000}{3}" in answer
    assert "a scripted stand-in, no language model" in answer
    assert any("load_sales with year = 2025" in thought for thought in session.thoughts)


def test_the_tour_is_the_same_twice(session: Session, client: openai.OpenAI) -> None:
    other = Session(client)
    assert session.ask(PROMPT) == other.ask(PROMPT)
    assert session.items == other.items


def test_in_parallel_calls_all_in_one_turn(session: Session) -> None:
    session.ask(f"In parallel: {PROMPT}")
    assert [len(calls) for calls in session.turns] == [3, 0]


def test_parallel_calls_can_be_forbidden(session: Session) -> None:
    session.ask(f"In parallel: {PROMPT}", parallel_tool_calls=False)
    assert [len(calls) for calls in session.turns] == [1, 1, 1, 0]


def test_a_follow_up_answers_from_what_is_known(session: Session) -> None:
    session.ask(PROMPT)
    session.turns.clear()
    answer = session.ask("What is the average revenue?")
    assert session.turns == [[]]
    assert answer.startswith("The mean revenue is **20,266.67** over the 3 rows of `revenue_by`.")
    assert "(from before)" in answer


def test_a_known_result_is_not_fetched_twice_unless_asked(session: Session) -> None:
    session.ask("Load the sales of 2025")
    session.ask("Load the sales of 2025 and show revenue by region")
    session.ask("Load the sales of 2025 again")
    assert [call for calls in session.turns for call in calls] == [
        'load_sales({"year":2025})',
        'revenue_by({"column":"region"})',
        'load_sales({"year":2025})',
    ]


def test_a_failed_call_is_tried_again_when_asked_again(session: Session) -> None:
    session.ask("Fetch the rates for CHF")
    session.ask("Fetch the rates for CHF")
    assert [len(calls) for calls in session.turns] == [1, 0, 1, 0]


def test_a_listed_value_means_a_call_each(session: Session) -> None:
    session.ask("Fetch the rates for CHF, EUR and USD at the same time")
    assert session.turns[0] == [f'fetch_rates({{"currency":"{code}"}})' for code in ("CHF", "EUR", "USD")]


def test_tools_can_be_forbidden_and_demanded(session: Session, client: openai.OpenAI) -> None:
    session.ask(PROMPT, tool_choice="none")
    assert session.turns == [[]]
    other = Session(client)
    other.ask("Hello", tool_choice="required")
    assert len(other.turns) == 2
    third = Session(client)
    third.ask("Hello", tool_choice={"type": "function", "name": "revenue_by"})
    assert third.turns[0] == ['revenue_by({"column":"region"})']


def test_it_stops_after_six_steps_and_says_so(session: Session) -> None:
    answer = session.ask("Fetch the rates for CHF, EUR, USD, GBP, JPY, SEK, NOK and DKK")
    assert [len(calls) for calls in session.turns] == [1] * 6 + [0]
    assert "I stopped after 6 steps, with 2 calls still to make." in answer


def test_what_one_tool_returned_fills_the_next_ones_gap(client: openai.OpenAI) -> None:
    tools = [
        function("get_order", "Find the order of a customer.", customer={"type": "string"}),
        function("cancel_order", "Cancel an order.", order_id={"type": "integer"}),
    ]
    prompt = "Find the order of Alice and cancel it."
    first = client.responses.create(model="demo", input=prompt, tools=tools)
    (call,) = [item for item in first.output if item.type == "function_call"]
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": '{"order_id": 4711, "total": 9.5}'}
    second = client.responses.create(model="demo", previous_response_id=first.id, input=[output], tools=tools)
    assert [(item.name, item.arguments) for item in second.output if item.type == "function_call"] == [
        ("cancel_order", '{"order_id":4711}')
    ]


def test_no_thinking_and_brief_are_heard(session: Session) -> None:
    answer = session.ask("Show revenue by region, no thinking, be brief")
    assert session.thoughts == []
    assert "###" not in answer
    assert "**South**" in answer


def test_without_a_fitting_tool_it_says_what_it_is(session: Session) -> None:
    answer = session.ask("Who wrote Hamlet?")
    assert session.turns == [[]]
    assert "I know nothing by myself" in answer
    assert "| load_sales | Load the sales of one year. |" in answer


def test_counting_and_repeating_are_exact(session: Session, client: openai.OpenAI) -> None:
    assert session.ask('Repeat: **a** "b" $c$') == '**a** "b" $c$'
    counted = client.responses.create(model="demo", input="Count to 1000").output_text
    assert counted == ", ".join(map(str, range(1, 1001))) + "."


def test_the_tour_on_chat_completions(client: openai.OpenAI) -> None:
    tools: list[Any] = [
        {"type": "function", "function": {k: v for k, v in tool.items() if k not in ("type", "strict")}} for tool in TOOLS
    ]
    messages: list[Any] = [{"role": "system", "content": "You help."}, {"role": "user", "content": PROMPT}]
    called = []
    while True:
        with client.chat.completions.stream(model="demo", messages=messages, tools=tools) as stream:
            message = stream.get_final_completion().choices[0].message
        if not message.tool_calls:
            break
        messages.append({"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]})
        for call in message.tool_calls:
            called.append(call.function.name)
            try:
                output = json.dumps(FUNCTIONS[call.function.name](**json.loads(call.function.arguments)))
            except ConnectionError as error:
                output = json.dumps({"error": str(error)})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    assert called == ["load_sales", "revenue_by", "fetch_rates"]
    assert message.content is not None
    assert "| South | 38,800 |" in message.content
    assert "> no rates for CHF: the service is unreachable" in message.content
