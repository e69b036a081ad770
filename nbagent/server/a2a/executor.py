"""`HostExecutor`: runs the agents of a `Host` for the SDK's request handler."""

import asyncio
import contextlib
from typing import Any

from a2a.helpers.proto_helpers import new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types import Message, Task, TaskState, TaskStatus, TaskStatusUpdateEvent
from a2a.utils._async_queue_compat import QueueShutDown  # asyncio's own since Python 3.13

from nbagent.errors import SessionError
from nbagent.server.a2a.answering import answer, question_in
from nbagent.server.a2a.message import prompt_in
from nbagent.server.a2a.tasks import RunTasks, agent_of, task_of, updates
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of

MAX_CONTEXT_ID_CHARS = 200
"""Characters of a context's id that a client chooses."""


class HostExecutor(AgentExecutor):
    """Starts a run for each new task, and answers the questions of its run with further messages.

    Args:
        host: has the agents and the runs.
        store: keeps the tasks.
    """

    def __init__(self, host: Host, store: RunTasks) -> None:
        self._host = host
        self._store = store
        self._tasks: dict[str, SentTask] = {}

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Send the updates of a task up to its end, or to a question.

        What is raised here would end the task.
        """
        task_id, context_id, message = context.task_id, context.context_id, context.message
        assert task_id is not None
        assert context_id is not None
        assert message is not None
        if context.current_task is not None:
            # the SDK makes up one for a message that names only the task
            context_id = context.current_task.context_id
        updater = TaskUpdater(event_queue, task_id, context_id)
        if context.current_task is None:
            self._store.expect(task_id)
            status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
            task = Task(id=task_id, context_id=context_id, status=status, history=[message])
            try:
                run = await self._start(context, message, context_id)
            except (Problem, SessionError) as problem:
                await event_queue.enqueue_event(task)
                await updater.reject(updater.new_agent_message([new_text_part(str(problem))]))
                return
            # only now: a client may go on at another process, which finds the run
            await event_queue.enqueue_event(task)
            sent = self._tasks[task_id] = SentTask(run, event_queue)
            sent.sending.add_done_callback(lambda _: self._tasks.pop(task_id, None))
        elif task_id in self._tasks:
            sent = self._tasks[task_id]
            try:
                await sent.answer(message)
            except Problem as problem:
                await updater.requires_input(
                    updater.new_agent_message([new_text_part(str(problem))])
                )
                return
        else:
            return
        await sent.rest()

    def has(self, task_id: str) -> bool:
        """Return True if a task goes on that has begun here."""
        return task_id in self._tasks

    async def _start(self, context: RequestContext, message: Message, context_id: str) -> HostedRun:
        name = agent_of(self._host, context.call_context)
        prompt = prompt_of(prompt_in(message), self._host.limits)
        if len(context_id) > MAX_CONTEXT_ID_CHARS or not context_id.isprintable():
            raise Problem(
                422, f"a contextId is at most {MAX_CONTEXT_ID_CHARS} printable characters"
            )
        session = await self._host.sessions.open(name, context_id)
        return await self._host.start(name, prompt, session, run_id=context.task_id)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Stop the run of a task, and send what it ends with."""
        sent = self._tasks.get(context.task_id or "")
        if sent is not None:
            await sent.cancel()


class SentTask:
    """A task whose updates are sent, from its start to its end, also while its client is not
    connected.

    Args:
        run: of the task.
        queue: takes the updates.

    Attributes:
        sending: ends with the task.
    """

    def __init__(self, run: HostedRun, queue: EventQueue) -> None:
        self._run = run
        self._queue = queue
        self._asks = asyncio.Event()
        self.sending = asyncio.create_task(self._send())

    async def rest(self) -> None:
        """Wait until the task asks, or has ended. What has broken the sending is raised."""
        asking = asyncio.create_task(self._asks.wait())
        try:
            await asyncio.wait([asking, self.sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
        if self.sending.done():
            self.sending.result()

    async def cancel(self) -> None:
        """Stop the run, and wait for its end."""
        with contextlib.suppress(Problem):  # it has ended meanwhile
            await self._run.cancel(by="the client")
        await asyncio.wait([self.sending])

    async def answer(self, message: Message) -> None:
        """Answer the newest question, whose update may not be sent yet: its client can have read it
        at another process. If it has been answered elsewhere meanwhile, the task just goes on.

        Raises:
            Problem: the message is no answer to it; the question stays.
        """
        question = question_in(task_of(self._run)[0].status)
        if question is None:
            return
        try:
            await answer(self._run, question, message)
        except Problem:
            if self._is_open(question):
                raise
        self._asks.clear()

    async def _send(self) -> None:
        async for _, update in updates(self._run):
            self._asks.clear()  # a question before this update has been answered elsewhere
            question = None
            if isinstance(update, TaskStatusUpdateEvent):
                question = question_in(update.status)
            if question is not None and not self._is_open(question):
                continue
            try:
                await self._queue.enqueue_event(update)
            except QueueShutDown:  # the server stops
                return
            if question is not None:
                self._asks.set()

    def _is_open(self, question: dict[str, Any]) -> bool:
        run = self._run.run
        return run is not None and any(each.id == question["id"] for each in run.waiting)
