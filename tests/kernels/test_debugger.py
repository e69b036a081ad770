"""JupyterLab's debugger: a breakpoint in a tool's cell stops there when an agent calls the tool."""

import sys
from pathlib import Path

import pytest
from kernels.session import Session

SET_UP = """
import sys; sys.path.insert(0, "tests")
import nbagent
from agent.server import Server, chat
"""
TOOLS = """def rate(year: int) -> float:
    "Rate of a year."
    table = {2024: 11.2}
    return table[year]

async def rate_async(year: int) -> float:
    "Rate of a year."
    return rate(year) * 2
"""
RUN = """
with Server(chat(calls=[("c1", "{tool}", '{{"year": 2024}}')]), chat("Done.")) as server:
    agent = nbagent.Agent("test-1", tools=[rate, rate_async], client=server.client(), api="chat")
    run = await nbagent.show(agent.stream("go"))
"""
INITIALIZE = {
    "clientID": "lab",
    "adapterID": "",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
}


@pytest.mark.proof  # tracing is slow before Python 3.12
@pytest.mark.parametrize("attached", ["before the first run", "after a run"])
def test_a_breakpoint_in_the_cell_of_a_tool_stops_the_tool(attached: str) -> None:
    with Session.started(Path(sys.executable)) as session:
        session.python(SET_UP)
        if attached == "after a run":
            session.python(TOOLS + RUN.format(tool="rate_async"))
        session.debug("initialize", **INITIALIZE)
        session.debug("attach")
        path = session.debug("dumpCell", code=TOOLS)["sourcePath"]
        session.debug(
            "setBreakpoints",
            breakpoints=[{"line": 4}, {"line": 8}],
            source={"path": path},
            sourceModified=False,
        )
        session.debug("configurationDone")
        session.python(TOOLS)
        for tool, line in (("rate", 4), ("rate_async", 8)):
            start = len(session.received)
            cell = session.run(RUN.format(tool=tool))
            stopped = session.until(
                lambda message: (
                    message["msg_type"] == "debug_event"
                    and message["content"]["event"] == "stopped"
                ),
                start,
            )
            thread = stopped["content"]["body"]["threadId"]
            frame = session.debug("stackTrace", threadId=thread)["stackFrames"][0]
            assert (frame["name"], frame["line"], frame["source"]["path"]) == (tool, line, path)
            session.debug(
                "setBreakpoints",
                breakpoints=[{"line": 8}],
                source={"path": path},
                sourceModified=False,
            )
            session.debug("continue", threadId=thread)
            session.until(session.idle(cell))
            assert session.python("print(run.status)") == "completed"
