"""One object in each process: made once, whoever asks, and anew in a forked child."""

import os
import threading

import pytest

from nbagent.runtime.per_process import PerProcess


def test_threads_that_ask_together_get_the_same_object() -> None:
    barrier, found = threading.Barrier(8), list[object]()
    kept = PerProcess(object)
    assert kept.value is None

    def ask() -> None:
        barrier.wait()
        found.append(kept.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [kept.value] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_makes_its_own() -> None:
    kept = PerProcess(os.getpid)
    assert kept.get() == os.getpid()
    child = os.fork()
    if child == 0:
        os._exit(0 if kept.get() == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept.value == os.getpid()
