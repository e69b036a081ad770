"""Tools that print and display in a real kernel: nothing of it is an output of the cell."""

import sys
from pathlib import Path
from typing import Any

import msgspec
from kernels.session import Session

SET_UP = """
import sys; sys.path.insert(0, "tests")
import contextvars, threading
import nbagent
from agent.server import Server, say
from nbagent import events as e
from IPython.display import HTML, Image, clear_output, display

def both(function):
    "The function as a sync tool, and as an async one."
    async def asynchronous():
        return function()
    both = {"sync": function, "async": asynchronous}
    return [nbagent.tool(name=name, description="Speaks.")(each) for name, each in both.items()]

async def run(function):
    for tool in both(function):
        with Server(say("chat", "", [("c1", tool.name, "{}")], number=1), say("chat", "Done.", number=2)) as server:
            stream = nbagent.Agent("test-1", client=server.client(), api="chat", tools=[tool]).stream("go")
            async for event in stream:
                if isinstance(event, (e.ToolOutput, e.ToolResult)):
                    print(e.to_json(event).decode())
"""  # noqa: E501

PRINTS = """
import logging
def speak():
    print("panel")
    logging.getLogger("tool").warning("slow")
    return 1
print("cell")
await run(speak)
type(sys.stdout).__name__
"""

DISPLAYS = """
class Invoice:
    pass
get_ipython().display_formatter.formatters["text/html"].for_type(Invoice, lambda invoice: "<b>invoice</b>")

def show():
    display(HTML("<i>first</i>"), display_id="one")
    display("a text")
    display(HTML("<i>second</i>"), display_id="one")
    return Invoice()
await run(show)
"""  # noqa: E501

BAR = """
from tqdm.notebook import tqdm
def count():
    for number in tqdm(range(3), desc="pages"):
        pass
await run(count)
"""

OUTLIVES_ITS_CELL = """
began, may_end = threading.Event(), threading.Event()
@nbagent.tool
def brew():
    "Brews."
    print("during the cell")
    began.set()
    may_end.wait(20)
    print("after the cell")

server = Server(say("chat", "", [("c1", "brew", "{}")], number=1), say("chat", "Done.", number=2))
server.__enter__()
agent = nbagent.Agent("test-1", client=server.client(), api="chat", tools=[brew])
brewing = nbagent.Run(agent.stream("go"))
brewing.start()
assert began.wait(20)
"""

ENDS_LATER = """
may_end.set()
await brewing
server.__exit__(None, None, None)
for event in brewing.events:
    print(e.to_json(event).decode())
"""

FIGURE = """
import matplotlib; matplotlib.use("module://matplotlib_inline.backend_inline")
import matplotlib.pyplot as plt
def draw():
    plt.plot([1, 2])
    plt.show()
    return "drawn"
await run(draw)
"""


def events_in(text: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in text.splitlines() if line.startswith("{")]


def published(session: Session) -> list[str]:
    return [
        message["msg_type"]
        for message in session.received
        if message["msg_type"] in ("display_data", "clear_output")
    ]


def test_nothing_that_tools_say_is_an_output_of_the_cell() -> None:
    with Session.started(Path(sys.executable)) as session:
        session.python(SET_UP)

        text = session.python(PRINTS)
        assert [line for line in text.splitlines() if not line.startswith("{")] == ["cell"]
        printed = "".join(
            event["delta"] for event in events_in(text) if event["type"] == "tool.output"
        )
        assert printed == "panel\nslow\n" * 2

        events = events_in(session.python(DISPLAYS))
        assert (
            "".join(event["delta"] for event in events if event["type"] == "tool.output")
            == "'a text'\n" * 2
        )
        for result in (
            event
            for event in events
            if event["type"] == "tool.result" and not event.get("preliminary")
        ):
            data = result["display"]["data"]
            assert (data["text/html;part=1"], data["text/html;part=2"]) == (
                "<i>second</i>",
                "<b>invoice</b>",
            )
        assert published(session) == []

        bars = [
            event["delta"]
            for event in events_in(session.python(BAR))
            if event["type"] == "tool.output"
        ]
        assert [text.startswith("pages: 100% 3/3") for text in bars] == [True, True]
        assert published(session) == []

        for result in (
            event for event in events_in(session.python(FIGURE)) if event["type"] == "tool.result"
        ):
            assert [mime for mime in result["display"]["data"] if mime.startswith("image/png")] == [
                "image/png;part=2"
            ]
        assert published(session) == []


def test_what_a_tool_prints_after_the_end_of_its_cell_is_kept() -> None:
    with Session.started(Path(sys.executable)) as session:
        session.python(SET_UP)
        session.python(OUTLIVES_ITS_CELL)

        events = events_in(session.python(ENDS_LATER))

        printed = "".join(event["delta"] for event in events if event["type"] == "tool.output")
        assert printed == "during the cell\nafter the cell\n"
