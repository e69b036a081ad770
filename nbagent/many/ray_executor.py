"""`RayExecutor`: the workers of Ray as an executor of Python."""

from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from nbagent.errors import MissingPackage


class RayExecutor(Executor):
    """Runs each call as a task of Ray, on this machine or a cluster.

        ray.init()
        runs = await nbagent.map(stream, questions, executor=nbagent.RayExecutor(num_cpus=1))

    Args:
        options: of each task, as for `ray.remote`: `num_cpus`, `resources`, `runtime_env`, … Ray
            does not begin a task again whose worker died: the map does.

    Raises:
        MissingPackage: Ray is not installed.
    """

    def __init__(self, **options: Any) -> None:
        try:
            import ray
        except ImportError:
            raise MissingPackage("RayExecutor", "ray") from None
        self._remote = ray.remote(**{"max_retries": 0, **options})
        self._fault: type[Exception] = ray.exceptions.RayError

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Begin a task, and return its future. An error is the task's own, or `BrokenExecutor` if
        its worker died.
        """
        result: Future[Any] = Future()
        task = self._remote(function).remote(*args, **kwargs).future()

        def end(task: "Future[Any]") -> None:
            if not result.set_running_or_notify_cancel():
                return
            error = task.exception()
            if error is None:
                result.set_result(task.result())
            else:
                result.set_exception(self._own(error))

        task.add_done_callback(end)
        return result

    def _own(self, error: BaseException) -> BaseException:
        """Return the error of a task as it was raised there."""
        cause = getattr(error, "cause", None)
        if isinstance(cause, BaseException):
            return cause
        return BrokenExecutor(str(error)) if isinstance(error, self._fault) else error
