"""Working memory: what is sent of a conversation, whatever was said."""

from typing import Any

import pytest
from agent.conversations import TEXTS, check, turns
from hypothesis import given
from hypothesis import strategies as st

from nbagent.agent import Agent, BufferWindow, SummaryBuffer
from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
    to_chat,
)
from nbagent.agent.sessions.memory import (
    OUTPUT_CHARS,
    Exchange,
    Memory,
    Window,
    messages_in,
    tokens_in,
)
from nbagent.agent.sessions.store import Summary
from nbagent.errors import NbagentError

CONVERSATIONS = st.lists(turns(), max_size=8).map(
    lambda made: [Exchange(id=str(number), items=items) for number, items in enumerate(made)]
)
PROMPTS = TEXTS.map(lambda text: [Message(role="user", content=text)])


async def no_summary(instructions: str, text: str) -> str | None:
    raise AssertionError("no summary is needed")


async def recent(
    memory: Memory, past: Window, prompt: list[Item], answer: str | None = "they spoke"
) -> tuple[Window, list[str]]:
    """Return what is sent of the past, and the texts that were summarised."""
    asked: list[str] = []

    async def summarise(instructions: str, text: str) -> str | None:
        asked.append(text)
        return answer

    return await memory.recent(past, prompt, summarise), asked


@given(CONVERSATIONS, PROMPTS, st.integers(1, 30))
async def test_a_window_holds_the_newest_messages_and_separates_none(
    turns: list[Exchange], prompt: list[Any], size: int
) -> None:
    sent = (await BufferWindow(size).recent(Window(exchanges=turns), prompt, no_summary)).items
    check([*sent, *prompt])
    assert messages_in([*sent, *prompt]) <= size
    assert not sent or not is_of_model(sent[0])
    said = [item for turn in turns for item in turn.items]
    assert not sent or sent[-1] == said[-1]
    if messages_in([*said, *prompt]) <= size:
        assert sent == said


async def test_a_window_that_begins_inside_a_turn_keeps_its_prompt() -> None:
    answers = [Message(role="assistant", content=f"part {number}") for number in range(3)]
    long: list[Item] = [Message(role="user", content="count")]
    for answer in answers:
        long += [answer, Message(role="user", content="on")]
    turn = Exchange(id="1", items=[*long[:1], *long[1:-1]])
    sent = (
        await BufferWindow(4).recent(
            Window(exchanges=[turn]), [Message(role="user", content="?")], no_summary
        )
    ).items
    assert [message["content"] for message in to_chat(sent, "")] == ["count", "on", "part 2"]


@given(
    CONVERSATIONS,
    PROMPTS,
    st.integers(1, 400),
    st.one_of(st.none(), TEXTS.map(lambda text: text * 50)),
)
async def test_a_budget_is_kept_and_every_turn_is_sent_or_summarised(
    turns: list[Exchange], prompt: list[Any], budget: int, answer: str | None
) -> None:
    sent, asked = await recent(SummaryBuffer(budget), Window(exchanges=turns), prompt, answer)
    check([*sent.items, *prompt])
    assert tokens_in([*sent.items, *prompt]) <= max(budget, tokens_in(prompt))
    assert list(sent.exchanges) == turns[len(turns) - len(sent.exchanges) :]
    left_out = turns[: len(turns) - len(sent.exchanges)]
    if sent.summary is not None:
        assert sent.summary.through == left_out[-1].id
        assert len(asked) == 1
    elif answer is not None and budget > 200 + tokens_in(prompt) * 2:
        assert not left_out


@given(CONVERSATIONS, PROMPTS, st.integers(1, 400))
async def test_a_summary_is_summarised_with_the_turns_after_it(
    turns: list[Exchange], prompt: list[Any], budget: int
) -> None:
    for count in range(1, len(turns) + 1):
        before = Summary(text="they met", through=turns[count - 1].id)
        sent, asked = await recent(
            SummaryBuffer(budget), Window(exchanges=turns, summary=before), prompt
        )
        assert len(sent.exchanges) <= len(turns) - count
        assert tokens_in([*sent.items, *prompt]) <= max(budget, tokens_in(prompt))
        assert all("they met" in text for text in asked)


async def test_a_conversation_that_fits_is_not_summarised() -> None:
    turn = Exchange(
        id="1",
        items=[Message(role="user", content="Hi"), Message(role="assistant", content="Hello")],
    )
    past = Window(exchanges=[turn])
    assert (
        await SummaryBuffer(1000).recent(past, [Message(role="user", content="?")], no_summary)
        == past
    )


async def test_the_model_summarises_what_was_said_called_and_returned() -> None:
    first = Exchange(
        id="1",
        items=[
            Message(role="user", content="Rain in Oslo?"),
            FunctionCall(call_id="c1", name="weather", arguments='{"town": "Oslo"}'),
            FunctionCallOutput(call_id="c1", text="x" * (OUTPUT_CHARS + 1)),
            Message(role="assistant", content="Yes."),
        ],
    )
    last = Exchange(id="2", items=[Message(role="user", content="And in Bergen? " * 20)])
    _, asked = await recent(
        SummaryBuffer(300), Window(exchanges=[first, last]), [Message(role="user", content="?")]
    )
    [text] = asked
    assert text.split("\n\n") == [
        "User: Rain in Oslo?",
        'Assistant calls weather({"town": "Oslo"})',
        f"Tool's result: {'x' * OUTPUT_CHARS} … (1 more characters)",
        "Assistant: Yes.",
    ]


async def test_a_summary_is_an_exchange_and_has_no_authority_of_the_system() -> None:
    past = Window(exchanges=[], summary=Summary(text="they met", through="1"))
    assert [message["role"] for message in to_chat(past.items, "")] == ["user", "assistant"]


@pytest.mark.parametrize("size", [0, -1, 2.5, "20", True, None])
def test_a_size_is_a_positive_whole_number(size: Any) -> None:
    with pytest.raises(NbagentError, match="window_size must be a whole number of at least 1"):
        BufferWindow(size)
    with pytest.raises(NbagentError, match="budget must be a whole number of at least 1"):
        SummaryBuffer(size)


def test_an_agents_memory_is_a_memory() -> None:
    with pytest.raises(
        NbagentError, match=r"memory must be BufferWindow\(…\), SummaryBuffer\(…\) or None, got 20"
    ):
        Agent("demo", memory=20)  # type: ignore[arg-type]
