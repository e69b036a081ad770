"""No data is lost: five fast runs beside a flood of prints, with a page that sleeps, reloads and
loses its connection.
"""

import dataclasses
import random
import re
import time
from collections.abc import Callable, Iterator

import pytest
from browser.expectation import expect
from browser.lab import Lab, Notebook
from browser.shown import STREAMS, body, wait_for_files, wait_until_shown
from browser.wire import Wire
from campaign import figure
from playwright.sync_api import Locator

CAMPAIGN = "nothing lost"
RUNS = 5
RATE = 2000
"""Deltas a second of each run."""
THOUGHT = re.compile("^Think|^Thought")
FLOOD = 2_000_000
"""Bytes a second that are printed beside them."""
DRAWN = 20
"""Seconds that a view may take to draw what the reader opens."""
SECONDS, ASLEEP = 24.0, 10.0
"""Seconds for which the runs stream, and for which the page sleeps meanwhile."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """Plan of one trial: its actions and their times.

    Attributes:
        form: how the streams write: see `streams.events`.
        printed_by: a cell that blocks the kernel, or a thread beside it.
        printed_for: seconds.
        sleep: how the page sleeps.
        sleep_at: seconds after the streams began, like the other points in time.
        reload_at: when the page is saved and loaded again.
        drop_at: when its WebSocket breaks.
        down: seconds until another one gets through.
        new_session: whether the server takes that for a new session, and so has kept nothing for
            it.
    """

    seed: int
    form: str
    printed_by: str
    printed_for: float
    sleep: str
    sleep_at: float
    reload_at: float
    drop_at: float
    down: float
    new_session: bool

    @classmethod
    def number(cls, seed: int) -> "Trial":
        """Return the plan of the trial with that seed."""
        chance = random.Random(seed)
        return cls(
            seed=seed,
            form=chance.choice(("code", "paragraphs", "thought")),
            printed_by=chance.choice(("flood", "flood_beside")),
            printed_for=SECONDS + chance.uniform(-0.5, 3),
            sleep=chance.choice(("busy", "frozen")),
            sleep_at=chance.uniform(0.1, 0.9) * (SECONDS - ASLEEP),
            reload_at=chance.uniform(0.1, 0.9) * SECONDS,
            drop_at=chance.uniform(0.1, 0.9) * SECONDS,
            down=chance.uniform(0.5, 3),
            new_session=seed % 2 == 0,
        )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcome of one trial.

    Attributes:
        equal: whether every view shows what the kernel has.
        rate: deltas a second, of all runs together.
        after: seconds from the end of the streams until all is shown.
        lost: batches that the kernel sent and no page received.
        gaps: how often a view missed some and asked for a snapshot.
        complaints: how often Jupyter reported that a rate was exceeded.
        peak: the most messages of one run in a second.
    """

    equal: bool
    rate: float
    after: float
    lost: int
    gaps: int
    complaints: int
    peak: int


@pytest.fixture(scope="module")
def outcomes() -> Iterator[list[Outcome]]:
    """Collect the outcomes of the trials, for the table of figures."""
    all: list[Outcome] = []
    yield all
    if all:
        figure(
            CAMPAIGN,
            "tries in which every view equals the kernel",
            f"{sum(one.equal for one in all)} of {len(all)}",
        )
        figure(
            CAMPAIGN,
            "deltas a second, five runs together, slowest try",
            f"{min(one.rate for one in all):,.0f}",
        )
        figure(
            CAMPAIGN,
            "batches lost on the way, by try",
            f"{min(one.lost for one in all)} to {max(one.lost for one in all)}",
        )
        figure(CAMPAIGN, "snapshots that views asked for over a gap", sum(one.gaps for one in all))
        figure(
            CAMPAIGN,
            "times Jupyter reported that a rate was exceeded",
            sum(one.complaints for one in all),
        )
        figure(CAMPAIGN, "most messages of one run in a second", max(one.peak for one in all))
        figure(
            CAMPAIGN,
            "from the end until all is shown, slowest try",
            f"{max(one.after for one in all):.1f} s",
        )


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost(
    seed: int, wire: Wire, lab: Lab, notebook: Callable[..., Notebook], outcomes: list[Outcome]
) -> None:
    plan = Trial.number(seed)
    names = [f"try-{seed}-{index}" for index in range(RUNS)]
    runs = [
        f"show({plan.form!r}, {seed * RUNS + i}, {RATE}, {SECONDS}, {name!r}, begin)"
        for i, name in enumerate(names)
    ]
    shows = "\n".join(["begin = threading.Event()", *runs])
    printing = f"begin.set()\n{plan.printed_by}({FLOOD}, {plan.printed_for})"
    book = notebook(f"try-{seed}.ipynb", wire=wire, cells=(STREAMS, shows, printing))
    book.run(0)
    book.wait_idle()
    wire.to_view.clear()
    book.run(1)
    book.wait_idle()
    # An output that Jupyter loses before its view is there is no loss of ours: the faults begin
    # when all views are.
    expect(book.widget(1)).to_have_count(RUNS)
    book.run(2)
    began = time.monotonic()
    wire.drop(plan.drop_at, plan.down, plan.new_session)
    faults = {"sleep": plan.sleep_at, "reload": plan.reload_at}
    for fault in sorted(faults, key=lambda fault: faults[fault]):
        time.sleep(max(0.0, began + faults[fault] - time.monotonic()))
        if fault == "sleep":
            fall_asleep(book, plan.sleep)
        else:
            book.save()
            book.load()
    wait_for_files(lab.root / f"{name}.seconds" for name in names)
    # A page that was loaded again has no views before its kernel answers, which the cell that
    # prints keeps busy.
    book.wait_idle()
    ended = time.monotonic()
    texts = [(lab.root / f"{name}.text").read_text() for name in names]
    shown = wait_until_shown(book, 1, plan.form, texts)
    after = time.monotonic() - ended
    if plan.form == "thought":
        thoughts = [(lab.root / f"{name}.thinking").read_text() for name in names]
        views = book.widget(1).all()
        shown += [
            thought_of(view, body(thought, plan.form))
            for view, thought in zip(views, thoughts, strict=True)
        ]
        texts += thoughts
    slowest = max(float((lab.root / f"{name}.seconds").read_text()) for name in names)
    outcome = Outcome(
        equal=shown == [body(text, plan.form) for text in texts],
        rate=RUNS * RATE * SECONDS / slowest,
        after=after,
        lost=wire.lost(),
        gaps=sum(one.data["t"] == "resync" for one in wire.to_kernel),
        complaints=wire.complaints,
        peak=wire.peak(),
    )
    outcomes.append(outcome)
    print(plan, outcome)
    if not outcome.equal:
        book.shot(f"try-{seed}-differs")
        print(f"The cell's output:\n{book.output(1)}")
    assert outcome.equal, "\n".join(differences(shown, [body(text, plan.form) for text in texts]))
    assert outcome.lost > 0 or not plan.new_session, (
        "nothing was lost on the way: this try shows nothing"
    )
    assert outcome.peak <= 30


