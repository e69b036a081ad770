"""`chat()`: a conversation in the cell, with an input line under the transcript."""

import asyncio
import contextlib
import reprlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import chain
from typing import Any, Literal, Unpack

import msgspec

from nbagent import events as e
from nbagent.chat.partners import Json, Partner, partner_of
from nbagent.errors import NbagentError, UnknownSource
from nbagent.events.json_text import decode_json
from nbagent.events.question import Handler
from nbagent.notebook.show import draw
from nbagent.notebook.variables import filled
from nbagent.printable import printable_line
from nbagent.protocol.messages import Say
from nbagent.render.messages import messages_of
from nbagent.run import Run
from nbagent.run.chat_stream import ChatStream
from nbagent.run.options import GateOptions, ViewOptions, check_names, named_options, pick
from nbagent.runtime import work
from nbagent.runtime.loop import submit
from nbagent.runtime.notebook import notebook_variables
from nbagent.sources.request import RequestOptions

END_TIMEOUT_S = 10.0
"""Seconds in which the stream of an answer closes, and its messages are kept, after its last event
has come.
"""


class AnswerInProgress(NbagentError):
    """An answer is being written in the chat, which has one at a time."""


class ChatOptions(GateOptions, ViewOptions, RequestOptions, total=False):
    """Options of a chat: what may be seen, and of the requests if it is with an address."""

    name: str | None
    adapter: Any
    answer: Handler | None
    stable: bool


