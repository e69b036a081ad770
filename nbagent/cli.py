"""The command line: shows, replays and converts streams in a terminal.

nbagent show URL|FILE     print a stream as it comes
nbagent decode FILE       print the events of a recording, one a line, as JSON
nbagent replay FILE       play a recording again, at its own pace
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import nbagent
from nbagent import events as e
from nbagent import recording
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import NbagentError
from nbagent.gate import LEVELS, Gate, Reveal, secrets
from nbagent.run import Run
from nbagent.sources.connect import is_address

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: 1 if the stream failed or broke off, 2 if the arguments are wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: after the command's name; by default the process's own.

    Returns:
        The process's exit code.
    """
    args = _parser().parse_args(arguments)
    try:
        return int(args.command(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (NbagentError, ValueError, OSError) as error:
        print(f"nbagent: {secrets.mask(str(error))}", file=sys.stderr)
        return MISUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbagent", description="Watch the streams of AI agents in a terminal.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {nbagent.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    adapter = argparse.ArgumentParser(add_help=False)
    adapter.add_argument("--adapter", metavar="NAME", help="the system that the stream comes from; by default detected")
    reading = argparse.ArgumentParser(add_help=False, parents=[adapter])
    reading.add_argument("--reveal", choices=LEVELS, default="thinking", help="what may be seen (%(default)s)")
    reading.add_argument("--json", action="store_true", help="print events as JSON, one a line, instead of the transcript")
    reading.add_argument("--types", metavar="TYPE,…", help="print only these events, as JSON: text.delta,tool.result")

    numbered = argparse.ArgumentParser(add_help=False)
    numbered.add_argument("--run", metavar="N", type=int, default=1, help="which of several recorded runs (%(default)s)")

    show = commands.add_parser("show", parents=[reading], help="print a stream as it comes")
    show.add_argument("source", metavar="URL|FILE", help="https://…, wss://…, grpc://…, or a recording")
    show.add_argument(
        "-H", "--header", metavar="NAME: VALUE", action="append", default=[], help="sent with the request; may be repeated"
    )
    show.add_argument("-d", "--data", metavar="TEXT", help="the request's body; @FILE takes it from a file")
    show.add_argument("-X", "--method", metavar="METHOD", help="by default POST with a body, GET without")
    show.add_argument("--timeout", metavar="SECONDS", type=float, help="for the whole stream")
    show.add_argument(
        "--idle-timeout", metavar="SECONDS", type=float, default=300.0, help="of silence, without a byte (%(default)s)"
    )
    show.set_defaults(command=_show)

    replay = commands.add_parser("replay", parents=[reading, numbered], help="play a recording again")
    replay.add_argument("file", metavar="FILE")
    replay.add_argument("--speed", type=float, default=1.0, help="2 is twice as fast, 0 does not wait (%(default)s)")
    replay.set_defaults(command=_replay)

    decode = commands.add_parser(
        "decode", parents=[adapter, numbered], help="say what is in a recording, one event a line, as JSON"
    )
    decode.add_argument(
        "file", metavar="FILE", help="server-sent events, JSON lines, a JSON array, concatenated JSON; - is stdin"
    )
    decode.set_defaults(command=_decode)

    convert = commands.add_parser(
        "convert", parents=[adapter, numbered], help="write a recording as another system's server would send it"
    )
    convert.add_argument("file", metavar="FILE", help="as for decode")
    convert.add_argument("--to", metavar="SYSTEM", required=True, help="such as vercel or openai.chat; nbagent for a recording")
    convert.add_argument("--reveal", choices=LEVELS, default="thinking", help="what may be in it (%(default)s)")
    convert.set_defaults(command=_convert)
    return parser


def _show(args: argparse.Namespace) -> int:
    if not is_address(args.source) and not Path(args.source).exists():
        raise ValueError(f"{args.source!r} is neither an address, such as https://example.com/chat, nor an existing file")
    if not is_address(args.source):
        return _watch(nbagent.replay(args.source), args)
    headers = dict(_header(line) for line in args.header)
    content = args.data
    if content is not None:
        if content.startswith("@"):
            content = Path(content[1:]).read_bytes()
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    stream = nbagent.connect(
        args.source,
        method=args.method,
        headers=headers,
        content=content,
        timeout=args.timeout,
        idle_timeout=args.idle_timeout,
    )
    return _watch(stream, args)


def _replay(args: argparse.Namespace) -> int:
    return _watch(nbagent.replay(args.file, speed=args.speed, run=args.run), args)


def _watch(stream: Any, args: argparse.Namespace) -> int:
    """Print a stream until it ends."""
    if args.json or args.types:
        run = Run(stream, adapter=args.adapter, reveal=args.reveal)
        events = run.stream([name.strip() for name in args.types.split(",")] if args.types else None)
        run.start()
        try:
            asyncio.run(_print(events))
        finally:
            run.cancel()
            run.wait()
    else:
        run = nbagent.show(stream, adapter=args.adapter, reveal=args.reveal, face="console")
    return OK if run.status in ("completed", "paused") else FAILED


async def _print(events: AsyncIterable[e.Event]) -> None:
    async for event in events:
        _write(event)
        sys.stdout.buffer.flush()


def _decode(args: argparse.Namespace) -> int:
    end: e.Event | None = None
    for end in _events(args, "all"):
        _write(end)
    sys.stdout.buffer.flush()
    return OK if isinstance(end, e.RunEnd) and end.status in ("completed", "paused") else FAILED


def _convert(args: argparse.Namespace) -> int:
    events = _events(args, args.reveal)
    for piece in nbagent.encode(events, args.to, "bytes"):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return OK


def _events(args: argparse.Namespace, reveal: Reveal) -> Iterator[e.Event]:
    decoder = decoder_named(args.adapter) if args.adapter else None
    items = recording.body_items(sys.stdin.buffer) if args.file == "-" else recording.items(args.file, args.run)
    return decoded(items, decoder, reveal)


def decoded(items: Iterable[Any], decoder: Decoder | None = None, reveal: Reveal = "all") -> Iterator[e.Event]:
    """Yield the events of a system's items, without credentials.

    Args:
        items: as the system sends them. An error while they are read ends the run; the events before it are kept.
        decoder: by default detected by the first items.
        reveal: the level of what may be seen; see `nbagent.show`.
    """
    decoder = decoder or DetectingDecoder()
    gate = Gate(reveal)
    gate.mask_secrets(secrets.known())

    def visible(events: Iterable[e.Event]) -> Iterator[e.Event]:
        for event in events:
            yield from gate.feed(event)

    def run() -> Iterator[e.Event]:
        error: BaseException | None = None
        try:
            for item in items:
                yield from visible(decoder.feed(item))
        except (NbagentError, OSError) as caught:
            error = caught
        yield from visible(decoder.close(error))

    for number, event in enumerate(run(), 1):
        yield msgspec.structs.replace(event, seq=number)


def _write(event: e.Event) -> None:
    sys.stdout.buffer.write(e.to_json(event) + b"\n")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"--header takes 'NAME: VALUE'; got {line!r}")
    return name.strip(), value.strip()


if __name__ == "__main__":
    sys.exit(main())
