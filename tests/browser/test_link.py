"""The view while the kernel is silent, busy, restarted or dead: its messages, and what it keeps."""

import json
import os
import re
import signal
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.views import unfold
from campaign import WHOLE
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from playwright.sync_api import Locator, WebSocketRoute

DEADLINE = 2_000 if WHOLE else 30_000  # a busy machine does not make a test fail
"""Milliseconds within which the view must report that the kernel is gone."""
SETUP = """
import asyncio, time, nbagent
from nbagent import events as e

async def words(seconds=60):
    yield e.RunStart(name="writer")
    yield e.TextStart(id="t")
    for number in range(int(seconds * 20)):
        yield e.TextDelta(id="t", delta=f"word{number} ")
        await asyncio.sleep(0.05)
    yield e.TextEnd(id="t")
    yield e.RunEnd(status="completed")

def tool(id, result, **more):
    yield e.ToolStart(id=id, name=id)
    yield e.ToolArgs(id=id, args={}, args_text="{}", valid=True)
    yield e.ToolResult(id=id, status="ok", content=result)
"""
RUN = "run = nbagent.show(words())"
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
DROP = f"""() => new Promise((done) => {{
  const kernel = {KERNEL};
  kernel.connectionStatusChanged.connect(function back(_, status) {{
    if (status !== "connected") return;
    kernel.connectionStatusChanged.disconnect(back);
    done();
  }});
  kernel._ws.close(3001);
}})"""
"""Closes the kernel's WebSocket, and waits until JupyterLab has another."""


@pytest.fixture
def book(notebook: Callable[..., Notebook]) -> Callable[..., Notebook]:
    """Return a function that opens a notebook whose second cell shows a run, and waits for its
    first words.
    """

    def open_book(*cells: str, first: str = RUN, theme: str = "light", name: str = "") -> Notebook:
        book = notebook(name, cells=(SETUP, first, *cells), theme=theme)
        book.run(0)
        book.wait_idle()
        book.run(1)
        return book

    return open_book


def status(view: Locator, words: str | re.Pattern[str]) -> Locator:
    return view.locator(".nb-status", has_text=words)


def wait_for_words(book: Notebook, index: int = 1) -> Locator:
    view = book.widget(index)
    expect(view.locator(".nb-markdown")).to_contain_text("word5 ")
    return view


def row_of(view: Locator, tool: str) -> Locator:
    return view.get_by_role("button", name=re.compile(f"^{tool}"))


def shots(book: Notebook, name: str) -> None:
    book.shot(f"link-{name}-light")
    book.theme("dark")
    book.shot(f"link-{name}-dark")
    book.theme("light")


def expect_lost(book: Notebook, view: Locator, words: str, timeout: float) -> None:
    """Assert that the view reports the lost kernel, keeps the text, and disables Stop."""
    expect(status(view, words)).to_be_visible(timeout=timeout)
    stop = view.get_by_role("button", name="Stop")
    expect(stop).to_be_disabled()
    expect(stop).to_have_attribute("title", "The kernel cannot be reached")
    expect(view.locator(".nb-markdown")).to_contain_text("word5 ")
    assert view.get_attribute("data-nbagent-live") == book.page.evaluate(
        "() => document.querySelector('.nbagent').dataset.nbagentLive"
    )


@pytest.mark.proof
def test_a_restarted_kernel_is_told_and_what_is_shown_stays(book: Callable[..., Notebook]) -> None:
    notebook = book()
    view = wait_for_words(notebook)
    notebook.page.evaluate(f"() => {{ {KERNEL}.restart() }}")
    expect_lost(notebook, view, "The kernel was restarted; this is what had come", DEADLINE)
    shown_time = view.locator(".nb-head .nb-time").inner_text()
    shots(notebook, "restarted")
    notebook.wait_idle()
    expect_lost(notebook, view, "The kernel was restarted", DEADLINE)
    assert view.locator(".nb-head .nb-time").inner_text() == shown_time


def test_a_killed_kernel_is_silent_and_then_known_to_be_gone(book: Callable[..., Notebook]) -> None:
    notebook = book()
    pid = int(notebook.python("import os; print(os.getpid())"))
    view = wait_for_words(notebook)
    os.kill(pid, signal.SIGKILL)
    # JupyterLab's server looks every three seconds: until then only the silence tells.
    expect(
        status(view, re.compile("No word from the kernel|The kernel was restarted"))
    ).to_be_visible(timeout=DEADLINE)
    notebook.shot("link-silent-light")
    expect_lost(notebook, view, "The kernel was restarted", 15_000)


@pytest.mark.proof
def test_a_kernel_that_is_shut_down_is_told(book: Callable[..., Notebook]) -> None:
    notebook = book()
    view = wait_for_words(notebook)
    notebook.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.shutdown() }"
    )
    # The server gives a kernel time to end by itself.
    expect(status(view, re.compile("No word from the kernel|The kernel is gone"))).to_be_visible(
        timeout=DEADLINE
    )
    expect_lost(notebook, view, "The kernel is gone; this is what had come", 15_000)
    shots(notebook, "gone")


