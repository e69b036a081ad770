"""The slider of the inspector in JupyterLab, over a real kernel: the run as it was at any event."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook
from browser.test_inspector import picture
from browser.test_inspector import show as show_run
from browser.views import violations
from campaign import figure
from playwright.sync_api import Locator

EVENTS = 10_000


def show(notebook: Callable[..., Notebook], cell: str) -> tuple[Notebook, Locator]:
    """Return a notebook whose second cell has shown a run, with its inspector open."""
    book, view = show_run(notebook, cell)
    view.get_by_role("button", name="Inspect").click()
    return book, view


def test_the_slider_shows_the_run_as_it_was_at_any_event(notebook: Callable[..., Notebook]) -> None:
    book, view = show(notebook, "run = show_analysis()")
    press = book.page.keyboard.press
    time = view.get_by_role("slider", name="The run as it was")
    past = view.get_by_role("region", name="What the agent had done")
    expect(time).to_have_attribute("aria-valuetext", "now, 63 events")
    time.focus()
    press("ArrowLeft")
    expect(time).to_have_attribute("aria-valuetext", "event 62 of 63, 10s, step.end")
    press("PageDown")
    expect(time).to_have_attribute("aria-valuetext", "event 44 of 63, 5.9s, tool.args")
    expect(past).to_contain_text("fetch_rates")
    expect(past).not_to_contain_text("refused")
    press("ArrowRight")
    expect(time).to_have_attribute("aria-valuetext", "event 45 of 63, 8.3s, tool.result")
    expect(past).to_contain_text("refused")
    expect(past).not_to_contain_text("Revenue")
    for theme in THEMES:
        book.theme(theme)
        assert violations(book.page) == []
        picture(view, f"past-{theme}")
    view.get_by_role("tab", name="Events").click()
    expect(view.locator(".nb-event-row[aria-current=true]")).to_contain_text("tool.result")
    assert violations(book.page) == []
    picture(view, "past-events-dark")
    view.get_by_role("tab", name="Timeline").click()
    expect(view.locator(".nb-moment")).to_be_attached()
    assert violations(book.page) == []
    picture(view, "past-timeline-dark")
    view.get_by_role("tab", name="Transcript").click()
    time.focus()
    book.page.set_viewport_size({"width": 420, "height": 900})
    assert book.page.evaluate("() => pleasant.tooWide()") == []
    picture(view, "past-narrow")
    press("Home")
    expect(time).to_have_attribute("aria-valuetext", "event 1 of 63, <0.1s, run.start")
    expect(past).not_to_contain_text("Thinking")
    press("Escape")
    expect(past).to_have_count(0)
    expect(view.get_by_text("Revenue grew")).to_be_visible()


LIVE = """
import asyncio, base64, random, struct, zlib
more = asyncio.Event()
def picture(seed):
    "A picture of noise, which is too large to travel with its block."
    lines = b"".join(b"\\0" + random.Random(seed + y).randbytes(200) for y in range(100))
    part = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", 200, 100, 8, 0, 0, 0, 0)
    png = b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines)) + part(b"IEND", b"")
    return e.Display(summary=f"figure {seed}", data={"image/png": base64.b64encode(png).decode()})
async def live():
    yield e.ToolStart(id="c", name="plot")
    yield e.ToolArgs(id="c", args={"n": 1}, args_text='{"n": 1}')
    yield e.ToolResult(id="c", display=picture(50), preliminary=True)
    yield e.ToolResult(id="c", display=picture(180))
    yield e.TextDelta(id="t", delta="This is the figure.")
    await more.wait()
    for number in range(30):
        yield e.TextDelta(id="t", delta=f" word {number}")
