"""Items of OpenAI Responses that stand for tool calls."""

from typing import Any

from nbagent.adapters.base.streamed import StreamedCall

ARGS_EVENT = {
    "function_call": "function_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
    "mcp_call": "mcp_call_arguments",
}
"""Name of the events with a call's arguments, by the type of its item."""


def item_type(call: StreamedCall) -> str:
    """Return the type of a call's item."""
    if call.is_hosted:
        return "mcp_call"
    if call.start.kind == "custom":
        return "custom_tool_call"
    return "function_call"


def call_item(call: StreamedCall, id: str, status: str, text: str) -> dict[str, Any]:
    """Return the item of a call.

    Args:
        call: the call.
        id: of the item.
        status: of the item.
        text: the arguments so far.
    """
    item = {"id": id, "type": item_type(call), "name": call.name, "status": status}
    match item["type"]:
        case "mcp_call":
            return {
                **item,
                "arguments": text,
                "server_label": call.start.kind,
                "output": None,
                "error": None,
            }
        case "custom_tool_call":
            del item["status"]  # this kind has none
            return {**item, "call_id": call.call_id, "input": text}
        case _:
            return {**item, "call_id": call.call_id, "arguments": text}
