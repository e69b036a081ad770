"""`run.to_test`: a run kept as a pytest file."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import preloaded
import pytest
from agent.server import Server, refuse, say
from debug.scenes import REPLIES, finished, rates_run

import nbagent
from nbagent.errors import NbagentError
from nbagent.testing import Call, Digest, ModelServer, Reply, calls_of, play, stand_in, stub
from nbagent.testing.source import SourceWriter

ROOT = Path(__file__).parents[2]


def python(
    *arguments: str, cwd: Path, imported: tuple[str, ...] = preloaded.NBAGENT
) -> subprocess.CompletedProcess[str]:
    """Run Python without a key, in a folder of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    env |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # nor other plugins
    return preloaded.run(*arguments, cwd=cwd, env=env, imported=imported)


def test_the_written_test_passes_and_fails_when_a_tool_changes_its_result(tmp_path: Path) -> None:
    told = python(str(Path(__file__).with_name("story.py")), "test_rates.py", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    text = (tmp_path / "test_rates.py").read_text()
    (tmp_path / "test_changed.py").write_text(text.replace("2024: 1.09", "2024: 1.5"))
    told = python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_rates.py",
        "test_changed.py",
        cwd=tmp_path,
    )
    assert "1 failed, 1 passed" in told.stdout, told.stdout
    assert (
        "FAILED test_changed.py::test_rates" in told.stdout
        or "FAILED test_changed.py::test_changed" in told.stdout
    )
    # As a reader of the test sees it.
    assert "import math as m\n" in text
    assert text.index("def rounded") < text.index("def difference")
    assert "@nbagent.tool(timeout=5)\ndef fetch_rates(year: int)" in text
    assert 'tools=[fetch_rates, difference, stand_in(pay, "paid 3"), broken]' in text
    assert "def unused" not in text
    assert 'Call("broken", {}, error="ValueError: not today")' in text


def test_a_run_whose_model_refused_a_request_is_kept_with_its_failure(tmp_path: Path) -> None:
    with Server(*REPLIES[:2], refuse(400, "too much")) as server:
        run = rates_run(server)
    run.to_test(str(tmp_path / "test_it.py"))
    text = (tmp_path / "test_it.py").read_text()
    assert 'Reply(error="too much")' in text
    assert 'assert "too much" in str(run.error)' in text
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    told = preloaded.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path, env=env
    )
    assert "1 passed" in told.stdout, told.stdout


def passed(tmp_path: Path) -> str:
    """Run the tests that were written into a folder, and return pytest's last line."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    told = preloaded.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), cwd=tmp_path, env=env
    )
    print(told.stdout)
    return told.stdout.splitlines()[-1]


def test_a_call_whose_result_was_given_is_a_stub_in_the_test(tmp_path: Path) -> None:
    def answer(question: Any) -> None:
        if question.args["year"] == 2023:
            question.give_result({"rate": 1.2})
        else:
            question.give_error("no such year")

    with Server(*REPLIES, *REPLIES[1:], *REPLIES) as server:
        forked = rates_run(server).fork(at=0, result={"rate": 99}, face="console").wait(20)
        stopped = rates_run(server, stop_at="fetch_rates", answer=answer)
    assert [call.result for call in calls_of(stopped)][:2] == [{"rate": 1.2}, None]
    forked.to_test(str(tmp_path / "test_forked.py"))
    stopped.to_test(str(tmp_path / "test_stopped.py"))
    assert passed(tmp_path).startswith("2 passed")
    text = (tmp_path / "test_forked.py").read_text()
    assert 'stub(fetch_rates, Call("fetch_rates", {"year": 2023}, result={"rate": 99}))' in text


def test_a_stub_gives_a_result_once_and_calls_the_function_for_other_calls() -> None:
    made = stub(
        sent, Call("sent", {"to": "a"}, result="given"), Call("sent", {"to": "b"}, error="E: x")
    )
    calls = [Call("sent", {"to": name}) for name in "abca"]
    with ModelServer([Reply(calls=calls), Reply("Done.")]) as model:
        run = play(nbagent.Agent("any", tools=[made], client=model.client()).stream("?"))
    assert [call.result or call.error for call in calls_of(run)] == ["given", "E: x", "c", "a"]


def test_the_answer_at_a_breakpoint_of_a_tool_that_asks_is_kept(tmp_path: Path) -> None:
    ask = nbagent.tool(approve=True)(sent)
    with Server(say("chat", "", [("c", "sent", '{"to": "a"}')]), say("chat", "No.")) as server:
        agent = nbagent.Agent("test-1", tools=[ask], client=server.client())
        run = finished(
            agent.stream("?"), stop_at="sent", answer=lambda question: question.give_result("b")
        )
    run.to_test(str(tmp_path / "test_it.py"))
    assert "answers=[True]" in (tmp_path / "test_it.py").read_text()


def test_tools_of_a_module_are_imported(tmp_path: Path) -> None:
    with Server(*REPLIES) as server:
        run = rates_run(server)
    path = tmp_path / "test_it.py"
    assert run.to_test(str(path)) == str(path)
    text = path.read_text()
    assert "from debug.scenes import fetch_rates\n" in text
    assert "def fetch_rates" not in text
    compile(text, str(path), "exec")


def test_what_was_said_before_and_the_readers_answers_are_in_the_test(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    ask = nbagent.tool(approve=True)(sent)
    with Server(
        say("chat", "One."), say("chat", "", [("c", "sent", '{"to": "a"}')]), say("chat", "No.")
    ) as server:
        session = nbagent.Agent("test-1", tools=[ask], client=server.client()).session()
        finished(session.stream("first"))
        run = play(session.stream("second"), answers=["too early"])
    run.to_test(str(path))
    text = path.read_text()
    assert 'answers=["too early"]' in text
    assert (
        'HISTORY = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "One."}]'
        in text
    )
    assert 'error="The user denied this call: too early"' in text


def sent(to: str) -> str:
    """Send."""
    return to


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: nbagent.tool(name="f")(lambda: 1), "is a lambda"),
        (lambda: nbagent.tool(_closure()), "is defined inside _closure()"),
        (lambda: nbagent.Agent("demo", name="helper").as_tool(), "'helper' is an agent"),
        (lambda: nbagent.tool(name="f")(_Callable()), "is not a plain function"),
    ],
)
def test_a_tool_without_a_source_of_its_own_is_refused(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(NbagentError, match=re.escape(told)):
        SourceWriter().add(make())


def _closure() -> Callable[[], None]:
    def inner() -> None:
        """Do nothing."""

    return inner


class _Callable:
    def __call__(self) -> int:
        return 1


def test_an_agents_name_of_any_characters_makes_a_file_that_python_reads(tmp_path: Path) -> None:
    with Server(say("chat", "Hi.")) as server:
        agent = nbagent.Agent(
            "test-1", client=server.client(), api="chat", name='a\x00b"""\nimport os\r\\'
        )
        finished(agent.stream("go")).to_test(str(tmp_path / "test_it.py"))
    compile((tmp_path / "test_it.py").read_bytes(), "test_it.py", "exec")


