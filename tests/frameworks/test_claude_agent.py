"""The Claude Agent SDK's objects, as its own parser makes them of the command's lines."""

import pytest
from adapters.recorded import Recording, decode, of_folder
from claude_agent_sdk._internal.message_parser import parse_message
from frameworks.watching import calls, watch

from nbagent.adapters.claude_agent.decoder import ClaudeAgentDecoder


@pytest.mark.parametrize("recording", of_folder("claude_agent"), ids=str)
async def test_the_objects_mean_what_the_lines_mean(recording: Recording) -> None:
    lines = await watch(decode(ClaudeAgentDecoder(), recording.items))
    objects = await watch(iter([parse_message(item) for item in recording.items]))
    assert (objects.text, objects.thinking, calls(objects), objects.usage, objects.status) == (
        lines.text,
        lines.thinking,
        calls(lines),
        lines.usage,
        "completed",
    )
