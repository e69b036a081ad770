"""`to_test`: a run as a pytest file that its owner reads and edits."""

import pprint
import re
from pathlib import Path
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.recorded import MASKED, RecordedRun, recorded_run
from nbagent.debug.current import current
from nbagent.errors import NbagentError
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.testing.replies import MAX_LITERAL_CHARS, Call, Digest, Reply, made_call, replies_of
from nbagent.testing.source import SourceWriter

LINE_CHARS = 110
_ENDS = ("completed", "max_steps")


def to_test(run: Run, path: str, *, overwrite: bool = False, agent: Any = None) -> str:
    """Write a run as a pytest file; see `run.to_test`."""
    file = Path(path)
    if not run.done:
        raise NbagentError(f"{run!r} goes on: await run, or run.wait(), before run.to_test({path!r})")
    if run.status not in _ENDS:
        raise NbagentError(f"{run!r} did not complete: a test would only show the same error")
    if file.suffix != ".py":
        raise NbagentError(f'a test is a Python file, such as "test_rates.py"; got {path!r}')
    if file.exists() and not overwrite:
        raise FileExistsError(f"{path!r} exists; run.to_test({path!r}, overwrite=True) replaces it")
    own = agent if agent is not None else run.own_agent
    if not isinstance(own, Agent):
        raise NbagentError(
            f"{run.name} is not a run of nbagent's agent: give to_test({path!r}, agent=nbagent.Agent(…, tools=[…]))"
        )
    recorded = recorded_run(run.events)
    _check(run, recorded)
    file.write_text(secrets.mask(_text(run, recorded, own, re.sub(r"\W", "_", file.stem))), encoding="utf-8")
    return str(path)


def _check(run: Run, recorded: RecordedRun) -> None:
    """Check that a run has one prompt and one agent, whose calls are known.

    Raises:
        NbagentError: it does not.
    """
    if len(recorded.prompts) != 1:
        told = f"has {len(recorded.prompts)} prompts" if recorded.prompts else "does not tell its prompt"
        raise NbagentError(f"{run.name} {told}: a test is made of a run with one, such as a fork of it, run.fork(prompt=…)")
    if any(isinstance(event, e.AgentHandoff) for event in recorded.events):
        raise NbagentError(f"{run.name} was handed over to another agent, which a test of one agent cannot repeat")
    for call in recorded.calls:
        if call.args is None or any(isinstance(each, e.Hidden) and each.tool_id == call.start.id for each in recorded.events):
            raise NbagentError(f"arguments or result of {call.start.name} are hidden in {run.name}: a test cannot assert them")


def _text(run: Run, recorded: RecordedRun, agent: Agent, name: str) -> str:
    calls = [made_call(call) for call in recorded.calls]
    source = SourceWriter()
    tools = [_tool(source, each, calls) for each in agent.tools if any(call.name == each.name for call in calls)]
    history = [] if run.conversation is None else list(run.conversation.earlier)
    prompt = "PROMPT" if not history else '[*HISTORY, {"role": "user", "content": PROMPT}]'
    answers = _answers(recorded)
    helpers = ["Call"] if calls else []
    helpers += ["Digest"] if any(isinstance(_expected(call).result, Digest) for call in calls) else []
    helpers += ["ModelServer", "Reply", *(["calls_of"] if calls else []), "play"]
    helpers += ["stand_in"] if any(tool.startswith("stand_in(") for tool in tools) else []
    options = [repr("recorded"), *([_literal(agent.instructions, 8)] if agent.instructions else [])]
    options += [f"tools=[{', '.join(tools)}]"] if tools else []
    options += [f"max_steps={agent.max_steps}"] if run.status == "max_steps" or len(recorded.steps) > 10 else []
    options += [] if agent.parallel else ["parallel=False"]
    source.imports.setdefault("import nbagent", None)
    source.imports[f"from nbagent.testing import {', '.join(helpers)}"] = None
    lines = [
        f'"""A run of {_plain(agent.name)}, kept as a test: the model says what it said, the tools are called for real.',
        "",
        "Written by run.to_test(), to be edited. It needs neither a key nor a network.",
        '"""',
        "",
        *sorted(line for line in source.imports if line.strip()),
        "",
    ]
    for definition in source.definitions:
        lines += ["", "", definition] if definition.startswith(("def ", "@", "class ", "async ")) else ["", definition]
    lines += ["", "", f"PROMPT = {_literal(recorded.prompts[0][0].text, 0)}"]
    lines += [f"HISTORY = {_literal(history, 0)}"] if history else []
    lines += ["", "# What the model says, response by response.", "MODEL = ["]
    lines += [f"    {_reply(reply)}," for reply in replies_of(recorded.steps)]
    lines += ["]", "", "", f"def {name if name.startswith('test') else f'test_{name}'}() -> None:"]
    lines += ["    with ModelServer(MODEL) as model:"]
    lines += [f"        agent = nbagent.Agent({', '.join(options)}, client=model.client())"]
    lines += [f"        run = play(agent.stream({prompt}){f', answers={answers!r}' if answers else ''})"]
    lines += [f"    assert (run.status, run.error) == ({run.status!r}, None)"]
    if calls:
        lines += ["    assert calls_of(run) == [", *(f"        {_call(_expected(call), 8)}," for call in calls), "    ]"]
    lines += [f"    assert str(run.answer) == {_literal(str(run.answer), 4)}"]
    text = "\n".join(lines) + "\n"
    if MASKED in secrets.mask(text):
        text = text.replace(
            '"""\n', '"""\n\n# Something in this file was masked (•••): put a value for tests in its place.\n', 2
        )
    return text


