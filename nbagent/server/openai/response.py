"""Responses that OpenAI's clients read again: each is a run, and its items have the run's id in
theirs.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

from nbagent import events as e
from nbagent.adapters.openai_responses.encoder import ResponsesEncoder
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.openai.parameters import Json
from nbagent.server.problem import Problem

PREFIX = "resp_"
"""Beginning of a response's id; the id of its run follows."""

FEED = "openai.responses served"
"""Key of the feed of a response."""

_OF_ITEM = re.compile(r"[a-z]+_(?P<run>run-[\w-]{16})_")
"""Beginning of an item's id."""


async def run_of(host: Host, response_id: str) -> HostedRun:
    """Return the run of a response as it is now.

    Raises:
        Problem: there is none of that id (404), or the store does not answer (503).
    """
    try:
        return await host.as_stored(response_id.removeprefix(PREFIX))
    except Problem as problem:
        if problem.status != 404:
            raise
        missing = f"there is no response {response_id!r}"
        raise Problem(404, missing, param="response_id", code="not_found") from problem


def response_of(run: HostedRun) -> Json:
    """Return the response that a run is, as far as it has come."""
    encoder = functools.partial(ResponsesEncoder, model=run.stored.agent)
    items = [item for _, item in run.encoded_by(FEED, encoder).so_far()]
    for item in reversed(items):
        if "response" in item:
            made: Json = item["response"]
            return made
    begun = ResponsesEncoder(model=run.stored.agent)
    begun.feed(e.RunStart(run_id=run.id, ts=run.stored.created))
    return begun.response("in_progress" if run.events else "queued")


async def with_items(host: Host, given: Sequence[Json]) -> list[Json]:
    """Return the input of a request with the items themselves in place of references to them.

    Raises:
        Problem: there is no such item (400), or the store does not answer (503).
    """
    made = []
    for at, item in enumerate(given):
        if item.get("type") == "item_reference":
            item = await _item(host, item.get("id"), f"input[{at}]")
        made.append(item)
    return made


async def _item(host: Host, item_id: Any, place: str) -> Json:
    missing = Problem(400, f"{place}: there is no item {item_id!r}", param=place, code="not_found")
    named = _OF_ITEM.match(item_id) if isinstance(item_id, str) else None
    if named is None:
        raise missing
    try:
        output = response_of(await run_of(host, named["run"]))["output"]
    except Problem as problem:
        raise missing if problem.status == 404 else problem from problem
    for item in output:
        if item["id"] == item_id:
            found: Json = item
            return found
    raise missing
