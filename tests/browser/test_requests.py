"""Requests to the model, in JupyterLab's inspector, over a real kernel."""

import re
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook
from browser.views import prepare, unfold, violations

MINUTE = 60_000
AGENT = """
import nbagent

def fetch_rates(currency: str) -> dict:
    "Today's exchange rates of a currency."
    return {"currency": currency, "rates": {"EUR": 1.07, "USD": 1.12, "note": "<b>not markup</b>"}}

agent = nbagent.Agent(
    model="demo", name="analyst", tools=[fetch_rates],
    instructions="You are a careful analyst. Say where each figure comes from, and round to two digits.",
)
run = await nbagent.show(agent.stream("What are today's rates of the CHF?"), panels=("tools",))
"""  # noqa: E501
CLIENT = """
import openai
from nbagent import demo

server = demo.demo_server()
client = nbagent.watch(openai.OpenAI(base_url=server.base_url, api_key=server.api_key))

def two_questions():
    for question in ("What is a lake?", "And a pond?"):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
        for chunk in client.chat.completions.create(model="demo", messages=messages, stream=True):
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""

own = await nbagent.show(two_questions())
print([request.status for request in own.requests])
"""  # noqa: E501


@pytest.mark.proof
def test_a_reader_sees_what_the_model_saw_at_each_step(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(AGENT, CLIENT))
    book.run(0)
    book.wait_idle()
    prepare(book.page)
    view = book.widget(0)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)

    # From a tool's row to the request in whose response it came.
    unfold(view.get_by_role("button", name=re.compile("^fetch_rates")))
    row = view.locator(".nb-item", has_text="fetch_rates").last
    row.get_by_role("button", name="Events of this").click()
    view.get_by_role("button", name="Its request").click()
    expect(view.get_by_role("option", selected=True)).to_contain_text("begins with 1 message")

    # The next step: its new messages, its tokens by part, its tools.
    view.get_by_role("listbox", name="Requests").press("ArrowDown")
    request = view.get_by_role("region", name="Request 2")
    expect(view.get_by_role("option", selected=True)).to_contain_text(
        "+2 messages, tools unchanged"
    )
    expect(request.locator(".nb-part-new")).to_have_count(2)
    expect(request.locator(".nb-token-legend")).to_contain_text("new messages")
    for theme in THEMES:
        book.theme(theme)
        assert violations(book.page) == []
        book.shot(f"requests-{theme}")
    request.get_by_role("button", name="function_call_output").click()
    expect(request.locator(".nb-part-body")).to_contain_text("<b>not markup</b>")
    request.get_by_role("button", name="fetch_rates Today's").click()
    request.get_by_role("button", name="response").click()
    expect(request.locator("pre").last).to_contain_text("response.created")
    book.shot("requests-open-dark")
    book.theme("light")
    book.shot("requests-open-light")
    book.page.set_viewport_size({"width": 420, "height": 900})
    assert book.page.evaluate("() => pleasant.tooWide()") == []
    book.shot("requests-narrow-light")
    book.page.set_viewport_size({"width": 1280, "height": 1000})

    # A client of the reader's own, in plain code.
    book.run(1)
    book.wait_idle()
    assert "[200, 200]" in book.output(1)
    own = book.widget(1)
    own.get_by_role("button", name="Inspect").click()
    own.get_by_role("tab", name="Requests").click()
    expect(own.get_by_role("option")).to_have_count(2)
    expect(own.get_by_role("region", name="Request 2")).to_contain_text("And a pond?")
    book.shot("requests-client-light")