def _tool(source: SourceWriter, tool: Any, calls: list[Call]) -> str:
    """Return the expression of a tool; of one that must not run twice, a stand-in with the recorded results."""
    expression = source.add(current(tool))
    if not tool.once:
        return expression
    results = [_literal(call.result, 12) for call in calls if call.name == tool.name and not call.error]
    return f"stand_in({', '.join([expression, *results])})"


def _answers(recorded: RecordedRun) -> list[Any]:
    """Return the reader's answers to the questions about calls, as `play` takes them."""
    made: list[Any] = []
    for event in recorded.events:
        if isinstance(event, e.ApprovalResponse) and event.parent_id is None:
            approved = event.decision == "approve"
            made.append((event.value if event.value is not None else True) if approved else event.reason or False)
    return made


def _expected(call: Call) -> Call:
    size = len(msgspec.json.encode(call.result))
    return call if size <= MAX_LITERAL_CHARS else Call(call.name, call.args, Digest.of(call.result), call.error)


def _reply(reply: Reply) -> str:
    calls = ", ".join(_call(call, 12) for call in reply.calls)
    parts = [*([_literal(reply.text, 8)] if reply.text else []), *([f"calls=[{calls}]"] if calls else [])]
    parts += [f"thinking={_literal(reply.thinking, 8)}"] if reply.thinking else []
    line = f"Reply({', '.join(parts)})"
    if len(line) <= LINE_CHARS or len(reply.calls) < 2:
        return line
    inner = "".join(f"            {_call(call, 12)},\n" for call in reply.calls)
    wrapped = [part if not part.startswith("calls=") else f"calls=[\n{inner}        ]" for part in parts]
    return "Reply(\n" + "".join(f"        {part},\n" for part in wrapped) + "    )"


def _call(call: Call, indent: int) -> str:
    parts = [repr(call.name), _literal(call.args, indent)]
    parts += [f"result={_literal(call.result, indent)}"] if call.result is not None else []
    parts += [f"error={_literal(call.error, indent)}"] if call.error else []
    return f"Call({', '.join(parts)})"


def _literal(value: Any, indent: int) -> str:
    """Return a value as Python, on several lines if it is long."""
    text = repr(value)
    if isinstance(value, Digest) or len(text) <= LINE_CHARS - indent:
        return text
    lines = pprint.pformat(value, width=LINE_CHARS - indent, sort_dicts=False).split("\n")
    text = f"\n{' ' * (indent + 4)}".join(lines)
    return f"({text})" if isinstance(value, str) and len(lines) > 1 and not text.startswith("(") else text


def _plain(name: str) -> str:
    return name.replace("\\", "/").replace('"', "'")
