"""Structured answers: types to schemas and back, and runs against a real server on loopback."""

import dataclasses
import datetime
import enum
import json
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest
from agent.server import Exchange, Json, Server, call, message, refuse, responses, say
from agent.test_agent import agent_of, both_apis, collect, end_of, of, weather
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import nbagent
from nbagent import events as e
from nbagent.agent.model.structured import _MAX_QUOTED_CHARS, JsonTexts, OutputFormat
from nbagent.errors import AgentError, ToolError


class Line(BaseModel):
    item: str
    price: Annotated[float, Field(ge=0)] = 0.0


class Invoice(BaseModel):
    customer: str
    date: datetime.date
    lines: list[Line] = []
    note: str | None = None


@dataclasses.dataclass
class Town:
    name: str
    people: int


class Size(TypedDict):
    width: int
    height: int


class Point(msgspec.Struct):
    x: int
    y: int


class Node(BaseModel):
    name: str
    children: list["Node"] = []


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


INVOICE = (
    '{"customer": "Ada", "date": "2025-01-31", "lines": [{"item": "pen", "price": 2}], "note": '
    "null}"
)
ADA = Invoice(customer="Ada", date=datetime.date(2025, 1, 31), lines=[Line(item="pen", price=2)])

# --- runs ---


@both_apis
async def test_the_answer_is_an_object_and_the_server_holds_the_model_to_its_schema(
    api: str,
) -> None:
    with Server(say(api, INVOICE)) as server:
        agent = agent_of(
            server,
            api,
            instructions="Read invoices.",
            model_settings={"text": {"verbosity": "low"}} if api == "responses" else {},
        )
        assert await agent.generate("…", output=Invoice) == ADA
        (body,) = server.bodies

    form = body["text"]["format"] if api == "responses" else body["response_format"]["json_schema"]
    assert (form["name"], form["strict"], form["schema"]["required"]) == (
        "Invoice",
        True,
        ["customer", "date", "lines", "note"],
    )
    assert body.get("instructions", "Read invoices.") == "Read invoices."
    assert body.get("text", {}).get("verbosity") == ("low" if api == "responses" else None)


@both_apis
async def test_it_is_shown_as_it_is_written_and_the_run_has_the_object(api: str) -> None:
    with Server(say(api, INVOICE)) as server:
        run = await nbagent.show(agent_of(server, api).stream("…", output=Invoice), face="console")

    assert (run.output, run.text, run.status) == (ADA, INVOICE, "completed")
    assert [event.kind for event in of(run.events, e.TextStart)] == ["json"]
    assert len(of(run.events, e.TextDelta)) == 2
    end = end_of(run.events)
    assert end.output == json.loads(INVOICE)
    assert json.loads(e.to_json(end))["value"] is None


async def test_each_lane_has_the_object_that_was_asked_for_there() -> None:
    with Server(say("chat", INVOICE), say("chat", '{"name": "Oslo", "people": 7}')) as server:
        agent = agent_of(server)
        streams = agent.stream("…", output=Invoice), agent.stream("…", output=Town), iter(["Hi."])
        run = await nbagent.show(*streams, concurrency=1, face="console")

    assert [lane.output for lane in run.lanes] == [ADA, Town("Oslo", 7), None]
    assert [event.output for event in of(run.events, e.AgentEnd)] == [
        json.loads(INVOICE),
        {"name": "Oslo", "people": 7},
        None,
    ]
    assert run.output is None


async def test_tools_work_meanwhile() -> None:
    with Server(
        say("chat", "Let me see.", [("c1", "weather", '{"town": "Oslo"}')]),
        say("chat", '{"name": "Oslo", "people": 7}'),
    ) as server:
        run = await nbagent.show(
            agent_of(server, tools=[weather]).stream("…", output=Town), face="console"
        )

    assert (run.output, run.tools[0].result) == (Town("Oslo", 7), "Oslo: rain in 1 d")
    assert [event.kind for event in of(run.events, e.TextStart)] == ["text", "json"]


@both_apis
async def test_an_answer_that_does_not_fit_is_asked_for_once_more_with_the_reason(api: str) -> None:
    with Server(
        say(api, '{"name": "Oslo"}'), say(api, '{"name": "Oslo", "people": 7}', number=2)
    ) as server:
        events = await collect(agent_of(server, api).stream("…", output=Town))
        sent = server.bodies[1]["messages" if api == "chat" else "input"]

    assert end_of(events).output == {"name": "Oslo", "people": 7}
    assert [event.message for event in of(events, e.Status)] == [
        (
            "Asked again for Town: the answer: got {'name': 'Oslo'} (dict), wanted Town: people: "
            "Field required"
        )
    ]
    assert [item["role"] for item in sent] == ["user", "assistant", "user"]
    assert "people: Field required" in sent[-1]["content"]
    assert '"properties"' in sent[-1]["content"]


