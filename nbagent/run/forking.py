"""`ForkableRun`: a run that another one may go on from, or that is kept as a test."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import UNSET

from nbagent.protocol.values import ForkNode
from nbagent.render.labels import forks_label
from nbagent.run.following import FollowedRun
from nbagent.runtime.late_imports import late_import

if TYPE_CHECKING:
    from nbagent.run.run import Run


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


class ForkableRun(FollowedRun):
    """A run, as far as others go on from it.

    Attributes:
        own_agent: the `nbagent.Agent` whose run it is; None for the runs of others.
        asked_form: the form of the answer that was asked of it, or None.
        fork_tree: the run and its forks; None until there is one.
        shown_with: the options that a fork takes over: what may be seen, and how it is drawn.
    """

    own_agent: Any = None
    asked_form: Any = None
    fork_tree: Forks | None = None
    shown_with: Mapping[str, Any]
    _on_addition: Callable[[], object]

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

        Results before the point are taken from the record, also those of other calls in the
        response of the call at the point. A session is left alone: the fork is a run of its own. So
        is the run itself; a click in the tree over its header leads to the fork.

        Args:
            at: a call of `run.tools`, or the name of its tool, which is the latest call of that; or
                the number of a response of the model, from 1. With `result` or `args` a number is
                the index of a call in `run.tools`. None is the first response.
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
