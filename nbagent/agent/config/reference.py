"""The keys of a configuration file as Markdown: `python -m nbagent.agent.config.reference`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from nbagent.agent.agent import Agent
from nbagent.agent.config import schema
from nbagent.agent.mcp_client.tools import mcp
from nbagent.agent.option_values import annotations_of, takes_words
from nbagent.agent.options import Prices
from nbagent.agent.tools import docstring

SECTIONS = {
    "agents.NAME": schema.AgentSection,
    "agents.NAME.mcp": schema.McpSection,
    "agents.NAME.prices": Prices,
    "agents.NAME.reasoning": schema.Reasoning,
    "agents.NAME.streaming": schema.Streaming,
    "agents.NAME.memory.working (buffer_window)": schema.BufferWindow,
    "agents.NAME.memory.working (summary_buffer)": schema.SummaryBuffer,
    "agents.NAME.memory.longterm": schema.LongTerm,
}
"""The sections that have keys with values, by their place in the file."""

_HEAD = """\
# Keys of a configuration file

These are the keys that `nbagent.load_agents("config.yaml")` and `nbagent serve config.yaml` read.
`NAME` is the name of an agent. A key that is left out has its default, and one without a default is
off. [Agents from a file](../how-to/config-file.md) has an example.

`python -m nbagent.agent.config.reference` wrote this page from the options themselves.
"""

_DESCRIBED_BY: dict[Any, Any] = {schema.AgentSection: Agent, schema.McpSection: mcp}


def tables() -> Iterator[str]:
    """Yield the lines of a table for each section."""
    for place, section in SECTIONS.items():
        described = descriptions(section)
        defaults = _defaults(section)
        yield from (
            f"## `{place}`",
            "",
            "| key | takes | default | what it is |",
            "|---|---|---|---|",
        )
        for key, annotation in annotations_of(section).items():
            cells = (f"`{key}`", takes_words(annotation), defaults[key], described.get(key, ""))
            yield f"| {' | '.join(cells)} |"
        yield ""


def descriptions(section: Any) -> dict[str, str]:
    """Return the descriptions of a section's keys: its own, else those of the keywords that the
    keys stand for.
    """
    written = (section.__doc__ or "").replace("Attributes:", "Args:")
    keywords = docstring.parse(_DESCRIBED_BY.get(section, section).__doc__).params
    return {**keywords, **docstring.parse(written).params}


def _defaults(section: Any) -> dict[str, str]:
    described: Any = msgspec.inspect.type_info(section)
    return {field.name: _default(field) for field in described.fields}


def _default(field: Any) -> str:
    if field.required:
        return "required"
    if field.default is msgspec.NODEFAULT or field.default in (None, ""):
        return ""
    return f"`{msgspec.json.encode(field.default).decode()}`"


def page() -> str:
    """Return the page `docs/reference/config-file.md`."""
    return "\n".join([_HEAD, *tables()])


if __name__ == "__main__":
    print(page(), end="")
