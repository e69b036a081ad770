"""The command `chat`: a conversation at the prompt."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from nbagent.agent import Session
from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.cli.agents import agent_of
from nbagent.cli.watch import OK, watch
from nbagent.errors import NbagentError
from nbagent.render.markup.text import prose, visible
from nbagent.run import Run
from nbagent.terminal.lines import LineHistory, StandardLines, is_attended

PROMPT = "> "

HELP = (
    "Enter sends; \\ at the end goes on in the next line. Ctrl-C stops an answer, Ctrl-D ends the "
    "chat. /history, /help, /exit"
)


def chat(args: argparse.Namespace) -> int:
    """Talk with an agent, until the input ends.

    Each line is a prompt. Lines of a pipe or file are answered one after the other.

    Returns:
        The exit code: that of the last answer.

    Raises:
        NbagentError: a session is named, and nothing would keep it.
    """
    agent = agent_of(args)
    if args.session and args.store is None and isinstance(agent.store, MemoryStore):
        raise NbagentError(
            "--session needs a file that keeps it: --store chats.db, or store: in the configuration"
        )
    session = agent.session(args.session, store=args.store)
    if is_attended():
        print(
            f"{visible(session.name)} · {visible(agent.name)} · {visible(agent.model)}\n{HELP}",
            file=sys.stderr,
        )
    code = OK
    for prompt in _prompts(session):
        match prompt.strip():
            case "":
                pass
            case "/exit" | "/quit":
                break
            case "/help":
                print(HELP, file=sys.stderr)
            case "/history":
                _print_history(session)
            case _:
                # An interrupt stops the answer; the chat goes on.
                with contextlib.suppress(KeyboardInterrupt):
                    run = Run(
                        session.stream(prompt),
                        reveal=args.reveal,
                        tags=args.tags,
                        timeout=args.timeout,
                    )
                    code = watch(run, args, args.allow, typed=is_attended())
    return code


def _prompts(session: Session) -> Iterator[str]:
    """Yield the typed lines until the input ends.

    The arrow keys bring back the prompts, also those of the session before.
    """
    if not is_attended():
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    lines, history = StandardLines(), LineHistory()
    for role, text in _shown_texts(session):
        if role == "user":
            history.add(text)
    prompt = ""
    while True:
        try:
            typed = lines.read("… " if prompt else PROMPT)
        except EOFError:
            lines.write("")
            return
        except KeyboardInterrupt:  # drops the line
            prompt = ""
            lines.write("")
            continue
        if typed.endswith("\\"):
            prompt += typed.removesuffix("\\") + "\n"
            continue
        history.add(prompt + typed)
        yield prompt + typed
        prompt = ""


def _shown_texts(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the role and the text of each message that has a text."""
    for message in session.messages:
        content: Any = message.get("content")
        if isinstance(content, list):
            content = "\n".join(
                str(part.get("text", "")) for part in content if isinstance(part, dict)
            )
        if message.get("role") in ("user", "assistant") and content:
            yield message["role"], str(content)


def _print_history(session: Session) -> None:
    for role, text in _shown_texts(session):
        print(f"{PROMPT if role == 'user' else ''}{prose(text)}")
