"""The end of a run, an agent or an answer, in the words that are used everywhere."""

from nbagent.blocks.fields import Props, number_of, text_of
from nbagent.protocol.shared import LABELS, count, fill

_RUN = LABELS["run"]


def end_label(block: Props) -> str:
    """Return how a run, a lane or an answer ended: `Done`, `Cut off at max_tokens`."""
    match status := text_of(block, "status"):
        case "cancelled":
            by = text_of(block, "stopped_by")
            return fill(_RUN["cancelled"], by) if by else _RUN["cancelled_by_service"]
        case "incomplete":
            return _incomplete(block)
        case "completed" | "failed" | "paused" | "max_steps":
            return _RUN[status]
    return status


def _incomplete(block: Props) -> str:
    reason = text_of(block, "code", "finish_reason")
    label = LABELS["limit"].get(reason.lower().replace("-", "_"))
    if label is None and not reason:
        return _RUN["incomplete"]
    if label is None:
        return fill(_RUN["incomplete_because"], reason.replace("_", " "))
    tokens = number_of(block, "last_output")
    if label != LABELS["limit"]["length"] or not tokens:
        return label
    return _RUN["cut_at_one"] if tokens == 1 else fill(_RUN["cut_at"], count(tokens))
