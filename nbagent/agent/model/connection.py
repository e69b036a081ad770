"""The connection to a model: requests and replies over either of OpenAI's two APIs."""

import json
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from inspect import signature
from typing import Any

import openai

from nbagent.agent.model import input_items
from nbagent.agent.model.apis import Api, ApiName, ChatApi, Json, ResponsesApi
from nbagent.agent.model.client import (
    check_is_openais,
    check_model,
    client_of,
    is_at_openai,
    is_shareable,
)
from nbagent.agent.model.model_stream import ModelStream
from nbagent.agent.model.retry import MAX_RETRY_AFTER_S, retry_after
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.tools.described_tool import DescribedTool
from nbagent.errors import NbagentError
from nbagent.events import Error
from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.run.requests import watch
from nbagent.runtime.loop import submit
from nbagent.sources.broken import connection_error
from nbagent.sources.http import made_response
from nbagent.sources.refusal import page_title


class Connection:
    """A model and the client that reaches it. Its repr and its errors hold no secrets.

    Args:
        model: the model's name.
        client: an `AsyncOpenAI` of the user's; by default one for the registered server, or one
            that is configured by the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL`).
        api: the API to use; by default Responses with OpenAI, Chat Completions with all other
            servers.

    Raises:
        NbagentError: the client is not an `AsyncOpenAI`, the api has no such name, or no key is
            set.
    """

    def __init__(
        self, model: str, client: openai.AsyncOpenAI | None = None, api: ApiName | None = None
    ) -> None:
        check_model(model, client, api)
        own = client is None or is_shareable(client)
        client, best_api = client_of(model, client)
        if own:
            weakref.finalize(self, _close_later, client).atexit = False
        if is_at_openai(client):
            check_is_openais(model)
            best_api = best_api or "responses"
        self.model = model
        self.api: Api = ResponsesApi if (api or best_api) == "responses" else ChatApi
        self.max_retries: int = client.max_retries
        # a run shows its retries, and its requests
        self._client = watch(client.with_options(max_retries=0))
        secrets.register(
            str(client.api_key or ""),
            client.base_url.password,
            *secrets.credentials_in(client.default_headers),
        )
        self._extras: Json = self.api.extras
        self._accepted = False
        self._takes_forms = True

    def __repr__(self) -> str:
        return (
            f"<{printable_line(self.model)} over {self.api.name} at {self._client.base_url.host}>"
        )

    async def ask(
        self,
        instructions: str,
        items: Sequence[input_items.Item],
        tools: Sequence[DescribedTool],
        settings: Mapping[str, Any],
        output: OutputFormat | JsonForm | None = None,
    ) -> ModelStream:
        """Send a request and return the open stream of its reply, which the caller closes.

        Args:
            instructions: the system prompt.
            items: the history, the newest last.
            tools: the tools that the model may call.
            settings: more parameters of the API. None omits one; one that the client does not know
                goes into the body.
            output: the form of the answer. From a server that does not enforce it, it is asked for
                in words from then on.

        Raises:
            openai.OpenAIError: the server refused, or cannot be reached.
        """
        refusal: openai.APIStatusError | None = None
        for extras, form in self._attempts(output, settings):
            instructed = "\n\n".join(
                filter(
                    None, (instructions, "" if output is None or form else output.instructions())
                )
            )
            body = self.api.request(instructed, items, tools, settings)
            create = self.api.create(self._client)
            try:
                stream = await create(
                    **self._arguments(create, {**extras, **body, **settings, **form})
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refusal = refusal or error
            except openai.OpenAIError:
                if refusal is not None:
                    raise refusal from None
                raise
            else:
                self._extras, self._accepted = extras, True
                if output is not None:
                    self._takes_forms = bool(form)
                return ModelStream(stream, self._location(), self.api.whole_answer)
        assert refusal is not None
        raise refusal from None

    def _attempts(
        self, output: OutputFormat | JsonForm | None, settings: Mapping[str, Any]
    ) -> list[tuple[Json, Json]]:
        """Return the optional parameters to try: `extras`, and those for the form of the answer.

        Servers that do not know an optional parameter refuse the request, each with another
        message: so they are asked once without it.
        """
        extras: list[Json] = (
            [self._extras, {}] if self._extras and not self._accepted else [self._extras]
        )
        forms: list[Json] = [{}]
        if output is not None and self._takes_forms:
            forms.insert(0, self.api.form(output, settings))
        return [(extra, form) for form in forms for extra in extras]

    def _arguments(self, create: Any, parameters: Json) -> Json:
        known = signature(create).parameters
        arguments: Json = {"model": self.model, "stream": True}
        extra_body = dict(parameters.pop("extra_body", None) or {})
        for name, value in parameters.items():
            if value is not None:
                (arguments if name in known else extra_body)[name] = value
        if extra_body:
            arguments["extra_body"] = extra_body
        return arguments

    def explain(self, error: BaseException) -> Error:
        """Return the error as an event with a message of one sentence, without the key or
        credentials of an address.
        """
        while isinstance(error, BaseExceptionGroup):  # its own message has no reason
            error = error.exceptions[0]
        message, code = self._told(error)
        code = code or getattr(error, "status_code", None)
        if code:
            code = str(code)
        return Error(
            message=secrets.mask(message),
            code=code or None,
            error_type=type(error).__name__,
            fatal=True,
        )

    def _told(self, error: BaseException) -> tuple[str, Any]:
        """Return the message of an error and its code, or None."""
        code = getattr(error, "code", None)
        match error:
            case openai.APITimeoutError():
                reason = "took longer than the client's own time limit"
                return f"{self.model} at {self._address()} {reason}", "timeout"
            case openai.APIConnectionError():
                broken = connection_error(error)
                if broken is None:
                    return str(error), code
                return str(broken), broken.code
            case openai.APIError():
                return self._answered(error), code
            case json.JSONDecodeError():
                return f"{self._address()} sent an event that is not JSON: {error}", "bad_event"
            case UnicodeDecodeError():
                reason = f"bytes that are not UTF-8: {error.reason}"
                return f"{self._address()} sent {reason}", "bad_event"
        return str(error) or type(error).__name__, code

    def _answered(self, error: openai.APIError) -> str:
        """Return the message of an error that the server has answered with."""
        message = _message_of(error)
        status = getattr(error, "status_code", None)
        if status is not None:
            message = f"{self.model} at {self._address()} answered {status}: {message}"
        wait = retry_after(error) or 0.0
        if wait > MAX_RETRY_AFTER_S:
            message += f" (the server takes requests again in {wait:,.0f} s)"
        return message

    def status_error(self, status: int) -> openai.APIStatusError:
        """Return the client's error for a response of that HTTP status, as if the server had sent
        one.
        """
        return status_error(self._client, status)

    def _address(self) -> str:
        url = self._client.base_url
        return f"{url.host}:{url.port}" if url.port else url.host

    def _location(self) -> str:
        url = self._client.base_url
        return f"{url.scheme}://{self._address()}{url.path}".rstrip("/")


class Unconnected(Connection):
    """Substitute for a connection that cannot be made, so that the run says why.

    Args:
        model: the model's name.
        reason: why it cannot be made.
    """

    def __init__(self, model: str, reason: str) -> None:
        self.model = model
        self.api = ChatApi
        self.max_retries = 0
        self._reason = reason

    def __repr__(self) -> str:
        return f"<{printable_line(self.model)}: {printable_line(self._reason)}>"

    async def ask(self, *_: Any) -> ModelStream:
        """Raise the reason.

        Raises:
            NbagentError: always.
        """
        raise NbagentError(self._reason)

    def status_error(self, status: int) -> openai.APIStatusError:
        """Raise the reason: there is no client whose error it could be.

        Raises:
            NbagentError: always.
        """
        raise NbagentError(self._reason)


def status_error(client: openai.AsyncOpenAI, status: int) -> openai.APIStatusError:
    """Return a client's error for a response of that HTTP status, as if its server had sent one."""
    body = {"error": {"message": "injected by nbagent.faults", "type": "injected"}}
    # The SDK's table of its errors by status has no public name.
    return client._make_status_error_from_response(
        made_response(status, str(client.base_url), body)
    )


def _close_later(client: openai.AsyncOpenAI) -> None:
    with suppress(RuntimeError):  # the interpreter is shutting down
        submit(client.close())


def _message_of(error: openai.APIError) -> str:
    body = error.body
    if isinstance(body, Mapping):
        for message in (body.get("message"), body.get("detail"), body.get("error")):
            if isinstance(message, str) and message:
                return message
    if isinstance(error, openai.APIStatusError) and (title := page_title(error.response.text)):
        return title
    return error.message or type(error).__name__
