"""`Origin`: the run or the recording that a fork goes on from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbagent.agent.model.recorded_run import RecordedRun, recorded_run
from nbagent.agent.model.structured import OutputFormat
from nbagent.debug.fork_tree import ForkTree
from nbagent.debug.place import Place, place_of
from nbagent.debug.resumed import prompt_of
from nbagent.errors import ForkError, NbagentError
from nbagent.gate.secrets import known
from nbagent.run import Run
from nbagent.run.forking import Forks
from nbagent.run.tool_call import ToolCall


@dataclass(frozen=True, slots=True)
class Origin:
    """A run or a recording. Of a recording only the events are known; the other fields have their
    defaults.

    Attributes:
        recorded: its responses with their calls.
        run: None for a recording.
        agent: the `nbagent.Agent` whose run it is, or None.
        conversation: the exact history of a run of nbagent's own agent, or None.
        form: the form of the answer that was asked of it, or None.
        framework: package of the framework whose run it is; empty if that is not known.
        told: the prompt that the framework was given, or None.
        options: of `show`, which a fork takes over.
        mask: masks credentials, and what the reader is not to see.
        has_values: whether the reader may see what requests to the model hold.
        tree: the run and its forks; None until there is one.
    """

    recorded: RecordedRun
    run: Run | None = None
    agent: Any = None
    conversation: Any = None
    form: OutputFormat | None = None
    framework: str = ""
    told: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    mask: Callable[[str], str] = field(default_factory=lambda: known().mask)
    has_values: bool = True
    tree: Forks | None = None

    @property
    def name(self) -> str:
        """Name of the run or the recording."""
        return self.recorded.name

    def place(self, at: Any, *, is_call: bool) -> Place:
        """Return the place that a user means; see `place_of`.

        Raises:
            ForkError: there is no such place.
        """
        if self.run is not None:
            at = _call_of(self.run, at, is_call=is_call)
        return place_of(self.recorded, at, is_call=is_call)

    def add_fork(self, fork: Run, label: str) -> None:
        """Add a fork to the tree, and show that.

        Args:
            fork: the run that goes on from here.
            label: where and with what.
        """
        tree = self.tree
        if tree is None:
            tree = ForkTree(self.run, self.name)
        tree.add(self.run, fork, label)


def origin_of(source: Any) -> Origin:
    """Return a run, or a recording by its path or its events, as the origin of a fork.

    Raises:
        ForkError: it cannot be repeated.
    """
    recorded = recorded_of(source)
    if not isinstance(source, Run):
        return Origin(recorded)
    return Origin(
        recorded,
        source,
        agent=source.own_agent,
        conversation=source.conversation,
        form=source.asked_form,
        framework=source.asked.framework,
        told=prompt_of(source.asked),
        options=source.shown_with,
        mask=source.masker,
        has_values=not source.hides_requests,
        tree=source.fork_tree,
    )


def recorded_of(source: Any) -> RecordedRun:
    """Return a run or a recording as responses with their calls.

    Raises:
        ForkError: it cannot be repeated.
    """
    if isinstance(source, Run) and source.lanes:
        raise ForkError("a run of several streams cannot be forked: show each by itself")
    try:
        made = recorded_run(source)
    except NbagentError as error:
        raise ForkError(str(error)) from error
    if not made.steps and not made.prompts:
        raise ForkError(
            f"there is nothing to repeat in {made.name}: it has neither a prompt nor a response "
            "of a model"
        )
    return made


def _call_of(run: Run, at: Any, *, is_call: bool) -> Any:
    """Return the call of a run that an index means, those of agents inside calls counted; anything
    else as it is.

    Raises:
        ForkError: it is a call of another run.
    """
    calls = run.tools
    if is_call and isinstance(at, int) and -len(calls) <= at < len(calls):
        return calls[at]
    if isinstance(at, ToolCall) and at not in calls:
        raise ForkError(f"{at!r} is a call of another run than {run.name}")
    return at
