"""What a view says is handled once, however often and in whatever order it is heard. With a real kernel: `tests/kernels`."""

import concurrent.futures
from types import SimpleNamespace

import pytest

from nbagent.runtime import kernel


def test_a_message_that_was_overheard_is_known_when_it_is_delivered() -> None:
    heard: list[str] = []
    ear = kernel.Ear(SimpleNamespace(), heard.append)
    ear.overhear("toggle")
    ear.overhear("stop")
    ear.deliver("toggle")
    ear.deliver("stop")
    ear.deliver("hello")  # nobody listened in
    assert heard == ["toggle", "stop", "hello"]


def test_a_comm_of_another_kind_is_heard_as_its_kernel_delivers() -> None:
    heard: list[str] = []
    ear = kernel.Ear(object(), heard.append)
    ear.deliver("stop")
    assert heard == ["stop"]


def test_without_a_kernel_waiting_is_waiting() -> None:
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    with pytest.raises(TimeoutError):
        kernel.wait(done, 0.01)
    done.set_result(None)
    kernel.wait(done)
