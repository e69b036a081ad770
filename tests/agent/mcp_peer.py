"""An MCP server for the tests, on the official SDK: `python mcp_peer.py` on stdio, `python
mcp_peer.py PORT` over HTTP.
"""

import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import BaseModel, Field

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

server = MCPServer("peer")


class Point(BaseModel):
    x: int
    y: int


class Contact(BaseModel):
    name: str = Field(description="Whose name.")
    age: int = Field(ge=0, le=150)


@server.tool()
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="text.of/it")
def text() -> list[TextContent]:
    """Return a text."""
    return [TextContent(text="plain")]


@server.tool()
def point() -> Point:
    """Return something structured."""
    return Point(x=1, y=2)


@server.tool()
def picture() -> Image:
    """Return a picture."""
    return Image(data=PNG, format="png")


@server.tool()
def several() -> list[Any]:
    """Return a text, a picture and a resource."""
    image = ImageContent(data=base64.b64encode(PNG).decode(), mime_type="image/png")
    resource = TextResourceContents(uri="file:///notes.txt", text="noted", mime_type="text/plain")
    return [TextContent(text="and"), image, EmbeddedResource(resource=resource)]


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("no such town")


@server.tool()
async def work(ctx: Context, steps: int = 3) -> str:
    """Report progress and say something."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    await ctx.info("all steps done")
    print("a line on stderr", file=sys.stderr, flush=True)
    return "worked"


def who() -> Elicit[Contact]:
    """Ask the user, in the way that the negotiated protocol has for that."""
    return Elicit("Who is it?", Contact)


@server.tool()
def ask(contact: Annotated[Contact, Resolve(who)]) -> str:
    """Ask the user."""
    return f"{contact.name} is {contact.age}"


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.Event().wait()
    return ""


@server.tool()
def die(ran: str) -> str:
    """End the process in the middle of the call."""
    with Path(ran).open("a") as file:
        file.write("ran\n")
    print("last words", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
def environment(name: str) -> str:
    """Return a variable of the environment."""
    return os.environ.get(name, "not set")


@server.tool()
async def grow(ctx: Context) -> str:
    """Add a tool."""
    server.add_tool(lambda: "new", name="grown", description="Return something new.")
    await ctx.notify_tools_changed()
    if hasattr(ctx.session, "send_tool_list_changed"):
        await ctx.session.send_tool_list_changed()
    return "grown"


if __name__ == "__main__":
    if sys.argv[1:]:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
