"""NEAR AI's `metadata.json` as a configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

import nbagent
from nbagent.agent.delivery import Delivery
from nbagent.chat.partners import partner_of
from nbagent.errors import ConfigError

PRINTED = """
        "name": "streaming-example",
        "version": "0.0.3",
        "category": "agent",
        "description": "Demonstrates streaming agent runs.",
        "tags": ["streaming"],
        "details": {
          "display_name": "Streaming Example",
          "agent": {
            "show_streaming_message": true,
            "welcome": {
              "title": "Example of streaming agent runs",
              "description": "I respond as Socrates then as Plato."
            },
            "defaults": {
              "model": "llama-v3p3-70b-instruct",
              "model_max_tokens": 4000,
              "model_provider": "fireworks"
            }
          },
          "capabilities": []
        },
        "show_entry": true
      }
"""
"""As the page prints it: without the first brace."""


def load(content: str, folder: Path) -> dict[str, nbagent.Agent]:
    path = folder / "metadata.json"
    path.write_text(content)
    return nbagent.load_agents(path)


@pytest.mark.parametrize("content", [PRINTED, "{" + PRINTED])
def test_the_printed_file_is_an_agent(content: str, tmp_path: Path) -> None:
    agent = load(content, tmp_path)["streaming-example"]
    assert (agent.model, agent.description) == (
        "llama-v3p3-70b-instruct",
        "Demonstrates streaming agent runs.",
    )
    assert agent.model_settings == {"max_tokens": 4000}
    assert agent.delivery is None
    about = "Example of streaming agent runs: I respond as Socrates then as Plato."
    assert partner_of(agent, {}, None).about == about


def test_without_streaming_messages_each_text_comes_whole(tmp_path: Path) -> None:
    content = ("{" + PRINTED).replace('message": true', 'message": false')
    assert load(content, tmp_path)["streaming-example"].delivery == Delivery(streaming=False)


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"name": ""}, "name"), ({"details": {"agent": {"defaults": {"model": 7}}}}, "details.agent")],
)
def test_a_value_that_does_not_fit_is_named(changed: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        load(json.dumps(json.loads("{" + PRINTED) | changed), tmp_path)


def test_an_agent_without_a_model_is_a_note(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="names no model"):
        agents = load('{"name": "a", "details": {}}', tmp_path)
    assert agents["a"].model == "demo"
