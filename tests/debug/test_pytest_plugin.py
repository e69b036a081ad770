"""The fixture `nbagent` and the option `--nbagent-record`."""

import json
from pathlib import Path
from typing import Any

import pytest
from agent.server import KEY, Server, say
from debug.scenes import REPLIES, difference, fetch_rates
from debug.test_to_test import python

import nbagent
from nbagent.errors import NbagentError
from nbagent.testing.cassette import Cassette, path_of

TEST = '''
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def test_sum(nbagent):
    agent = nbagent.Agent("demo", tools=[add])
    run = nbagent.run(agent.stream("What is 2 + 3?"))
    print("MODEL SAID", run.text)
    assert run.status == "completed"

'''


def test_a_test_is_recorded_once_and_replayed_from_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "test_add.py").write_text(TEST)
    run = (
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_nbagent",
        "test_add.py",
    )
    recorded = python(*run, "--nbagent-record", cwd=tmp_path)
    assert "1 passed" in recorded.stdout, recorded.stdout
    path = tmp_path / "cassettes" / "test_add.test_sum.json"
    made = json.loads(path.read_text())
    made["agents"]["demo"]["exchanges"][-1]["reply"]["text"] = "From the file."
    path.write_text(json.dumps(made))
    replayed = python(*run, cwd=tmp_path)
    assert "1 passed" in replayed.stdout, replayed.stdout
    assert "From the file." in replayed.stdout


def test_the_plugin_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    code = "import pytest_nbagent, sys; print('nbagent' in sys.modules, 'openai' in sys.modules)"
    told = python("-c", code, cwd=tmp_path, imported=())
    assert told.stdout.split() == ["False", "False"]


def test_two_agents_of_one_name_are_told_apart_and_secrets_masked(tmp_path: Path) -> None:
    path = path_of(tmp_path / "test_x.py", "test_two[a/b]")
    assert path == tmp_path / "cassettes" / "test_x.test_two-a-b.json"
    with pytest.raises(NbagentError, match="run this test once with --nbagent-record"):
        Cassette(path, record=False).Agent("test-1")
    with Server(say("chat", "One."), say("chat", f"Your key is {KEY}.")) as server:
        recording = Cassette(path, record=True)
        for expected in ("One.", "Your key is"):
            agent = recording.Agent("test-1", tools=[fetch_rates], client=server.client())
            assert str(recording.run(agent.stream("?")).answer).startswith(expected)
        recording.close()
        assert len(server.bodies) == 2
    assert KEY not in path.read_text()
    replaying = Cassette(path, record=False)
    answers = [
        str(replaying.run(replaying.Agent("test-1", tools=[fetch_rates]).stream("?")).answer)
        for _ in range(2)
    ]
    assert answers[0] == "One."
    assert answers[1].startswith("Your key is sk•")
    with pytest.raises(NbagentError, match="has no agent 'test-1 3'"):
        replaying.Agent("test-1")
    replaying.close()


# --- requests that are not recorded ---

PROMPT = "How did the rate change?"


def replay(
    path: Path, server: Server | None = None, prompt: str = PROMPT, **options: Any
) -> nbagent.Run:
    """Return the run of an agent in a test, recorded by a server or replayed from the file."""
    given: dict[str, Any] = {"tools": [fetch_rates, difference], "instructions": "Be brief."}
    given |= options
    cassette = Cassette(path, record=server is not None)
    if server is not None:
        given["client"] = server.client()
    try:
        return cassette.run(cassette.Agent("test-1", **given).stream(prompt))
    finally:
        cassette.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return the path of a cassette of three requests."""
    path = tmp_path / "cassette.json"
    with Server(*REPLIES) as server:
        replay(path, server)
    return path


def other_rates(year: int) -> dict[str, float]:
    """Fetch the rates of a year."""
    return {"rate": 5.0 if year == 2024 else 1.08}


def described(year: int) -> dict[str, float]:
    """Fetch the rates of one year."""
    return fetch_rates(year)


def named(function: Any) -> Any:
    return nbagent.tool(name="fetch_rates")(function)


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        (
            {"prompt": "How did it rise?"},
            ["request 1", "message 1 (user): - How did the rate change?"],
        ),
        (
            {"instructions": "Be long."},
            ["request 1", "instructions: - Be brief.", "instructions: + Be long."],
        ),
        ({"tools": [named(described), difference]}, ["request 1", "tools: ", "of one year"]),
        ({"tools": [fetch_rates]}, ["request 1", "tools: ", "removed"]),
        ({"model_settings": {"temperature": 0}}, ["request 1", "settings: "]),
        ({"tools": [named(other_rates), difference]}, ["request 2", "message 4 (tool): ", "5.0"]),
    ],
    ids=["prompt", "instructions", "description", "no tool", "settings", "result"],
)
def test_a_request_that_is_not_recorded_fails_with_what_differs(
    recorded: Path, changed: dict[str, Any], lines: list[str]
) -> None:
    with pytest.raises(NbagentError) as raised:
        replay(recorded, **changed)
    for line in lines:
        assert line in str(raised.value)


def test_what_is_unchanged_is_replayed(recorded: Path) -> None:
    before = recorded.read_bytes()
    assert replay(recorded).text == "Let me look.\n\nIt rose by 0.01."
    with Server() as server:
        assert replay(recorded, server).status == "completed"
        assert server.bodies == []
    assert recorded.read_bytes() == before


def test_only_what_has_changed_is_recorded_again(recorded: Path) -> None:
    tools = [named(other_rates), difference]
    with Server(say("chat", "It is 5.", number=4)) as server:
        replay(recorded, server, tools=tools)
        assert len(server.bodies) == 1
    assert replay(recorded, tools=tools).tools[-1].result == {"rate": 5.0}
    assert len(json.loads(recorded.read_text())["agents"]["test-1"]["exchanges"]) == 2


def test_a_message_is_kept_once(recorded: Path) -> None:
    exchanges = json.loads(recorded.read_text())["agents"]["test-1"]["exchanges"]
    assert [exchange.get("kept", 0) for exchange in exchanges] == [0, 1, 4]
    assert [list(exchange.get("fields", {})) for exchange in exchanges[1:]] == [[], []]


def test_the_order_of_conversations_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    with Server(say("chat", "One."), say("chat", "Two.")) as server:
        recording = Cassette(path, record=True)
        agent = recording.Agent("test-1", client=server.client())
        for prompt in ("1?", "2?"):
            recording.run(agent.stream(prompt))
        recording.close()
    replaying = Cassette(path, record=False)
    agent = replaying.Agent("test-1")
    assert [replaying.run(agent.stream(prompt)).text for prompt in ("2?", "1?")] == ["Two.", "One."]
    replaying.close()


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_request_is_the_same_however_its_api_writes_it(tmp_path: Path, api: Any) -> None:
    path = tmp_path / "cassette.json"
    replies = [
        say(api, "Let me look.", [("c1", "fetch_rates", '{"year":  2023}')], number=1),
        say(api, "It is 1.08.", number=2),
    ]
    with Server(*replies) as server:
        replay(path, server, api=api)
    assert replay(path).text == "Let me look.\n\nIt is 1.08."


def test_a_run_that_the_fixture_did_not_play_fails_the_test_at_its_end(recorded: Path) -> None:
    cassette = Cassette(recorded, record=False)
    agent = cassette.Agent("test-1")
    run = nbagent.Run(agent.stream(PROMPT))
    run.start()
    assert run.wait(20).status == "failed"
    with pytest.raises(NbagentError, match="is not as it was recorded"):
        cassette.close()