async def test_a_second_answer_that_does_not_fit_fails_the_run_and_says_what_was_got() -> None:
    with Server(say("chat", "Oslo has 7."), say("chat", "Sorry, 7!")) as server:
        agent = agent_of(server, name="counter")
        with pytest.raises(
            AgentError, match=r"counter did not answer with Town, asked twice: .*got 'Sorry, 7!'"
        ) as caught:
            await agent.generate("…", output=Town)

    assert (caught.value.status, caught.value.code, caught.value.partial) == (
        "failed",
        "invalid_output",
        "Sorry, 7!",
    )


@both_apis
async def test_a_server_without_structured_answers_is_told_in_words_from_then_on(api: str) -> None:
    def picky(exchange: Exchange) -> None:
        if "response_format" in exchange.body or "text" in exchange.body:
            return refuse(400, "unknown parameter")(exchange)
        exchange.begin()
        exchange.send(*say(api, f"Here you are:\n```json\n{INVOICE}\n```"))
        return exchange.end()

    with Server(*[picky] * 4) as server:
        agent = agent_of(server, api, instructions="Read invoices.")
        for _ in range(2):
            assert await agent.generate("…", output=Invoice) == ADA
        told = [
            body.get("instructions") or body["messages"][0]["content"] for body in server.bodies
        ]

    assert len(told) == 4  # with it, without the other options, without it; then without it at once
    assert told[0] == told[1] == "Read invoices."
    assert told[2] == told[3]
    assert told[2].startswith("Read invoices.\n\nWrite your answer as JSON only")


async def test_an_answer_that_was_cut_off_is_not_asked_for_again() -> None:
    with Server(
        responses(
            message('{"name": "Os'),
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        )
    ) as server:
        with pytest.raises(AgentError) as caught:
            await agent_of(server, "responses").generate("…", output=Town)
        assert len(server.bodies) == 1

    assert (caught.value.status, caught.value.partial) == ("incomplete", '{"name": "Os')


async def test_a_sub_agents_answer_may_be_an_object_too() -> None:
    towns: list[Town] = []

    async def ask() -> int:
        """Ask for a town."""
        towns.append(await helper.generate("…", output=Town))
        return towns[0].people

    with Server(
        say("chat", calls=[("c1", "ask", "{}")]),
        say("chat", '{"name": "Oslo", "people": 7}'),
        say("chat", "7"),
    ) as server:
        helper = agent_of(server, name="helper")
        assert await agent_of(server, tools=[ask]).generate("…") == "7"

    assert towns == [Town("Oslo", 7)]


async def test_a_form_goes_on_after_a_hand_off() -> None:
    with Server(
        say("chat", calls=[("c1", "transfer_to_b", "{}")]),
        say("chat", '{"name": "Oslo", "people": 7}'),
    ) as server:
        agent = agent_of(server, name="a", handoffs=[agent_of(server, name="b")])
        assert await agent.generate("…", output=Town) == Town("Oslo", 7)


async def test_the_demo_model_answers_in_a_form_over_both_apis() -> None:
    for api in ("responses", "chat"):
        agent = nbagent.Agent("demo", api=api)
        assert (
            await agent.generate("Invoice of customer 'Ada' from 2025-01-31", output=Invoice)
        ).customer == "Ada"


async def test_a_text_that_is_asked_for_as_a_text_is_one() -> None:
    with Server(say("chat", "Hello.")) as server:
        assert await agent_of(server).generate("…", output=str) == "Hello."
        assert "response_format" not in server.bodies[0]


def test_a_type_without_a_schema_is_refused_when_it_is_given() -> None:
    with (
        Server() as server,
        pytest.raises(ToolError, match="output=Exchange has no JSON schema: use a pydantic model"),
    ):
        agent_of(server).stream("…", output=Exchange)


# --- types ---

TYPES: list[tuple[Any, Any, Any, bool]] = [
    (Invoice, json.loads(INVOICE), ADA, True),
    (Town, {"name": "Oslo", "people": 7}, Town("Oslo", 7), True),
    (Size, {"width": 1, "height": 2}, {"width": 1, "height": 2}, True),
    (Point, {"x": 1, "y": 2}, Point(1, 2), True),
    (list[Town], [{"name": "Oslo", "people": 7}], [Town("Oslo", 7)], True),
    (list[Point], [{"x": 1, "y": 2}], [Point(1, 2)], True),
    (
        Node,
        {"name": "a", "children": [{"name": "b", "children": []}]},
        Node(name="a", children=[Node(name="b")]),
        True,
    ),
    (int, 7, 7, True),
    (bool, True, True, True),
    (Colour, "red", Colour.RED, True),
    (Literal["yes", "no"], "no", "no", True),
    (Town | None, None, None, True),
    (list[str], ["a"], ["a"], True),
    (dict[str, int], {"a": 1}, {"a": 1}, False),
    (tuple[int, str], [1, "a"], (1, "a"), False),
    (list[Any], [1, "a"], [1, "a"], False),
]


