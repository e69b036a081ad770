"""Tasks: the runs of a `Host` as A2A shows them.

The id of a task is that of its run, its context is the session.
"""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Any, TypeAlias

from a2a.server.context import ServerCallContext
from a2a.server.tasks import InMemoryTaskStore
from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import (
    ListTasksRequest,
    ListTasksResponse,
    Role,
    StreamResponse,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import InternalError, InvalidParamsError
from google.protobuf.json_format import ParseDict

from nbagent.server.a2a.updates import TaskEncoder
from nbagent.server.hosting.feed import Feed
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import START, Position
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import WAITING, RunMissing, StoreFault

Update: TypeAlias = TaskStatusUpdateEvent | TaskArtifactUpdateEvent

AGENT = "agent"
"""Key in the state of a call: the agent that its address names."""

MAX_TASKS = 1_000
"""Tasks kept as their clients have seen them; older ones that have ended are rebuilt from their
runs.
"""

MAX_LISTED = 250
"""Tasks of a context that are listed."""

ENDED = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_REJECTED,
    }
)
"""States that are the last one of a task."""

ASKING = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})
"""States in which a task waits for a message of its client."""


def agent_of(host: Host, call: ServerCallContext) -> str:
    """Return the name of the agent that a call is for: by its address, else by its tenant, else the
    default one.

    Raises:
        InvalidParamsError: there is no such agent.
    """
    try:
        return host.agent(call.state.get(AGENT) or call.tenant or None)[0]
    except Problem as problem:
        raise InvalidParamsError(str(problem)) from problem


def feed_of(run: HostedRun) -> Feed:
    """Return the updates of a run, as JSON."""
    return run.encoded_by("a2a", TaskEncoder)


def update_of(item: Any, task_id: str, context_id: str) -> Update:
    """Return an update from its JSON, with the ids of a task."""
    response = ParseDict(item, StreamResponse())
    update: Update = getattr(response, response.WhichOneof("payload"))
    update.task_id, update.context_id = task_id, context_id
    if isinstance(update, TaskStatusUpdateEvent) and update.status.HasField("message"):
        update.status.message.task_id, update.status.message.context_id = task_id, context_id
    return update


async def updates(
    run: HostedRun, after: Position = START
) -> AsyncGenerator[tuple[Position, Update]]:
    """Yield the updates of a run behind a position, each with its own, until it ends."""
    async for piece in feed_of(run).items(after):
        if piece is not None:
            yield piece[0], update_of(piece[1], run.id, context_of(run))


def context_of(run: HostedRun) -> str:
    """Return the id of the context of a run."""
    return run.stored.session or run.id


def task_of(run: HostedRun) -> tuple[Task, Position]:
    """Return the task of a run as it is now, and the position up to which it has been read."""
    task = Task(
        id=run.id,
        context_id=context_of(run),
        status=TaskStatus(state=TaskState.TASK_STATE_SUBMITTED),
    )
    at = START
    for position, item in feed_of(run).so_far():
        at = position
        update = update_of(item, task.id, task.context_id)
        if isinstance(update, TaskArtifactUpdateEvent):
            append_artifact_to_task(task, update)
            continue
        if task.status.HasField("message"):
            task.history.append(task.status.message)
        task.status.CopyFrom(update.status)
        task.metadata.MergeFrom(update.metadata)
    join_texts(task)
    return task, at


def join_texts(task: Task) -> None:
    """Make the texts of an artifact, which are sent in pieces, one part.

    A client that gets the whole task joins the parts of an artifact by line breaks: so does the
    SDK's `get_artifact_text`.
    """
    for artifact in task.artifacts:
        if len(artifact.parts) > 1 and all(part.HasField("text") for part in artifact.parts):
            artifact.parts[0].text = "".join(part.text for part in artifact.parts)
            del artifact.parts[1:]


def with_prompts(task: Task, kept: Task | None) -> Task:
    """Return a task that was made from its run, with the messages of its client, which the run does
    not have.
    """
    prompts = (
        []
        if kept is None
        else [message for message in kept.history if message.role == Role.ROLE_USER]
    )
    history = [*prompts, *task.history]
    del task.history[:]
    task.history.extend(history)
    return task


class RunTasks(InMemoryTaskStore):
    """The tasks of all agents, each agent's apart.

    One that is not kept is made from its run, also from an earlier process's.

    Args:
        host: has the runs.
    """

    def __init__(self, host: Host) -> None:
        super().__init__(owner_resolver=lambda call: agent_of(host, call))
        self._host = host
        self._expected: set[str] = set()
        # by id: the agent, and whether the task has ended
        self._kept: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def expect(self, task_id: str) -> None:
        """Leave a task that begins to the SDK, until it saves it first."""
        self._expected.add(task_id)

    async def save(self, task: Task, context: ServerCallContext) -> None:
        """Keep a task as it is now."""
        self._expected.discard(task.id)
        join_texts(task)
        await super().save(task, context)
        self._kept[task.id] = agent_of(self._host, context), task.status.state in ENDED
        self._kept.move_to_end(task.id)
        if len(self._kept) > MAX_TASKS:
            for task_id, (agent, ended) in list(self._kept.items())[:-MAX_TASKS]:
                if ended:
                    del self._kept[task_id]
                    await super().delete(task_id, ServerCallContext(state={AGENT: agent}))

    async def get(self, task_id: str, context: ServerCallContext) -> Task | None:
        """Return a task of an agent; None if there is none."""
        task: Task | None = await super().get(task_id, context)
        if (
            task is None
            and task_id not in self._expected
            and (run := await self.run_as_stored(task_id, context)) is not None
        ):
            task, _ = task_of(run)
        return task

    async def list(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """Return a page of an agent's tasks: of a context, or the newest of all processes."""
        agent = agent_of(self._host, context)
        kept = await super().list(ListTasksRequest(page_size=MAX_TASKS + len(self._kept)), context)
        tasks = {task.id: task for task in kept.tasks}
        wanted = params.context_id
        with _reaching():
            stored = [
                run
                for runs in await self._host.runs()
                for run in runs
                if wanted in ("", run.session or run.id)
            ]
            stored += await self._host.of_session(wanted, MAX_LISTED) if wanted else []
        for each in {each.id: each for each in stored if each.agent == agent}.values():
            if (run := await self.run_as_stored(each.id, context)) is not None:
                tasks[run.id] = with_prompts(task_of(run)[0], tasks.get(run.id))
        store = InMemoryTaskStore(owner_resolver=lambda call: "", use_copying=False)
        for task in tasks.values():
            await store.save(task, context)
        return await store.list(params, context)

    async def run(self, task_id: str, context: ServerCallContext) -> HostedRun | None:
        """Return the run of a task of an agent, which is followed to its end; None if there is
        none.
        """
        run = await self._of_agent(self._host.find(task_id), context)
        if run is not None and run.stored.owner != WAITING:
            await run.changed(0)
        return run

    async def run_as_stored(self, task_id: str, context: ServerCallContext) -> HostedRun | None:
        """Return the run of a task of an agent as it is now; None if there is none."""
        return await self._of_agent(self._host.as_stored(task_id), context)

    async def _of_agent(
        self, finding: Awaitable[HostedRun], context: ServerCallContext
    ) -> HostedRun | None:
        agent = agent_of(self._host, context)
        try:
            with _reaching():
                run = await finding
        except RunMissing:
            return None
        return run if run.stored.agent == agent else None


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """Raise the error of a store that does not answer as one of A2A."""
    try:
        yield
    except StoreFault as error:
        raise InternalError(str(error)) from error
