"""Both OpenAI APIs of the demo server, read by the real SDK: its accumulated result equals the
final snapshot.
"""

import json
from collections import defaultdict
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import ResponseOutputItem, ResponseStreamEvent

ODD = 'Repeat: naïve cafe\u0301 👩‍👩‍👧 🇨🇭 日本語 ﷽ a\tb \\ " | $x$ `y`\n\n- end'

TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "load_sales",
        "description": "Load the sales of one year.",
        "parameters": {
            "type": "object",
            "properties": {"year": {"type": "integer"}},
            "required": ["year"],
        },
        "strict": False,
    },
    {
        "type": "function",
        "name": "fetch_rates",
        "description": "Fetch exchange rates.",
        "parameters": {
            "type": "object",
            "properties": {"currency": {"type": "string"}},
            "required": ["currency"],
        },
        "strict": False,
    },
]
CHAT_TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {name: value for name, value in tool.items() if name not in ("type", "strict")},
    }
    for tool in TOOLS
]
PROMPTS = [
    "Hello",
    "Hello, no thinking please",
    "Give me a long answer about tools",
    ODD,
    "Load the sales of 2025",
    "In parallel, load the sales of 2024 and 2025, and fetch the rates for CHF",
]


def replayed(events: list[ResponseStreamEvent]) -> dict[int, list[str]]:
    """Return the text of each output item by its deltas."""
    texts: dict[int, list[str]] = defaultdict(list)
    for event in events:
        if (
            event.type == "response.output_text.delta"
            or event.type == "response.function_call_arguments.delta"
            or event.type == "response.reasoning_summary_text.delta"
        ):
            texts[event.output_index].append(event.delta)
    return texts


