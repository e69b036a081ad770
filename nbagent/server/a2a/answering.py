"""A client's message as the answer to the question of a task, in whichever process its run goes
on.
"""

from collections.abc import AsyncGenerator
from typing import Any

from a2a.helpers.proto_helpers import new_text_message
from a2a.types import Message, TaskState, TaskStatus, TaskStatusUpdateEvent
from google.protobuf.json_format import MessageToDict

from nbagent.server.a2a.message import answer_in
from nbagent.server.a2a.tasks import ASKING, Update, context_of, task_of, updates
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.problem import Problem


def question_in(status: TaskStatus) -> dict[str, Any] | None:
    """Return the question of a status; None if it has none, as that of a run that has ended with
    its question.
    """
    if status.state not in ASKING:
        return None
    for part in status.message.parts:
        if part.HasField("data"):
            data: dict[str, Any] = MessageToDict(part.data)
            return data
    return None


async def answer(run: HostedRun, question: dict[str, Any], message: Message) -> None:
    """Answer a question of a run.

    Raises:
        Problem: the message is no answer to it (409, 422), the question waits no more (409), or the
            run's process does not reply (503).
    """
    given = answer_in(message, question["kind"])
    await run.respond(question["id"], given.decision, given.value, reason=given.reason)


async def answered(run: HostedRun, message: Message) -> AsyncGenerator[Update]:
    """Answer the question of a task, and yield what follows, up to the end of the task or its next
    question.

    If the question has been answered elsewhere meanwhile, the task just goes on. A message that is
    no answer leaves the question; the only update says why.
    """
    task, at = task_of(run)
    question = question_in(task.status)
    try:
        if question is not None:
            await answer(run, question, message)
    except Problem as problem:
        if question_in(task_of(run)[0].status) == question:
            why = new_text_message(str(problem), context_id=context_of(run), task_id=run.id)
            status = TaskStatus(state=TaskState.TASK_STATE_INPUT_REQUIRED, message=why)
            status.timestamp.GetCurrentTime()
            yield TaskStatusUpdateEvent(task_id=run.id, context_id=context_of(run), status=status)
            return
    async for _, update in updates(run, at):
        yield update
        if isinstance(update, TaskStatusUpdateEvent) and question_in(update.status) is not None:
            return
