"""`to_test`: a run as a pytest file that its owner reads and edits."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model.recorded_run import MASKED, RecordedRun, recorded_run
from nbagent.agent.options import AgentOptions
from nbagent.agent.tools.current_tool import current_tool
from nbagent.errors import NbagentError
from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.run import Run
from nbagent.testing.literal import INDENT, enclosed, literal, quoted
from nbagent.testing.replies import MAX_LITERAL_CHARS, Call, Digest, Reply, made_call, replies_of
from nbagent.testing.source import SourceWriter

MAX_STEPS = AgentOptions.max_steps
"""Default of `Agent(max_steps=…)`."""

_MASKED_NOTE = "# Something in this file was masked (•••): put a value for tests in its place."

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
    own = agent
    if own is None:
        own = run.own_agent
    if not isinstance(own, Agent):
        raise NbagentError(
            f"{run.name} is not a run of nbagent's agent: give to_test({path!r}, "
            "agent=nbagent.Agent(…, tools=[…]))"
        )
    recorded = recorded_run(run.events)
    _check_parts(run, recorded)
    _check_calls(run, recorded, own)
    text = _TestFile(run, recorded, own, re.sub(r"\W", "_", file.stem)).text()
    file.write_text(secrets.mask(text), encoding="utf-8")
    return str(path)


def _check_parts(run: Run, recorded: RecordedRun) -> None:
    """Check that a run has one prompt and one agent.

    Raises:
        NbagentError: it does not.
    """
    problem = ""
    if not recorded.prompts:
        problem = "does not tell its prompt"
    elif len(recorded.prompts) > 1:
        problem = f"has {len(recorded.prompts)} prompts"
    if problem:
        raise NbagentError(
            f"{run.name} {problem}: a test is made of a run with one, such as a fork of it, "
            "run.fork(prompt=…)"
        )
    if any(isinstance(event, e.AgentHandoff) for event in recorded.events):
        raise NbagentError(
            f"{run.name} was handed over to another agent, which a test of one agent cannot repeat"
        )


def _check_calls(run: Run, recorded: RecordedRun, agent: Agent) -> None:
    """Check that the agent has the tools that a run called, and that the calls are known.

    Raises:
        NbagentError: it does not.
    """
    known = {tool.name for tool in agent.tools}
    hidden = {event.tool_id for event in recorded.events if isinstance(event, e.Hidden)}
    for call in recorded.calls:
        name = call.start.name
        failed = call.result is not None and call.result.status != "ok"
        if name not in known and not failed:
            raise NbagentError(
                f"{agent.name} has no function {name!r}, which {run.name} called: a server's tool?"
            )
        if call.args is None or call.start.id in hidden:
            raise NbagentError(
                f"arguments or result of {name} are hidden in {run.name}: a test cannot assert them"
            )


class _TestFile:
    """The file of a test.

    Args:
        run: that the test repeats.
        recorded: the same run, as responses and calls.
        agent: of the run.
        name: of the file, without its ending.
    """

    def __init__(self, run: Run, recorded: RecordedRun, agent: Agent, name: str) -> None:
        self._run, self._recorded, self._agent = run, recorded, agent
        self._name = name
        if not name.startswith("test"):
            self._name = f"test_{name}"
        self._calls = [made_call(call) for call in recorded.calls]
        self._given = _given(recorded, self._calls)
        self._expected = [_expected(call) for call in self._calls]
        self._refusal = _refusal_of(run)
        self._history: list[Any] = []
        if run.conversation is not None:
            self._history += run.conversation.earlier
        self._source = SourceWriter()
        called = {call.name for call in self._calls}
        self._tools = [
            _tool(self._source, tool, self._calls, self._given)
            for tool in agent.tools
            if tool.name in called
        ]

    def text(self) -> str:
        """Return the file's text."""
        about = f"A run of {_plain(self._agent.name)}, kept as a test: the model says what it said"
        lines = [
            f'"""{about}, the tools are called for real.',
            "",
            "Written by run.to_test(), to be edited. It needs neither a key nor a network.",
            '"""',
            "",
            *self._imports(),
            "",
            *self._definitions(),
            "",
            "",
            *_assignment("PROMPT", self._recorded.prompts[0][0].text),
            *_assignment("HISTORY", self._history),
            "",
            "# What the model says, response by response.",
            "MODEL = [",
            *(f"    {_reply(reply)}," for reply in _replies(self._recorded, self._refusal)),
            "]",
            "",
            "",
            *self._function(),
        ]
        text = "\n".join(lines) + "\n"
        if MASKED in secrets.mask(text):
            text = text.replace('"""\n', f'"""\n\n{_MASKED_NOTE}\n', 2)
        return text

    def _imports(self) -> list[str]:
        """Return the imports, sorted as a formatter would."""
        needed = {
            "Call": self._calls,
            "Digest": any(isinstance(call.result, Digest) for call in self._expected),
            "ModelServer": True,
            "Reply": True,
            "calls_of": self._calls,
            "play": True,
            "stand_in": any(tool.startswith("stand_in(") for tool in self._tools),
            "stub": any(tool.startswith("stub(") for tool in self._tools),
        }
        helpers = ", ".join(name for name, is_needed in needed.items() if is_needed)
        lines = {"import nbagent", f"from nbagent.testing import {helpers}", *self._source.imports}
        return sorted(filter(str.strip, lines), key=lambda line: (line.startswith("from"), line))

    def _definitions(self) -> Iterator[str]:
        """Yield the lines of the tools' own functions, with the blank lines before each."""
        for definition in self._source.definitions:
            yield ""
            if definition.startswith(("def ", "@", "class ", "async ")):
                yield ""
            yield definition

    def _function(self) -> Iterator[str]:
        """Yield the lines of the test itself."""
        yield f"def {self._name}() -> None:"
        yield "    with ModelServer(MODEL) as model:"
        yield f"        {self._made_agent()}"
        prompt = "PROMPT"
        if self._history:
            prompt = '[*HISTORY, {"role": "user", "content": PROMPT}]'
        answers = _keyword("answers", _answers(self._recorded), 2 * INDENT)
        yield f"        run = play({', '.join([f'agent.stream({prompt})', *answers])})"
        status = quoted(self._run.status)
        if self._refusal:
            yield f"    assert run.status == {status}"
            yield f"    assert {literal(self._refusal, INDENT)} in str(run.error)"
        else:
            yield f"    assert (run.status, run.error) == ({status}, None)"
        if self._calls:
            yield "    assert calls_of(run) == ["
            yield from (f"        {_call(call, 2 * INDENT)}," for call in self._expected)
            yield "    ]"
        if not self._refusal:
            begin = "assert str(run.answer) == "
            yield f"    {begin}{literal(str(self._run.answer), INDENT, len(begin))}"

    def _made_agent(self) -> str:
        agent = self._agent
        options = ['"recorded"']
        if agent.instructions:
            options.append(literal(agent.instructions, 3 * INDENT))
        if self._tools:
            options.append(enclosed("tools=[", self._tools, "]", 3 * INDENT))
        if self._run.status == "max_steps" or len(self._recorded.steps) > MAX_STEPS:
            options.append(f"max_steps={agent.max_steps}")
        if not agent.parallel:
            options.append("parallel=False")
        options.append("client=model.client()")
        return enclosed("agent = nbagent.Agent(", options, ")", 2 * INDENT)


