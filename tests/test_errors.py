"""Exceptions, and what they came from."""

from nbagent.errors import causes


def error(
    cause: Exception | None = None, *, context: Exception | None = None, is_suppressed: bool = False
) -> Exception:
    made = ValueError()
    made.__cause__, made.__context__, made.__suppress_context__ = cause, context, is_suppressed
    return made


def test_an_exception_comes_from_what_a_traceback_says_that_it_came_from() -> None:
    first = error()
    caused = error(first, context=error())
    handled = error(context=caused)

    assert list(causes(handled)) == [handled, caused, first]
    assert list(causes(first)) == [first]


def test_a_suppressed_context_is_no_cause() -> None:
    hidden = error(context=error(), is_suppressed=True)
    assert list(causes(hidden)) == [hidden]


def test_a_circle_of_causes_ends() -> None:
    last = error()
    first = error(last)
    last.__cause__ = first

    assert list(causes(first)) == [first, last]


def test_a_group_comes_from_its_first_exception() -> None:
    inner = error()
    group = ExceptionGroup("unhandled errors", [inner, error()])
    outer = error(group)
    assert list(causes(outer)) == [outer, group, inner]
