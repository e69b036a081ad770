"""`McpTool`: a tool of an MCP server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nbagent.agent.tools.tool import Tool
from nbagent.agent.tools.type_reader import JsonSchema


class McpTool(Tool[..., Any]):
    """A tool that a server has described by a JSON Schema.

    Args:
        name: the server's name of it.
        description: for the model.
        schema: JSON Schema of its arguments.
        call: called with the arguments; returns the result.
        check: raises `ToolError` if the arguments do not fit.
        options: `timeout`, `approve` and `result_chars`, as for `@tool`.
    """

    def __init__(
        self,
        name: str,
        description: str,
        schema: JsonSchema,
        call: Callable[[str, dict[str, Any]], Awaitable[Any]],
        check: Callable[[Any], None],
        options: Mapping[str, Any],
    ) -> None:
        self.name = name
        self._name_there = name  # its own may get a prefix
        self.description = description
        self.timeout = options["timeout"]
        self.approve = options["approve"]
        self.result_chars = options["result_chars"]
        self.once = False
        self.is_async = True
        self.schema = schema
        self._call = call
        self._check = check

    @property
    def undescribed(self) -> str:
        """Always "": the server has said what there is to say."""
        return ""

    def check(self, arguments: Any) -> None:
        """Check a call's arguments.

        Raises:
            ToolError: they do not fit; the message says which and why.
        """
        self._check(arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return an awaitable of the result; arguments are given by name."""
        return self._call(self._name_there, dict(*args, **kwargs))

    async def run(
        self, arguments: Mapping[str, Any], show: Callable[[Any], None] = lambda value: None
    ) -> Any:
        """Call the tool.

        Raises:
            ToolError: the arguments do not fit, the server says that the call failed, or it has
                ended.
            TimeoutError: it took longer than `timeout`; a cancellation was sent to the server.
        """
        self._check(arguments)
        limit = asyncio.timeout(self.timeout)
        try:
            async with limit:
                return await self._call(self._name_there, dict(arguments))
        except TimeoutError as error:
            if limit.expired():
                raise TimeoutError(
                    f"{self.name} took longer than its {self.timeout:g} s"
                ) from error
            raise
