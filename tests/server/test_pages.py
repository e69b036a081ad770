"""The pages' own clients, as printed, against this server: in Node, and curl's commands."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx2
from adapters.pages.serving import MODULES, NODE, bundle
from agent.server import Server as ModelServer
from agent.server import chat

from nbagent.agent import Agent
from nbagent.server import serve


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


CALLING: list[Any] = [chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3.")]


def test_the_clients_of_dexto_hector_and_status_show_the_answer_and_end(tmp_path: Path) -> None:
    script = tmp_path / "node.js"
    script.write_text(bundle("node.ts", "--platform=node", "--external:undici"), "utf-8")
    with ModelServer(*CALLING, *CALLING, *CALLING) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="chatbot")
        agent.session("s1")
        with serve(agent, port=0) as server:
            cases = [("dexto", server.url), ("status.tokens", server.url)]
            command = [NODE, "--no-warnings", str(script), json.dumps(cases)]
            environment = {**os.environ, "NODE_PATH": str(MODULES)}
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    dexto, status = json.loads(done.stdout)
    assert (dexto["text"], dexto["notes"], dexto["errors"]) == ("It is 3.", ["add"], [])
    assert (status["text"], status["ends"], status["errors"]) == ("It is 3.", ["done"], [])


def test_an_event_source_of_a_session_as_hectors_page_prints_it(tmp_path: Path) -> None:
    script = tmp_path / "session.mjs"
    script.write_text(SESSION)
    with ModelServer(*CALLING) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="chatbot")
        with serve(agent, port=0) as server, httpx2.Client(base_url=server.url) as client:
            session = client.post("/agents/chatbot/sessions").json()["session_id"]
            environment = {**os.environ, "NODE_PATH": str(MODULES)}
            command = [NODE, "--no-warnings", str(script), server.url, session, str(MODULES)]
            with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as node:
                assert node.stdout is not None
                assert node.stdout.readline() == "open\n"
                client.post(f"/agents/chatbot/sessions/{session}/messages/stream", json={"message": "1 + 2?"})
                assert json.loads(node.stdout.readline()) == '[Tool: add({"a": 1, "b": 2})]\nIt is 3.'


SESSION = """
import { createRequire } from 'node:module';
const [, , base, sessionId, modules] = process.argv;
const { EventSource } = createRequire(modules + '/')('undici');
let text = '';
const eventSource = new EventSource(`${base}/agents/chatbot/sessions/${sessionId}/messages/stream`);
eventSource.onopen = () => console.log('open');
eventSource.onmessage = (event) => {
  const data = JSON.parse(event.data);
  text += data.chunk;
  if (text.endsWith('3.')) {
    console.log(JSON.stringify(text));
    eventSource.close();
  }
};
"""
