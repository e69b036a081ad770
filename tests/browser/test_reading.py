"""The transcript of a run that has ended: panels, height, and the place that its reader looks
at.
"""

from typing import Any

import pytest
from browser.expectation import expect
from browser.views import open_preview, unfold
from playwright.sync_api import FloatRect, Locator, Page

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="260" height="90"><rect width="260" '
    'height="90" fill="#8af"/></svg>'
)
TABLE = {"text/html": "<table><tr><th>region</th></tr><tr><td>north</td></tr></table>"}


def call(id_: str, props: dict[str, Any], **more: Any) -> list[list[Any]]:
    """Return the ops of a call that begins with long arguments and ends with these props."""
    args = {"query": "SELECT region, sum(revenue) FROM sales GROUP BY region"}
    begun = {
        "kind": "tool",
        "name": id_,
        "state": "input-available",
        "args": args,
        "started": 1,
        **more,
    }
    return [["open", id_, "run", begun], ["set", id_, {"ended": 2, **props}], ["close", id_]]


def done(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"state": "output-available", "summary": "something", "result": result, **more}


FAILED = {"state": "output-error", "error": {"type": "ConnectionError", "message": "refused"}}
THOUGHT = [
    ["open", "r", "run", {"kind": "reasoning", "text": "", "started": 1}],
    ["append", "r", "text", "a thought\n\n" * 2],
    ["set", "r", {"ended": 5}],
    ["close", "r"],
]
RUN = [
    ["open", "q", "run", {"kind": "prompt", "text": "How were sales in 2025?"}],
    ["close", "q"],
    *THOUGHT,
    *call("first_table", done(TABLE, open=False)),
    *call("last_table", done(TABLE, open=True)),
    *call("plot", done({"image/svg+xml": SVG}, open=True)),
    *call("text", done({"text/plain": "line\n" * 3})),
    *call("fetch", FAILED),
    [
        "open",
        "a",
        "run",
        {"kind": "text", "text": "The north led.\n\nThe south did not.\n\nThat is all."},
    ],
    ["close", "a"],
]
END: list[Any] = [
    ["set", "run", {"status": "completed", "started": 1, "ended": 9}],
    ["close", "run"],
]
OPEN = ["last_table", "plot", "fetch"]
ROWS = """() => [...document.querySelectorAll('.nbagent .nb-row-button[aria-expanded=true]')]
    .map((row) => row.querySelector('.nb-tool-name')?.textContent ?? row.textContent)"""


def box_of(locator: Locator) -> FloatRect:
    box = locator.bounding_box()
    assert box is not None
    return box


def play(page: Page, *batches: list[Any]) -> None:
    """Play batches of ops to the view, as fast as a kernel may send them."""
    for ops in batches:
        page.evaluate("(ops) => view.ops(...ops)", ops)


@pytest.mark.parametrize("seen", ["low", "high", "half", "out", "hidden", "late"])
def test_a_run_ends_in_the_same_state_at_its_full_height_whatever_is_seen_of_it(
    page: Page, seen: str
) -> None:
    page.set_viewport_size({"width": 900, "height": 380 if seen == "low" else 1400})
    open_preview(page, "none")
    page.evaluate("() => { pleasant.open(); pleasant.openBelow() }")
    if seen == "late":  # the page is loaded when all is over
        play(page, RUN + END)
    else:
        play(page, RUN)
        page.evaluate("() => pleasant.frame()")
        if seen in ("half", "out"):
            bottom = box_of(page.locator(".nbagent"))["height"]
            page.evaluate("(y) => scrollTo(0, y)", bottom / 2 if seen == "half" else bottom + 400)
        if seen == "hidden":
            page.evaluate("() => { pleasant.main().hidden = true }")
        play(page, END)
        page.evaluate("() => { pleasant.main().hidden = false }")
    page.wait_for_selector(".nb-whole", state="attached")
    assert page.evaluate(ROWS) == OPEN
    page.wait_for_function("() => new Set(pleasant.heights()).size === 1")
    expect(page.locator(".nb-prompt")).to_contain_text("How were sales")


