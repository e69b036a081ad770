"""`Conversations`: runs that OpenAI's clients begin, or go on with by the id of a response."""

import asyncio
from typing import Any

from msgspec.structs import replace

from nbagent.agent.client_options import ClientOptions
from nbagent.agent.sessions.session import Session
from nbagent.agent.tools.tool import in_thread
from nbagent.errors import SessionError
from nbagent.server.hosting.function_agent import ServedAgent
from nbagent.server.hosting.host import Host, new_run_id
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.sessions import new_session_name
from nbagent.server.openai.chat_request import ChatRequest
from nbagent.server.openai.prompt import prompt_from
from nbagent.server.openai.response import run_of, with_items
from nbagent.server.openai.responses_request import ResponsesRequest
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of


class Conversations:
    """Begins runs for OpenAI's clients.

    A response that is stored has a session, which another response may go on with. Where two go
    on from one, the second has a session of its own with what was said before.

    Args:
        host: has the agents.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._continuing = asyncio.Lock()

    def agent(self, model: str | None) -> tuple[str, ServedAgent]:
        """Return the agent that a request names as its model, and its name.

        Raises:
            Problem: there is none of that name (404).
        """
        try:
            return self._host.agent(model)
        except Problem as problem:
            problem.param, problem.code = "model", "model_not_found"
            raise

    async def complete(self, asked: ChatRequest) -> HostedRun:
        """Begin the run of a chat completion.

        Raises:
            Problem: it cannot begin; see `Host.start`.
        """
        name, agent = self.agent(asked.model)
        options = asked.client_options()
        prompt = prompt_from(asked.messages, "messages", name, self._host.paused)
        return await self._host.start(name, prompt, **_of_run(agent, options))

    async def respond(self, asked: ResponsesRequest) -> HostedRun:
        """Begin the run of a response.

        Raises:
            Problem: there is no response to go on from (400), or it cannot begin; see `Host.start`.
        """
        name, agent = self.agent(asked.model)
        options = asked.client_options()
        if asked.previous_response_id is None:
            session = await self._new_session(name) if asked.store else None
            return await self._start(name, agent, asked, options, session)
        async with self._continuing:  # so that of two requests the second sees the first's run
            session = await self._session_after(name, asked.previous_response_id)
            return await self._start(name, agent, asked, options, session)

    async def _start(
        self,
        name: str,
        agent: ServedAgent,
        asked: ResponsesRequest,
        options: ClientOptions,
        session: Session | None,
    ) -> HostedRun:
        prompt: Any = asked.input
        if isinstance(prompt, str):
            prompt_of(prompt, self._host.limits)
        else:
            items = await with_items(self._host, prompt)
            calls: list[str] = []
            if session is not None:
                calls = await in_thread(lambda: session.open_calls)
            prompt = prompt_from(items, "input", name, self._host.paused, calls)
        run_id = new_run_id()
        return await self._host.start(
            name,
            prompt,
            session,
            run_id=run_id,
            **_of_run(agent, replace(options, turn=run_id)),
        )

    async def _new_session(self, agent: str) -> Session | None:
        """Return a new session; None if there are too many, so that nothing goes on from the
        response.
        """
        try:
            return await self._host.sessions.new(agent)
        except Problem as problem:
            if problem.status != 503:
                raise
            return None

    async def _session_after(self, agent: str, response_id: str) -> Session:
        """Return the session of a response, or another one with all up to its end.

        Raises:
            Problem: it is not known, was not stored, or is another agent's (400).
        """
        missing = Problem(
            400,
            f"there is no stored response {response_id!r} of {agent} to go on from",
            param="previous_response_id",
            code="previous_response_not_found",
        )
        try:
            run = await run_of(self._host, response_id)
            if run.stored.session is None or run.stored.agent != agent:
                raise missing
            session = await self._host.sessions.find(agent, run.stored.session)
            newest = await self._host.of_session(session.name, 1)
            if [each.id for each in newest] == [run.id]:
                return session
            fork: Session = await in_thread(lambda: session.fork_after(run.id, new_session_name()))
        except SessionError as error:
            raise missing from error
        except Problem as problem:
            raise missing if problem.status == 404 else problem from problem
        return fork


def _of_run(agent: ServedAgent, options: ClientOptions) -> dict[str, Any]:
    """Return the options of a run for `Host.start`.

    The agent's own calls are hidden: a client makes every call that it sees. Where it asks for
    JSON, so are the texts before them.
    """
    made: dict[str, Any] = {"answers": "none", "reveal": "answer", "client_options": options}
    if options.form is not None and agent.has_tools:
        made["commentary"] = False
    return made
