"""Rows of a store from the events of a served run, and events from rows."""

import msgspec

from nbagent import events as e
from nbagent.server.stores.event_store import StoreBroken, StoredRun


def row_of(event: e.Event, run: StoredRun) -> tuple[int, bytes]:
    """Return the number of an event and its JSON, with the ids that clients know: the run's, at its
    start the session's.
    """
    event = _without_source(event)
    if type(event) is e.RunStart and event.thread_id is None:
        event = msgspec.structs.replace(event, thread_id=run.session)
    return event.seq, e.to_json(msgspec.structs.replace(event, run_id=run.id))


def event_of(seq: int, data: bytes, run_id: str) -> e.Event:
    """Return the event of a row.

    Raises:
        StoreBroken: it is none, or another one than its number says.
    """
    broken = f"event {seq} of the run {run_id} cannot be read in the store"
    try:
        event = e.from_json(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise StoreBroken(f"{broken}: {error}") from error
    if event.seq != seq:
        raise StoreBroken(f"{broken}: its own number is {event.seq}")
    return event


def _without_source(event: e.Event) -> e.Event:
    """Return an event without the server's paths, source lines and variables, which are its
    author's, not a client's.
    """
    if type(event) is e.ToolResult and event.error is not None:
        error = msgspec.structs.replace(event.error, traceback=None, frames=[])
        return msgspec.structs.replace(event, error=error)
    if type(event) is e.Error and event.traceback is not None:
        return msgspec.structs.replace(event, traceback=None)
    return event
