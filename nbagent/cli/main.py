"""The command line's arguments, and what is done with them."""

import argparse
import os
import sys
import threading
from collections.abc import Sequence

import nbagent
from nbagent.cli import streams
from nbagent.cli.watch import INTERRUPTED, MISUSED, OK
from nbagent.errors import NbagentError
from nbagent.gate import LEVELS, secrets
from nbagent.printable import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: after the command's name; by default the process's own.

    Returns:
        The process's exit code.
    """
    args = parser().parse_args(arguments)
    try:
        return int(args.command(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (NbagentError, ValueError, OSError) as error:
        print(f"nbagent: {printable(secrets.mask(_error_text(error)))}", file=sys.stderr)
        return MISUSED


def _error_text(error: Exception) -> str:
    """Return an error in words.

    Python's own of a file begins with the number of the system's error.
    """
    if isinstance(error, OSError) and error.strerror and isinstance(error.filename, str):
        return f"{error.filename}: {error.strerror}"
    return str(error)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="nbagent", description="Watch, ask and serve AI agents from a terminal."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {nbagent.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    adapter = argparse.ArgumentParser(add_help=False)
    adapter.add_argument(
        "--adapter",
        metavar="NAME",
        help="the system that the stream comes from; by default detected",
    )
    tagging = argparse.ArgumentParser(add_help=False)
    tagging.add_argument(
        "--tags",
        metavar="NAME,…",
        type=streams.tags,
        help="thoughts and calls in texts that are recognised too: json, pythonic, react, or tags "
        "of your own: plan=thought",
    )
    printing = argparse.ArgumentParser(add_help=False, parents=[tagging])
    printing.add_argument(
        "--reveal", choices=LEVELS, default="thinking", help="what may be seen (%(default)s)"
    )
    printing.add_argument(
        "--json",
        action="store_true",
        help="print events as JSON, one a line, instead of the transcript",
    )
    printing.add_argument(
        "--types", metavar="TYPE,…", help="print only these events, as JSON: text.delta,tool.result"
    )
    reading = argparse.ArgumentParser(add_help=False, parents=[adapter, printing])

    numbered = argparse.ArgumentParser(add_help=False)
    numbered.add_argument(
        "--run",
        metavar="N",
        type=int,
        default=1,
        help="which of several recorded runs (%(default)s)",
    )

    show = commands.add_parser("show", parents=[reading], help="print a stream as it comes")
    show.add_argument(
        "source", metavar="URL|FILE", help="https://…, wss://…, grpc://…, or a recording"
    )
    show.add_argument(
        "-H",
        "--header",
        metavar="NAME: VALUE",
        action="append",
        default=[],
        help="sent with the request; may be repeated",
    )
    show.add_argument(
        "-d", "--data", metavar="TEXT", help="the request's body; @FILE takes it from a file"
    )
    show.add_argument(
        "-X", "--method", metavar="METHOD", help="by default POST with a body, GET without"
    )
    show.add_argument("--timeout", metavar="SECONDS", type=float, help="for the whole stream")
    show.add_argument(
        "--idle-timeout",
        metavar="SECONDS",
        type=float,
        default=300.0,
        help="of silence, without a byte (%(default)s)",
    )
    show.set_defaults(command=streams.show)

    replay = commands.add_parser(
        "replay", parents=[reading, numbered], help="play a recording again"
    )
    replay.add_argument("file", metavar="FILE")
    replay.add_argument(
        "--speed", type=float, default=1.0, help="2 is twice as fast, 0 does not wait (%(default)s)"
    )
    replay.set_defaults(command=streams.replay)

    decode = commands.add_parser(
        "decode",
        parents=[adapter, numbered],
        help="say what is in a recording, one event a line, as JSON",
    )
    decode.add_argument(
        "file",
        metavar="FILE",
        help="server-sent events, JSON lines, a JSON array, concatenated JSON; - is stdin",
    )
    decode.set_defaults(command=streams.decode)

    convert = commands.add_parser(
        "convert",
        parents=[adapter, numbered, tagging],
        help="write a recording as another system's server would send it",
    )
    convert.add_argument("file", metavar="FILE", help="as for decode")
    convert.add_argument(
        "--to",
        metavar="SYSTEM",
        required=True,
        help="such as vercel or openai.chat; nbagent for a recording",
    )
    convert.add_argument(
        "--reveal", choices=LEVELS, default="thinking", help="what may be in it (%(default)s)"
    )
    convert.set_defaults(command=streams.convert)

    asking = argparse.ArgumentParser(add_help=False, parents=[printing])
    asking.add_argument(
        "--config", metavar="FILE", help="YAML with agents; without it, an agent without tools"
    )
    asking.add_argument(
        "--agent",
        metavar="NAME",
        help="which of the configuration's agents; not needed if it has one",
    )
    asking.add_argument(
        "--model",
        metavar="NAME",
        help="without a configuration; by default NBAGENT_MODEL, else the demo model",
    )
    asking.add_argument("--timeout", metavar="SECONDS", type=float, help="for each answer")
    asking.add_argument(
        "--allow",
        metavar="TOOL",
        action="append",
        default=[],
        help="do not ask before this tool runs; may be repeated",
    )

    call = commands.add_parser("call", parents=[asking], help="ask an agent")
    call.add_argument("prompt", metavar="PROMPT", help="- takes it from stdin")
    call.set_defaults(command=_call)

    mapped = commands.add_parser(
        "map",
        help="ask an agent about each row of a file",
        description="Ask an agent about each row of a file, several at a time, and write the "
        "answers. With --store, the same command goes on where it was interrupted.",
    )
    mapped.add_argument("config", metavar="CONFIG", help="YAML with agents")
    mapped.add_argument(
        "data", metavar="DATA", help="a file of questions: .csv, .jsonl, .parquet, or .txt by lines"
    )
    mapped.add_argument("--agent", metavar="NAME", help="as for call")
    mapped.add_argument(
        "--out",
        metavar="FILE",
        help="for the answers: .csv, .jsonl or .parquet; by default lines of JSON on stdout",
    )
    mapped.add_argument(
        "--column", metavar="NAME", help="of the questions; not needed if the file has one"
    )
    mapped.add_argument(
        "--template", metavar="TEXT", help="of each question, with columns in braces"
    )
    mapped.add_argument("--store", metavar="FILE", help="SQLite file that keeps the rows")
    mapped.add_argument("--allow", metavar="TOOL", action="append", default=[], help="as for call")
    mapped.add_argument(
        "--concurrency", metavar="N", type=int, help="rows at a time; by default found out"
    )
    mapped.add_argument(
        "--repeat", metavar="N", type=int, default=1, help="of each question (%(default)s)"
    )
    mapped.add_argument("--max-cost", metavar="DOLLARS", type=float, help="for all rows together")
    mapped.add_argument("--max-total-tokens", metavar="N", type=int, help="for all rows together")
    mapped.add_argument(
        "--stop-after", metavar="SHARE", type=float, help="of failed rows, from 0 to 1"
    )
    mapped.add_argument("--timeout", metavar="SECONDS", type=float, help="for each answer")
    mapped.add_argument(
        "--dry", action="store_true", help="estimate tokens and dollars, and run nothing"
    )
    mapped.set_defaults(command=_map, model=None)

    served = commands.add_parser(
        "serve",
        parents=[tagging],
        help="serve the agents of a configuration over HTTP",
        description="Serve the agents of a configuration over HTTP, until Ctrl-C: a web page, "
        "and the endpoints that GET /openapi.json describes.",
        epilog="Environment: NBAGENT_TOKEN is the token that each request must bear, "
        "NBAGENT_READ_TOKEN that of clients which "
        "only read. An ADDRESS that other machines reach needs the first.",
    )
    served.add_argument(
        "config",
        metavar="FILE",
        help="YAML with agents; or module:name of an agent, a dict of agents, or a function from a "
        "prompt to a stream",
    )
    served.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="to listen at; 0.0.0.0 for all of this machine (%(default)s)",
    )
    served.add_argument("--allow", metavar="TOOL", action="append", default=[], help="as for call")
    served.add_argument(
        "--default-agent",
        metavar="NAME",
        help="for requests without an agent's name; by default the file's default_agent, else the "
        "first",
    )
    served.add_argument(
        "--port",
        metavar="PORT",
        type=_port,
        default=8080,
        help="to listen at; 0 for a free one (%(default)s)",
    )
    served.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        default=[],
        help="by which clients may address the server, beside ADDRESS; may be repeated",
    )
    served.add_argument(
        "--store",
        metavar="STORE",
        default=":memory:",
        help=(
            "SQLite file or redis://host:6379/0 that keeps the runs and sessions; by default memory"
        ),
    )
    served.add_argument(
        "--grpc-port",
        metavar="PORT",
        type=_port,
        help="to listen at for gRPC; 0 for a free one (default: none)",
    )
    served.add_argument(
        "--reveal",
        choices=LEVELS,
        help="how much clients see (tools; thinking for agents with show_thinking: true)",
    )
    served.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="of web pages that may use it",
    )
    served.add_argument(
        "--limit",
        metavar="NAME=NUMBER",
        action="append",
        default=[],
        help="such as max_body_bytes=8000000; may be repeated. nbagent.Limits lists the names; "
        "the file may have them under limits:",
    )
    served.add_argument(
        "--telemetry",
        action="store_true",
        help="make OpenTelemetry spans; see opentelemetry-instrument",
    )
    served.add_argument(
        "--drain",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="in which runs may end after SIGTERM, while new prompts are refused (%(default)g)",
    )
    served.add_argument(
        "--cancel-on-disconnect",
        action="store_true",
        help="cancel a run when its last reader has left",
    )
    served.set_defaults(command=_serve)

    talk = commands.add_parser("chat", parents=[asking], help="talk with an agent")
    talk.add_argument(
        "--session", metavar="NAME", help="go on with a session; by default a new one"
    )
    talk.add_argument(
        "--store",
        metavar="FILE",
        help="SQLite file that keeps the sessions; by default that of the configuration",
    )
    talk.set_defaults(command=_chat)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"a time is a number of seconds from 0 on, got {text!r}")
    return seconds


def _call(args: argparse.Namespace) -> int:
    from nbagent.cli.agents import call  # imports openai, which takes most of a second

    return call(args)


def _map(args: argparse.Namespace) -> int:
    from nbagent.cli.many import map_file

    return map_file(args)


def _serve(args: argparse.Namespace) -> int:
    from nbagent.cli.serve import serve

    return serve(args)


def _chat(args: argparse.Namespace) -> int:
    from nbagent.cli.chat import chat

    return chat(args)
