"""Credentials are masked in every event that passed the gate."""

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.gate import Gate
from nbagent.gate.patterns import HIDDEN_TEXT, Patterns
from nbagent.gate.redact import Redactor
from nbagent.gate.secrets import Secrets
from nbagent.run import Run

CANARY = "canary/9f8e7d6c5b4a"
MASKED = "ca" + "•" * 17
ERROR = e.ErrorInfo(type="AuthError", message=f"bad {CANARY}", traceback=f"Traceback … {CANARY}")
SVG = f"<svg><title>{CANARY}</title><text x='1'>{CANARY}</text></svg>"
DISPLAY = e.Display(
    summary=CANARY,
    data={
        "text/html": f"<b>{CANARY}</b>",
        "application/json": {CANARY: [CANARY]},
        "image/svg+xml": SVG,
        "image/svg+xml;part=2": SVG,
    },
)


def redacted(*events: e.Event) -> list[e.Event]:
    redactor = Redactor(Secrets([CANARY]))
    return [shown for event in events for shown in redactor.feed(event)]


@pytest.mark.parametrize(
    "event",
    [
        e.RunStart(name=CANARY, model=CANARY),
        e.RunEnd(status="failed", output=CANARY, finish_reason=CANARY),
        e.AgentEnd(id="a", output={"key": CANARY}),
        e.Error(
            message=f"refused {CANARY}",
            traceback=CANARY,
            meta={"header": CANARY},
            raw={"body": [CANARY]},
        ),
        e.Status(message=CANARY),
        e.ToolArgs(id="t", args={"key": CANARY}, args_text=f'{{"key": "{CANARY}"}}', valid=True),
        e.ToolProgress(id="t", message=CANARY),
        e.ToolResult(
            id="t", status="error", content={"at": [CANARY]}, error=ERROR, display=DISPLAY
        ),
        e.ApprovalRequest(approval_id="a", kind="tool", prompt=CANARY, args={"key": CANARY}),
        e.ApprovalRequest(
            approval_id="a",
            options=[CANARY, "no"],
            schema={"title": CANARY, CANARY: {"enum": [CANARY]}},
        ),
        e.Source(id="s", url=f"https://x.test/?key={CANARY}", title=CANARY),
        e.File(id="f", media_type="text/plain", data=CANARY, name=CANARY),
        e.Custom(name=CANARY, data={"deep": [{"key": CANARY}]}),
        e.TextEnd(id="x", text=CANARY),
        e.ReasoningEnd(id="x", text=CANARY),
    ],
    ids=e.type_of,
)
def test_no_field_of_an_event_keeps_a_credential(event: e.Event) -> None:
    shown = redacted(event)
    assert CANARY not in repr(shown)
    assert MASKED in repr(shown)
    assert [type(it) for it in shown] == [type(event)]


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "one line": base64.b64encode,
    "lines of 76": base64.encodebytes,
    "for URLs": base64.urlsafe_b64encode,
    "without padding": lambda data: base64.b64encode(data).rstrip(b"="),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize(
    "media", ["text/csv", "application/json", "image/svg+xml", "text/plain;charset=utf-8"]
)
def test_a_text_in_a_file_is_masked_where_it_is_encoded(
    media: str, encode: Callable[[bytes], bytes]
) -> None:
    data = encode(f"name,key\n{CANARY},x,ÿ~ÿ?\n".encode()).decode()
    [shown] = redacted(
        e.File(id="f", media_type=media, data=data, url=f"data:{media};base64,{data}")
    )
    assert isinstance(shown, e.File)
    assert shown.url == f"data:{media};base64,{shown.data}"
    assert base64.b64decode(shown.data or "").decode() == f"name,key\n{MASKED},x,ÿ~ÿ?\n"


def test_a_picture_in_a_file_is_left_alone() -> None:
    patterns = Redactor(Patterns([r"\d"]))
    file = e.File(id="f", media_type="image/png", data="0000", url="data:image/png;base64,0000")
    assert patterns.feed(file) == [file]


def test_an_object_of_an_sdk_that_holds_one_becomes_plain() -> None:
    @dataclass
    class Reply:
        key: str

        def model_dump(self) -> dict[str, Any]:
            return {"key": self.key}

    clean = Reply("nothing")
    shown, kept = redacted(e.Raw(data=Reply(CANARY)), e.Raw(data=clean))
    assert isinstance(shown, e.Raw)
    assert shown.data == {"key": MASKED}
    assert isinstance(kept, e.Raw)
    assert kept.data is clean


@dataclass
class Record:
    key: str


class Model(msgspec.Struct):
    key: str


