"""`to_test`: a run as a pytest file that its owner reads and edits."""

import re
from pathlib import Path
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model.recorded_run import MASKED, RecordedRun, recorded_run
from nbagent.agent.tools.current_tool import current_tool
from nbagent.errors import NbagentError
from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.run import Run
from nbagent.testing.literal import INDENT, enclosed, literal, quoted
from nbagent.testing.replies import MAX_LITERAL_CHARS, Call, Digest, Reply, made_call, replies_of
from nbagent.testing.source import SourceWriter

MAX_STEPS = 10
"""Default of `Agent(max_steps=…)`."""

_ENDS = ("completed", "max_steps")
_REFUSAL = re.compile(r"^.*? answered \d{3}: ", re.DOTALL)
"""Beginning of an error's message if the model's service has refused a request."""


def to_test(run: Run, path: str, *, overwrite: bool = False, agent: Any = None) -> str:
    """Write a run as a pytest file; see `run.to_test`."""
    file = Path(path)
    if not run.done:
        raise NbagentError(
            f"{run!r} goes on: await run, or run.wait(), before run.to_test({path!r})"
        )
    if run.status not in _ENDS and not _refusal_of(run):
        raise NbagentError(f"{run!r} did not complete, and no model can repeat that in a test")
    if file.suffix != ".py":
        raise NbagentError(f'a test is a Python file, such as "test_rates.py"; got {path!r}')
    if file.exists() and not overwrite:
        raise FileExistsError(f"{path!r} exists; run.to_test({path!r}, overwrite=True) replaces it")
    own = agent if agent is not None else run.own_agent
    if not isinstance(own, Agent):
        raise NbagentError(
            f"{run.name} is not a run of nbagent's agent: give to_test({path!r}, "
            "agent=nbagent.Agent(…, tools=[…]))"
        )
    recorded = recorded_run(run.events)
    _check(run, recorded, own)
    file.write_text(
        secrets.mask(_text(run, recorded, own, re.sub(r"\W", "_", file.stem))), encoding="utf-8"
    )
    return str(path)


def _check(run: Run, recorded: RecordedRun, agent: Agent) -> None:
    """Check that a run has one prompt and one agent, which has the tools, and whose calls are
    known.

    Raises:
        NbagentError: it does not.
    """
    if len(recorded.prompts) != 1:
        if recorded.prompts:
            problem = f"has {len(recorded.prompts)} prompts"
        else:
            problem = "does not tell its prompt"
        raise NbagentError(
            f"{run.name} {problem}: a test is made of a run with one, such as a fork of it, "
            "run.fork(prompt=…)"
        )
    if any(isinstance(event, e.AgentHandoff) for event in recorded.events):
        raise NbagentError(
            f"{run.name} was handed over to another agent, which a test of one agent cannot repeat"
        )
    for call in recorded.calls:
        if call.start.name not in {tool.name for tool in agent.tools} and (
            call.result is None or call.result.status == "ok"
        ):
            raise NbagentError(
                f"{agent.name} has no function {call.start.name!r}, which {run.name} called: a "
                "server's tool?"
            )
        if call.args is None or any(
            isinstance(each, e.Hidden) and each.tool_id == call.start.id for each in recorded.events
        ):
            raise NbagentError(
                f"arguments or result of {call.start.name} are hidden in {run.name}: a test "
                "cannot assert them"
            )