def _refusal_of(run: Run) -> str:
    """Return the error with which the model's service refused a request, so that the run failed; ""
    if none did.
    """
    message = str(run.error or "")
    if run.status != "failed" or not _REFUSAL.match(message):
        return ""
    return _REFUSAL.sub("", message)


def _replies(recorded: RecordedRun, refusal: str) -> list[Reply]:
    """Return the model's words, up to the request that its service refuses, if any."""
    if not refusal:
        return replies_of(recorded.steps)
    return [*replies_of(step for step in recorded.steps if step.calls), Reply(error=refusal)]


def _given(recorded: RecordedRun, calls: list[Call]) -> list[Call]:
    """Return the calls that had their result from the reader, with those of the same arguments."""
    keys = {_key(call) for call, made in zip(calls, recorded.calls, strict=True) if made.is_given}
    return [call for call in calls if _key(call) in keys]


def _key(call: Call) -> bytes:
    return msgspec.json.encode([call.name, call.args], order="sorted")


def _tool(source: SourceWriter, tool: Any, calls: list[Call], given: list[Call]) -> str:
    """Return the expression of a tool: a stand-in with the recorded results for one that must not
    run twice, a stub for one that had a result of the reader's.
    """
    expression = source.add(current_tool(tool)[0])
    stubbed = [_call(call, 4 * INDENT) for call in given if call.name == tool.name]
    if stubbed and not tool.once:
        return enclosed("stub(", [expression, *stubbed], ")", 3 * INDENT)
    if not tool.once:
        return expression
    made = [call for call in calls if call.name == tool.name and not call.error]
    results = [literal(call.result, 4 * INDENT) for call in made]
    return f"stand_in({', '.join([expression, *results])})"


