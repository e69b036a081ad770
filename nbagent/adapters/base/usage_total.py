"""Sum of a run's token counts."""

from nbagent import events as ev
from nbagent.events.usage import add_usage


class UsageTotal:
    """Adds up token counts. Counts of the whole run take precedence over the sum of its steps."""

    def __init__(self) -> None:
        self._run: ev.Usage | None = None
        self._steps: ev.Usage | None = None  # of the steps that have ended
        self._step: ev.Usage | None = None

    @property
    def value(self) -> ev.Usage | None:
        """Token counts so far; None if there were none."""
        return self._run or add_usage(self._steps, self._step)

    def update(self, event: ev.UsageUpdate) -> None:
        """Count an update of the run or of the current step."""
        is_total = event.mode == "replace"
        if event.scope == "run":
            self._run = event.usage if is_total else add_usage(self._run, event.usage)
        else:
            self._step = event.usage if is_total else add_usage(self._step, event.usage)

    def end_step(self, usage: ev.Usage | None) -> None:
        """End the current step.

        Args:
            usage: its counts by its end event; None if its updates are its counts.
        """
        self._steps = add_usage(self._steps, usage or self._step)
        self._step = None
