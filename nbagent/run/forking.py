"""`ForkableRun`: a run that another one may go on from, or that is kept as a test."""

import asyncio
import contextvars
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
from msgspec import UNSET

from nbagent import events as e
from nbagent.events.told import told_of
from nbagent.protocol.inspection import ForkForm
from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.protocol.messages import Act, Send
from nbagent.protocol.values import ForkNode, Outcome
from nbagent.render.labels import forks_label
from nbagent.run.following import FollowedRun
from nbagent.run.fork_form import fork_form
from nbagent.runtime import work
from nbagent.runtime.late_imports import late_import
from nbagent.sources.asked import Asked

if TYPE_CHECKING:
    from nbagent.run.run import Run


FORM_PART = "fork/"
"""Prefix of the name by which a view asks for what a form for a fork at a call begins with; the id
of the call's block follows.
"""

REQUEST_FORM_PART = "fork-request/"
"""The same at a request, whose number follows."""


COMPARISON_PART = "comparison"
"""Name by which a view asks for the last comparison that its reader wanted."""

_TEXTS = ("result", "instructions", "model", "prompt")
"""The texts of a form for a fork, in their order."""

_ALL_HIDDEN = ("arguments", "result")
"""What is hidden of a call that is not shown at all."""


class Forks(Protocol):
    """The tree of a run and its forks."""

    def add(self, parent: Any, run: Any, label: str) -> None:
        """Add a fork."""
        ...

    def parent_of(self, run: Any) -> "Run | None":
        """Return the run that one goes on from."""
        ...

    def forks_of(self, run: Any) -> "list[Run]":
        """Return the runs that go on from one."""
        ...

    def compared_with(self, run: Any) -> "list[Run]":
        """Return a run and those that it is compared with, in their order."""
        ...

    def place_of(self, run: Any) -> str:
        """Return the place of a run in the tree: `run 2, rates(year=2023)`."""
        ...


