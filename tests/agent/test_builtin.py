"""The built-in tools: what they do, and what they are confined to."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, chat
from patience import LIMITS_S

import nbagent
from nbagent import events as e
from nbagent.agent.builtin import agent_call, execute_command, search, write_file
from nbagent.agent.builtin.search import MAX_PASSAGE_CHARS
from nbagent.agent.tools.decorator import AnyToolFunction, tool_of
from nbagent.errors import ToolError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")


async def run(function: AnyToolFunction, **arguments: Any) -> Any:
    tool = tool_of(function)
    assert tool is not None
    return await tool.run(arguments)


def test_the_tools_that_change_things_ask_first(tmp_path: Path) -> None:
    assert write_file(tmp_path).approve is True
    assert execute_command(tmp_path).approve is True
    assert search(tmp_path).approve is False
    for make in (write_file, execute_command, search):
        with pytest.raises(ToolError, match="there is no folder"):
            make(tmp_path / "nowhere")


# --- write_file ---


async def test_a_file_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    tool = write_file(tmp_path)
    assert (
        await run(tool, path="src/new/hello.py", content="print('é')\r\n")
        == "Wrote src/new/hello.py: 13 bytes, 1 lines"
    )
    assert (tmp_path / "src/new/hello.py").read_bytes() == "print('é')\r\n".encode()
    (tmp_path / "src/new/hello.py").chmod(0o750)
    assert (await run(tool, path="src/../src/new/hello.py", content="")).startswith("Replaced")
    assert (tmp_path / "src/new/hello.py").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in (tmp_path / "src/new").iterdir()] == ["hello.py"], (
        "no temporary file stays"
    )


@pytest.mark.parametrize(
    "path",
    ["../out", "/out", "a/../../out", "", ".", "link/out", "link", "\0", "circle/x", "x" * 5000],
)
async def test_no_path_leads_out_of_the_folder(path: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "circle").symlink_to(inside / "circle")
    with pytest.raises((ToolError, OSError)):
        await run(write_file(inside), path=path, content="x")
    assert list(outside.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inside", "outside"]
    assert sorted(each.name for each in inside.iterdir()) == ["circle", "link"]


async def test_variables_and_tildes_are_ordinary_characters(tmp_path: Path) -> None:
    await run(write_file(tmp_path), path="~/$HOME.txt", content="x")
    assert (tmp_path / "~" / "$HOME.txt").read_text() == "x"


async def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        await run(write_file(tmp_path), path="a.txt", content="\ud800")
    with pytest.raises(ToolError, match="is a folder"):
        await run(write_file(tmp_path.parent), path=tmp_path.name, content="x")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


# --- execute_command ---


async def test_a_command_runs_in_the_folder_with_its_errors_in_the_output(tmp_path: Path) -> None:
    tool = execute_command(tmp_path)
    assert await run(tool, command="pwd; echo oh no >&2") == f"{tmp_path}\noh no\n"
    assert await run(tool, command="true") == "(no output)"
    assert await run(tool, command="echo half; exit 3") == "half\n(exit code 3)"
    assert await run(tool, command="exit 3") == "(exit code 3)"
    assert await run(tool, command="cat") == "(no output)", "it gets no input"
    assert await run(tool, command=r"printf '\377'") == "�"


async def test_a_command_gets_no_secrets_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdefghij")
    monkeypatch.setenv("ANYTHING_ELSE", "1")
    names = {
        line.partition("=")[0]
        for line in (await run(execute_command(tmp_path), command="env")).splitlines()
    }
    assert "PATH" in names
    assert not names & {"OPENAI_API_KEY", "ANYTHING_ELSE"}


async def test_long_output_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    text = await run(
        execute_command(tmp_path), command="echo first; yes | head -c 100000; echo last"
    )
    assert text.startswith("first\ny\n")
    assert text.endswith("y\nlast\n")
    assert "\n… 82,011 characters left out …\n" in text


async def test_a_flood_is_stopped(tmp_path: Path) -> None:
    assert (await run(execute_command(tmp_path), command="yes")).endswith(
        "(stopped: its output was longer than 10,000,000 characters)"
    )


async def test_a_command_that_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    command = "sleep 1000 & echo $! > pid; echo begun; wait"
    for limit in LIMITS_S:
        text = await run(execute_command(tmp_path, timeout=limit), command=command)
        if "begun" in text:
            break
    else:
        pytest.fail("it was not in time")
    assert text == f"begun\n(stopped: it took longer than {limit:g} s)"
    await gone(int((tmp_path / "pid").read_text()))


async def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    assert (
        await run(execute_command(tmp_path), command="sleep 1000 & echo $! > pid; echo done")
        == "done\n"
    )
    await gone(int((tmp_path / "pid").read_text()))


async def test_a_process_that_escapes_the_group_does_not_hold_the_command(tmp_path: Path) -> None:
    escape = (
        f'{sys.executable} -c \'import os; os.fork() or (os.setsid(), open("pid", '
        '"w").write(str(os.getpid())), '
    )
    escape += (
        'os.rename("pid", "escaped"), __import__("time").sleep(1000))\'; while [ ! -e escaped ]; '
        "do :; done; echo done"
    )
    try:
        assert await run(execute_command(tmp_path), command=escape) == "done\n"
    finally:
        os.kill(int((tmp_path / "escaped").read_text()), signal.SIGKILL)


async def test_cancelling_kills_the_whole_group(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    command = "sleep 1000 & echo $! > pid; echo > begun; trap '' TERM INT; wait"
    task = asyncio.create_task(run(execute_command(tmp_path), command=command))
    await asyncio.to_thread((tmp_path / "begun").read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int((tmp_path / "pid").read_text()))


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    with contextlib.suppress(OSError):  # it is not in the table any more
        while Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
            await asyncio.sleep(0.01)


async def test_the_output_appears_in_the_panel_as_it_comes(tmp_path: Path) -> None:
    calls = [("c1", "execute_command", '{"command": "echo one; echo two"}')]
    with Server(chat(calls=calls), chat("Done.")) as server:
        agent = nbagent.Agent("m", tools=[execute_command(tmp_path)], client=server.client())
        run = nbagent.Run(agent.stream("go"), answer=lambda question: True)
        run.start()
        await run
        assert server.bodies[-1]["messages"][-1]["content"] == "one\ntwo\n"
    shown = "".join(event.delta for event in run.events if isinstance(event, e.ToolOutput))
    assert shown == "one\ntwo\n"


# --- search ---


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "guide").mkdir()
    lines = [f"line {number}" for number in range(1, 41)]
    lines[20] = "Refunds are paid within ten days."
    (tmp_path / "guide" / "refunds.md").write_text("\n".join(lines))
    (tmp_path / "ships.txt").write_text(
        "A ship sails. The shipping of a refund takes longer than the refund itself."
    )
    (tmp_path / "binary.bin").write_bytes(b"\xff\xfe refund")
    (tmp_path / ".env").write_text("REFUND_KEY=refund")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.txt").write_text("refund")
    (tmp_path / "large.txt").write_text("refund " * 200_000)
    (tmp_path / "link.txt").symlink_to(tmp_path / ".env")
    return tmp_path


async def test_search_finds_the_best_passages_with_file_and_line(docs: Path) -> None:
    found = await run(search(docs), query="refund")
    first, second = found.split("\n\n")
    assert first.startswith("ships.txt, line 1:\nA ship sails.")
    assert second.startswith("guide/refunds.md, line 13:\n")
    assert "Refunds are paid within ten days." in second
    assert (await run(search(docs), query="refund", limit=1)).count(" line ") == 1


@pytest.mark.parametrize("query", ["zebra", "zebra OR", 'zebra" NEAR (', "zebra:*"])
async def test_a_query_is_words_and_nothing_else(query: str, docs: Path) -> None:
    assert await run(search(docs), query=query) == "Nothing found in 3 files."


async def test_a_query_without_words(docs: Path) -> None:
    assert await run(search(docs), query='"*') == "The query has no words."


async def test_a_credential_in_a_file_is_masked_for_the_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the key is sk-0123456789abcdefghij")
    assert "key is sk•••" in await run(search(tmp_path), query="key")


async def test_no_beginning_of_a_credential_is_left_where_a_passage_is_shortened(
    tmp_path: Path,
) -> None:
    word = "canary-9f8e7d6c5b4a3210"
    text = "the key "
    (tmp_path / "notes.txt").write_text(
        f"{text.ljust(MAX_PASSAGE_CHARS - 30)} password={word} and more"
    )
    found = await run(search(tmp_path), query="key")
    assert "password=ca" in found
    assert "canary" not in found


async def test_a_private_key_is_masked_in_each_of_its_passages(tmp_path: Path) -> None:
    lines = [f"MII{number:02}" + "a1B2" * 15 for number in range(20)]
    dashes = "-" * 5
    block = [f"{dashes}BEGIN PRIVATE KEY{dashes}", *lines, f"{dashes}END PRIVATE KEY{dashes}"]
    (tmp_path / "key.pem").write_text("\n".join(block))
    found = await run(search(tmp_path), query="private")
    assert "BEGIN" in found
    assert "END" in found
    assert "a1B2" not in found


# --- agent_call ---


class Echo:
    async def generate(self, prompt: str) -> str:
        return f"re: {prompt}"


async def test_agent_call_asks_an_agent_by_its_name() -> None:
    tool = agent_call({"echo": Echo()}, {"echo": "says it again", "unknown": "?"})
    assert await run(tool, agent="echo", message="hi") == "re: hi"
    assert (
        tool.description
        == "Ask another agent, and return its answer. The agents:\n- echo: says it again"
    )
    with pytest.raises(ToolError, match="'echo'"):
        await run(tool, agent="nobody", message="hi")
    with pytest.raises(ToolError, match="no other agent is configured"):
        await run(agent_call({}), agent="anyone", message="hi")
