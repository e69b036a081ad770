"""Nothing is lost: five fast runs beside a flood of prints, with a page that sleeps, reloads and loses its connection."""

import dataclasses
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from browser.lab import Lab, Notebook
from browser.wire import Heard, Wire
from campaign import WHOLE, sample
from playwright.sync_api import expect

FORM = "paragraphs"
CAMPAIGN = "channel"
STREAMS = (Path(__file__).parent / "streams.py").read_text()
RUNS = 5
RATE = 2000
"""Deltas a second of each run."""
FLOOD = 2_000_000
"""Bytes a second that are printed beside them."""
SECONDS, ASLEEP = (24.0, 10.0) if WHOLE else (5.0, 2.0)
"""How long the runs stream, and for how much of that the page sleeps."""
REPAIRED = 60
"""Seconds after the end in which every view must agree with the kernel: the beats of an ended run come for as long."""


@dataclasses.dataclass(frozen=True)
class Try:
    """What one try does, and when (seconds after the streams began). All of it is drawn from the seed."""

    seed: int
    form: str
    printed_by: str
    sleep: str
    sleep_at: float
    reload_at: float
    drop_at: float
    down: float
    new_session: bool

    @classmethod
    def number(cls, seed: int) -> "Try":
        """The kinds take turns, the points are random."""
        chance = random.Random(seed)
        at = [chance.uniform(0.1, 0.9) * SECONDS for _ in range(3)]
        return cls(
            seed=seed,
            form=("code", "code", "paragraphs", "thought")[seed % 4],
            printed_by=("thread", "cell")[seed // 2 % 2],
            sleep=("busy", "frozen")[seed // 4 % 2],
            sleep_at=at[0] * (1 - ASLEEP / SECONDS),
            reload_at=at[1],
            drop_at=at[2],
            down=chance.uniform(0, 3) * ASLEEP / 10,
            new_session=seed % 2 == 1,
        )


@dataclasses.dataclass
class WiredLab(Lab):
    """The same server, over a wire that can break."""

    wire: Wire


@pytest.fixture
def lab(lab: Lab) -> Iterator[WiredLab]:
    """What `notebook` opens its pages from, here."""
    wire = Wire(lab.url)
    yield WiredLab(wire.url, lab.token, lab.root, lab.log, wire)
    wire.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", sample(range(20), 2))
def test_nothing_is_lost(seed: int, lab: WiredLab, notebook: Callable[..., Notebook]) -> None:
    plan, wire = Try.number(seed), lab.wire
    print(plan)
    names = [f"try-{seed}-{index}" for index in range(RUNS)]
    shows = "\n".join(f"show({plan.form!r}, {seed * RUNS + i}, {RATE}, {SECONDS}, {name!r})" for i, name in enumerate(names))
    flood = {"thread": "flood_beside", "cell": "flood"}[plan.printed_by]
    book = notebook(f"try-{seed}.ipynb", cells=(STREAMS, shows, f"{flood}({FLOOD}, {SECONDS + 1})"))
    book.run(0)
    book.wait_idle()
    wire.to_view.clear()
    book.run(1)
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
    wait_for_files([lab.root / f"{name}.seconds" for name in names])
    ended = time.monotonic()
    wanted = [(lab.root / f"{name}.text").read_text() for name in names]
    shown = wait_until_shown(book, plan.form, wanted)
    after = time.monotonic() - ended
    took = max(float((lab.root / f"{name}.seconds").read_text()) for name in names)
    rate = RATE * SECONDS / took
    print(
        f"{rate:.0f} deltas/s; equal {after:.1f} s after the end; lost {lost(wire.to_view)}; peak {peak(wire.to_view)}/s; "
        f"complaints {wire.complaints}; {said(wire.to_view)}; view said {said(wire.to_kernel)}"
    )
    assert shown == [body(text, plan.form) for text in wanted]
    assert lost(wire.to_view) > 0
    assert peak(wire.to_view) <= 30


def fall_asleep(book: Notebook, how: str) -> None:
    """The page does nothing for a while: its main thread is busy, or the browser has frozen it."""
    if how == "busy":
        book.page.evaluate("(ms) => { const end = Date.now() + ms; while (Date.now() < end); }", ASLEEP * 1000)
        return
    session = book.page.context.new_cdp_session(book.page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(ASLEEP)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    session.detach()


def wait_for_files(paths: Iterable[Path], patience: float = 120) -> None:
    paths = list(paths)
    deadline = time.monotonic() + patience
    while not all(path.exists() and path.read_text() for path in paths):
        assert time.monotonic() < deadline, "the runs did not end"
        time.sleep(0.2)


SHOWN = {
    "code": "(view) => view.querySelector('.nb-answer code')?.textContent",
    "paragraphs": "(view) => [...view.querySelectorAll('.nb-answer p')].map((p) => p.textContent).join('\\n\\n')",
}
SHOWN["thought"] = SHOWN["code"]


def body(text: str, form: str) -> str:
    """What a reader should see of the Markdown."""
    return text.strip() if form == "paragraphs" else text.removeprefix("```\n")


def wait_until_shown(book: Notebook, form: str, wanted: list[str], cell: int = 1) -> list[str]:
    """The text of every view, once it is what it should be or the time is up."""
    bodies = [body(text, form) for text in wanted]
    deadline = time.monotonic() + REPAIRED
    while True:
        views = book.widget(cell)
        shown = [views.nth(index).evaluate(SHOWN[form]) or "" for index in range(views.count())]
        if shown == bodies or time.monotonic() > deadline:
            return shown
        time.sleep(0.5)


def by_comm(heard: Iterable[Heard]) -> dict[str, list[Heard]]:
    comms: dict[str, dict[str, Heard]] = {}
    for message in heard:
        comms.setdefault(message.comm, {})[message.msg_id] = message
    return {comm: list(messages.values()) for comm, messages in comms.items()}


def lost(heard: Iterable[Heard]) -> int:
    """Batches that the kernel sent and no page got."""
    count = 0
    for messages in by_comm(heard).values():
        seqs = {message.data["seq"] for message in messages if "seq" in message.data}
        count += max(seqs, default=0) - len(seqs)
    return count


def peak(heard: Iterable[Heard]) -> int:
    """The most messages that one run sent in any window of one second, by the kernel's clock."""
    most = 0
    for messages in by_comm(heard).values():
        sent = sorted(message.sent for message in messages)
        first = 0
        for index, at in enumerate(sent):
            while sent[first] <= at - 1:
                first += 1
            most = max(most, index - first + 1)
    return most


def said(heard: Iterable[Heard]) -> dict[str, int]:
    return dict(Counter(message.data.get("t") for message in heard))


def test_views_agree_and_one_made_late_takes_one_snapshot(lab: WiredLab, notebook: Callable[..., Notebook]) -> None:
    book = notebook("views.ipynb", cells=(STREAMS, "run = show('thought', 1, 2000, 4, 'views')", "run"))
    book.run(0)
    book.wait_idle()
    book.run(1)
    book.run(2)
    book.wait_idle()
    thought = re.compile("^Think|^Thought")
    book.widget(1).get_by_role("button", name=thought).click()  # it closes when it is over, but not if the reader says so
    book.widget(1).get_by_role("button", name=thought).click()
    expect(book.widget(2).get_by_role("button", name=thought)).to_have_attribute("aria-expanded", "true")
    book.save()
    before = len(lab.wire.to_view)
    window = book.page.context.new_page()
    late = Notebook(lab, window, book.name)
    late.load()
    late.widget(1).locator(".nb-answer code").wait_for()
    wait_for_files([lab.root / "views.seconds"])
    wanted = [body((lab.root / f"views.{part}").read_text(), "code") for part in ("thinking", "text")]
    for view in (book.widget(1), book.widget(2), late.widget(1), late.widget(2)):
        expect(view.get_by_role("button", name=thought)).to_have_attribute("aria-expanded", "true")
        expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()
        assert [code.text_content() for code in view.locator("code").all()] == wanted
    assert snapshots(lab.wire.to_view[before:]) == 1  # two views of one page are one reader
    book.load()
    expect(book.widget(1).get_by_role("button", name=thought)).to_have_attribute("aria-expanded", "true")
    assert [code.text_content() for code in book.widget(1).locator("code").all()] == wanted
    assert snapshots(lab.wire.to_view[before:]) == 2


@pytest.mark.timeout(400)
def test_a_million_deltas_stay_within_their_memory(lab: WiredLab, notebook: Callable[..., Notebook]) -> None:
    count = 1_000_000 if WHOLE else 50_000
    used = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss)"
    book = notebook(
        "million.ipynb",
        cells=(STREAMS, "show('paragraphs', 0, 1000, 1, 'first')", f"show({FORM!r}, 1, 1e9, {count / 1e9}, 'million')"),
    )
    book.run(0)
    book.wait_idle()
    book.run(1)
    wait_for_files([lab.root / "first.seconds"])
    kernel, heap = int(book.python(used)), heap_of(book)
    book.run(2)
    wait_for_files([lab.root / "million.seconds"], patience=300)
    wanted = (lab.root / "million.text").read_text()
    began = time.monotonic()
    wait_until_shown(book, FORM, [wanted], cell=2)
    kernel, heap = int(book.python(used)) - kernel, heap_of(book) - heap
    print(
        f"{len(wanted):,} chars in {(lab.root / 'million.seconds').read_text()} s, shown {time.monotonic() - began} s later kernel {kernel / 1e6:.1f} MB, page {heap / 1e6:.1f} MB; ws bytes {lab.wire.bytes_to_view / 1e6} MB; {said(lab.wire.to_view)}"
    )


def test_a_tool_result_of_100_mb_stays_in_the_kernel(lab: WiredLab, notebook: Callable[..., Notebook]) -> None:
    size = 100_000_000
    tool = f"""
def read():
    yield e.ToolStart(id="t", name="read")
    yield e.ToolArgs(id="t", args={{}}, args_text="{{}}")
    yield e.ToolResult(id="t", value=e.Live("0123456789" * {size // 10}))
run = nbagent.show(read())
"""
    book = notebook("large.ipynb", cells=(STREAMS, tool))
    book.run(0)
    book.wait_idle()
    before, heap = lab.wire.bytes_to_view, heap_of(book)
    book.run(1)
    view = book.widget(1)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=30_000)
    assert lab.wire.bytes_to_view - before < 500_000
    view.get_by_role("button", name=re.compile("^read")).click()
    expect(view.get_by_text("0123456789").last).to_be_visible()
    print(f"100 MB: {(lab.wire.bytes_to_view - before) / 1000:.0f} kB to the page, heap {(heap_of(book) - heap) / 1e6:.1f} MB")
    assert lab.wire.bytes_to_view - before < 700_000


def test_closed_runs_leave_nothing_in_the_page(lab: WiredLab, notebook: Callable[..., Notebook]) -> None:
    shows = "runs = [show('code', seed, 2000, 0.5, f'closed-{seed}') for seed in range(5)]"
    book = notebook("closed.ipynb", cells=(STREAMS, shows))
    book.run(0)
    book.wait_idle()
    book.run(1)
    views = book.widget(1)
    wait_for_files(lab.root / f"closed-{seed}.seconds" for seed in range(5))
    expect(views.locator(".nb-status", has_text="Done in")).to_have_count(5)
    book.page.evaluate("() => { window.gone = [...document.querySelectorAll('.nbagent')].map((view) => new WeakRef(view)) }")
    book.python("for run in runs: run.close()")
    expect(views).to_have_count(0)
    heap_of(book)
    assert book.page.evaluate("() => window.gone.filter((view) => view.deref()).length") == 0


def heap_of(book: Notebook) -> int:
    """Bytes of JavaScript heap that the page needs."""
    session = book.page.context.new_cdp_session(book.page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return int(used)


def snapshots(heard: Iterable[Heard]) -> int:
    """How many whole snapshots; a large one comes in pieces."""
    ids = {message.msg_id for message in heard if message.data["t"] == "snapshot" and message.data.get("last", True)}
    return len(ids)
