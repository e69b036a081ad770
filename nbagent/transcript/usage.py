"""The token count of a run."""

from nbagent.events import StepEnd, Usage, UsageUpdate


class UsageCount:
    """Adds up the usage of a run's steps, unless the stream sends the run's own total.

    Attributes:
        run: the run's own total so far, if the stream sends one; else None.
        last_step: of the newest step of the run's own agent that has ended; None if it had no
            usage.
    """

    def __init__(self) -> None:
        self.run: Usage | None = None
        self.last_step: Usage | None = None
        self._done = Usage()  # of the steps that have ended
        self._step: Usage | None = None  # of the current step

    def update(self, event: UsageUpdate) -> None:
        """Count an update between the ends of two steps."""
        if event.scope == "run":
            self.run = _updated(self.run, event)
        else:
            self._step = _updated(self._step, event)

    def end_step(self, event: StepEnd) -> bool:
        """Close the current step; return True if it had any usage."""
        step = event.usage or self._step
        self._step = None
        if event.parent_id is None:
            self.last_step = step
        if step is None:
            return False
        self._done += step
        return True

    @property
    def total(self) -> Usage:
        """The usage so far."""
        return self.run or self._done + (self._step or Usage())


def _updated(before: Usage | None, event: UsageUpdate) -> Usage:
    if event.mode == "replace" or before is None:
        return event.usage
    return before + event.usage
