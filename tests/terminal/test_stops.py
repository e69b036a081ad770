"""`show(…, stop_at=…)` in a plain script, in a real terminal."""

import json
import sys
from pathlib import Path

import pytest
from agent.server import Server, chat

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from terminal.pseudo_terminal import PseudoTerminal

SCRIPT = """
import sys, nbagent, openai

@nbagent.tool
def rate(year: int) -> dict:
    "Rate of a year."
    return {"year": year, "rate": 11.2}

client = openai.AsyncOpenAI(base_url=sys.argv[1], api_key="none")
agent = nbagent.Agent("test-1", tools=[rate], client=client, api="chat")
run = nbagent.show(agent.stream("go"), stop_at="rate")
print("then", run.tools[0].result)
"""
CALL = chat(calls=[("c1", "rate", json.dumps({"year": 2024}))])


def test_a_script_stops_at_a_call_and_goes_on_by_words(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with (
        Server(CALL, chat("Done.")) as server,
        PseudoTerminal("script.py", server.base_url, folder=tmp_path) as terminal,
    ):
        assert "Stopped at a breakpoint\n  rate\n    year: 2024\n" in terminal.expect(
            "Go on[?] run, edit, step, .*: "
        )
        terminal.enter("step")
        assert "Stopped at the result" in terminal.expect("Go on[?] continue, again, .*: ")
        terminal.enter('result {"rate": 12}')
        terminal.expect("then {'rate': 12}")
        assert terminal.wait() == 0


def test_a_script_that_steps_leaves_the_steps_by_a_word(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.replace('stop_at="rate"', "step=True"))
    with (
        Server(CALL, CALL, chat("Done.")) as server,
        PseudoTerminal("script.py", server.base_url, folder=tmp_path) as terminal,
    ):
        terminal.expect("Go on[?] next, continue .*, stop: ")
        terminal.enter("next")
        terminal.expect("Go on[?] run, continue .*, edit, step, .*: ")
        terminal.enter("step")
        terminal.expect("Go on[?] next, continue .*, again, .*: ")
        terminal.enter("continue")
        assert "Go on" not in terminal.expect("then {'year': 2024, 'rate': 11.2}")
        assert terminal.wait() == 0


def test_ctrl_c_at_a_stop_ends_the_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with (
        Server(CALL) as server,
        PseudoTerminal("script.py", server.base_url, folder=tmp_path) as terminal,
    ):
        terminal.expect("Go on[?]")
        terminal.interrupt()
        assert terminal.wait() != 0
        assert "■ Stopped by you" in terminal.output
