"""`source`: what it is drawn of."""

from nbagent.blocks.source import SOURCE
from nbagent.protocol.nodes import Link


def test_a_source_is_a_link() -> None:
    source = {"url": "https://example.org/a", "title": "A"}
    assert SOURCE.draws(source) == [Link("https://example.org/a", "A")]
    assert SOURCE.draws({"url": None}) == [Link("")]
