"""`Handler`: the SDK's request handler, which also knows the runs that did not begin over A2A."""

import contextlib
from collections.abc import AsyncGenerator, Callable

from a2a.server.agent_execution import SimpleRequestContextBuilder
from a2a.server.context import ServerCallContext
from a2a.server.id_generator import IDGenerator, IDGeneratorContext
from a2a.server.request_handlers import DefaultRequestHandler, validate_request_params
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.input_mode_validator import validate_input_modes
from a2a.utils.task import apply_history_length, validate_history_length

from nbagent.server.a2a.answering import answered
from nbagent.server.a2a.card import card_of, interfaces_at
from nbagent.server.a2a.executor import HostExecutor
from nbagent.server.a2a.tasks import ASKING, ENDED, RunTasks, Update, task_of, updates, with_prompts
from nbagent.server.hosting.host import Host, new_run_id
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.sessions import new_session_name
from nbagent.server.problem import Problem


class Handler(DefaultRequestHandler):
    """Handles the requests of all transports, for all agents.

    Args:
        host: has the agents and the runs.
    """

    def __init__(self, host: Host) -> None:
        self._tasks = RunTasks(host)
        self._executor = HostExecutor(host, self._tasks)
        super().__init__(
            self._executor,
            self._tasks,
            # The card says what the SDK may do for a client.
            card_of("nbagent", "Any of the agents.", interfaces_at("/", "", None)),
            validate_input_modes=True,
            request_context_builder=SimpleRequestContextBuilder(
                task_id_generator=_Ids(new_run_id), context_id_generator=_Ids(new_session_name)
            ),
        )

    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Message | Task:
        """Return the task of a message when it has ended, or asks."""
        run = await self._answered_run(params, context)
        if run is None:
            sent: Message | Task = await super().on_message_send(params, context)
            return sent
        async for _ in answered(run, params.message):
            if params.configuration.return_immediately:
                break
        return apply_history_length(task_of(run)[0], params.configuration)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        """Yield the task of a message, and its updates."""
        run = await self._answered_run(params, context)
        sent = (
            super().on_message_send_stream(params, context)
            if run is None
            else answered(run, params.message)
        )
        async with contextlib.aclosing(sent):
            async for update in sent:
                yield update

    async def _answered_run(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> HostedRun | None:
        """Return the run of another process whose question a message answers; None leaves the
        message to the SDK.

        Raises:
            PushNotificationNotSupportedError: the client asks for notifications.
            InvalidParamsError: the message names another context than its task has.
            UnsupportedOperationError: its task works or has ended. A message for a task that has
                not asked must not be taken for the answer to a later question.
        """
        if params.configuration.HasField("task_push_notification_config"):
            raise PushNotificationNotSupportedError
        task_id, context_id = params.message.task_id, params.message.context_id
        kept = await self._tasks.get(task_id, context) if task_id else None
        if kept is None:
            return None  # a new task, or one that the SDK refuses
        # the SDK may not have seen its newest updates yet
        known = await self._tasks.run_as_stored(task_id, context)
        task = kept if known is None else task_of(known)[0]
        if context_id and task.context_id != context_id:
            raise InvalidParamsError(
                f"the context {context_id} does not match that of the task {task_id}"
            )
        if task.status.state in ENDED:  # the SDK refuses it too, but leaves its two queues behind
            raise UnsupportedOperationError(f"the task {task_id} has ended")
        if task.status.state not in ASKING:
            raise UnsupportedOperationError(f"the task {task_id} waits for no message")
        if self._executor.has(task_id):
            return None
        validate_input_modes(params.message, self._agent_card)
        validate_history_length(params.configuration)
        return await self._tasks.run(task_id, context)

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """Return a task.

        One that the SDK has not seen to its end yet is made from its run, if that has ended.
        """
        task: Task | None = await super().on_get_task(params, context)
        if task is not None and task.status.state not in ENDED:
            run = await self._tasks.run_as_stored(params.id, context)
            if run is not None and run.ended:
                return apply_history_length(with_prompts(task_of(run)[0], task), params)
        return task

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Task | Update]:
        """Yield a task as it is now, and its further updates.

        Raises:
            TaskNotFoundError: there is no such task.
            UnsupportedOperationError: it has ended.
        """
        run = await self._tasks.run(params.id, context)
        kept = await self._tasks.get(params.id, context)
        if kept is None:
            raise TaskNotFoundError
        if run is None or run.ended or kept.status.state in ENDED:
            raise UnsupportedOperationError(f"the task {params.id} has ended")
        task, at = task_of(run)
        yield with_prompts(task, kept)
        async with contextlib.aclosing(updates(run, at)) as rest:
            async for _, update in rest:
                yield update

    @validate_request_params
    async def on_cancel_task(
        self, params: CancelTaskRequest, context: ServerCallContext
    ) -> Task | None:
        """Stop a task, and return it when it has ended.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskNotCancelableError: it has ended.
        """
        if self._executor.has(params.id):
            stopped: Task | None = await super().on_cancel_task(params, context)
            return stopped
        run = await self._tasks.run(params.id, context)
        if run is None:
            raise TaskNotFoundError
        try:
            await run.cancel(by="the client")
        except Problem as problem:
            raise TaskNotCancelableError from problem
        await run.wait_for_end()
        return task_of(run)[0]


class _Ids(IDGenerator):
    """Makes ids that cannot be guessed."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def generate(self, context: IDGeneratorContext) -> str:
        """Return a new id."""
        return self._make()
