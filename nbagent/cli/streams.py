"""The commands for streams and recordings: `show`, `replay`, `decode`, `convert`."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

import nbagent
from nbagent import events as e
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.detect import DetectingDecoder
from nbagent.cli.watch import FAILED, OK, watch, write
from nbagent.errors import NbagentError
from nbagent.gate import Gate, Reveal, Tags, secrets
from nbagent.printable import printable_json
from nbagent.run import Run
from nbagent.sources import recording
from nbagent.sources.connect import is_address


def show(args: argparse.Namespace) -> int:
    """Print a stream as it comes."""
    if not is_address(args.source) and not Path(args.source).exists():
        raise ValueError(
            f"{args.source!r} is neither an address, such as https://example.com/chat, nor an "
            "existing file"
        )
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


def replay(args: argparse.Namespace) -> int:
    """Play a recording again."""
    return _watch(nbagent.replay(args.file, speed=args.speed, run=args.run), args)


def decode(args: argparse.Namespace) -> int:
    """Print the events of a recording."""
    end: e.Event | None = None
    for end in _events(args, "all"):
        write(end)
    sys.stdout.buffer.flush()
    return OK if isinstance(end, e.RunEnd) and end.status in ("completed", "paused") else FAILED


def convert(args: argparse.Namespace) -> int:
    """Write a recording as another system's server would send it."""
    events = _events(args, args.reveal, args.tags)
    for piece in nbagent.encode(events, args.to, "bytes"):
        # in every system it is JSON
        sys.stdout.buffer.write(printable_json(piece.decode()).encode())
    sys.stdout.buffer.flush()
    return OK


def _watch(stream: Any, args: argparse.Namespace) -> int:
    return watch(Run(stream, adapter=args.adapter, reveal=args.reveal, tags=args.tags), args)


def _events(
    args: argparse.Namespace, reveal: Reveal, tags: Tags | None = None
) -> Iterator[e.Event]:
    decoder = decoder_named(args.adapter) if args.adapter else None
    if args.file == "-":
        items = recording.body_items(sys.stdin.buffer)
    else:
        items = recording.items(args.file, args.run)
    return decoded(items, decoder, reveal, tags)


def decoded(
    items: Iterable[Any],
    decoder: Decoder | None = None,
    reveal: Reveal = "all",
    tags: Tags | None = None,
) -> Iterator[e.Event]:
    """Yield the events of a system's items, without credentials.

    Args:
        items: as the system sends them. An error while they are read ends the run; the events
            before it are kept.
        decoder: by default detected by the first items.
        reveal: the level of what may be seen; see `nbagent.show`.
        tags: thoughts and calls in texts that are recognised besides; see `nbagent.show`.
    """
    decoder = decoder or DetectingDecoder()
    gate = Gate(reveal, tags=tags)
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


def tags(text: str) -> list[str | tuple[str, str, str]]:
    """Return the value of `--tags` as `nbagent.show` takes it: `react,plan=thought` are a family
    and a tag.
    """
    named = [each.strip().partition("=") for each in text.split(",") if each.strip()]
    return [(f"<{name}>", f"</{name}>", kind) if equals else name for name, equals, kind in named]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"--header takes 'NAME: VALUE'; got {line!r}")
    return name.strip(), value.strip()