def whole_text(item: ResponseOutputItem) -> str:
    match item.type:
        case "reasoning":
            return "".join(part.text for part in item.summary)
        case "message":
            return "".join(part.text for part in item.content if part.type == "output_text")
        case "function_call":
            return item.arguments
    raise AssertionError(item.type)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_deltas_of_a_response_make_its_snapshot(client: openai.OpenAI, prompt: str) -> None:
    events = list(client.responses.create(model="demo", input=prompt, tools=TOOLS, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    texts = replayed(events)
    for index, item in enumerate(last.response.output):
        assert "".join(texts.pop(index)) == whole_text(item)
    assert not texts
    assert last.response.usage is not None
    written = [event for event in events if event.type.endswith(".delta")]
    assert last.response.usage.output_tokens == len(written)
    thought = [event for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert last.response.usage.output_tokens_details.reasoning_tokens == len(thought)
    assert last.response.usage.input_tokens > 0


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_sdk_accumulates_a_response_to_the_same_as_the_unstreamed_one(
    client: openai.OpenAI, prompt: str
) -> None:
    with client.responses.stream(model="demo", input=prompt, tools=TOOLS) as stream:
        events = list(stream)
        streamed = stream.get_final_response()
    whole = client.responses.create(model="demo", input=prompt, tools=TOOLS)
    drop: Any = {
        "created_at": True,
        "output": {"__all__": {"parsed_arguments": True, "content": {"__all__": {"parsed"}}}},
    }
    assert streamed.model_dump(exclude=drop) == whole.model_dump(exclude={"created_at"})
    assert streamed.output_text == whole.output_text
    assert events[0].type == "response.created"
    assert whole.model == "demo"


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_sdk_accumulates_a_chat_to_the_same_as_the_unstreamed_one(
    client: openai.OpenAI, prompt: str
) -> None:
    messages: list[Any] = [{"role": "user", "content": prompt}]
    with client.chat.completions.stream(
        model="demo", messages=messages, tools=CHAT_TOOLS, stream_options={"include_usage": True}
    ) as stream:
        events = list(stream)
        streamed = stream.get_final_completion()
    whole = client.chat.completions.create(model="demo", messages=messages, tools=CHAT_TOOLS)
    one, two = streamed.choices[0], whole.choices[0]
    assert one.message.content == two.message.content
    assert getattr(one.message, "reasoning_content", None) == getattr(
        two.message, "reasoning_content", None
    )
    calls = [
        (call.id, call.function.name, call.function.arguments)
        for call in one.message.tool_calls or ()
    ]
    assert calls == [
        (call.id, call.function.name, call.function.arguments)
        for call in two.message.tool_calls or ()
        if call.type == "function"
    ]
    assert one.finish_reason == two.finish_reason == ("tool_calls" if calls else "stop")
    assert streamed.usage == whole.usage
    assert whole.usage is not None
    chunks = [event.chunk for event in events if event.type == "chunk"]
    assert whole.usage.completion_tokens == sum(map(_tokens, chunks))


def _tokens(chunk: Any) -> int:
    if not chunk.choices:
        return 0
    delta = chunk.choices[0].delta
    texts = [delta.content, getattr(delta, "reasoning_content", None)]
    texts += [call.function.arguments for call in delta.tool_calls or ()]
    return sum(bool(text) for text in texts)


def test_usage_comes_only_on_request_and_then_last(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Hello"}]
    silent = list(client.chat.completions.create(model="demo", messages=messages, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    counted = list(
        client.chat.completions.create(
            model="demo", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    assert [bool(chunk.usage) for chunk in counted] == [False] * len(silent) + [True]
    assert counted[-1].choices == []


async def test_the_async_client_reads_the_same(
    client: openai.OpenAI, async_client: openai.AsyncOpenAI
) -> None:
    async with async_client.responses.stream(model="demo", input="Hello") as stream:
        response = await stream.get_final_response()
    assert response.output_text == client.responses.create(model="demo", input="Hello").output_text
    async with async_client.chat.completions.stream(
        model="demo", messages=[{"role": "user", "content": "Hello"}]
    ) as chat:
        completion = await chat.get_final_completion()
    assert completion.choices[0].message.content == response.output_text


def test_the_same_request_gets_the_same_bytes(client: openai.OpenAI) -> None:
    def run() -> str:
        with client.responses.with_streaming_response.create(
            model="demo", input=PROMPTS[-1], tools=TOOLS, stream=True
        ) as got:
            lines = list(got.iter_lines())
        created = json.loads(lines[1].removeprefix("data: "))["response"]["created_at"]
        return "\n".join(lines).replace(f'"created_at":{created}', '"created_at":0')

    assert run() == run()


def test_tokens_arrive_in_small_pieces(client: openai.OpenAI) -> None:
    events = client.responses.create(
        model="demo", input="Load the sales of 2025", tools=TOOLS, stream=True
    )
    deltas = [
        event.delta for event in events if event.type == "response.function_call_arguments.delta"
    ]
    assert len(deltas) > 3


def test_a_token_limit_cuts_the_answer_and_says_so(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="demo", input="A long answer, no thinking").output_text
    response = client.responses.create(
        model="demo", input="A long answer, no thinking", max_output_tokens=20
    )
    assert (response.status, response.output_text) == (
        "incomplete",
        whole[: len(response.output_text)],
    )
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage is not None
    assert response.usage.output_tokens == 20
    events = list(
        client.responses.create(
            model="demo", input="A long answer", max_output_tokens=5, stream=True
        )
    )
    assert events[-1].type == "response.incomplete"
    chat = client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "A long answer"}],
        max_completion_tokens=50,
    )
    assert chat.choices[0].finish_reason == "length"


def test_an_earlier_response_can_be_taken_up(client: openai.OpenAI) -> None:
    first = client.responses.create(model="demo", input="Load the sales of 2025", tools=TOOLS)
    (call,) = [item for item in first.output if item.type == "function_call"]
    second = client.responses.create(
        model="demo",
        previous_response_id=first.id,
        tools=TOOLS,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": '{"id": 4711}'}],
    )
    assert "4711" in second.output_text
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        client.responses.create(model="demo", input="x", previous_response_id="resp_unknown")


def test_a_response_that_is_not_stored_is_not_found_again(client: openai.OpenAI) -> None:
    first = client.responses.create(model="demo", input="Hello", store=False)
    with pytest.raises(openai.BadRequestError, match="not found"):
        client.responses.create(model="demo", input="And now?", previous_response_id=first.id)


class Order(pydantic.BaseModel):
    item: str
    amount: int


def test_an_answer_of_a_given_shape_keeps_it(client: openai.OpenAI) -> None:
    response = client.responses.parse(
        model="demo", input='Order 3 of "blue paint"', text_format=Order
    )
    assert response.output_parsed == Order(item="blue paint", amount=3)
    chat = client.chat.completions.parse(
        model="demo",
        messages=[{"role": "user", "content": 'Order 3 of "blue paint"'}],
        response_format=Order,
    )
    assert chat.choices[0].message.parsed == Order(item="blue paint", amount=3)
