"""A credential is nowhere in a saved notebook, its widgets' state or a log, whatever its source:
model, tool or server.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from agent.server import Server, chat, refuse
from kernels.preloaded import PreloadedKernelManager
from nbclient import NotebookClient

from nbagent.run import Run

ENVIRONMENT = "canary-0f1e2d3c4b5a69788796"
CLIENT = "canary-9a8b7c6d5e4f30211203"

SETUP = """
import logging, os, openai, nbagent
logging.basicConfig(filename={log!r}, level=logging.DEBUG)
for noisy in ("openai", "httpx", "httpcore", "asyncio"):
    logging.getLogger(noisy).setLevel(logging.WARNING)
client = openai.AsyncOpenAI(base_url={url!r}, api_key=open({client!r}).read(), max_retries=0)
def connect(host: str) -> str:
    "Connect to a database."
    if host == "old":
        raise ConnectionError(f"{{host}} refused the key {{os.environ['DATABASE_PASSWORD']}}")
    return f"connected with {{client.api_key}}"
agent = nbagent.Agent(model="test", client=client, api="chat", tools=[connect])
"""
CELLS = (
    "run = await nbagent.show(agent.stream('connect'), reveal='all')",
    (
        "try:\n    refused = await nbagent.show(agent.stream('again'), reveal='all')\nexcept "
        "Exception:\n    pass"
    ),
    (
        "spoken = await nbagent.show(iter([open(KEY).read()[:9], open(KEY).read()[9:], "
        "os.environ['DATABASE_PASSWORD']]))"
    ),
    "repr(agent) + repr(client.api_key and run) + repr(refused.error) + str(refused.snapshot())",
    (
        "class Broken:\n    def draw(self, seq, ops):\n        raise RuntimeError(f'cannot draw "
        "with "
        "{client.api_key}')"
    ),
    (
        "failing = nbagent.run.Run(iter('ab'))\nfailing.attach(Broken())\nfailing.start()\ndone = "
        "await failing"
    ),
)


def test_a_credential_is_nowhere_in_the_file_the_widgets_state_or_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", ENVIRONMENT)
    key, log = tmp_path / "key", tmp_path / "log"
    key.write_text(CLIENT)
    calls = [
        ("a", "connect", json.dumps({"host": "old"})),
        ("b", "connect", json.dumps({"host": CLIENT})),
    ]
    replies = (
        chat(calls=calls),
        chat(f"Your key {CLIENT[:11]}", f"{CLIENT[11:]} and {ENVIRONMENT} are bad."),
    )
    with Server(*replies, refuse(401, f"Incorrect API key provided: {CLIENT}")) as server:
        setup = (
            SETUP.format(log=str(log), url=server.base_url, client=str(key))
            + f"KEY = {str(key)!r}\n"
        )
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in (setup, *CELLS)]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            NotebookClient(
                made,
                timeout=60,
                kernel_manager_class=PreloadedKernelManager,
                store_widget_state=True,
            ).execute()
        requests = json.dumps(server.bodies)
    file = nbformat.writes(made)
    assert ENVIRONMENT in requests  # the model itself was sent what the tool returned
    for text in ("ConnectionError", "Your key", "Incorrect API key provided", "connected with"):
        assert text in file
    assert "canary-" not in file.replace(str(tmp_path), "")
    assert "stopped drawing" in log.read_text()
    for secret in (ENVIRONMENT, CLIENT):
        assert secret not in log.read_text()
    (state,) = made.metadata["widgets"].values()
    assert "nbagent" in str(state)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("helper", [False, True], ids=["awaitable", "context manager"])
async def test_a_clients_key_is_masked_also_where_the_run_opens_the_stream(
    helper: bool, refused: bool
) -> None:
    key = "canary-5a6b7c8d9e0f1a2b"
    reply = (
        refuse(401, f"Incorrect API key provided: {key}")
        if refused
        else chat(f"Your key is {key}.")
    )
    with Server(reply) as server:
        client = server.client(api_key=key)
        completions = client.chat.completions
        ask: Any = {"model": "test", "messages": [{"role": "user", "content": "hi"}]}
        run = Run(completions.stream(**ask) if helper else completions.create(**ask, stream=True))
        run.start()
        await run
        await client.close()
    shown = f"{run.snapshot()} {run.text}"
    assert " key " in shown
    assert key not in shown
