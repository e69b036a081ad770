"""The command `serve`."""

import argparse
import os
import sys
import threading

import nbagent
from nbagent.cli.watch import OK

TOKEN_VARIABLE = "NBAGENT_TOKEN"  # noqa: S105 - its name
"""Environment variable with the token that each request must bear."""

READ_TOKEN_VARIABLE = "NBAGENT_READ_TOKEN"  # noqa: S105 - its name
"""Environment variable with the token of clients that only read."""


def serve(args: argparse.Namespace) -> int:
    """Serve the agents of a configuration until Ctrl-C."""
    if args.telemetry:
        nbagent.telemetry()
    server = nbagent.serve(
        nbagent.load_agents(args.config),
        host=args.host,
        port=args.port,
        store=args.store,
        reveal=args.reveal,
        origins=args.origin,
        cancel_on_disconnect=args.cancel_on_disconnect,
        token=os.environ.get(TOKEN_VARIABLE) or None,
        read_token=os.environ.get(READ_TOKEN_VARIABLE) or None,
        grpc_port=args.grpc_port,
    )
    with server:
        if server.grpc_address is not None:
            print(f"nbagent: gRPC at {server.grpc_address}", file=sys.stderr)
        print(f"nbagent: serving at {server.url}; Ctrl-C stops", file=sys.stderr, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return OK
    return OK