@pytest.mark.parametrize(
    "value",
    [Record(CANARY), Model(CANARY), {CANARY}, frozenset({CANARY})],
    ids=lambda value: type(value).__name__,
)
def test_an_object_inside_a_container_keeps_no_credential(value: Any) -> None:
    inside = {"a": [value], "b": (value,), "c": {"d": value}}
    shown = redacted(
        e.Custom(name="n", data=inside),
        e.Raw(data=[value]),
        e.State(snapshot=inside),
        e.Custom(name="n", data=value),
    )
    assert not [event for event in shown if CANARY.encode() in e.to_json(event)]


def test_the_live_value_stays_and_pictures_are_not_read() -> None:
    value = e.Live(CANARY)
    (shown,) = redacted(
        e.ToolResult(
            id="t", status="ok", value=value, display=e.Display(data={"image/png": CANARY})
        )
    )
    assert isinstance(shown, e.ToolResult)
    assert shown.value is value
    assert shown.display == e.Display(data={"image/png": CANARY})


def test_what_is_nested_too_deep_to_be_looked_through_is_cut_and_ends_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_API_KEY", CANARY)
    deep: Any = [CANARY]
    for _ in range(20_000):
        deep = [deep, CANARY]
    run = Run(iter([e.ToolResult(id="t", status="ok", content=deep), e.RunEnd(status="completed")]))
    run.start()
    run.wait(30)
    assert run.status == "completed"
    assert CANARY not in repr(run.events)


def test_clean_events_pass_as_they_are() -> None:
    event = e.Custom(name="x", data={"a": [1, "b"]})
    assert redacted(event)[0] is event


@given(
    st.lists(st.integers(1, 30), max_size=10),
    st.sampled_from([e.TextDelta, e.ReasoningDelta, e.ToolArgsDelta]),
)
def test_a_credential_cut_in_two_is_masked_and_nothing_else_is_lost(
    cuts: list[int], delta: Any
) -> None:
    text = f"before {CANARY} after canary/9f"
    places = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    shown = redacted(
        *(delta(id="x", delta=piece) for piece in pieces), e.RunEnd(status="completed")
    )
    assert "".join(event.delta for event in shown[:-1] if isinstance(event, delta)) == text.replace(
        CANARY, MASKED
    )
    assert isinstance(shown[-1], e.RunEnd)


def test_a_run_shows_none_of_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", CANARY)

    def stream() -> Any:
        yield "The key is "
        yield from CANARY
        raise RuntimeError(f"server said {CANARY}")

    run = Run(stream(), name=CANARY)
    run.start()
    run.wait(5)
    assert run.text == f"The key is {MASKED}"
    assert run.status == "failed"
    assert CANARY not in repr(run)
    assert CANARY not in repr(run.snapshot()) + repr(run.events)


# --- ids ---

CARDS = ("4111111111111111", "4222222222222222")


def call(card: str) -> list[e.Event]:
    id_, agent = f"call:{card}", f"agent:{card}"
    return [
        e.AgentStart(id=agent, name="a", tool_id=id_),
        e.ToolStart(id=id_, name="f", call_id=card, parent_id=agent),
        e.ToolArgsDelta(id=id_, delta="{}"),
        e.ToolArgs(id=id_, args={}, args_text="{}"),
        e.ApprovalRequest(approval_id=f"ask:{card}", tool_id=id_),
        e.ApprovalResponse(approval_id=f"ask:{card}", decision="approve"),
        e.ToolResult(id=id_, content=1),
        e.TextStart(id=f"text:{card}"),
        e.TextDelta(id=f"text:{card}", delta="Hi"),
        e.Source(id=f"source:{card}", text_id=f"text:{card}"),
        e.TextEnd(id=f"text:{card}"),
    ]


@pytest.mark.parametrize(
    "masker", [Patterns([r"\d{16}"]), Secrets(CARDS)], ids=["pattern", "credential"]
)
def test_ids_are_masked_and_still_pair_each_with_its_own(masker: Any) -> None:
    redactor = Redactor(masker)
    events = [event for pair in zip(*map(call, CARDS), strict=True) for event in pair]
    shown = [out for event in events for out in redactor.feed(event)]
    assert not [card for card in CARDS if card in repr(shown)]
    fields = ("id", "parent_id", "tool_id", "call_id", "approval_id", "text_id")

    def references(some: list[e.Event]) -> list[tuple[int, str, str]]:
        return [
            (n, field, id)
            for n, it in enumerate(some)
            for field in fields
            if (id := getattr(it, field, None))
        ]

    was, now = references(events), references(shown)
    assert [(n, field) for n, field, _ in was] == [(n, field) for n, field, _ in now]
    pairs = {(before, after) for (_, _, before), (_, _, after) in zip(was, now, strict=True)}
    assert len(pairs) == len({before for before, _ in pairs}) == len({after for _, after in pairs})


