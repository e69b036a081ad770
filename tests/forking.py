"""The process from which those of `preloaded` are forked: `python forking.py SOCKET MODULE…`, which
it imports.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import types
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REQUEST_BYTES = 1 << 17


def serve(requests: socket.socket) -> dict[str, Any]:
    """Fork a process for each request. Returns, in the new processes only, what was asked for."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 4)
        if not data:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            return fork(json.loads(data), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def fork(request: dict[str, Any], control: int, *streams: int) -> dict[str, Any]:
    """Fork the process that was asked for, and tell its id and how it ends.

    Returns in the new process.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=control) as asked:
        if pid := os.fork():
            for descriptor in streams:
                os.close(descriptor)
            keep(pid, asked)
        become(request, streams)
        asked.send(str(os.getpid()).encode())
    return request


def keep(pid: int, asked: socket.socket) -> None:
    """Tell how a child ended. Kills it if the test's process ends before."""
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    ended = os.pidfd_open(pid)
    if asked.fileno() in select.select([ended, asked.fileno()], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        asked.send(str(status).encode())
    os._exit(0)


def become(request: dict[str, Any], streams: tuple[int, ...]) -> None:
    """Make this process what was asked for, but for its program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["new_session"]:
        os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if request["terminal"]:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    errors = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = errors  # type: ignore[misc]


def program(arguments: list[str]) -> tuple[types.CodeType, dict[str, Any]]:
    """Return the code that the interpreter's arguments name, and the names of the new
    `__main__`.
    """
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    first, *rest = arguments
    folder = ""
    if first == "-c":
        code = compile(rest[0], "<string>", "exec")
        sys.argv = ["-c", *rest[1:]]
    elif first == "-m":
        sys.path.insert(0, "")
        spec = find_spec(rest[0])
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{rest[0]}.__main__")
        del sys.path[0]
        assert spec is not None, rest[0]
        assert spec.loader is not None
        code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
        main.__spec__, main.__package__, main.__file__ = spec, spec.parent, spec.origin
        sys.argv = [str(spec.origin), *rest[1:]]
    else:
        code = compile(Path(first).read_bytes(), first, "exec")
        folder, main.__file__, sys.argv = str(Path(first).resolve().parent), first, arguments
    sys.path.insert(0, folder)
    return code, vars(main)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the tests
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep processes
    for name in sys.argv[2:]:
        import_module(name)
    gc.freeze()  # what is imported stays, in each of them: not looked through at their ends
    asked_for = serve(socket.socket(fileno=int(sys.argv[1])))
    own = asked_for["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [*filter(None, own), *(path for path in sys.path if path not in paths)]
    exec(*program(asked_for["arguments"]))