def _text(run: Run, recorded: RecordedRun, agent: Agent, name: str) -> str:
    calls = [made_call(call) for call in recorded.calls]
    refusal = _refusal_of(run)
    source = SourceWriter()
    tools = [
        _tool(source, each, calls)
        for each in agent.tools
        if any(call.name == each.name for call in calls)
    ]
    history = [] if run.conversation is None else list(run.conversation.earlier)
    prompt = "PROMPT" if not history else '[*HISTORY, {"role": "user", "content": PROMPT}]'
    answers = _answers(recorded)
    helpers = ["Call"] if calls else []
    helpers += (
        ["Digest"] if any(isinstance(_expected(call).result, Digest) for call in calls) else []
    )
    helpers += ["ModelServer", "Reply", *(["calls_of"] if calls else []), "play"]
    helpers += ["stand_in"] if any(tool.startswith("stand_in(") for tool in tools) else []
    options = [
        '"recorded"',
        *([literal(agent.instructions, 3 * INDENT)] if agent.instructions else []),
    ]
    options += [f"tools=[{', '.join(tools)}]"] if tools else []
    options += (
        [f"max_steps={agent.max_steps}"]
        if run.status == "max_steps" or len(recorded.steps) > MAX_STEPS
        else []
    )
    options += [] if agent.parallel else ["parallel=False"]
    made = enclosed("agent = nbagent.Agent(", [*options, "client=model.client()"], ")", 2 * INDENT)
    source.imports.setdefault("import nbagent", None)
    source.imports[f"from nbagent.testing import {', '.join(helpers)}"] = None
    lines = [
        (
            f'"""A run of {_plain(agent.name)}, kept as a test: the model says what it said, the '
            "tools are called for real."
        ),
        "",
        "Written by run.to_test(), to be edited. It needs neither a key nor a network.",
        '"""',
        "",
        *sorted(
            (line for line in source.imports if line.strip()),
            key=lambda line: (line.startswith("from"), line),
        ),
        "",
    ]
    for definition in source.definitions:
        lines += (
            ["", "", definition]
            if definition.startswith(("def ", "@", "class ", "async "))
            else ["", definition]
        )
    lines += ["", "", f"PROMPT = {literal(recorded.prompts[0][0].text, used=len('PROMPT = '))}"]
    lines += [f"HISTORY = {literal(history, used=len('HISTORY = '))}"] if history else []
    lines += ["", "# What the model says, response by response.", "MODEL = ["]
    lines += [f"    {_reply(reply)}," for reply in _replies(recorded, refusal)]
    lines += ["]", "", "", f"def {name if name.startswith('test') else f'test_{name}'}() -> None:"]
    lines += ["    with ModelServer(MODEL) as model:"]
    lines += [f"        {made}"]
    lines += [
        (
            "        run = "
            f"play(agent.stream({prompt}){f', answers={literal(answers, 8)}' if answers else ''})"
        )
    ]
    if refusal:
        lines += [f"    assert run.status == {quoted(run.status)}"]
        lines += [f"    assert {literal(refusal, INDENT)} in str(run.error)"]
    else:
        lines += [f"    assert (run.status, run.error) == ({quoted(run.status)}, None)"]
    if calls:
        lines += [
            "    assert calls_of(run) == [",
            *(f"        {_call(_expected(call), 8)}," for call in calls),
            "    ]",
        ]
    if not refusal:
        lines += [
            (
                "    assert str(run.answer) == "
                f"{literal(str(run.answer), INDENT, len('assert str(run.answer) == '))}"
            )
        ]
    text = "\n".join(lines) + "\n"
    if MASKED in secrets.mask(text):
        text = text.replace(
            '"""\n',
            '"""\n\n# Something in this file was masked (•••): put a value for tests in its '
            "place.\n",
            2,
        )
    return text


def _refusal_of(run: Run) -> str:
    """Return the error with which the model's service refused a request, so that the run failed; ""
    if none did.
    """
    message = "" if run.error is None else str(run.error)
    return _REFUSAL.sub("", message) if run.status == "failed" and _REFUSAL.match(message) else ""


def _replies(recorded: RecordedRun, refusal: str) -> list[Reply]:
    """Return the model's words, up to the request that its service refuses, if any."""
    if not refusal:
        return replies_of(recorded.steps)
    return [*replies_of(step for step in recorded.steps if step.calls), Reply(error=refusal)]


def _tool(source: SourceWriter, tool: Any, calls: list[Call]) -> str:
    """Return the expression of a tool; of one that must not run twice, a stand-in with the recorded
    results.
    """
    expression = source.add(current_tool(tool)[0])
    if not tool.once:
        return expression
    results = [
        literal(call.result, 4 * INDENT)
        for call in calls
        if call.name == tool.name and not call.error
    ]
    return f"stand_in({', '.join([expression, *results])})"


def _answers(recorded: RecordedRun) -> list[Any]:
    """Return the reader's answers to the questions about calls, as `play` takes them."""
    made: list[Any] = []
    asked: set[str] = set()
    for event in recorded.events:
        if (
            isinstance(event, e.ApprovalRequest)
            and event.parent_id is None
            and event.kind == "tool"
        ):
            asked.add(event.approval_id)
        elif isinstance(event, e.ApprovalResponse) and event.approval_id in asked:
            approved = event.decision == "approve"
            made.append(
                (event.value if event.value is not None else True)
                if approved
                else event.reason or False
            )
    return made


def _expected(call: Call) -> Call:
    size = len(msgspec.json.encode(call.result))
    if size <= MAX_LITERAL_CHARS:
        return call
    return Call(call.name, call.args, Digest.of(call.result), call.error)


def _reply(reply: Reply) -> str:
    parts = [literal(reply.text, 2 * INDENT)] if reply.text else []
    if reply.calls:
        parts.append(
            "calls="
            + enclosed(
                "[",
                (_call(call, 3 * INDENT) for call in reply.calls),
                "]",
                2 * INDENT,
                len("calls="),
            )
        )
    parts += [f"error={literal(reply.error, 2 * INDENT, len('error='))}"] if reply.error else []
    parts += (
        [f"thinking={literal(reply.thinking, 2 * INDENT, len('thinking='))}"]
        if reply.thinking
        else []
    )
    return enclosed("Reply(", parts, ")", INDENT)


def _call(call: Call, indent: int) -> str:
    parts = [quoted(call.name), literal(call.args, indent + INDENT)]
    parts += [f"result={literal(call.result, indent + INDENT)}"] if call.result is not None else []
    parts += [f"error={literal(call.error, indent + INDENT)}"] if call.error else []
    return enclosed("Call(", parts, ")", indent)


def _plain(name: str) -> str:
    return printable_line(name).replace("\\", "/").replace('"', "'")
