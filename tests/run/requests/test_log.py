"""`RequestLog`: each message is kept once, memory is bounded, and what changed is told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.run.inspector import RequestPages
from nbagent.run.requests import RequestList, RequestLog, log
from nbagent.run.requests.body import Body, read_fields
from nbagent.run.requests.request import Request
from nbagent.run_context import HTTPExchange

CHAT = "http://model.test/v1/chat/completions"
Json = dict[str, Any]


def mask(text: str, **_: Any) -> str:
    return text


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def assistant(text: str) -> Json:
    return {"role": "assistant", "content": text}


def requests(*bodies: Json, url: str = CHAT) -> list[Request]:
    """Return the requests of some bodies, each complete before the next one."""
    kept = RequestLog()
    for body in bodies:
        exchange = HTTPExchange(url, json.dumps(body).encode())
        assert kept.add(exchange)
        exchange.status = 200
        exchange.end(complete=True)
    return [Request(record, mask) for record in kept.records()]


def chats(*histories: list[Json], **others: Any) -> list[Request]:
    return requests(*({"model": "m", "messages": messages, **others} for messages in histories))


def test_a_step_adds_messages() -> None:
    first, second = chats([user("a")], [user("a"), assistant("b"), user("c")])
    assert (first.changes, first.new) == ("begins with 1 message", [user("a")])
    assert (second.changes, second.new) == (
        "+2 messages, tools unchanged",
        [assistant("b"), user("c")],
    )
    assert [first.step, second.step] == [1, 2]


def test_a_history_that_was_shortened_says_what_is_gone() -> None:
    talk = [user("a"), assistant("b"), user("c"), assistant("d"), user("e")]
    _, shorter = chats(talk, [user("summary"), *talk[3:], user("f")])
    assert (shorter.changes, shorter.new) == (
        "−3 messages +2 messages, tools unchanged",
        [user("summary"), user("f")],
    )
    assert shorter.messages == [user("summary"), *talk[3:], user("f")]


def test_two_conversations_at_a_time_are_told_apart() -> None:
    one, two, one_more, two_more = chats(
        [user("a")],
        [user("x")],
        [user("a"), assistant("b")],
        [user("x"), assistant("y"), user("z")],
    )
    assert [each.changes for each in (one, two)] == ["begins with 1 message"] * 2
    assert (one_more.new, two_more.new) == ([assistant("b")], [assistant("y"), user("z")])


def test_instructions_tools_and_settings_that_change_are_named() -> None:
    def tool(name: str, **others: Any) -> Json:
        return {"type": "function", "function": {"name": name, **others}}

    system = {"role": "system", "content": "It is 9:00."}
    first = {
        "model": "m",
        "messages": [system, user("a")],
        "tools": [tool("add"), tool("find"), tool("stay")],
    }
    second = {
        "model": "n",
        "messages": [{**system, "content": "It is 9:01."}, user("a"), user("b")],
        "tools": [tool("find", description="New."), tool("stay"), tool("drop")],
        "temperature": 0,
    }
    changed = requests(first, second)[1]
    assert (
        changed.changes
        == "+1 message, tools +drop −add ±find, other instructions, model, temperature"
    )
    assert (changed.new, changed.messages[0]["content"]) == ([user("b")], "It is 9:01.")
    assert changed.instructions == [{**system, "content": "It is 9:01."}]


@pytest.mark.parametrize(
    ("url", "body", "instructions", "messages", "tools"),
    [
        ("/v1/responses", {"input": "Hi", "instructions": "Be brief."}, "Be brief.", ["Hi"], []),
        (
            "/v1/responses",
            {"input": [user("Hi")], "tools": [{"type": "web_search"}]},
            None,
            [user("Hi")],
            ["web_search"],
        ),
        (
            "/v1/messages",
            {"system": [{"text": "Be brief."}], "messages": [user("Hi")]},
            [{"text": "Be brief."}],
            [user("Hi")],
            [],
        ),
        (
            "/v1beta/models/gemini:streamGenerateContent?alt=sse",
            {
                "contents": [{"parts": []}],
                "tools": [{"functionDeclarations": [{"name": "add"}, {"name": "find"}]}],
            },
            None,
            [{"parts": []}],
            ["add", "find"],
        ),
        ("/api/chat", {"messages": [user("Hi")], "options": {}}, None, [user("Hi")], []),
        ("/v1/completions", {"prompt": "Once"}, None, ["Once"], []),
    ],
)
def test_the_forms_of_services(
    url: str, body: Json, instructions: Any, messages: Any, tools: list[str]
) -> None:
    [request] = requests(body, url=f"http://model.test{url}")
    assert (request.instructions, request.messages) == (instructions, messages)
    assert [log.tool_name(tool) for tool in request.tools] == tools
    assert request.body == body


texts = st.sampled_from("abc")
histories = st.lists(st.lists(texts, max_size=8), min_size=1, max_size=8)


@given(histories)
def test_every_request_reads_as_it_was_sent_whatever_it_shares(histories: list[list[str]]) -> None:
    made = chats(*([user(text) for text in texts] for texts in histories))
    assert [[each["content"] for each in request.messages] for request in made] == histories
    for request in made:
        change = request._record.change
        assert len(request.new) == len(change.new)


def nodes(body: Body | None) -> set[int]:
    assert body is not None
    node, found = body.last, set()
    while node is not None:
        found.add(id(node))
        node = node.before
    return found


def test_each_message_is_kept_once() -> None:
    talk = [user(str(number)) for number in range(100)]
    made = chats(*(talk[:end] for end in range(1, 101)), tools=[{"name": "add"}] * 50)
    kept = set().union(*(nodes(request._record.body) for request in made))
    assert len(kept) == 100
    added = [request._record.body.added for request in made if request._record.body]
    assert max(added[1:]) == len(json.dumps(talk[-1]))


def test_the_oldest_are_dropped_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "WIRES_BYTES", 250)
    monkeypatch.setattr(log, "BODIES_BYTES", 400)
    monkeypatch.setattr(log, "MAX_REQUESTS", 4)
    kept = RequestLog()
    for number in range(5):
        exchange = HTTPExchange(CHAT, json.dumps({"messages": [user(f"{number}" * 150)]}).encode())
        kept.add(exchange)
        exchange.take(b"x" * 100)
        exchange.end(complete=True)
    made = [Request(record, mask) for record in kept.records()]
    assert [request.number for request in made] == [2, 3, 4, 5]
    with pytest.raises(Exception, match="request 2 is no longer kept"):
        _ = made[0].messages
    assert [request._record.body is not None for request in made] == [False, False, True, True]
    assert [request.response for request in made] == ["… 100 more bytes not kept"] * 2 + [
        "x" * 100
    ] * 2
    assert made[0].changes == "begins with 1 message"


def test_a_long_response_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbagent.run_context.http_exchange.WIRE_BYTES", 10)
    exchange = HTTPExchange(CHAT, json.dumps({"messages": [user("a")]}).encode())
    kept = RequestLog()
    kept.add(exchange)
    for piece in (b"01234567", b"89ABCDEF", b"G"):
        exchange.take(piece)
    exchange.end(complete=True)
    assert Request(kept.records()[0], mask).response == "0123456789\n… 7 more bytes not kept"


def test_tokens_add_up_to_what_the_service_counted() -> None:
    messages = [{"role": "system", "content": "s" * 40}, user("a" * 400), user("b" * 4000)]
    exchange = HTTPExchange(
        CHAT,
        json.dumps({"model": "m", "messages": messages, "tools": [{"name": "t" * 100}]}).encode(),
    )
    kept = RequestLog()
    kept.add(exchange)
    [estimate] = [Request(record, mask) for record in kept.records()]
    assert estimate.tokens.is_estimate
    assert sum(estimate.tokens.values()) == estimate.tokens.total == estimate.total_tokens
    exchange.take(b'data: {"usage":{"prompt_tokens":777,"completion_tokens":5}}\n\n')
    exchange.end(complete=True)
    told = Request(kept.records()[0], mask)
    assert list(told.tokens) == ["instructions", "tools", "messages[1]", "messages[2]"]
    assert (sum(told.tokens.values()), told.tokens.total, told.tokens.is_estimate) == (
        777,
        777,
        False,
    )
    assert told.tokens["messages[2]"] > 5 * told.tokens["messages[1]"]


def test_a_picture_counts_as_a_picture_and_not_by_its_characters() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    [request] = chats([{"role": "user", "content": [picture]}])
    assert request.total_tokens < 1100


def test_the_messages_that_a_service_keeps_count_as_earlier() -> None:
    exchange = HTTPExchange(
        CHAT, json.dumps({"input": "And a pond?", "previous_response_id": "resp_1"}).encode()
    )
    kept = RequestLog()
    kept.add(exchange)
    exchange.take(b'data: {"response":{"usage":{"input_tokens":900,"output_tokens":5}}}\n\n')
    exchange.end(complete=True)
    tokens = Request(kept.records()[0], mask).tokens
    assert tokens["messages[0]"] < 10
    assert tokens["earlier"] == 900 - tokens["messages[0]"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"messages": 1', b'{"messages": "\xff"}', b'{"query": "a"}']
)
def test_a_body_that_is_no_request_to_a_model(body: bytes) -> None:
    assert read_fields(CHAT, body) is None


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "name", "function", "type", "text", "headers", "usage", "a"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)
FIELDS = [
    "messages",
    "input",
    "contents",
    "prompt",
    "system",
    "instructions",
    "tools",
    "functions",
    "model",
    "text",
]


@given(
    st.lists(st.dictionaries(st.sampled_from(FIELDS), odd, max_size=5), max_size=3),
    st.binary(max_size=60),
)
def test_whatever_is_sent_and_answered_can_be_read(bodies: list[Json], answer: bytes) -> None:
    kept = RequestLog()
    for body in bodies:
        exchange = HTTPExchange(CHAT, json.dumps(body).encode())
        kept.add(exchange)
        exchange.take(answer)
        exchange.end(complete=True)
    pages = RequestPages(lambda: RequestList(Request(record, mask) for record in kept.records()))
    assert json.loads(pages.page("requests/1", 0, 1_000_000)[0])["last"] == kept.count
    for record in kept.records():
        request = Request(record, mask)
        assert (
            request.body,
            request.settings,
            request.tools,
            request.instructions,
            request.new,
        ) is not None
        assert repr(request)
        assert request._repr_html_()
        detail = json.loads(pages.page(f"request/{request.number}", 0, 1_000_000)[0])
        for part in detail["parts"]:
            pages.page(f"request/{request.number}/{part['part']}", 0, 1_000_000)