class Chat:
    """A conversation that is shown. `nbagent.chat` makes one.

    Args:
        partner: the side that answers.
        variables: that prompts may name in braces; by default the notebook's.
        options: of the run.

    Attributes:
        run: its transcript; it ends when the chat is closed.
    """

    def __init__(
        self, partner: Partner, variables: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        self._partner = partner
        self._lock = threading.Lock()
        self._variables = notebook_variables() if variables is None else variables
        self._marks: list[int] = []  # messages before each prompt that was shown
        self._done: Future[str] | None = None  # the newest answer
        adapter = options.pop("adapter", None)
        name = options.get("name") or partner.name
        agent = getattr(self.session, "agent", None)
        self._stream = ChatStream(
            name, adapter, about=partner.about, offers=partner.offers, own_agent=agent
        )
        self.run = Run(self._stream, **options)
        self.run.on_prompt = self._on_say

    @property
    def session(self) -> Any:
        """The session that the chat goes on with now; None if it is with a function or an
        address.
        """
        return getattr(self._partner, "session", None)

    @property
    def messages(self) -> list[Json]:
        """The conversation so far, as messages of Chat Completions."""
        return self._partner.messages

    @property
    def is_answering(self) -> bool:
        """True while an answer is being written."""
        return not self._stream.is_idle

    @property
    def newest(self) -> "Future[str] | None":
        """Text of the newest answer, when it has ended; None before the first."""
        return self._done

    def send(self, prompt: str | list[Json]) -> "Future[str]":
        """Ask a prompt, as if it was written in the input line.

        Args:
            prompt: a text, or content parts in the form of OpenAI's APIs.

        Returns:
            The text of the answer, when it has ended.

        Raises:
            AnswerInProgress: an answer is being written.
            NbagentError: the chat is closed.
            UnknownSource: the chat is with a function that does not return a stream.
        """
        return self._ask(prompt, _prompt_event(prompt, []))

    async def ask(self, prompt: str | list[Json]) -> str:
        """Ask a prompt, and return the text of the answer when it has ended.

        Arguments and errors as for `send`.
        """
        return await asyncio.wrap_future(await work.off_loop(partial(self.send, prompt)))

    def stop(self) -> None:
        """Stop the answer that is being written, if there is one."""
        self.run.stop()

    def close(self) -> None:
        """End the chat. The transcript stays; a session that has a name can be returned to."""
        self.run.close()

    def show_earlier(self, messages: Sequence[Json] | None = None) -> None:
        """Show what was said before, in a session that goes on.

        Args:
            messages: of the conversation; by default all, with the tokens so far.
        """
        usage: e.Usage | None = None
        if messages is None:
            messages, usage = self._partner.messages, self._partner.usage
        if messages:
            self._marks = prompts_of(messages)
            work.block(self._stream.answer(None, _events_of(messages, usage)))

    def follow(self, answer: Any, said: int) -> "Future[str]":
        """Show an answer that was asked for elsewhere, in the same session, which keeps it.

        Args:
            answer: its stream, which has the prompt too.
            said: number of messages before the prompt, or fewer if none of the rest is a prompt.

        Returns:
            The text of the answer, when it has ended.

        Raises:
            AnswerInProgress: an answer is being written.
            NbagentError: the chat is closed.
            UnknownSource: it is not a stream.
        """
        done: Future[str] = Future()
        with self._lock:
            self._check_idle()
            over = self._read(None, answer)
            number = len(self._marks)
            self._marks.append(said)
            self._done = done

        def keep() -> None:  # only now the session has the prompt for certain
            messages = self._partner.messages
            self._marks[number] = next(
                (at for at in prompts_of(messages) if at >= said), len(messages)
            )

        self._when_over(over, done, keep)
        return done

    def _ask(
        self, content: str | list[Json], prompt: e.Prompt, instead_of: int | None = None
    ) -> "Future[str]":
        done: Future[str] = Future()
        with self._lock:
            self._check_idle()
            if instead_of is not None:
                self._partner.rewind(self._marks[instead_of - 1])
                self.run.rewind(instead_of)
            said, turns = len(self._partner.messages), self._stream.turns
            try:
                over = self._read(prompt, self._partner.ask(content))
            finally:
                if self._stream.turns > turns:  # the prompt is shown
                    self._marks.append(said)
            self._done = done
        turn = f"turn-{turns + 1}/"

        def keep() -> None:
            blocks = [block for block in self.run.snapshot() if str(block["id"]).startswith(turn)]
            self._partner.add([{"role": "user", "content": content}, *messages_of(blocks)])

        self._when_over(over, done, keep)
        return done

    def _check_idle(self) -> None:
        if self._done is not None and (self._stream.answer_has_ended or not self.is_answering):
            # until the messages of the answer before are kept
            with contextlib.suppress(TimeoutError):
                work.block(self._done, END_TIMEOUT_S)
        if self.is_answering:
            raise AnswerInProgress("an answer is being written; chat.stop() ends it")

    def _when_over(
        self, over: "Future[None]", done: "Future[str]", keep: Callable[[], None]
    ) -> None:
        """Keep an answer when it has ended, and set its text."""

        def finish() -> None:
            try:
                answer = str(self.run.answer)
                keep()
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(answer)

        # The store that keeps the answer may block, or need the loop that has ended the answer.
        over.add_done_callback(lambda _: work.start(finish, name="nbagent-chat"))

    def _read(self, prompt: e.Prompt | None, answer: Any) -> "Future[None]":
        """Read an answer. Return a future that is done at its end.

        Raises:
            UnknownSource: it is no stream.
        """
        try:
            return self._stream.answer(prompt, answer)
        except UnknownSource as error:
            raise UnknownSource(
                f"{self._partner.name} must return the stream of an answer, such as "
                "client.chat.completions.create(…, stream=True), and returned "
                f"{reprlib.repr(answer)}"
            ) from error

    def _on_say(self, say: Say) -> None:
        # Called on any thread, perhaps the one that the kernel reads its messages on: it only hands
        # over.
        submit(work.off_loop(partial(self._take, say)))

    def _take(self, say: Say) -> None:
        """Ask what the reader wrote. What goes wrong shows in the transcript."""
        try:
            number = None
            if say.instead_of is not None:
                number = self.run.prompt_number(say.instead_of)
            text, pictures = filled(say.text, self._variables)
            files = [*say.files, *pictures]
            self._ask(_content(text, files), _prompt_event(text, files), number)
        except Exception as error:
            if isinstance(error, AnswerInProgress):
                self.run.notify(str(error))
            else:
                self.run.notify(f"{type(error).__name__}: {error}")

    def _ipython_display_(self) -> None:
        self.run._ipython_display_()

    # marimo's hook: return the object to display instead of this one
    def _display_(self) -> object:
        return self.run._display_()

    def __repr__(self) -> str:
        return f"<Chat with {printable_line(self._partner.name)}: {len(self._marks)} prompts>"


@named_options(ChatOptions)
def chat(
    source: Any, *, face: Literal["widget"] | None = None, **options: Unpack[ChatOptions]
) -> Chat:
    """Open a chat in the cell: a transcript, and an input line under it.

        nbagent.chat(agent)                                        # a conversation of its own
        nbagent.chat(agent.session("sales", store="chats.db"))     # goes on with an earlier one
        nbagent.chat("https://…/v1/chat/completions", json={"model": "…"})
        nbagent.chat(
            lambda messages: client.chat.completions.create(messages=messages, …, stream=True)
        )

    Enter sends, Shift+Enter breaks the line; Send becomes Stop while an answer is written. An
    earlier prompt can be asked again or edited, and the conversation goes on from there. `{name}`
    in the input line takes the notebook's variable of that name.

    Args:
        source: an agent, a session, an address, or a function from messages (in the form of Chat
            Completions) to a stream that `show` takes.
        face: `"widget"` outside of a notebook too.
        options: those of `show` about what may be seen; `name`, `adapter`, `answer`, `stable`. For
            an address also the request's: `json` is sent with `messages` and `stream` added.

    Returns:
        The chat: `chat.send("…")`, `await chat.ask("…")`, `chat.messages`, `chat.session`,
        `chat.run`.

    Raises:
        NbagentError: the source is none of these.
        TypeError: there is no such option.
    """
    check_names("chat", options, ChatOptions)
    request: RequestOptions = pick(options, RequestOptions)
    made = Chat(
        partner_of(source, request, options.get("name")),
        None,
        **{name: value for name, value in options.items() if name not in request},
    )
    draw(made.run, face)
    made.show_earlier()
    return made


def _prompt_event(content: str | list[Json], files: Sequence[Json]) -> e.Prompt:
    if isinstance(content, str):
        return e.Prompt(text=content, files=list(files) or None)
    return e.Prompt(
        text="\n".join(str(part["text"]) for part in content if isinstance(part.get("text"), str))
    )


def _content(text: str, files: Sequence[Json]) -> str | list[Json]:
    """Return a prompt's content in the form of the Responses API, which the agent converts where it
    asks another one.

    Args:
        text: of the prompt.
        files: dicts with `name`, `media_type` and `data` (base64).
    """
    return [{"type": "input_text", "text": text}, *map(_part_of, files)] if files else text


def _part_of(file: Json) -> Json:
    url = f"data:{file.get('media_type', '')};base64,{file.get('data', '')}"
    if url.startswith("data:image/"):
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    return {"type": "input_file", "filename": file.get("name", "file"), "file_data": url}


def prompts_of(messages: Sequence[Json]) -> list[int]:
    """Return the places of the prompts among messages of Chat Completions."""
    return [at for at, message in enumerate(messages) if message.get("role") == "user"]


def _events_of(messages: Sequence[Json], usage: e.Usage | None) -> list[e.Event]:
    """Return messages of Chat Completions as the events of a run."""
    made: list[e.Event] = [e.RunStart()]
    for at, message in enumerate(messages):
        text = message.get("content")
        if isinstance(text, list):
            text = "\n".join(str(part.get("text") or f"({part.get('type')})") for part in text)
        match message.get("role"):
            case "user":
                made.append(e.Prompt(text=str(text or "")))
            case "assistant":
                if text:
                    made += [
                        e.TextStart(id=f"text-{at}"),
                        e.TextEnd(id=f"text-{at}", text=str(text)),
                    ]
                made += chain.from_iterable(map(_call_events, message.get("tool_calls") or ()))
            case "tool":
                made.append(e.ToolResult(id=f"tool-{message['tool_call_id']}", content=text))
    return [*made, e.RunEnd(status="completed", usage=usage, meta={"untimed": True})]


def _call_events(call: Json) -> list[e.Event]:
    function, id = call["function"], call["id"]
    start = e.ToolStart(id=f"tool-{id}", call_id=id, name=function["name"])
    return [start, _arguments(start.id, function["arguments"])]


def _arguments(id: str, text: str) -> e.ToolArgs:
    try:
        return e.ToolArgs(id=id, args=decode_json(text or "{}"), args_text=text)
    except msgspec.DecodeError:
        return e.ToolArgs(id=id, args_text=text, valid=False)
