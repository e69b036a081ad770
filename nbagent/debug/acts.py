"""`act`: acts of a run's reader in a view that make something besides the run."""

import itertools
import re
import traceback
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import msgspec

from nbagent.agent import Agent
from nbagent.debug.compare import compare_table
from nbagent.debug.compared_run import compared_run
from nbagent.debug.edited_messages import Edit
from nbagent.debug.fork import fork
from nbagent.debug.origin import recorded_of
from nbagent.debug.place import place_of
from nbagent.debug.send import Answers, send
from nbagent.errors import ForkError, NbagentError
from nbagent.events.json_text import decode_json
from nbagent.protocol.inspection import ForkForm
from nbagent.protocol.messages import Act, Compare, Fork, Keep, Send
from nbagent.protocol.values import LargeValue, Outcome
from nbagent.run import Run
from nbagent.run.forking import COMPARISON_PART
from nbagent.run.question import unmasked
from nbagent.run.requests import Request
from nbagent.runtime import work
from nbagent.runtime.loop import submit

_KEPT = ("instructions", "model", "prompt")
"""Changes that are those of `run.fork`."""


def act(run: Run, command: Act) -> None:
    """Do what a reader asked for, and show in the run's views what became of it.

    The answer to a request is waited for on nbagent's loop.
    """
    _tell(run, command, partial(_done, run, command))


def _tell(run: Run, command: Act, done: Callable[[], Outcome | None]) -> None:
    """Show what became of an act; nothing yet if it goes on."""
    try:
        outcome = done()
    except (NbagentError, msgspec.DecodeError, OSError) as error:
        outcome = Outcome(command.key, problem=str(error))
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome(command.key, problem=f"{type(error).__name__}: {error}")
    if outcome is not None:
        run.show_outcome(outcome)


def _done(run: Run, command: Act) -> Outcome | None:
    match command:
        case Fork():
            return Outcome(command.key, run=_fork(run, command).id)
        case Keep():
            return Outcome(command.key, file=_keep(run))
        case Compare():
            return Outcome(command.key, html=_compare(run))
        case Send():
            submit(_tell_answers(run, command, _send(run, command)))
            return None
        case _:
            assert_never(command)


def _fork(run: Run, command: Fork) -> Run:
    """Make the run that a form for a fork describes."""
    shown = run.fork_form(command.block or "", command.request or 0)
    begun = decode_json(shown.text)
    changes = decode_json(command.changes, type=dict[str, Any])
    if "result" in begun:  # a form that was not touched gives it too
        changes.setdefault("result", begun["result"])
    elif run.own_agent is None and "result" in shown.schema["properties"]:  # too long for the form
        changes.setdefault("result", run._result_to_give(command.block or ""))
    made: dict[str, Any] = {name: changes[name] for name in _KEPT if name in changes}
    at = _at(run, command.block or "", command.request or 0)
    if "instructions" in made:
        own = agent_at(run, command.block or "", command.request or 0)[0].instructions
        made["instructions"] = unmasked(made["instructions"], run.masker(own), own)
    if "messages" in changes:
        made["messages"] = _edit(shown, made, changes["messages"])
    if "result" in changes:
        made["result"] = _result(changes["result"])
    args = _changed(changes.get("arguments", {}), begun.get("arguments", {}))
    if args:
        made["args"] = args
    return fork(run, at, below=True, **made)


def _edit(shown: ForkForm, others: Collection[str], messages: Any) -> Edit:
    """Return the change of the messages that a form shows.

    Raises:
        ForkError: other changes are parts of the messages too.
    """
    twice = [name for name in ("instructions", "prompt") if name in others]
    if twice:
        raise ForkError(f"{twice[0]} is one of the messages too: change it in one place")
    masked = shown.schema["properties"]["messages"]["default"]
    return lambda told: unmasked(messages, masked, told)