@pytest.mark.proof
def test_a_kernel_that_is_held_up_is_silent_until_it_speaks(book: Callable[..., Notebook]) -> None:
    notebook = book()
    pid = int(notebook.python("import os; print(os.getpid())"))
    view = wait_for_words(notebook)
    os.kill(pid, signal.SIGSTOP)
    try:
        expect(status(view, re.compile("No word from the kernel for [2-9]s"))).to_be_visible()
        expect(status(view, re.compile("No word from the kernel for [4-9]s"))).to_be_visible()
        shots(notebook, "silent")
        expect(view.get_by_role("button", name="Stop")).to_be_enabled()
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(status(view, "No word")).to_be_hidden()
    view.get_by_role("button", name="Stop").click()
    expect(status(view, "Stopped by you")).to_be_visible()


@pytest.mark.proof
def test_a_quiet_run_in_a_kernel_that_lives_is_not_called_silent(
    book: Callable[..., Notebook],
) -> None:
    quiet = (
        "async def quiet():\n    yield 'one'\n    await asyncio.sleep(7)\n    yield ' two'\nrun = "
        "nbagent.show(quiet())"
    )
    notebook = book(first=quiet)
    view = notebook.widget(1)
    expect(view.locator(".nb-markdown")).to_contain_text("one")
    seen = notebook.page.evaluate(
        """async () => {
             const header = document.querySelector('.nbagent header');
             const seen = [];
             const watch = new MutationObserver(() => seen.push(header.textContent));
             watch.observe(header, { subtree: true, childList: true, characterData: true });
             while (!document.querySelector('.nbagent .nb-markdown').textContent.includes('two')) {
               await new Promise((done) => setTimeout(done, 200));
             }
             watch.disconnect();
             return seen.filter((text) => text.includes('No word'));
           }"""
    )
    assert seen == []


@pytest.mark.proof
def test_a_kernel_that_ends_after_the_run_is_not_mentioned_until_a_detail_is_wanted(
    book: Callable[..., Notebook],
) -> None:
    big = "run = nbagent.show(list(tool('load', 'x' * 20_000)))"
    notebook = book(first=big)
    view = notebook.widget(1)
    expect(status(view, re.compile("Done|Cut off"))).to_be_visible()
    before = status(view, "").inner_text()
    notebook.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.shutdown() }"
    )
    unfold(row_of(view, "load"))
    expect(view.get_by_text("Could not load this: the kernel cannot be reached.")).to_be_visible()
    assert status(view, "").inner_text() == before
    expect(view.get_by_role("button", name="Stop")).to_be_hidden()


@pytest.mark.proof
def test_a_connection_that_drops_and_comes_back_loses_nothing(
    book: Callable[..., Notebook],
) -> None:
    notebook = book(first="run = nbagent.show(words(6))")
    view = wait_for_words(notebook)
    node = view.locator(".nb-markdown").element_handle()
    for _ in range(3):
        notebook.page.evaluate(DROP)
    expect(status(view, "Done in")).to_be_visible()
    assert (
        view.locator(".nb-markdown").inner_text().strip()
        == notebook.python("print(run.text)").strip()
    )
    assert node is not None
    assert node.evaluate("(node) => node.isConnected")


@pytest.mark.proof
def test_views_agree_and_the_readers_toggles_survive_a_late_view_and_a_reload(
    book: Callable[..., Notebook],
) -> None:
    first = "run = nbagent.show([*tool('add', 5), *tool('sub', 7), e.RunEnd(status='completed')])"
    notebook = book("run", "run", first=first)
    notebook.wait_idle()
    button = re.compile("^add")
    view = notebook.widget(1)
    unfold(view.get_by_role("button", name=button))
    unfold(row_of(view, "sub"))
    row_of(view, "sub").click()
    for index in (2, 3):
        notebook.run(index)
        notebook.wait_idle()
        late = notebook.widget(index)
        expect(late.get_by_role("button", name=button)).to_have_attribute("aria-expanded", "true")
        expect(late.get_by_role("button", name=re.compile("^sub"))).to_have_attribute(
            "aria-expanded", "false"
        )
        # The first one may be out of sight by now, where a page has no inner text.
        assert (
            late.locator(".nb-log").text_content() == view.locator(".nb-log").text_content() != ""
        )
    shown = view.locator(".nb-log").text_content()
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.open()
    view = notebook.widget(1)
    expect(view.get_by_role("button", name=button)).to_have_attribute("aria-expanded", "true")
    expect(view.get_by_role("button", name=re.compile("^sub"))).to_have_attribute(
        "aria-expanded", "false"
    )
    assert view.locator(".nb-log").text_content() == shown