class ForkableRun(FollowedRun):
    """A run, as far as others go on from it.

    Attributes:
        own_agent: the `nbagent.Agent` whose run it is; None for the runs of others.
        asked_form: the form of the answer that was asked of it, or None.
        asked: what a framework was asked, and its package.
        fork_tree: the run and its forks; None until there is one.
        comparison: HTML of the last comparison that a reader wanted; empty without one.
    """

    own_agent: Any = None
    asked_form: Any = None
    asked: Asked = Asked()
    fork_tree: Forks | None = None
    comparison: str = ""
    _home: asyncio.AbstractEventLoop | None = None  # on which it was made
    _on_addition: Callable[[], object]

    @property
    def hides_requests(self) -> bool:
        """True if something that a request to the model holds is hidden from the reader."""
        return self._state.privacy.hides_requests

    @property
    def shown_with(self) -> Mapping[str, Any]:
        """The options that a fork takes over: what may be seen, and how it is drawn."""
        return self._state.shown_with

    @property
    @abstractmethod
    def done(self) -> bool:
        """True if the run has ended."""

    def fork(
        self,
        at: Any = None,
        *,
        result: Any = UNSET,
        args: Mapping[str, Any] | None = None,
        prompt: str | Iterable[Any] | None = None,
        messages: "Callable[[list[dict[str, Any]]], Any] | Sequence[Any] | None" = None,
        instructions: str | None = None,
        model: Any = None,
        tools: Iterable[Any] | None = None,
        agent: Any = None,
        resume: Callable[[list[Any]], Any] | None = None,
        breakpoints: bool = True,
        face: Literal["widget", "console"] | None = None,
    ) -> "Run":
        """Repeat this run up to a point without asking the model, go on live from there, and show
        that.

            run.fork(at=run.tools[2], result={"rate": 1.1})    # that call had another result
            run.fork(at="fetch_rates", args={"year": 2024})    # it is called with another argument
            run.fork(at="fetch_rates")                        # its function is called as it is now
            run.fork(at=2, instructions="Answer in French.")   # the second response is asked anew
            run.fork(at=2, messages=lambda told: told[:-1])    # without the last message
            run.fork(at=run.requests[4], model="gpt-5")        # another model gets that request

        A call or a request may be one of an agent that is a tool: that agent goes on inside its
        call, with what is changed, and the agents around it go on with its answer.

        Results before the point are taken from the record, also those of other calls in the
        response of the call at the point. A session is left alone: the fork is a run of its own. So
        is the run itself; a click in the tree over its header leads to the fork.

        Args:
            at: a call of `run.tools`, or the name of its tool, which is the latest call of that; a
                request of `run.requests`; or the number of a response of the model, from 1. With
                `result` or `args` a number is the index of a call in `run.tools`. None is the first
                response.
            result: of the call, in place of the recorded one; any object.
            args: arguments to change; the others stay as the model wrote them.
            prompt: in place of the user's message.
            messages: all that the model is told before the response, the instructions included; or
                a function that gets these messages, as dicts in the form of Chat Completions, and
                returns those to send, or changes them. What is not changed is sent as it was.
            instructions: in place of the agent's.
            model: in place of the agent's.
            tools: in place of the agent's. By default these, each with its function as it is now: a
                cell that defined it again counts.
            agent: goes on in place of the run's own; needed where the run is not of an
                `nbagent.Agent`.
            resume: goes on in the run's own framework; by default the `on_fork` that it was shown
                with. It is a function of all that the model is told, to a stream, such as `lambda
                messages: Runner.run_streamed(agent, messages)`, `lambda messages:
                agent.run_stream_events(message_history=messages)`, `lambda messages:
                graph.astream({"messages": messages}, stream_mode="messages")`, or `lambda messages:
                agent.arun(messages, stream=True, stream_events=True)`. The messages have the form
                that the framework takes. Before a call it needs `result`.
            breakpoints: the fork stops where this run stops now, step mode included, as a debugger
                does that starts again. False: it stops nowhere.
            face: as for `nbagent.show`.

        Returns:
            The new run, which is shown. `run.forks` has all, `fork.parent` leads back.

        Raises:
            ForkError: there is no such call or step, its tool is gone, the arguments do not fit, or
                there is no agent.
        """
        made: Run = late_import("fork")(
            self,
            at,
            result=result,
            args=args,
            prompt=prompt,
            messages=messages,
            instructions=instructions,
            model=model,
            tools=tools,
            agent=agent,
            resume=resume,
            breakpoints=breakpoints,
            face=face,
        )
        return made

    def to_test(self, path: str, *, overwrite: bool = False, agent: Any = None) -> str:
        """Write the run as a pytest file: the model's words from a server on loopback, the tools
        called for real.

            run.to_test("test_rates.py")

        The test asserts the calls, their arguments and results, and the answer; it needs neither a
        key nor a network, and is meant to be read and edited. Tools of a module are imported; the
        source of those of the notebook is written into it.

        Args:
            path: of the file, such as "test_rates.py".
            overwrite: replace a file that exists.
            agent: whose tools and instructions the test has; by default the run's own.

        Returns:
            The path.

        Raises:
            NbagentError: the run goes on, a tool has no source, or there is no agent.
            FileExistsError: the file exists.
        """
        made: str = late_import("to_test")(self, path, overwrite=overwrite, agent=agent)
        return made

    def to_case(self, path: str | os.PathLike[str], *, note: str = "") -> str:
        """Add the run to a file of cases: its prompt, its answer and its calls, as a line of JSON.

            run.to_case("cases.jsonl", note="the year is wrong")
            runs = await nbagent.map(agent, "cases.jsonl", check=lambda case, run: …)

        What is hidden in the run is not in the file, and credentials are masked.

        Args:
            path: of the file, which is made if there is none.
            note: of yours, which the case has as `case["note"]`.

        Returns:
            The path.

        Raises:
            NbagentError: the run goes on, or does not tell its prompt.
        """
        made: str = late_import("to_case")(self, path, note=note)
        return made

    @property
    def forks(self) -> "list[Run]":
        """The runs that go on from this one, the oldest first."""
        if self.fork_tree is None:
            return []
        return self.fork_tree.forks_of(self)

    @property
    def parent(self) -> "Run | None":
        """The run that this one goes on from; None if it is not a fork."""
        if self.fork_tree is None:
            return None
        return self.fork_tree.parent_of(self)

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value or of an answer to a view; see `RunResults.page`."""
        if name == COMPARISON_PART:
            return truncate_to_bytes(self.comparison, offset, max_bytes)[0], len(self.comparison)
        if name.startswith(FORM_PART):
            form = self.fork_form(name.removeprefix(FORM_PART))
        elif name.startswith(REQUEST_FORM_PART):
            form = self.fork_form(request=int(name.removeprefix(REQUEST_FORM_PART)))
        else:
            return super().page(name, offset, max_bytes)
        text = msgspec.json.encode(form).decode()
        return truncate_to_bytes(text, offset, max_bytes)[0], len(text)

    def fork_form(self, block: str = "", request: int = 0) -> ForkForm:
        """Return the form for a fork.

        Args:
            block: the id of the block of a call; empty for a request.
            request: the number of a request.

        Raises:
            LookupError: no agent is known that could go on; there is no such call or request.
        """
        state = self._state
        if self.own_agent is None and state.shown_with.get("on_fork") is None:
            raise LookupError(f"no agent is known that could go on from {self.name}")
        own, prompt = self._agent_at(block, request)
        texts, args, schema = {}, None, None
        with state.lock:
            blocks = state.transcript.blocks
            hidden = blocks[block].props.get("hidden", ()) if block in blocks else _ALL_HIDDEN
            if "result" not in hidden:
                texts["result"] = self._result_to_give(block)
            if own is not None and "arguments" not in hidden:
                args = state.tool_calls.args_of(block)
                schema = state.attempts.schema_of(block)
        if own is not None:
            texts["model"] = own.model
            if not state.privacy.hides_requests:
                texts["instructions"] = own.instructions
        if prompt is not None:
            texts["prompt"] = prompt
        masked = {name: state.privacy.mask(texts[name]) for name in _TEXTS if name in texts}
        # A framework does not call from the middle: the result is what its model goes on with.
        given = {"result"} if own is None else set()
        messages = self._told_at(request)
        return fork_form(masked, args, schema, messages, given=given & masked.keys())

    def _told_at(self, number: int) -> list[dict[str, Any]] | None:
        """Return what the model was told in a request, masked; None if it cannot be changed."""
        if self.own_agent is None or self.hides_requests:
            return None
        request = next((each for each in self.requests if each.number == number), None)
        if request is None:
            return None
        told: list[dict[str, Any]] = request.masked(late_import("told_at")(self, request))
        return told

    def _agent_at(self, block: str, request: int) -> tuple[Any, str | None]:
        """Return the agent that goes on from a call or a request, and its prompt.

        Returns:
            None for the agent in another framework; an empty prompt if it is not known, None if it
            is hidden.
        """
        agent = self.own_agent
        if agent is not None:
            agent, task = late_import("agent_at")(self, block, request)
            if task is not None:
                return agent, None if self.hides_requests else task  # an argument of a call
        with self._state.lock:
            blocks = self._state.transcript.blocks.values()
            prompts = [each.text("text") for each in blocks if each.kind == "prompt"]
        return agent, prompts[0] if len(prompts) == 1 else ""

    def _result_to_give(self, block: str) -> str:
        """Return what the model read of a call; in another framework, of its last attempt.

        A framework does not make the call again when it goes on.
        """
        state = self._state
        results = [state.tool_calls.result_of(block)]
        if self.own_agent is None:
            blocks = state.transcript.blocks.values()
            again = [each.id for each in blocks if each.props.get("attempt_of") == block]
            results += map(state.tool_calls.result_of, again)
        texts = [text for text in map(_read_by_model, results) if text]
        return texts[-1] if texts else ""

    def _act(self, command: Act) -> None:
        # In a context of its own: a view's message is no cell.
        context = contextvars.Context()
        do = partial(context.run, late_import("act"), self, command)
        home = self._home
        is_foreign = self.own_agent is None and not isinstance(command, Send)
        if is_foreign and home is not None and not home.is_closed():
            # A framework goes on with what it made for the loop that the run was made on.
            home.call_soon_threadsafe(do)
        else:
            work.start(do, name="nbagent-act")

    def show_outcome(self, outcome: Outcome) -> None:
        """Show what became of a reader's act in the views."""
        with self._state.lock:
            if outcome.problem is not None:
                outcome.problem = self._state.privacy.mask(outcome.problem)
            self._pipeline.channels.send(self._state.transcript.acted(outcome))

    def show_forks(self, nodes: Sequence[ForkNode]) -> None:
        """Show the tree of forks that this run belongs to."""
        with self._state.lock:
            root = self._state.transcript.root
            line = forks_label(root.props)
            masked = [
                ForkNode(
                    number=node.number,
                    parent=node.parent,
                    run=node.run,
                    name=self._state.privacy.mask(node.name),
                    label=self._state.privacy.mask(node.label),
                    status=node.status,
                    own=node.own,
                )
                for node in nodes
            ]
            self._pipeline.channels.send(self._state.transcript.forked(masked))
            changed = forks_label(root.props) != line
        if changed and self.done:
            self._on_addition()


def _read_by_model(result: e.ToolResult | None) -> str:
    """Return a result as the model read it; an empty text if the call has none, or failed."""
    if result is None or result.status != "ok":
        return ""
    told = told_of(result)
    if isinstance(told, str):
        return told
    return msgspec.json.encode(told).decode()
