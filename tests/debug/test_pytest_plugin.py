"""The fixture `nbagent` and the option `--nbagent-record`."""

import json
from pathlib import Path

import pytest
from agent.server import KEY, Server, say
from debug.scenes import fetch_rates
from debug.test_to_test import python

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
    made["agents"]["demo"][-1]["text"] = "From the file."
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
