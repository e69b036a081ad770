"""Many runs: an agent, or any function from an item to a stream, over a column of data."""

from nbagent.many.call import map  # noqa: A004 - as `nbagent.map`
from nbagent.many.compare import RunsComparison
from nbagent.many.estimate import Estimate
from nbagent.many.intervals import Interval
from nbagent.many.ray_executor import RayExecutor
from nbagent.many.runs import Runs

__all__ = ["Estimate", "Interval", "RayExecutor", "Runs", "RunsComparison", "map"]
