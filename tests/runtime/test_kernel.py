"""Blocking waits outside of a kernel. With a real kernel: `tests/kernels`."""

import concurrent.futures

import pytest

from nbagent.runtime import kernel


def test_without_a_kernel_waiting_is_waiting() -> None:
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    with pytest.raises(TimeoutError):
        kernel.wait(done, 0.01)
    done.set_result(None)
    kernel.wait(done)
