"""An MCP server on stdio without any SDK, as of protocol version 2025-11-25.

It writes its process id into `pid`.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TOOLS = {
    "add": ["a"],
    "environment": ["name"],
    "hang": [],
    "die": [],
    "point": [],
    "sign_in": [],
    "long": [],
    "sleep": [],
}


def call(name: str, arguments: dict[str, Any]) -> str | None:
    """Return the text of the result; None for one that does not come."""
    match name:
        case "add":
            return str(arguments["a"] + 1)
        case "environment":
            return os.environ.get(arguments["name"], "not set")
        case "die":
            with Path("ran").open("a") as file:
                file.write("ran\n")
            print("last words", file=sys.stderr, flush=True)
            os._exit(3)
        case "sleep":
            Path("asleep").touch()
            time.sleep(3600)
        case "long":
            return "x" * 17_000_000
        case "sign_in":
            question = {
                "mode": "url",
                "message": "Sign in.",
                "url": "https://example.org/sign-in",
                "elicitationId": "1",
            }
            print(
                json.dumps(
                    {
                        "jsonrpc": "2.0",
                        "id": "q",
                        "method": "elicitation/create",
                        "params": question,
                    }
                ),
                flush=True,
            )
            return str(json.loads(sys.stdin.readline())["result"]["action"])
    return None


def answer(method: str, params: dict[str, Any]) -> Any:
    match method:
        case "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "raw", "version": "1"},
            }
        case "tools/list" if pages := os.environ.get("PAGES"):
            next_cursor = "again" if pages == "same" else f"{params.get('cursor', '')}+"
            return {"tools": [], "nextCursor": next_cursor}
        case "tools/list":
            return {
                "tools": [
                    {"name": name, "inputSchema": {"type": "object", "required": required}}
                    for name, required in TOOLS.items()
                ]
            }
        case "tools/call":
            text = call(params["name"], params.get("arguments") or {})
            return None if text is None else {"content": [{"type": "text", "text": text}]}
    raise LookupError(method)


Path("pid").write_text(str(os.getpid()))
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        result = answer(request["method"], request.get("params") or {})
    except LookupError as error:
        reply["error"] = {"code": -32601, "message": f"no method {error}"}
    else:
        if result is None:
            continue
        reply["result"] = result
    print(json.dumps(reply), flush=True)
