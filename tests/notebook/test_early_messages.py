"""A view's message is passed on once, however often and in whatever order it comes.

With a real kernel: `tests/kernels`.
"""

from types import SimpleNamespace

from nbagent.notebook.early_messages import EarlyCommListener


def test_a_message_that_was_intercepted_is_known_when_it_is_delivered() -> None:
    heard: list[str] = []
    listener = EarlyCommListener(SimpleNamespace(), heard.append)
    listener.on_intercepted("toggle")
    listener.on_intercepted("stop")
    listener.on_delivered("toggle")
    listener.on_delivered("stop")
    listener.on_delivered("hello")  # nothing was intercepted
    assert heard == ["toggle", "stop", "hello"]


def test_a_comm_of_another_kind_is_heard_as_its_kernel_delivers() -> None:
    heard: list[str] = []
    listener = EarlyCommListener(object(), heard.append)
    listener.on_delivered("stop")
    assert heard == ["stop"]
