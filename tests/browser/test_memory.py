"""Memory that long runs, large results and closed runs take in the kernel and the page."""

import re
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Lab, Notebook
from browser.shown import STREAMS, body, wait_for_files, wait_until_shown
from browser.wire import Wire
from campaign import WHOLE, figure

CAMPAIGN = "memory"
KERNEL_MOST, PAGE_MOST = 200_000_000, 80_000_000
"""The caps: bytes that a run of a million deltas may add to the kernel and to the page."""


# `make test` has a sample in test_pleasant, and the kernel's side in tests/test_memory.py
@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("form", ["paragraphs", "code"])
def test_a_million_deltas_stay_within_their_memory(
    form: str, wire: Wire, lab: Lab, notebook: Callable[..., Notebook]
) -> None:
    count = 1_000_000 if WHOLE else 50_000
    used = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss)"
    shows = (
        f"show({form!r}, 0, 1000, 1, 'first-{form}')",
        f"show({form!r}, 1, 1e9, {count / 1e9}, 'million-{form}')",
    )
    book = notebook(f"million-{form}.ipynb", wire=wire, cells=(STREAMS, *shows))
    book.run(0)
    book.wait_idle()
    book.run(1)
    wait_for_files([lab.root / f"first-{form}.seconds"])
    kernel, page = int(book.python(used)), heap_of(book)
    book.run(2)
    wait_for_files([lab.root / f"million-{form}.seconds"], patience=300)
    text = (lab.root / f"million-{form}.text").read_text()
    assert wait_until_shown(book, 2, form, [text]) == [body(text, form)]
    kernel, page = int(book.python(used)) - kernel, heap_of(book) - page
    figures = (
        f"{kernel / 1e6:.0f}, {page / 1e6:.0f}, {sum(one.size for one in wire.to_view) / 1e6:.1f}"
    )
    figure(
        CAMPAIGN,
        f"{count:,} deltas as {form}, {len(text):,} characters: MB more in kernel and page, MB "
        "sent",
        figures,
    )
    assert kernel < KERNEL_MOST
    assert page < PAGE_MOST


@pytest.mark.proof
def test_a_tool_result_of_100_mb_stays_in_the_kernel(
    wire: Wire, lab: Lab, notebook: Callable[..., Notebook]
) -> None:
    size = 100_000_000
    tool = f"""
def read():
    yield e.ToolStart(id="t", name="read")
    yield e.ToolArgs(id="t", args={{}}, args_text="{{}}")
    yield e.ToolResult(id="t", value=e.Live("0123456789" * {size // 10}))
run = nbagent.show(read())
"""
    book = notebook("large.ipynb", wire=wire, cells=(STREAMS, tool))
    book.run(0)
    book.wait_idle()
    wire.to_view.clear()
    heap = heap_of(book)
    book.run(1)
    view = book.widget(1)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()
    head = sum(one.size for one in wire.to_view)
    view.get_by_role("button", name=re.compile("^read")).click()
    expect(view.get_by_text("0123456789").last).to_be_visible()
    page = sum(one.size for one in wire.to_view) - head
    heap = heap_of(book) - heap
    figure(
        CAMPAIGN,
        "100 MB result: bytes to the page before its panel is opened, and more when it is",
        f"{head:,} and {page:,}",
    )
    assert head + page < 200_000
    assert heap < PAGE_MOST


@pytest.mark.proof
def test_closed_runs_leave_nothing_in_the_page(
    wire: Wire, lab: Lab, notebook: Callable[..., Notebook]
) -> None:
    shows = "runs = [show('code', seed, 2000, 0.5, f'closed-{seed}') for seed in range(5)]"
    book = notebook("closed.ipynb", wire=wire, cells=(STREAMS, shows))
    book.run(0)
    book.wait_idle()
    book.run(1)
    views = book.widget(1)
    wait_for_files(lab.root / f"closed-{seed}.seconds" for seed in range(5))
    expect(views.locator(".nb-status", has_text="Done in")).to_have_count(5)
    book.page.evaluate(
        "() => { window.gone = [...document.querySelectorAll('.nbagent')].map((view) => new "
        "WeakRef(view)) }"
    )
    book.python("for run in runs: run.close()")
    expect(views).to_have_count(0)
    heap_of(book)
    assert book.page.evaluate("() => window.gone.filter((view) => view.deref()).length") == 0


def heap_of(book: Notebook) -> int:
    """Return the bytes of JavaScript heap that the page needs."""
    session = book.page.context.new_cdp_session(book.page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return int(used)