def test_a_file_that_exists_is_replaced_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text("mine")
    with Server(*REPLIES) as server:
        run = rates_run(server)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        run.to_test(str(path))
    assert path.read_text() == "mine"
    run.to_test(str(path), overwrite=True)
    assert path.read_text() != "mine"


def test_what_cannot_be_a_test_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "test_it.py")
    with Server(lambda exchange: exchange.hold()) as server:
        run = nbagent.Run(nbagent.Agent("test-1", client=server.client()).stream("?"))
        run.start()
        with pytest.raises(NbagentError, match="goes on"):
            run.to_test(path)
        run.cancel()
        run.wait(20)
    with pytest.raises(NbagentError, match="did not complete"):
        run.to_test(path)
    with Server(*REPLIES, *REPLIES) as server:
        run = rates_run(server)
        with pytest.raises(NbagentError, match="a test is a Python file"):
            run.to_test(str(tmp_path / "test.txt"))
        hidden = rates_run(server, hide={"difference": "result"})
    with pytest.raises(NbagentError, match="result of difference are hidden"):
        hidden.to_test(path)
    with pytest.raises(NbagentError, match=r"not a run of nbagent's agent: give to_test"):
        finished(["words"], prompt="?").to_test(path)
    assert list(tmp_path.iterdir()) == []


def test_a_request_beyond_the_last_reply_fails_and_says_so() -> None:
    with ModelServer([Reply(calls=[Call("sent", {"to": "a"})])]) as model:
        run = play(nbagent.Agent("any", tools=[sent], client=model.client()).stream("?"))
        assert model.requests == 2
    assert "The recorded model has 1 reply, and this is request 2." in str(run.error)
    assert calls_of(run) == [Call("sent", {"to": "a"}, result="a")]


def test_both_apis_and_whole_answers_are_served() -> None:
    replies = [Reply(calls=[Call("sent", {"to": "a"})]), Reply("Done.", thinking="Hm.")]
    for api in ("chat", "responses"):
        with ModelServer(replies) as model:
            run = play(
                nbagent.Agent("any", tools=[sent], client=model.client(), api=api).stream("?")
            )
        assert (str(run.answer), run.thinking) == ("Done.", "Hm.")


def test_arguments_that_are_no_json_are_served_as_they_were_written() -> None:
    with ModelServer([Reply(calls=[Call("sent", '{"to": ')]), Reply("Sorry.")]) as model:
        run = play(nbagent.Agent("any", tools=[sent], client=model.client()).stream("?"))
    assert calls_of(run)[0].args == '{"to": '
    assert "not valid JSON" in calls_of(run)[0].error


def test_a_large_result_is_compared_by_its_digest() -> None:
    rows = [{"a": 1, "b": 2.5}] * 500
    digest = Digest.of(rows)
    assert digest == [{"b": 2.5, "a": 1}] * 500
    assert digest != rows[1:]
    assert [Call("f", result=rows)] == [Call("f", result=eval(repr(digest)))]


def test_a_stand_in_takes_the_arguments_of_its_tool() -> None:
    made = stand_in(sent, "first")
    replies = [Reply(calls=[Call("sent", {"to": "a"}), Call("sent", {"too": "a"})]), Reply("Done.")]
    with ModelServer(replies) as model:
        run = play(
            nbagent.Agent("any", tools=[made], client=model.client(), parallel=False).stream("?")
        )
    assert [call.result for call in calls_of(run)] == ["first", None]
    assert "to" in calls_of(run)[1].error