def test_what_the_reader_sees_stays_where_it_is_when_the_run_ends(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => { pleasant.open(); pleasant.openBelow() }")
    play(page, RUN)
    page.evaluate("() => { document.body.style.paddingTop = '500px'; scrollTo(0, 400) }")
    page.evaluate("() => pleasant.frame()")
    words = page.get_by_text("That is all.")
    top = box_of(words)["y"]
    play(page, END)
    page.wait_for_selector(".nb-whole", state="attached")
    for _ in range(20):
        page.evaluate("() => pleasant.frame()")
        assert abs(box_of(words)["y"] - top) <= 1


def test_what_the_reader_toggled_stays_so_when_the_run_ends(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.open()")
    play(page, RUN)
    unfold(page.get_by_role("button", name="Thought"))
    plot = page.get_by_role("button", name="plot")
    plot.press("Enter")
    play(page, END)
    page.wait_for_selector(".nb-whole", state="attached")
    assert page.evaluate(ROWS) == ["Thought for 4s", "last_table", "fetch"]


LINES = "\n\n".join(f"line {number}" for number in range(60))


def test_a_question_that_is_scrolled_out_of_sight_leaves_a_line_that_leads_back(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.open()")
    play(
        page,
        [
            ["open", "q", "run", {"kind": "prompt", "text": "How were\nsales in 2025?"}],
            ["close", "q"],
        ],
    )
    cue = page.get_by_title("Go to this message")
    play(page, [["open", "a", "run", {"kind": "text", "text": "Well. "}]])
    expect(cue).to_have_count(0)
    play(page, [["append", "a", "text", LINES]])
    expect(cue).to_have_text("You: How were sales in 2025?")
    line, log = box_of(cue), box_of(page.get_by_role("log"))
    assert line["height"] < 32
    assert line["y"] == log["y"]
    cue.click()
    expect(cue).to_have_count(0)
    expect(page.locator(".nb-prompt")).to_be_in_viewport(ratio=1)
    # The answer goes on, and the reader stays with the question.
    play(page, [["append", "a", "text", LINES]])
    page.evaluate("() => pleasant.frame()")
    expect(page.locator(".nb-prompt")).to_be_in_viewport(ratio=1)


def test_in_a_chat_the_line_is_the_question_of_the_turn_in_sight(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.open()")
    for turn in ("first", "second"):
        asked = [
            ["open", f"q{turn}", "run", {"kind": "prompt", "text": f"The {turn}?"}],
            ["close", f"q{turn}"],
        ]
        thoughts = [
            ["open", f"{turn}{i}", "run", {"kind": "text", "text": LINES}] for i in range(17)
        ]
        play(page, [*asked, *thoughts])
    cue = page.get_by_title("Go to this message")
    expect(cue).to_have_text("You: The second?")
    cue.click()
    second = page.locator(".nb-prompt", has_text="The second?")
    expect(cue).to_have_text("You: The first?")
    line, message = box_of(cue), box_of(second)
    assert message["y"] >= line["y"] + line["height"]
    # Whose end the line would cover is out of sight.
    scrolled = message["y"] + message["height"] - line["y"] - line["height"] / 2
    page.get_by_role("log").evaluate("(log, by) => log.scrollBy(0, by)", scrolled)
    expect(cue).to_have_text("You: The second?")


UNCOVERED = """async (texts) => {
  const covered = [];
  for (let width = 400; width < 900; width += 7) {
    pleasant.main().style.width = `${width}px`;
    await pleasant.frame();
    for (const [text, bar] of texts) {
      const words = document.createRange();
      words.selectNodeContents(document.querySelector(text));
      const { left, top, bottom } = document.querySelector(bar).getBoundingClientRect();
      const lies = (line) => line.right > left && line.top < bottom - 4 && line.bottom > top + 4;
      if ([...words.getClientRects()].some(lies)) covered.push([text, width]);
    }
  }
  return covered;
}"""


def test_the_buttons_in_the_corner_of_a_text_cover_none_of_its_words(page: Page) -> None:
    open_preview(page, "none")
    words = "The sales went up, and they rose again. " * 20
    thought = {"kind": "reasoning", "text": words, "started": 1, "ended": 4, "user_open": True}
    answer = {"kind": "text", "text": words}
    ops = [*opened("thought", thought), *opened("answer", answer)]
    page.evaluate("(ops) => pleasant.open(...ops)", ops)
    expect(page.locator(".nb-answer p")).to_be_visible()
    corners = [[".nb-thought p", ".nb-events-of"], [".nb-answer p", ".nb-text-bar"]]
    assert page.evaluate(UNCOVERED, corners) == []


def opened(id: str, props: dict[str, Any]) -> list[Any]:
    """Return the ops of a block that is whole."""
    return [["open", id, "run", props], ["close", id]]
