"""The command `serve`."""

import argparse
import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import nbagent
from nbagent.agent.config.yaml import YamlDocument
from nbagent.cli.agents import with_notes
from nbagent.cli.signals import SignalWait
from nbagent.cli.watch import OK
from nbagent.errors import ConfigError, NbagentError, did_you_mean
from nbagent.printable import printable
from nbagent.server import Limits, Server
from nbagent.server.access.guard import LOOPBACK, WILDCARDS

TOKEN_VARIABLE = "NBAGENT_TOKEN"  # noqa: S105 - its name
"""Environment variable with the token that each request must bear."""

READ_TOKEN_VARIABLE = "NBAGENT_READ_TOKEN"  # noqa: S105 - its name
"""Environment variable with the token of clients that only read."""


def serve(args: argparse.Namespace) -> int:
    """Serve the agents of a configuration until Ctrl-C, or SIGTERM, after which the runs may end
    within a time.

    Raises:
        NbagentError: an option or the configuration is wrong.
        OSError: the file cannot be read, or the address is taken.
    """
    token = _token_for(args.host)
    served = with_notes(lambda: _served(args.config), lambda served: served)
    for agent in served.values():
        if isinstance(agent, nbagent.Agent):
            agent.allow.update(args.allow)
    limits = _limits(args)
    if args.telemetry:
        nbagent.telemetry()
    server = nbagent.serve(
        served,
        host=args.host,
        port=args.port,
        store=args.store,
        reveal=args.reveal,
        tags=args.tags,
        hosts=args.allowed_host,
        origins=args.origin,
        cancel_on_disconnect=args.cancel_on_disconnect,
        default_agent=args.default_agent or _default_agent(args.config, list(served)),
        token=token,
        read_token=os.environ.get(READ_TOKEN_VARIABLE) or None,
        grpc_port=args.grpc_port,
        limits=limits,
    )
    signal.signal(signal.SIGTERM, _terminate)  # how a service is stopped, and a container
    with server, SignalWait() as signals:
        # A search for garbage leaves out what is loaded: one in the middle of many runs took 0.1 s.
        gc.collect()
        gc.freeze()
        try:
            _tell_addresses(server, list(served), args.host)
            while True:
                signals.wait()
        except _Terminated:
            with contextlib.suppress(KeyboardInterrupt):
                _drain(server, args.drain, signals)
        except KeyboardInterrupt:
            _tell("stopping")
    return OK


def _token_for(host: str) -> str | None:
    """Return the token that requests have to bear at an address; None if they need none.

    Raises:
        NbagentError: other machines can reach the address, and there is no token.
    """
    token = os.environ.get(TOKEN_VARIABLE) or None
    if host not in LOOPBACK and token is None:
        raise NbagentError(
            f"other machines can reach {host}, so each request has to bear a token: set the "
            "environment variable "
            f"{TOKEN_VARIABLE} to one that nobody guesses"
        )
    return token


def _tell_addresses(server: Server, agents: list[str], host: str) -> None:
    if server.grpc_address is not None:
        _tell(f"gRPC at {server.grpc_address}")
    _tell(f"serving at {server.url}; Ctrl-C stops")
    _tell(f"agents: {', '.join(agents)}; a browser shows a page to chat with them at that address")
    if host in WILDCARDS:
        _tell(
            "other machines use an address of this one, or its name: "
            f"http://{socket.gethostname()}:{server.port}"
        )


def _drain(server: Server, seconds: float, signals: SignalWait) -> None:
    """Stop a server when its runs have ended, or after a time."""
    is_stopped = threading.Event()

    def stop() -> None:
        try:
            server.stop(seconds)
        finally:
            is_stopped.set()
            signals.wake()

    running = len(server.addresses)
    if running:
        _tell(f"stopping when {running} runs have ended, or in {seconds:g} s")
    else:
        _tell("stopping")
    # In a thread: a second signal may come at any line of this one.
    threading.Thread(target=stop, daemon=True).start()
    while not is_stopped.is_set():
        signals.wait()


def _served(target: str) -> dict[str, Any]:
    """Return what a target names, by the names that it is served under: the agents of a file, or an
    object of a module, such as `agents:personas`.

    Raises:
        NbagentError: the file is wrong, or the module has no such object.
    """
    if not _is_object(target):
        return dict(nbagent.load_agents(target))
    module, _, name = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module raises
        reason = f"{type(error).__name__}: {error}"
        raise NbagentError(f"{target} cannot be imported: {reason}") from error
    return found if isinstance(found, dict) else {name: found}


def _is_object(target: str) -> bool:
    """Return True if a target is no file, but `module:name`."""
    names = target.replace(":", ".").split(".")
    return ":" in target and all(map(str.isidentifier, names)) and not Path(target).exists()


def _document(target: str) -> YamlDocument:
    """Return the configuration that a target names; an empty one for an object of a module."""
    return YamlDocument("" if _is_object(target) else Path(target).read_text(encoding="utf-8"))


class _Terminated(KeyboardInterrupt):
    """The process was sent SIGTERM."""


def _terminate(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise _Terminated


def _tell(text: str) -> None:
    print(f"nbagent: {printable(text)}", file=sys.stderr, flush=True)


def _default_agent(config: str, agents: list[str]) -> str | None:
    """Return the default agent of the configuration; None if it has none.

    Raises:
        ConfigError: there is no agent of that name.
    """
    document = _document(config)
    name: str | None = (document.value or {}).get("default_agent")
    if name is not None and name not in agents:
        hint = did_you_mean(name, agents) or f"; there are {', '.join(agents)}"
        problem = f"default_agent: there is no agent {name!r}{hint}"
        raise ConfigError(config, [(document.line(("default_agent",)), problem)])
    return name


def _limits(args: argparse.Namespace) -> Limits:
    """Return the limits of the configuration, and those of the command, which count where both have
    one.
    """
    document = _document(args.config)
    written = (document.value or {}).get("limits", {})
    for name, value in written.items():
        try:
            Limits.of({name: value})
        except NbagentError as error:
            raise ConfigError(
                args.config, [(document.line(("limits", name)), str(error))]
            ) from None
    given = {}
    for option in args.limit:
        name, equals, value = option.partition("=")
        if not equals:
            raise NbagentError(f"--limit takes NAME=NUMBER, such as max_runs=20; got {option!r}")
        given[name.strip()] = value.strip()
    return Limits.of({**written, **given})
