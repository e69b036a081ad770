"""Text of a terminal, as text that only grows."""

import io

from hypothesis import given
from hypothesis import strategies as st

from nbagent.agent.calls.console_text import ConsoleText


def written(*pieces: str) -> str:
    """Return the text of pieces that are taken one by one."""
    text = ConsoleText()
    taken = []
    for piece in pieces:
        text.feed(piece)
        taken.append(text.take())
    return "".join(taken) + text.close()


def at_once(*pieces: str) -> str:
    text = ConsoleText()
    for piece in pieces:
        text.feed(piece)
    return text.close()


def test_plain_text_is_taken_as_it_comes() -> None:
    text = ConsoleText()
    text.feed("Loading")
    assert text.take() == "Loading"
    text.feed(" done\n")
    assert (text.take(), text.take(), text.live) == (" done\n", "", "")


def test_a_line_that_is_rewritten_is_kept_apart_until_it_is_left() -> None:
    text = ConsoleText()
    for percent in (0, 50, 100):
        text.feed(f"\r{percent:3}%|{'█' * (percent // 25)}")
        assert (text.take(), text.live) == ("", f"{percent}%|{'█' * (percent // 25)}")
    text.feed("\n")
    assert (text.take(), text.live) == ("100%|████\n", "")


def test_a_line_that_is_ended_by_a_carriage_return_stands_until_the_next() -> None:
    text = ConsoleText()
    text.feed("10%")
    text.feed("\r")
    assert (text.take(), text.live) == ("", "10%")
    text.feed("20%")
    text.feed("\r")
    assert (text.take(), text.live, text.close()) == ("", "20%", "20%")


def test_what_was_taken_of_a_line_before_it_is_rewritten_stays() -> None:
    assert written("so far: ", "1\r", "2\r", "3\n", "end") == "so far: \n3\nend"


def test_line_ends_of_windows_are_line_ends() -> None:
    assert written("a\r\nb", "\r\nc") == "a\nb\nc"
    assert written("a", "\r\n", "b") == "a\nb"


def test_nested_bars_are_two_lines() -> None:
    outer, inner = "\router 1/2", ["\n", "\rinner 1/9", "\x1b[A"]
    text = ConsoleText()
    for piece in (outer, *inner, *inner):
        text.feed(piece)
    assert (text.take(), text.live) == ("", "outer 1/2  inner 1/9")
    for piece in ("\n", "\rinner 9/9", "\x1b[A", "\router 2/2", "\n", "\n"):
        text.feed(piece)
    assert text.close() == "outer 2/2\ninner 9/9\n"


def test_a_bar_that_clears_itself_leaves_nothing() -> None:
    assert written("\r 50%", "\r     ", "\r", "done\n") == "done\n"


def test_colours_and_links_are_removed_even_where_a_code_is_cut() -> None:
    link = "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x07"
    whole = f"\x1b[1;31mred\x1b[0m {link}!\n"
    assert at_once(whole) == "red text!\n"
    for place in range(len(whole)):
        assert written(whole[:place], whole[place:]) == "red text!\n"


def test_a_line_without_end_is_bounded_once_it_is_rewritten() -> None:
    assert len(at_once("\r", *["x" * 1000] * 1000)) == 10_000


@given(st.lists(st.text(alphabet="ab\n", max_size=8)))
def test_text_without_codes_is_not_changed(pieces: list[str]) -> None:
    assert written(*pieces) == at_once(*pieces) == "".join(pieces)


@given(st.lists(st.text(alphabet="ab\n\r\x1b[A1m\x08", max_size=8), max_size=8))
def test_no_code_gets_through_and_no_line_is_invented(pieces: list[str]) -> None:
    for text in (written(*pieces), at_once(*pieces)):
        assert "\r" not in text
        assert "\x1b[" not in text
        assert text.count("\n") <= 2 * "".join(pieces).count("\n") + "".join(pieces).count("\r")


@given(
    st.lists(
        st.tuples(st.text(alphabet="ab", max_size=3), st.sampled_from(["\r", "\n"])), max_size=12
    )
)
def test_at_once_it_is_what_a_terminal_shows(lines: list[tuple[str, str]]) -> None:
    screen = io.StringIO()
    current = ""
    for text, end in lines:
        current = text or current
        if end == "\n":
            screen.write(current + "\n")
            current = ""
    assert at_once(*(text + end for text, end in lines)) == screen.getvalue() + current