def test_an_id_stays_the_same_when_a_credential_becomes_known_in_mid_run() -> None:
    redactor = Redactor(Secrets())
    first = redactor.feed(e.ToolStart(id=CANARY, name="f"))
    redactor.masker = Secrets([CANARY])
    last = redactor.feed(e.ToolResult(id=CANARY, content=CANARY))
    assert [
        event.id for event in (*first, *last) if isinstance(event, e.ToolStart | e.ToolResult)
    ] == [CANARY, CANARY]


def test_the_ids_that_nbagent_makes_are_left_alone() -> None:
    redactor = Redactor(Patterns([r"\d+"]))
    for id_ in ("text-1", "text-1.think-2", "tool-12", "lane-1/text-3.2", "text-1.tool-1.2"):
        assert redactor.feed(e.TextStart(id=id_)) == [e.TextStart(id=id_)]


# --- patterns that take too long ---

SLOW, ENDLESS = r"(a|aa)+$", "a" * 60 + "!"


def test_a_pattern_that_does_not_end_hides_the_text_says_so_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nbagent.gate.patterns.SEARCH_LIMIT_S", 0.05)
    run = Run(
        iter(
            [
                e.TextStart(id="t"),
                e.TextDelta(id="t", delta="Hello 1234. "),
                e.TextDelta(id="t", delta=ENDLESS),
                e.TextDelta(id="t", delta="And more"),
                e.TextEnd(id="t"),
                e.ToolResult(id="u", content={"x": ENDLESS, "y": "fine 1234"}),
                e.RunEnd(status="completed"),
            ]
        ),
        redact=[r"\d{4}", SLOW],
    )
    run.start()
    run.wait(30)
    assert run.status == "completed"
    assert run.text == f"Hello ••••. {HIDDEN_TEXT}"
    [status] = [event for event in run.events if isinstance(event, e.Status)]
    assert status.level == "warning"
    assert "Rule 2 of redact=" in status.message
    assert SLOW not in status.message
    [result] = [event for event in run.events if isinstance(event, e.ToolResult)]
    assert result.content == {"x": HIDDEN_TEXT, "y": "fine ••••"}


def test_after_some_slow_texts_every_text_is_hidden_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nbagent.gate.patterns.SEARCH_LIMIT_S", 0.02)
    patterns = Patterns([SLOW])
    assert [patterns.mask(text) for text in (ENDLESS, "Hi", ENDLESS, ENDLESS, "Hi")] == [
        HIDDEN_TEXT,
        "Hi",
        HIDDEN_TEXT,
        HIDDEN_TEXT,
        HIDDEN_TEXT,
    ]
    stream = patterns.stream()
    assert stream.feed("Hi") + stream.feed(" there") + stream.close() == HIDDEN_TEXT


# --- the whole gate ---

SPEECH = st.lists(
    st.sampled_from(
        [
            "see ",
            "4111 1111",
            "4111**1111**",
            "41",
            "1",
            CANARY,
            CANARY[:9],
            "pg://me:hunter22x@db ",
            "Bearer ",
            "a1" * 9,
            "Ann\nLee",
            "*Ann* Lee",
            "ann",
            "\u200b",
            "&#49;",
            "\\",
            "`x`",
            "é",
            "_",
            "\n\n",
            "<b>",
            "sk-",
            "ghp_" + "a1" * 18,
        ]
    ),
    max_size=10,
).map("".join)


@example("4111 1111Ann\nLee", [10])
@example("canary/9f8e7d6c5b4a*Ann* Lee", [20])
@example("_Ann\nLee\n\n", [1])
@given(SPEECH, st.lists(st.integers(0, 200), max_size=30))
def test_deltas_cut_anywhere_show_what_one_delta_shows(text: str, cuts: list[int]) -> None:
    def shown(*deltas: str) -> str:
        gate = Gate(redact=[r"\d{4} ?\d{4}", r"(?i)\bann lee\b"])
        gate.mask_secrets(Secrets([CANARY]))
        events: list[e.Event] = [
            e.TextStart(id="t"),
            *(e.TextDelta(id="t", delta=delta) for delta in deltas),
            e.TextEnd(id="t"),
        ]
        return "".join(
            out.delta
            for event in events
            for out in gate.feed(event)
            if isinstance(out, e.TextDelta)
        )

    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    cut, whole = shown(*(text[start:end] for start, end in itertools.pairwise(edges))), shown(text)
    if not any(mark in text for mark in "*_`"):
        assert cut == whole
    # A mark that was shown before its partner came is a border of words, so that one word more may
    # match.
    assert all(each in (one, "•") for each, one in zip(cut, whole, strict=True))
