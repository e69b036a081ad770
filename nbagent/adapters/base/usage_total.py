"""Sum of a run's token counts."""

from nbagent import events as ev


class UsageTotal:
    """Adds up token counts. Counts of the whole run take precedence over the sum of its steps."""

    def __init__(self) -> None:
        self._run: ev.Usage | None = None
        self._steps: ev.Usage | None = None  # of the steps that have ended
        self._step: ev.Usage | None = None

    @property
    def value(self) -> ev.Usage | None:
        """Token counts so far; None if there were none."""
        return self._run or _add(self._steps, self._step)

    def update(self, event: ev.UsageUpdate) -> None:
        """Count an update of the run or of the current step."""
        match event.scope, event.mode:
            case "run", "replace":
                self._run = event.usage
            case "run", _:
                self._run = _add(self._run, event.usage)
            case _, "replace":
                self._step = event.usage
            case _:
                self._step = _add(self._step, event.usage)

    def end_step(self, usage: ev.Usage | None) -> None:
        """End the current step.

        Args:
            usage: its counts by its end event; None if its updates are its counts.
        """
        self._steps = _add(self._steps, usage or self._step)
        self._step = None


def _add(left: ev.Usage | None, right: ev.Usage | None) -> ev.Usage | None:
    if left is None:
        return right
    if right is None:
        return left
    return left + right