DEAF = """
try:  # as in ipykernel 6, where nothing can be overheard while a cell runs
    import nbagent.notebook.early_messages
    nbagent.notebook.early_messages._intercept = lambda: None
except ImportError:
    pass
"""


def test_stop_that_waits_for_a_cell_says_so_and_the_interrupt_button_ends_the_cell(
    book: Callable[..., Notebook],
) -> None:
    # in a kernel that has not listened yet
    notebook = book("time.sleep(120)", first=DEAF, name="deaf.ipynb")
    notebook.wait_idle()
    notebook.page.evaluate(f"() => {{ {KERNEL}.commsOverSubshells = 'disabled' }}")
    notebook.page.evaluate(
        "() => "
        "window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource("
        "'run = nbagent.show(words())')"
    )
    notebook.run(1)
    view = wait_for_words(notebook)
    notebook.wait_idle()
    notebook.run(2)
    notebook.page.wait_for_function(f"() => {KERNEL}.status === 'busy'")
    view = notebook.widget(1)
    # By keyboard alone.
    view.get_by_role("button", name="Stop").focus()
    notebook.page.keyboard.press("Enter")
    expect(view.get_by_role("button", name="Stopping…")).to_be_visible()
    words = "The kernel is busy with a cell: this stops when the cell ends."
    expect(view.locator(".nb-banner")).to_contain_text(words)
    expect(notebook.page.get_by_role("status").filter(has_text=words)).to_be_attached()
    expect(view.get_by_role("button", name="Stopping…")).to_be_focused()
    expect(view.get_by_role("button", name="Stopping…")).to_be_visible()
    shots(notebook, "stop-unheard")
    interrupt = view.get_by_role("button", name="Interrupt the kernel")
    notebook.page.keyboard.press("Tab")
    expect(view.get_by_role("button", name="Inspect")).to_be_focused()
    notebook.page.keyboard.press("Tab")
    expect(interrupt).to_be_focused()
    notebook.page.keyboard.press("Enter")
    expect(status(view, "Stopped by you")).to_be_visible()
    expect(view.locator(".nb-banner")).to_be_hidden()
    assert "KeyboardInterrupt" in notebook.output(2)


@pytest.mark.proof
def test_a_long_result_is_read_page_by_page(book: Callable[..., Notebook]) -> None:
    first = "text = ''.join(f'line {n}\\n' for n in range(200_000))\n"
    first += "run = nbagent.show([*tool('read', text), e.RunEnd(status='completed')])"
    notebook = book(first=first)
    view = notebook.widget(1)
    unfold(row_of(view, "read"))
    pager = view.locator(".nb-pager")
    size = int(notebook.python("print(len(text))"))
    page = pager.locator("pre")
    expect(pager).to_contain_text(f"of {size:,} characters")
    assert page.inner_text().startswith("line 0\nline 1\n")
    first_page = page.text_content()
    shots(notebook, "pager")
    place = pager.locator(".nb-muted")
    expect(place).to_have_text(re.compile("^1–"))
    pager.get_by_role("button", name="Next").click()
    expect(place).not_to_have_text(re.compile("^1–"))
    both = f"{first_page}{page.text_content()}"
    assert notebook.python(f"print(text.startswith({both!r}))").strip() == "True"
    pager.get_by_role("button", name="Last").click()
    expect(page).to_contain_text("line 199999")
    expect(pager.get_by_role("button", name="Next")).to_be_disabled()


@pytest.mark.proof
def test_a_reloaded_page_that_does_not_hear_the_states_it_asks_for_shows_the_run_all_the_same(
    book: Callable[..., Notebook],
) -> None:
    """The server drops messages because another cell prints too fast; the kernel is busy, so the
    page asks for each state.
    """
    notebook = book("time.sleep(20)")
    wait_for_words(notebook)
    dropped: list[str] = []

    def connect(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def hear(message: str | bytes) -> None:
            asked = state_of(message) if isinstance(message, bytes) else None
            if asked is not None and asked not in dropped:
                dropped.append(asked)
            else:
                page.send(message)

        server.on_message(hear)

    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.run(2)
    notebook.page.route_web_socket(re.compile("/channels"), connect)
    notebook.load()
    view = notebook.widget(1)
    expect(view.locator(".nb-markdown")).to_contain_text("word5 ")
    assert len(dropped) >= 2, (
        "the widget's, and its layout's; the page asks for those of earlier tests' runs, too"
    )


def state_of(message: bytes) -> str | None:
    """Return the comm whose state the message answers a page with; None for any other message."""
    _, (header, parent, _, content, *_) = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    if (
        json.loads(header)["msg_type"] != "comm_msg"
        or json.loads(parent).get("msg_type") != "comm_msg"
    ):
        return None
    fields = json.loads(content)
    return (
        str(fields["comm_id"])
        if fields["data"].get("method") == "update" and len(fields["data"]["state"]) > 5
        else None
    )
