"""Widgets in a notebook: blocking cells, reloads, second views, several runs at once."""

import re
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.views import unfold

SETUP = """
import asyncio, time, nbagent
agent = nbagent.Agent(model="demo", name="demo")
LONG = "Give me a long answer about streams, no thinking."

async def endless():
    while True:
        yield "word " * 4
        await asyncio.sleep(0.05)
"""


def test_stop_reaches_python_while_a_cell_blocks(notebook: Callable[..., Notebook]) -> None:
    book = notebook(
        cells=(SETUP, "run = nbagent.show(endless())\nrun.wait()\nprint('then', run.status)")
    )
    book.run(0)
    book.wait_idle()
    book.run(1)
    view = book.widget(1)
    expect(view.locator(".nb-markdown")).to_contain_text(re.compile(r"\w{3,}.{40}", re.DOTALL))
    view.get_by_role("button", name="Stop").click()
    expect(book.cell(1).locator(".jp-OutputArea", has_text="then cancelled")).to_be_visible()
    expect(view.locator(".nb-status", has_text="Stopped by you")).to_be_visible()


def test_interrupting_the_kernel_stops_the_run_that_is_awaited(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(SETUP, "run = None\nrun = await nbagent.show(endless())"))
    book.run(0)
    book.wait_idle()
    book.run(1)
    expect(book.widget(1).locator(".nb-markdown")).to_contain_text(
        re.compile(r"\w{3,}.{40}", re.DOTALL)
    )
    book.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
    )
    expect(book.widget(1).locator(".nb-status", has_text="Stopped by you")).to_be_visible()
    assert (
        book.python("print(run, nbagent.last.status, len(nbagent.last.text) > 40)")
        == "None cancelled True\n"
    )


def test_a_blocking_cell_shows_the_stream_while_it_comes(notebook: Callable[..., Notebook]) -> None:
    blocks = "while not pathlib.Path('awake').exists(): time.sleep(0.05)\nprint('awake')"
    book = notebook(
        cells=(SETUP, f"import pathlib\nrun = nbagent.show(agent.stream(LONG))\n{blocks}")
    )
    book.run(0)
    book.wait_idle()
    book.run(1)
    expect(book.widget(1).locator(".nb-markdown")).to_contain_text(
        re.compile(r"\w{3,}.{40}", re.DOTALL)
    )
    expect(book.cell(1).locator(".jp-OutputArea", has_text="awake")).to_be_hidden()
    (book.lab.root / "awake").touch()
    expect(book.cell(1).locator(".jp-OutputArea", has_text="awake")).to_be_visible()


@pytest.mark.proof
def test_a_reload_in_mid_stream_loses_nothing(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(SETUP, "run = nbagent.show(agent.stream(LONG))"))
    book.run(0)
    book.wait_idle()
    book.run(1)
    expect(book.widget(1).locator(".nb-markdown")).to_contain_text(
        re.compile(r"\w{3,}.{40}", re.DOTALL)
    )
    book.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    book.open()
    view = book.widget(1)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    words = book.python("print(run.text.split()[0], len(run.text.split()))").split()
    shown = view.locator(".nb-markdown").inner_text()
    assert shown.split()[0].strip("#*_") == words[0].strip("#*_") or words[0] in ("#", "##", "_")
    assert len(shown.split()) > 0.8 * int(words[1])


def test_a_second_view_and_the_readers_toggle(notebook: Callable[..., Notebook]) -> None:
    tool = "def add(a: int, b: int) -> int:\n    'Add two numbers.'\n    return a + b\n"
    again = (
        "agent = nbagent.Agent(model='demo', tools=[add])\nrun = await "
        "nbagent.show(agent.stream('add a=2 b=3'))"
    )
    book = notebook(cells=(SETUP, tool + again, "run"))
    for index in (0, 1, 2):
        book.run(index)
        book.wait_idle()
    first, second = book.widget(1), book.widget(2)
    button = re.compile(r"^add\b")
    expect(second.get_by_role("button", name=button)).to_have_attribute("aria-expanded", "false")
    unfold(first.get_by_role("button", name=button))
    expect(second.get_by_role("button", name=button)).to_have_attribute("aria-expanded", "true")
    assert "<Run" not in book.output(1)


@pytest.mark.proof
def test_several_runs_at_once(notebook: Callable[..., Notebook]) -> None:
    book = notebook(
        cells=(
            SETUP,
            (
                "runs = [nbagent.show(agent.stream(f'Say something about {x}.'), name=x) for x in "
                "'abc']"
            ),
        )
    )
    book.run(0)
    book.wait_idle()
    book.run(1)
    for index in range(3):
        expect(book.widget(1).nth(index).locator(".nb-status", has_text="Done in")).to_be_visible(
            timeout=60_000
        )


@pytest.mark.proof
def test_nothing_breaks_in_the_browser(notebook: Callable[..., Notebook]) -> None:
    errors: list[str] = []
    book = notebook(cells=(SETUP, "run = await nbagent.show(agent.stream('Show a table.'))"))
    book.page.on("pageerror", lambda error: errors.append(str(error)))
    outside: list[str] = []
    book.page.on("request", lambda request: outside.append(request.url))
    for index in (0, 1):
        book.run(index)
        book.wait_idle()
    expect(book.widget(1).locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    assert errors == []
    assert [url for url in outside if not url.startswith((book.lab.url, "data:", "blob:"))] == []
