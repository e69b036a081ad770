"""`PerProcess`: an object of each process, made once for all threads, and anew in a forked
child.
"""

import os

import pytest

from nbagent.runtime.per_process import PerProcess


def test_the_object_is_made_on_first_use_and_once() -> None:
    kept = PerProcess(object)
    assert kept.value is None
    assert kept.get() is kept.get() is kept.value


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