@pytest.mark.parametrize(
    ("annotation", "content", "value", "strict"), TYPES, ids=lambda given: str(given)[:40]
)
def test_a_type_is_told_as_a_schema_and_read_back(
    annotation: Any, content: Any, value: Any, strict: bool
) -> None:
    form = OutputFormat(annotation)
    request = form.request()
    assert request["strict"] is strict
    assert request["schema"]["type"] == "object"
    wrapped = content if isinstance(content, dict) and content is not None else {"value": content}
    jsonschema.Draft202012Validator(request["schema"]).validate(wrapped)
    assert form.read(json.dumps(wrapped)) == (content, value)
    # a model that was only told in words may leave the object out
    assert form.read(json.dumps(content)) == (
        content,
        value,
    )


@pytest.mark.parametrize(
    ("annotation", "content", "value", "strict"),
    [each for each in TYPES if each[3]],
    ids=lambda given: str(given)[:40],
)
def test_a_strict_schema_keeps_the_rules_of_the_mode(
    annotation: Any, content: Any, value: Any, strict: bool
) -> None:
    def check(schema: Any) -> None:
        assert not schema.keys() & {"default", "title", "oneOf", "allOf", "prefixItems"}
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
        inner: list[Any] = [schema[key] for key in ("items",) if key in schema] + schema.get(
            "anyOf", []
        )
        for each in [
            *inner,
            *schema.get("properties", {}).values(),
            *schema.get("$defs", {}).values(),
        ]:
            check(each)

    check(OutputFormat(annotation).request()["schema"])


@pytest.mark.parametrize(
    "text",
    [
        INVOICE,
        f"```json\n{INVOICE}\n```",
        f"Here it is: {INVOICE} As you asked.",
        f"<think>{{}} or []?</think>{INVOICE}",
        f"\n\n  {INVOICE}",
    ],
)
def test_json_is_found_in_what_a_model_writes_around_it(text: str) -> None:
    assert OutputFormat(Invoice).read(text).value == ADA


@given(st.text(st.characters(exclude_characters='0123456789-"[]{}')))
@example("\ud800")
def test_a_text_without_json_is_refused_and_quoted_in_part(text: str) -> None:
    with pytest.raises(ToolError, match="got") as caught:
        OutputFormat(Town).read(text * 100)
    assert len(str(caught.value)) < 10 * _MAX_QUOTED_CHARS + 200  # `\U0001d538` is one character


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
        max_leaves=5,
    ),
    st.data(),
)
def test_the_texts_of_a_run_lose_nothing_but_blanks_before_json(
    content: Any, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(["", " ", "\n  "])) + json.dumps(content)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    given_events: list[e.Event] = [
        e.TextStart(id="t"),
        *(e.TextDelta(id="t", delta=piece) for piece in pieces),
        e.TextEnd(id="t"),
    ]
    texts = JsonTexts()
    told = [shown for event in given_events for shown in texts.feed(event)]
    assert [type(event) for event in told[:1]] == [e.TextStart]
    assert isinstance(told[-1], e.TextEnd)
    assert "".join(event.delta for event in of(told, e.TextDelta)).lstrip() == json.dumps(content)


async def test_calls_of_hosted_tools_do_not_count_as_the_answer() -> None:
    with Server(
        responses(
            message("Looking.", phase="commentary"), call("c1", "weather", '{"town": "Oslo"}')
        ),
        say("responses", "[1, 2]", number=2),
    ) as server:
        answer: Json = {
            "value": await agent_of(server, "responses", tools=[weather]).generate(
                "…", output=list[int]
            )
        }
    assert answer == {"value": [1, 2]}


# --- in a session ---


async def test_a_session_keeps_pictures_corrections_and_hand_offs_in_a_history_that_goes_on() -> (
    None
):
    def check(items: list[Json]) -> None:
        open_calls: list[str] = []
        for item in items:
            if item["role"] == "tool":
                open_calls.remove(item["tool_call_id"])
            else:
                assert not open_calls
                open_calls += [made["id"] for made in item.get("tool_calls", ())]

    replies = [
        say("chat", calls=[("c1", "transfer_to_b", "{}")]),
        say("chat", "Oslo!"),
        say("chat", '{"name": "Oslo", "people": 7}'),
        say("chat", "Yes."),
    ]
    with Server(*replies) as server:
        agent = agent_of(server, name="a", handoffs=[agent_of(server, name="b")])
        session = agent.session("s")
        picture = nbagent.image("https://example.org/a.png")
        run = await nbagent.show(
            session.stream(["Which town?", picture], output=Town), face="console"
        )
        assert run.output == Town("Oslo", 7)
        assert await session.generate("Sure?") == "Yes."
        *_, last = server.bodies

    (prompt,) = of(run.events, e.Prompt)
    assert (prompt.text, prompt.files) == (
        "Which town?",
        [{"media_type": "image/png", "url": "https://example.org/a.png"}],
    )
    check(last["messages"])
    roles = ["user", "assistant", "tool", "assistant", "user", "assistant", "user"]
    assert [item["role"] for item in last["messages"]] == roles
    assert last["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "https://example.org/a.png"},
    }
    assert len(session.messages) == len(roles) + 1