run = nbagent.show(live())
"""  # noqa: E501


@pytest.mark.proof
def test_the_past_of_a_live_run_stays_and_its_pictures_are_those_of_then(
    notebook: Callable[..., Notebook],
) -> None:
    book, view = show(notebook, LIVE)
    time = view.get_by_role("slider", name="The run as it was")
    past = view.get_by_role("region", name="What the agent had done")
    source = "() => document.querySelector('.nb-past .nb-picture')?.src.length > 9000"
    expect(time).to_have_attribute("max", "7")
    time.focus()
    pictures = []
    for event, kind in (("5", "tool.result"), ("4", "tool.result")):
        time.fill(event)
        expect(time).to_have_attribute("aria-valuetext", re.compile(f"event {event} .*{kind}"))
        book.page.wait_for_function(source)
        pictures.append(past.locator(".nb-picture").get_attribute("src"))
    assert pictures[0] != pictures[1]
    picture(view, "past-picture-live")
    book.python("more.set()")
    expect(time).to_have_attribute("max", "39")
    expect(time).to_have_attribute("aria-valuetext", re.compile("event 4 of 39"))
    assert past.locator(".nb-picture").get_attribute("src") == pictures[1]
    book.page.keyboard.press("Escape")
    expect(view.get_by_text("word 29")).to_be_visible()
    book.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    unread = "can be read from its kernel only, which cannot be reached"
    expect(view.get_by_text(unread)).to_be_visible()


@pytest.mark.proof
@pytest.mark.parametrize("events", ["long", "busy"])
def test_in_ten_thousand_events_the_slider_leads_to_an_event(
    notebook: Callable[..., Notebook], events: str
) -> None:
    book, view = show(notebook, f"run = nbagent.show({events}({EVENTS}))\nrun.wait();")
    time = view.get_by_role("slider", name="The run as it was")
    expect(time).to_have_attribute("aria-valuetext", re.compile(r"now, 10,\d\d\d events"))
    longest = {}
    with tasks(book) as done:
        drag(book, time)
    longest["drag"] = done
    for key in ("ArrowLeft", "ArrowRight", "PageDown", "PageUp"):
        with tasks(book) as done:
            for _ in range(60):
                book.page.keyboard.press(key)
        longest[key] = done
    for page in ("Events", "Timeline"):
        view.get_by_role("tab", name=page).click()
        expect(view.locator(".nb-event-row, .nb-bar-row").first).to_contain_text(re.compile(r"\w"))
        with tasks(book) as done:
            drag(book, time)
        longest[page] = done
    time.press("Home")
    expect(time).to_have_attribute("aria-valuetext", re.compile(r"event 1 of 10,\d\d\d, "))
    figure(
        "past",
        f"{EVENTS:,} events, {events}: ms of processor time of the longest task",
        {k: v[0] for k, v in longest.items()},
    )
    figure(
        "past",
        f"{EVENTS:,} events, {events}: tasks over 50 ms by the clock",
        {k: v[1:] for k, v in longest.items()},
    )


def drag(book: Notebook, slider: Locator) -> None:
    """Drag the slider slowly and in leaps."""
    box = slider.bounding_box()
    assert box is not None
    mouse, y = book.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] - 9, y)
    mouse.down()
    for share in (*range(100, 0, -2), *range(0, 100, 3), *(7, 93, 20, 80, 50, 1, 99) * 3):
        mouse.move(box["x"] + 9 + (box["width"] - 18) * share / 100, y)
        book.page.wait_for_timeout(16)
    mouse.up()


@contextlib.contextmanager
def tasks(book: Notebook) -> Iterator[list[int]]:
    """Yield a list that gets milliseconds: the longest task by the processor's time, then those
    over 50 by the clock.
    """
    browser = book.page.context.browser
    assert browser is not None
    found: list[int] = []
    book.page.evaluate(
        "() => { pleasant.tasks ?? pleasant.watchTasks(); pleasant.tasks.splice(0) }"
    )
    browser.start_tracing(page=book.page, categories=["toplevel"])
    yield found
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (e["pid"], e["tid"])
        for e in trace
        if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain"
    }
    ran = [
        e["tdur"]
        for e in trace
        if e["name"].endswith("RunTask") and (e["pid"], e["tid"]) in main and "tdur" in e
    ]
    found += [max(ran) // 1000, *book.page.evaluate("() => pleasant.tasks.splice(0)")]