def _answers(recorded: RecordedRun) -> list[Any]:
    """Return the reader's answers to the questions about calls, as `play` takes them."""
    made: list[Any] = []
    asked: set[str] = set()
    for event in recorded.events:
        if isinstance(event, e.ApprovalRequest) and _is_about_call(event):
            asked.add(event.approval_id)
        elif isinstance(event, e.ApprovalResponse) and event.approval_id in asked:
            made.append(_answer(event))
    return made


def _is_about_call(question: e.ApprovalRequest) -> bool:
    if question.parent_id is not None:
        return False
    return question.kind == "tool" or question.can_remember


def _answer(answer: e.ApprovalResponse) -> Any:
    match answer.decision:
        case "result" | "error":
            return True  # the test has a stub
        case "approve" | "step" if answer.value is not None:
            return answer.value
        case "approve" | "step":
            return True
    return answer.reason or False


def _expected(call: Call) -> Call:
    size = len(msgspec.json.encode(call.result))
    if size <= MAX_LITERAL_CHARS:
        return call
    return Call(call.name, call.args, Digest.of(call.result), call.error)


def _reply(reply: Reply) -> str:
    parts: list[str] = []
    if reply.text:
        parts.append(literal(reply.text, 2 * INDENT))
    if reply.calls:
        calls = [_call(call, 3 * INDENT) for call in reply.calls]
        parts.append("calls=" + enclosed("[", calls, "]", 2 * INDENT, len("calls=")))
    parts += _keyword("error", reply.error, 2 * INDENT)
    parts += _keyword("thinking", reply.thinking, 2 * INDENT)
    return enclosed("Reply(", parts, ")", INDENT)


def _call(call: Call, indent: int) -> str:
    parts = [quoted(call.name), literal(call.args, indent + INDENT)]
    if call.result is not None:
        parts.append(f"result={literal(call.result, indent + INDENT)}")
    if call.error:
        parts.append(f"error={literal(call.error, indent + INDENT)}")
    return enclosed("Call(", parts, ")", indent)


def _keyword(name: str, value: Any, indent: int) -> list[str]:
    """Return the argument `name=value`; none for an empty value."""
    if value:
        return [f"{name}={literal(value, indent, len(name) + 1)}"]
    return []


def _assignment(name: str, value: Any) -> list[str]:
    """Return the line `name = value`; none for an empty list."""
    if value == []:
        return []
    return [f"{name} = {literal(value, used=len(name) + 3)}"]


def _plain(name: str) -> str:
    return printable_line(name).replace("\\", "/").replace('"', "'")
