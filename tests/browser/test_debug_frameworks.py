"""A wrong answer of another framework's agent is understood, corrected and compared, by the same
clicks as one of nbagent's own.
"""

import json
from collections.abc import Iterator

import environment
import pytest
from browser.expectation import expect
from browser.lab import SIZE, Lab, Notebook, serving, write
from frameworks import environments
from playwright.sync_api import Browser, Locator

MINUTE = 60_000
KERNEL = "frameworks"

TOOLS = """
import datetime, json
import nbagent

RATES = {2023: {"CHF": 0.97, "SEK": 11.48}, 2024: {"BGN": 1.96, "CHF": 0.95, "SEK": 11.43}}
QUESTION = "Call fetch_rates for SEK on 2024-06-28, then convert an amount of 100"
server = nbagent.demo.DemoServer()
server.__enter__()

@nbagent.tool
def fetch_rates(currency: str, day: datetime.date) -> str:
    "Fetch the exchange rate of a currency."
    rates = RATES[day.year - 1]
    return json.dumps({"currency": currency, "rate": rates[currency]})

@nbagent.tool
def convert(amount: float, rate: float) -> float:
    "Convert an amount of euros."
    return round(amount * rate, 2)
"""
OPENAI_AGENTS = """
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(True)
client = nbagent.watch(AsyncOpenAI(base_url=server.base_url, api_key=server.api_key))
tools = [function_tool(fetch_rates), function_tool(convert)]
agent = Agent(name="cashier", model=OpenAIChatCompletionsModel("demo", client), tools=tools)
run = nbagent.show(
    Runner.run_streamed(agent, QUESTION),
    on_fork=lambda messages: Runner.run_streamed(agent, messages),
)
"""
LANGGRAPH = """
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openai import DefaultAsyncHttpxClient

model = ChatOpenAI(
    model="demo",
    base_url=server.base_url,
    api_key=server.api_key,
    http_async_client=nbagent.watch(DefaultAsyncHttpxClient()),
)
graph = create_agent(model, [fetch_rates, convert])
def ask(messages):
    return graph.astream({"messages": messages}, stream_mode="messages")
run = nbagent.show(ask([("user", QUESTION)]), on_fork=ask)
"""
CORRECTED = """
@nbagent.tool
def fetch_rates(currency: str, day: datetime.date) -> str:
    "Fetch the exchange rate of a currency."
    rates = RATES[day.year]
    return json.dumps({"currency": currency, "rate": rates[currency]})
"""


@pytest.fixture(scope="module")
def frameworks_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab with a kernel that has the frameworks."""
    folder = environments.folder() / "together"
    if not environment.is_whole(folder):
        pytest.skip(f"{folder} is made by make frameworks")
    home = tmp_path_factory.mktemp("frameworks")
    spec = home / "jupyter_data_dir" / "kernels" / KERNEL / "kernel.json"
    spec.parent.mkdir(parents=True)
    python = environment.python_of(folder)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
    with serving(home) as lab:
        yield lab


@pytest.mark.proof
@pytest.mark.parametrize(
    ("framework", "made"), [("openai-agents", OPENAI_AGENTS), ("langgraph", LANGGRAPH)]
)
def test_a_wrong_answer_of_another_framework_is_debugged_by_clicks(
    framework: str, made: str, frameworks_lab: Lab, browser: Browser
) -> None:
    name = f"{framework}.ipynb"
    write(frameworks_lab.root / name, (TOOLS, made, CORRECTED), KERNEL)
    page = browser.new_page(viewport=SIZE)
    book = Notebook(frameworks_lab, page, name, workspace=framework).open()
    book.run(0)
    book.wait_idle()
    book.run(1)
    views = book.cell(1).locator(".nb-frame")
    run = views.nth(0)

    def press(within: Locator, name: str) -> None:
        within.get_by_role("button", name=name, exact=True).first.click()

    expect(run.locator(".nb-log")).to_contain_text("returned 1,148", timeout=MINUTE)
    book.wait_idle()

    # What the model saw.
    press(run, "Inspect")
    run.get_by_role("tab", name="Requests").click()
    run.get_by_role("listbox", name="Requests").get_by_role("option").nth(1).click()
    expect(run.get_by_role("region", name="Request 2")).to_contain_text("11.48")
    press(run, "Inspect")

    # The call with another argument fails; its frames have the wrong year's rates.
    row = run.locator(".nb-row-button", has_text="fetch_rates").first
    if row.get_attribute("aria-expanded") == "false":
        row.click()
    expect(row).to_have_attribute("aria-expanded", "true")
    press(run, "Edit and run again…")
    run.get_by_role("textbox", name="currency").fill("BGN")
    press(run, "Run with changes")
    expect(run.locator(".nb-stack-locals").first).to_contain_text("2024", timeout=MINUTE)

    # Corrected, it is run again, and forked.
    book.run(2)
    book.wait_idle()
    press(run, "Run again")
    expect(run.locator("ins", has_text="11.43").first).to_be_visible(timeout=MINUTE)
    book.shot(f"debug-{framework}-rerun")
    press(run, "Fork from here…")
    press(run, "Fork")
    fork = views.nth(1)
    expect(fork.locator(".nb-log")).to_contain_text("returned 1,143", timeout=MINUTE)
    expect(fork.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)
    press(run, "Go to it")
    book.shot(f"debug-{framework}-fork")

    press(fork, "Compare")
    table = fork.locator(".nb-compared table").first
    expect(table.locator("tr").first.locator("td")).to_have_count(2)
    expect(table).to_contain_text("1,143")
    book.shot(f"debug-{framework}-compared")
    page.close()
