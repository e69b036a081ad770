"""`PausedRuns`: what runs have said and done whose clients have calls to make.

A client that sends the whole conversation knows only what it has seen of a run. With this the model
gets all of it again: its thoughts, and the agent's own calls, which would otherwise be made twice.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence

from msgspec.structs import replace

from nbagent.agent.model.input_items import FunctionCall, FunctionCallOutput, Item, is_of_model

MAX_RUNS = 200
"""Runs that are kept in this process; of older ones the model gets what the client has seen."""

_CALL = re.compile(r"(?P<run>run-[\w-]{16})_(?P<call>.+)", re.DOTALL)
"""Id of a call for a client: the run's, which cannot be guessed, and the model's own."""


class PausedRuns:
    """The items of the last runs that were paused for their clients' calls."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], list[Item]] = OrderedDict()

    def keep(self, agent: str, run_id: str, items: Sequence[Item]) -> None:
        """Keep what a run has added to its conversation.

        Args:
            agent: name of its agent.
            run_id: its id.
            items: of the run, without the prompt.
        """
        self._items[agent, run_id] = list(items)
        if len(self._items) > MAX_RUNS:
            self._items.popitem(last=False)

    def rejoined(self, agent: str, items: Sequence[Item]) -> list[Item]:
        """Return a client's conversation with all that its paused runs have said and done, and with
        the model's own ids of calls.

        Args:
            agent: name of the agent that goes on.
            items: of the client's conversation.
        """
        made: list[Item] = []
        said: list[Item] = []  # by the model, one after the other
        for item in items:
            if is_of_model(item):
                said.append(item)
                continue
            made += self._whole(agent, said)
            said = []
            made.append(_with_own_id(item))
        return made + self._whole(agent, said)

    def _whole(self, agent: str, said: Sequence[Item]) -> list[Item]:
        """Return what the model had said and done where a client has seen `said`."""
        calls = (_CALL.fullmatch(item.call_id) for item in said if isinstance(item, FunctionCall))
        for call in calls:
            if call is not None and (agent, call["run"]) in self._items:
                return self._items[agent, call["run"]]
        return [_with_own_id(item) for item in said]


def has_named_calls(items: Sequence[Item]) -> bool:
    """Return True if there are ids of calls that name their run."""
    return any(_own_id(item) is not None for item in items)


def _own_id(item: Item) -> str | None:
    """Return the model's own id of a call that names its run; None if there is none."""
    if not isinstance(item, FunctionCall | FunctionCallOutput):
        return None
    found = _CALL.fullmatch(item.call_id)
    return None if found is None else found["call"]


def _with_own_id(item: Item) -> Item:
    call_id = _own_id(item)
    if call_id is None:
        return item
    if isinstance(item, FunctionCall):
        kept = None if item.item is None else {**item.item, "call_id": call_id}
        return replace(item, call_id=call_id, item=kept)
    return replace(item, call_id=call_id)
