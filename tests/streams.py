"""Random event streams that keep the rules of `nbagent.events`, for property tests.

    @given(event_streams())
    def test_something(events: list[Event]) -> None: ...

Ids are unique, deltas are between a start and an end, a result comes once, a failed run has one
fatal error, a paused one an open request. Texts and calls overlap, may be replaced at their end,
and may be left for `run.end` to close.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from samples import OTHER_KINDS, sample

from nbagent import events as ev

WORDS = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    [
        "Hello, ",
        "two\nlines\n",
        "\n",
        " ",
        "Ünïcödé 🎉",
        '{"a": 1}',
        "data: x\n\n",
        "[DONE]",
        "</think>",
        "\r\n",
    ]
)
NAMES = st.sampled_from(["search", "load_sales", "run-python", "fetch.page", "Read a (file)"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcde", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from(["city", "year", "q"]), JSON, max_size=3)


@st.composite
def usages(draw: st.DrawFn) -> ev.Usage:
    """Return a strategy of token counts that add up; counts may be missing."""
    sent, made = draw(st.integers(0, 10_000)), draw(st.integers(0, 10_000))
    details: dict[str, Any] = {
        "reasoning": draw(st.none() | st.integers(0, made // 2)),
        "cache_read": draw(st.none() | st.integers(0, sent // 2)),
        "cache_write": draw(st.none() | st.integers(0, sent // 2)),
        "cost": draw(st.none() | st.sampled_from([0.25, 0.5])),
    }
    total = draw(st.none() | st.just(sent + made))
    return ev.Usage(input=sent, output=made, total=total, **details)


@st.composite
def utf16_pieces(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a text, and its pieces as of a service that counts in UTF-16 and cuts emoji in two:
    JSON carries the halves.
    """
    text = draw(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    units = text.encode("utf-16-le")
    cuts = sorted(draw(st.sets(st.integers(0, len(units) // 2), max_size=6)))
    bounds = [0, *(2 * cut for cut in cuts), len(units)]
    return text, [
        units[start:end].decode("utf-16-le", "surrogatepass")
        for start, end in itertools.pairwise(bounds)
    ]


class _Writer:
    """Writes one stream event by event, and knows the events that may come next."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.events: list[ev.Event] = []
        self.count = 0
        self.texts: dict[str, str] = {}
        self.thoughts: dict[str, str] = {}
        # that have no whole arguments: what is still to be written
        self.calls: dict[str, tuple[str, list[str]]] = {}
        self.called: list[str] = []  # that have no result
        self.all_calls: list[str] = []
        self.asked: dict[str, str | None] = {}  # the call that a request is about
        self.asked_about: set[str | None] = set()
        self.agents: dict[str, str] = {}
        self.in_step = False
        # how tokens are reported
        self.counts = draw(st.sampled_from(["steps", "updates", "step updates", "end"]))
        self.total: ev.Usage | None = None

    def write(self, cls: Callable[..., ev.Event], **values: Any) -> None:
        self.events.append(cls(**values))

    def new(self, family: str) -> str:
        self.count += 1
        return f"{family}-{self.count}"

    def one(self, of: Any) -> Any:
        return self.draw(st.sampled_from(sorted(of)))

    def some_call(self) -> str | None:
        return self.draw(st.none() | st.sampled_from(self.called)) if self.called else None

    def parent(self) -> str | None:
        around = [*self.agents, *self.all_calls[-1:]]
        return self.one(around) if around and self.draw(st.integers(0, 3)) == 0 else None

    # --- what may happen ---

    def step(self) -> None:
        """Begin or end a step, which ends all open texts: none spans two steps."""
        while self.thoughts:
            self.thought_end()
        while self.texts:
            self.text_end()
        while self.calls:
            self.args()
        if self.in_step:
            usage = (
                self.draw(st.none() | usages())
                if self.counts in ("steps", "step updates")
                else None
            )
            if usage is not None:
                self.total = usage if self.total is None else self.total + usage
            if self.counts == "step updates" and usage is not None:
                self.write(ev.UsageUpdate, usage=usage, scope="step")
                usage = None
            self.write(
                ev.StepEnd,
                finish_reason=self.draw(st.sampled_from([None, "stop", "tool_calls"])),
                usage=usage,
            )
        else:
            known = self.draw(st.sampled_from([None, "gpt-x"])) if len(self.events) == 1 else None
            self.write(ev.StepStart, model=known)
        self.in_step = not self.in_step

    def text_start(self) -> None:
        id_ = self.new("text")
        kind = self.draw(st.sampled_from(["text", "text", "text", "refusal"]))
        phase = self.draw(st.sampled_from([None, None, "commentary"]))
        line_breaks = self.draw(st.sampled_from([False, False, True]))
        self.write(
            ev.TextStart,
            id=id_,
            kind=kind,
            phase=phase,
            line_breaks=line_breaks,
            parent_id=self.parent(),
        )
        self.texts[id_] = ""

    def text_delta(self) -> None:
        id_, delta = self.one(self.texts), self.draw(WORDS)
        self.texts[id_] += delta
        self.write(ev.TextDelta, id=id_, delta=delta)

    def text_end(self) -> None:
        id_ = self.one(self.texts)
        self.write(ev.TextEnd, id=id_, text=self.final(id_, self.texts.pop(id_)))

    def final(self, id_: str, streamed: str) -> str | None:
        # Each replacement is another one: of two equal texts a system without ids cannot say which
        # its last text replaces.
        replaced = f"replaced {id_}"
        return self.draw(
            st.sampled_from([None, None, streamed, streamed + " and more", replaced, ""])
        )

    def thought_start(self) -> None:
        id_ = self.new("reasoning")
        self.write(
            ev.ReasoningStart,
            id=id_,
            kind=self.draw(st.sampled_from(["raw", "summary"])),
            parent_id=self.parent(),
        )
        self.thoughts[id_] = ""

    def thought_delta(self) -> None:
        id_, delta = self.one(self.thoughts), self.draw(WORDS)
        self.thoughts[id_] += delta
        self.write(ev.ReasoningDelta, id=id_, delta=delta)

    def thought_end(self) -> None:
        id_ = self.one(self.thoughts)
        opaque = {
            "signature": self.draw(st.none() | st.just("sig")),
            "encrypted": self.draw(st.none() | st.just("enc")),
        }
        self.write(ev.ReasoningEnd, id=id_, text=self.final(id_, self.thoughts.pop(id_)), **opaque)

    def call(self) -> None:
        id_ = self.new("tool")
        kind = self.draw(
            st.sampled_from(["function", "function", "hosted", "mcp", "handoff", "custom"])
        )
        call_id = self.draw(st.sampled_from([None, f"call_{self.count}"]))
        title = self.draw(st.sampled_from([None, None, "A title"]))
        name = self.draw(NAMES)
        self.write(
            ev.ToolStart,
            id=id_,
            name=name,
            kind=kind,
            call_id=call_id,
            title=title,
            parent_id=self.parent(),
        )
        text = self.draw(
            st.builds(json.dumps, OBJECTS) | st.sampled_from(["", "{", "print('hi')\nprint(1)"])
        )
        cut = self.draw(st.integers(0, len(text)))
        self.calls[id_] = (text, [text[:cut], text[cut:]])
        self.called.append(id_)
        self.all_calls.append(id_)

    def args_delta(self) -> None:
        id_ = self.one(self.calls)
        left = self.calls[id_][1]
        delta = left.pop(0) if left else ""
        if delta:
            self.write(ev.ToolArgsDelta, id=id_, delta=delta)

    def args(self) -> None:
        id_ = self.one(self.calls)
        text, _ = self.calls.pop(id_)
        if text == "{":
            self.write(ev.ToolArgs, id=id_, args_text=text, valid=False)
        elif text.startswith("print"):
            self.write(ev.ToolArgs, id=id_, args=text, args_text=text)
        elif self.draw(st.integers(0, 5)) == 0:  # the final arguments are others
            self.write(ev.ToolArgs, id=id_, args={"q": "other"}, args_text='{"q": "other"}')
        else:
            self.write(ev.ToolArgs, id=id_, args=json.loads(text or "{}"), args_text=text)

    def progress(self) -> None:
        self.write(ev.ToolProgress, id=self.one(self.called), message=self.draw(st.none() | WORDS))
        if self.draw(st.booleans()):
            self.write(ev.ToolOutput, id=self.one(self.called), delta=self.draw(WORDS))

    def answerable(self) -> list[str]:
        return [id_ for id_ in self.called if id_ not in self.asked.values()]

    def result(self) -> None:
        """Write a tool's result, unless an approval of its call is pending."""
        id_ = self.one(self.answerable())
        status = self.draw(st.sampled_from(["ok", "ok", "error", "denied"]))
        if status == "ok" and self.draw(st.integers(0, 5)) == 0:
            self.write(ev.ToolResult, id=id_, content=self.draw(JSON), preliminary=True)
            return
        self.called.remove(id_)
        self.calls.pop(id_, None)
        error = (
            ev.ErrorInfo(message=self.draw(WORDS), type="ValueError") if status != "ok" else None
        )
        self.write(
            ev.ToolResult,
            id=id_,
            status=status,
            content=self.draw(JSON if status == "ok" else st.none() | JSON),
            error=error,
        )

    def ask(self) -> None:
        """Write an approval request, at most once for a call, and after its arguments are
        complete.
        """
        id_ = self.new("approval")
        tool = self.some_call()
        tool = None if tool in self.asked_about or tool in self.calls else tool
        self.asked_about.add(tool)
        kind = "tool" if tool else self.draw(st.sampled_from(["tool", "input", "auth"]))
        about: dict[str, Any] = {
            "prompt": self.draw(st.none() | WORDS),
            "args": self.draw(st.none() | OBJECTS),
            "options": self.draw(st.sampled_from([None, ["yes", "no"]])),
            "schema": self.draw(st.sampled_from([None, {"type": "string"}])),
        }
        self.write(ev.ApprovalRequest, approval_id=id_, tool_id=tool, kind=kind, **about)
        self.asked[id_] = tool

    def answer(self) -> None:
        decision = self.draw(st.sampled_from(["approve", "deny", "cancel"]))
        reason = self.draw(st.none() | WORDS)
        id_ = self.one(self.asked)
        del self.asked[id_]
        self.write(ev.ApprovalResponse, approval_id=id_, decision=decision, reason=reason)

    def agent(self) -> None:
        id_ = self.new("agent")
        tool = self.some_call()
        self.agents[id_] = self.draw(NAMES)
        self.write(ev.AgentStart, id=id_, name=self.agents[id_], tool_id=tool)

    def agent_end(self) -> None:
        id_ = self.one(self.agents)
        status = self.draw(st.sampled_from(["completed", "completed", "failed"]))
        self.write(ev.AgentEnd, id=id_, name=self.agents.pop(id_), status=status)

    def other(self) -> None:
        draw, parent = self.draw, self.parent()
        media: dict[str, Any] = {
            "media_type": "image/png",
            "name": draw(st.sampled_from([None, "a.png"])),
        }
        url = draw(st.sampled_from([None, "https://example.org/a"]))
        events: list[ev.Event] = [
            ev.Prompt(
                text=draw(WORDS),
                files=draw(st.sampled_from([None, [{"media_type": "image/png", "data": "aGk="}]])),
            ),
            ev.AgentHandoff(from_=draw(st.none() | NAMES), to=draw(NAMES)),
            ev.Source(
                id=self.new("source"), url=url, title=draw(st.sampled_from([None, "A page"]))
            ),
            ev.File(id=self.new("file"), url="https://example.org/a.png", **media),
            ev.File(id=draw(st.sampled_from(["file-a", self.new("file")])), data="aGk=", **media),
            ev.State(snapshot=draw(JSON)),
            ev.State(patch=[{"op": "add", "path": "/a", "value": 1}]),
            ev.Status(message=draw(WORDS), level=draw(st.sampled_from(["info", "warning"]))),
            ev.Error(
                message=self.new("warning"),
                code=draw(st.sampled_from([None, "429"])),
                error_type=draw(st.sampled_from([None, "Slow"])),
            ),
            ev.Custom(name=draw(NAMES), data=draw(JSON), parent_id=parent),
            ev.Raw(name=draw(st.sampled_from([None, "x"])), data=draw(JSON)),
            *(sample(kind.event, self.new(kind.name)) for kind in OTHER_KINDS),
        ]
        self.events.append(draw(st.sampled_from(events)))

    def usage(self) -> None:
        more = self.draw(usages())
        self.total = more if self.total is None else self.total + more
        self.write(ev.UsageUpdate, usage=self.total)

    def allowed(self) -> list[Callable[[], None]]:
        """Return the methods that write the events that may come next, the common ones several
        times.
        """
        may = [
            self.step,
            self.text_start,
            self.thought_start,
            self.call,
            self.ask,
            self.agent,
            self.other,
            self.other,
        ]
        may += [self.text_delta, self.text_delta, self.text_end] if self.texts else []
        may += [self.thought_delta, self.thought_end] if self.thoughts else []
        may += [self.args_delta, self.args, self.args] if self.calls else []
        may += [self.result, self.result] if self.answerable() else []
        may += [self.progress] if self.called else []
        may += [self.usage] if self.counts == "updates" else []
        may += [self.answer] if self.asked else []
        return may + ([self.agent_end] if self.agents else [])

    def end(self) -> None:
        usage = (
            self.draw(st.none() | usages())
            if self.counts == "end"
            else self.draw(st.sampled_from([None, self.total]))
        )
        if self.asked:
            self.write(ev.RunEnd, status="paused", usage=usage)
            return
        status = self.draw(
            st.sampled_from(
                ["completed", "completed", "failed", "incomplete", "cancelled", "max_steps"]
            )
        )
        code = None
        if status == "failed":
            code = self.draw(st.sampled_from([None, "500"]))
            self.write(
                ev.Error,
                message=self.draw(WORDS),
                code=code,
                error_type=self.draw(st.sampled_from([None, "ServerError"])),
                fatal=True,
            )
        elif status == "incomplete":
            code = self.draw(
                st.sampled_from([None, "max_output_tokens", "content_filter", ev.STREAM_TRUNCATED])
            )
        reason = self.draw(st.sampled_from([None, "stop"]))
        self.write(ev.RunEnd, status=status, code=code, finish_reason=reason, usage=usage)


@st.composite
def event_streams(draw: st.DrawFn, max_size: int = 30) -> list[ev.Event]:
    """Return the events of one run, from `run.start` to `run.end`."""
    writer = _Writer(draw)
    writer.write(
        ev.RunStart,
        model=draw(st.sampled_from([None, "gpt-x"])),
        thread_id=draw(st.sampled_from([None, "thread"])),
    )
    for _ in range(draw(st.integers(0, max_size))):
        may = writer.allowed()
        may[draw(st.integers(0, len(may) - 1))]()
    writer.end()
    return writer.events