def agent_at(run: Run, block: str, request: int) -> tuple[Agent, str | None]:
    """Return the agent that goes on in a fork at a place, and its prompt if it is inside a call;
    else None.

    Args:
        run: of an `nbagent.Agent`.
        block: the id of the block of a call; empty for a request or for any place.
        request: the number of a request, or 0.

    Raises:
        LookupError: it cannot go on, or there is no such call or request.
    """
    if not block and not request:
        return run.own_agent, None
    try:
        place = place_of(recorded_of(run), _at(run, block, request), is_call=False)
        agent = place.agent(run.own_agent)
    except ForkError as error:
        raise LookupError(str(error)) from error
    if place.outer is None:
        return agent, None
    return agent, place.run.prompt


def _at(run: Run, block: str, request: int) -> Any:
    """Return the call or the request of a form.

    Raises:
        ForkError: there is none.
    """
    if request:
        return _request_of(run, request)
    return _call_of(run, block)


def _keep(run: Run) -> str:
    """Write the run as a test beside the notebook, in a file of its own, and return its path."""
    stem = "test_" + (re.sub(r"\W+", "_", run.name.lower()).strip("_") or "run")
    names = (f"{stem}{'' if number == 1 else f'_{number}'}.py" for number in itertools.count(1))
    path = next(each for each in map(Path, names) if not each.exists())
    return str(Path(run.to_test(str(path))).resolve())


def _compare(run: Run) -> LargeValue:
    """Compare the run with others of its tree, and return how a view asks for the table.

    Raises:
        ForkError: no run goes on from it.
    """
    if run.fork_tree is None:
        raise ForkError(f"{run.name} has no forks to compare it with")
    runs = run.fork_tree.compared_with(run)
    table = compare_table([compared_run(each, at) for at, each in enumerate(runs, 1)])
    return _shown(run, table._repr_html_())


def _send(run: Run, command: Send) -> Answers:
    """Send a request again with the fields that a form has."""
    request = _request_of(run, command.request)
    fields = decode_json(command.fields, type=dict[str, Any])
    changes = _changed(fields, request.body)
    changes |= {name: None for name in request.body if name not in fields}
    return send(request, messages=None, tools=None, model=None, settings=changes)


async def _tell_answers(run: Run, command: Send, answers: Answers) -> None:
    await answers
    done = partial(_answered, run, command, answers)
    await work.off_loop(partial(_tell, run, command, done), name="nbagent-act")


def _answered(run: Run, command: Send, answers: Answers) -> Outcome:
    if answers.error is not None:
        return Outcome(command.key, problem=str(answers.error))
    return Outcome(command.key, html=_shown(run, answers.to_html()))


def _shown(run: Run, html: str) -> LargeValue:
    run.comparison = html
    return LargeValue(COMPARISON_PART, len(html), "")


def _result(text: str) -> Any:
    """Return a result that was written as JSON, or as a text.

    Raises:
        ForkError: it begins as JSON does, and is none.
    """
    try:
        return decode_json(text)
    except msgspec.DecodeError as error:
        if text.lstrip().startswith(("{", "[", '"')):
            raise ForkError(
                f"the result begins as JSON does, and is none ({error}): correct it, or put it in "
                "quotation marks as a JSON string"
            ) from None
        return text


def _call_of(run: Run, block: str) -> Any:
    """Return the call that a block shows.

    Raises:
        ForkError: there is none.
    """
    found = next((call for call in run.tools if call.id == block), None)
    if found is None:
        raise ForkError(f"{run.name} has no such call any more")
    return found


def _changed(args: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that the reader has changed: others may be masked."""
    return {
        name: value for name, value in args.items() if name not in shown or shown[name] != value
    }


def _request_of(run: Run, number: int) -> Request:
    """Return a request by its number.

    Raises:
        ForkError: there is none.
    """
    request = next((each for each in run.requests if each.number == number), None)
    if request is None:
        raise ForkError(f"request {number} is no longer kept")
    return request