def differences(shown: list[str], wanted: list[str]) -> Iterator[str]:
    """Yield the first difference between each view and the kernel, as lines of a report."""
    yield f"{len(shown)} texts are shown, {len(wanted)} were written"
    for number, (is_, should) in enumerate(zip(shown, wanted, strict=False)):
        if is_ != should:
            same = next(
                (
                    at
                    for at, pair in enumerate(zip(is_, should, strict=False))
                    if pair[0] != pair[1]
                ),
                len(is_),
            )
            yield f"view {number}: {len(is_)} of {len(should)} characters"
            yield f"from {same} on {is_[same : same + 40]!r} for {should[same : same + 40]!r}"


def fall_asleep(book: Notebook, how: str) -> None:
    """Stop the page for a while: block its main thread, or freeze it by the browser."""
    if how == "busy":
        book.page.evaluate(
            "(ms) => { const end = Date.now() + ms; while (Date.now() < end); }", ASLEEP * 1000
        )
        return
    session = book.page.context.new_cdp_session(book.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(ASLEEP)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    session.detach()


def thought_of(view: Locator, wanted: str) -> str:
    """Return the text of the opened thought, which a view draws in slices, so a little later."""
    show_all = view.get_by_role("button", name="Show all")
    if show_all.is_visible():  # it may lie over the thought's row
        show_all.click()
    view.get_by_role("button", name=THOUGHT).click()
    code = view.locator(".nb-thought code")
    code.wait_for()
    deadline = time.monotonic() + DRAWN
    while (shown := code.text_content() or "") != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return shown


@pytest.mark.proof
def test_views_agree_and_one_made_late_takes_one_snapshot(
    wire: Wire, lab: Lab, notebook: Callable[..., Notebook]
) -> None:
    book = notebook(
        "views.ipynb",
        wire=wire,
        cells=(STREAMS, "run = show('thought', 1, 2000, 4, 'views')", "run"),
    )
    book.run(0)
    book.wait_idle()
    book.run(1)
    book.run(2)
    book.wait_idle()
    # it closes when it is over, but not if the reader says so
    book.widget(1).get_by_role("button", name=THOUGHT).click()
    book.widget(1).get_by_role("button", name=THOUGHT).click()
    expect(book.widget(2).get_by_role("button", name=THOUGHT)).to_have_attribute(
        "aria-expanded", "true"
    )
    book.save()
    wire.to_view.clear()
    window = book.page.context.new_page()
    late = Notebook(book.lab, window, book.name)
    late.load()
    late.widget(1).locator(".nb-answer code").wait_for()
    wait_for_files([lab.root / "views.seconds"])
    wanted = [
        body((lab.root / f"views.{part}").read_text(), "code") for part in ("thinking", "text")
    ]
    for view in (book.widget(1), book.widget(2), late.widget(1), late.widget(2)):
        expect(view.get_by_role("button", name=THOUGHT)).to_have_attribute("aria-expanded", "true")
        expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()
        assert [code.text_content() for code in view.locator("code").all()] == wanted
    assert wire.snapshots() == 1  # two views of one page are one reader
    book.load()
    expect(book.widget(1).get_by_role("button", name=THOUGHT)).to_have_attribute(
        "aria-expanded", "true"
    )
    assert [code.text_content() for code in book.widget(1).locator("code").all()] == wanted
    assert wire.snapshots() == 2
