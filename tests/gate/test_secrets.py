"""Credentials: their formats, and their masking however a text is cut."""

import html
import itertools
import json
import logging
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbagent.gate import secrets
from nbagent.gate.masked_stream import MaskedStream
from nbagent.gate.secrets import Secrets, mask

CANARY = "canary/9f8e7d6c5b4a"
KEY = "sk-proj-abcdefghijklmnop_1234"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk"


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "ghp_" + "a1" * 18,
        "github_pat_" + "b2" * 15,
        "AKIAIOSFODNN7EXAMPLE",
        "hf_" + "c3" * 15,
        JWT,
    ],
)
def test_the_shapes_of_well_known_keys_are_masked_in_place(key: str) -> None:
    assert mask(f"key: {key}, ok") == f"key: {key[:2]}{'•' * (len(key) - 2)}, ok"


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn",
        "task-abcdefghijklmnopqrstuvwxyz",
        "git commit",
        "the AKI",
        "eyJust",
        "Bearer of news",
        "",
    ],
)
def test_ordinary_words_are_not(text: str) -> None:
    assert mask(text) == text


def test_what_follows_bearer_or_stands_in_an_address_is_masked() -> None:
    assert (
        mask("Authorization: Bearer abcdefghijklmnopqrst") == "Authorization: Bearer ab" + "•" * 18
    )
    assert mask("postgres://me:hunter22@db/x") == "postgres://me:hu••••••@db/x"


@pytest.mark.parametrize("at", range(-12, 3))
def test_a_token_is_found_wherever_it_stands_in_a_large_text(at: int) -> None:
    before = " " * (65_536 + at)
    assert mask(f"{before}Bearer abcdefghijklmnopqrst") == f"{before}Bearer ab{'•' * 18}"


def test_an_environment_variable_named_like_a_secret_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "MY_TOKEN", "DB_PASSWORD", "clientSecret_PAT"):
        monkeypatch.setenv(name, CANARY)
        assert CANARY not in mask(f"got {CANARY}!")
        monkeypatch.delenv(name)
    for name in ("KEYBOARD", "MAX_TOKENS", "AUTH_PROVIDER", "TOKEN_LIMIT", "COOKIE_DOMAIN"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json")
    assert mask(f"{CANARY} in /home/me/key.json") == f"{CANARY} in /home/me/key.json"


@pytest.mark.parametrize("first", "/~.")
def test_a_key_of_the_environment_may_begin_like_a_path(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{first}Jalr/XUtn+FEMI/" + "K7MDENG9" * 3
    monkeypatch.setenv("STORE_SECRET_ACCESS_KEY", key)
    monkeypatch.setenv("STORE_CREDENTIAL", key.lower())
    assert (
        mask(f"got {key}, {key.lower()}")
        == f"got {key[:2]}{'•' * (len(key) - 2)}, {key[:2].lower()}{'•' * (len(key) - 2)}"
    )


def test_the_path_of_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").touch()
    monkeypatch.setenv("SERVER_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("STORE_CREDENTIALS", "/not/there/credentials.json")
    text = f"{tmp_path / 'key.pem'} and /not/there/credentials.json"
    assert mask(text) == text


def test_what_was_registered_is_masked_and_nothing_short() -> None:
    secrets.register("registered-4711", "abc", None, "")
    assert mask("registered-4711 abc") == "re••••••••••••• abc"


def test_the_credentials_of_a_request_are_found_by_their_headers() -> None:
    headers = {"Authorization": "Bearer one", "X-Api-Key": "two", "Cookie": "", "Accept": "three"}
    assert secrets.credentials_in(headers) == ["one", "two"]
    cookies = secrets.credentials_in(
        {"Cookie": "sid=one; other=two", "Set-Cookie": "three=four; Path=/; HttpOnly"}
    )
    assert {"one", "two", "four"} <= set(cookies)
    assert "/" not in cookies
    assert secrets.credentials_in(
        {"sig": "one", "code": "two", "sas": "three", "pwd": "four", "page": "five"}
    ) == [
        "one",
        "two",
        "three",
        "four",
    ]
    assert "hunter22x" in secrets.credentials_in({"Authorization": "Basic bWU6aHVudGVyMjJ4"})


def test_json_is_masked_everywhere_and_otherwise_the_same_object() -> None:
    known = Secrets([CANARY])
    assert known.mask_json({"a": [CANARY, 1, None], CANARY: True}) == {
        "a": [known.mask(CANARY), 1, None],
        known.mask(CANARY): True,
    }
    clean = {"a": ["b", {"c": 1.5}]}
    assert known.mask_json(clean) is clean


def test_json_is_masked_by_the_names_in_it() -> None:
    value = {
        "db": {"password": "hunter22x", "port": 5432, "passwords": ["hunter33x", None]},
        "headers": [
            {"name": "X-Api-Key", "value": "abcdef123456"},
            {"name": "Accept", "value": "text/html"},
        ],
        "Authorization": "Bearer abc-12345",
        "Cookie": "sid=abcdef123; theme=darkblue",
        "cookies": {"sid": "abcdef123"},
        "token": "hello",
        "max_tokens": 100,
        "api_key": None,
    }
    assert Secrets().mask_json(value) == {
        "db": {"password": "hu•••••••", "port": 5432, "passwords": ["hu•••••••", None]},
        "headers": [
            {"name": "X-Api-Key", "value": "ab••••••••••"},
            {"name": "Accept", "value": "text/html"},
        ],
        "Authorization": "Bearer ab•••••••",
        "Cookie": "sid=ab•••••••; theme=da••••••",
        "cookies": {"sid": "ab•••••••"},
        "token": "hello",
        "max_tokens": 100,
        "api_key": None,
    }


def test_a_repr_shows_none() -> None:
    assert CANARY not in repr(Secrets([CANARY]))


PIECES = st.sampled_from(
    [
        "see ",
        "sk-",
        "sk",
        KEY,
        CANARY,
        "canary/",
        "c",
        " ",
        "\n",
        ".",
        "a" * 17,
        "é",
        JWT,
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "git",
    ]
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 400), max_size=20))
@example(["x" + KEY], [])
@example(["xAKIA", "IOSFODNN7EXAMPLE"], [5])
@example([KEY], [1, 2, 3, 4])
@example([CANARY[:-1], CANARY], [])
def test_a_stream_is_masked_alike_however_it_is_cut(pieces: list[str], cuts: list[int]) -> None:
    known, text = Secrets([CANARY, CANARY + "-and-more"]), "".join(pieces)
    stream = MaskedStream(known)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    shown = [stream.feed(text[start:end]) for start, end in itertools.pairwise(places)]
    assert "".join([*shown, stream.close()]) == known.mask_streamed(text)


@given(st.text(alphabet="abcehijk .,\n", max_size=60), st.integers(1, 8))
def test_prose_passes_as_it_comes(text: str, size: int) -> None:
    stream = MaskedStream(Secrets([CANARY.upper()]))
    cut = [text[start : start + size] for start in range(0, len(text), size)]
    assert [stream.feed(piece) for piece in cut] == cut


@pytest.mark.parametrize(
    ("values", "pieces"),
    [
        (["abcdefgh"], ["xab", "cdef", "gh"]),
        (["xabyyyyy", "abcdefgh"], ["xab", "cdef", "gh"]),  # the heads overlap
        (["horse-git-99"], ["it is horse-git-99"]),  # one of another shape might begin in it
        (["aabbabaab"], ["abaabbabaa", "bb"]),
    ],
)
def test_a_credential_is_masked_where_another_might_begin_too(
    values: list[str], pieces: list[str]
) -> None:
    known = Secrets(values)
    stream = MaskedStream(known)
    shown = "".join(map(stream.feed, pieces)) + stream.close()
    assert shown == known.mask_streamed("".join(pieces))
    assert "•" in shown


@pytest.mark.parametrize("word", ["git ", "sk-", "eyJ-"])
def test_a_text_of_nothing_but_beginnings_takes_no_quadratic_time(word: str) -> None:
    text, begun = 60_000 * word + " ", time.thread_time()
    stream = MaskedStream(Secrets([CANARY]))
    assert stream.feed(text) + stream.close() == mask(text)
    assert time.thread_time() - begun < 5


def test_what_is_longer_than_any_key_is_masked_without_being_kept() -> None:
    stream = MaskedStream(Secrets())
    shown = (
        stream.feed("sk-")
        + "".join(stream.feed("a1b2" * 50) for _ in range(100))
        + stream.feed(" end")
        + stream.close()
    )
    assert shown == "sk" + "•" * 20_001 + " end"


def test_a_log_shows_none(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        logging.getLogger("nbagent").warning("with %s", KEY, exc_info=True)
    assert "ValueError: refused sk•••" in caplog.text
    assert KEY not in caplog.text


# --- ways to write a credential ---

QUOTED = 'pa"ss\\wo/rd<é&9'
PASSWORD = "hunter22x"


def chunks(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def shown_in_pieces(known: Secrets, text: str, cuts: list[int]) -> str:
    stream = known.stream()
    return "".join([*map(stream.feed, chunks(text, cuts)), stream.close()])


@pytest.mark.parametrize(
    "write",
    [
        lambda value: value,
        lambda value: json.dumps(value)[1:-1],
        lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
        lambda value: json.dumps(json.dumps({"key": value})),
        lambda value: json.dumps(
            json.dumps({"key": value}, ensure_ascii=False), ensure_ascii=False
        ),
        lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
        html.escape,
        lambda value: urllib.parse.quote(value, safe=""),
        lambda value: repr({"key": value + "'"})[:-3],
    ],
)
@given(cuts=st.lists(st.integers(0, 60), max_size=20))
def test_a_credential_is_masked_as_it_is_written(
    write: Callable[[str], str], cuts: list[int]
) -> None:
    known, text = Secrets([QUOTED]), f'{{"a": {write(QUOTED)}}} and more'
    shown = known.mask(text)
    assert len(shown) == len(text)
    assert shown.startswith('{"a": ')
    assert shown.endswith("} and more")
    for piece in ("ss", "wo", "rd", "é", "u00e9", "9"):
        assert piece not in shown
    assert shown_in_pieces(known, text, cuts) == shown


def test_masked_json_stays_json() -> None:
    known = Secrets([QUOTED])
    written = known.mask(json.dumps({"key": QUOTED}))
    assert json.loads(written)["key"].startswith('pa"'[:2] + "•")
    assert json.loads(known.mask(json.dumps({"key": '"' + QUOTED}))) == {
        "key": '"' + known.mask(json.dumps(QUOTED))[1:-1]
    }


CONTEXT = st.sampled_from(
    [
        "see ",
        f"postgresql://admin:{PASSWORD}@db/x",
        "https://a.example:8080/x",
        "://",
        ":",
        "@",
        "/",
        " ",
        "Bearer ",
        "bearer",
        "abcdefghijklmnopqrst",
        "a1" * 300,
        "user",
        PASSWORD,
        "forbearer ",
        "\n",
        "é",
        "x" * 300,
    ]
)


@given(st.lists(CONTEXT, max_size=8), st.lists(st.integers(0, 900), max_size=20))
@example(["postgresql://admin:hunter22x@db/x"], list(range(40)))
@example(["Bearer ", "a1" * 300, " end"], [8, 30, 600])
def test_a_password_or_bearer_token_is_masked_alike_however_it_is_cut(
    pieces: list[str], cuts: list[int]
) -> None:
    known, text = Secrets([CANARY]), "".join(pieces)
    assert shown_in_pieces(known, text, cuts) == known.mask(text)


def test_of_a_url_in_a_stream_no_more_than_two_letters_of_the_password_come_out() -> None:
    stream = Secrets().stream()
    text = f"use postgresql://admin:{PASSWORD}@db/x"
    so_far = "".join(stream.feed(character) for character in text[: text.index("@")])
    assert so_far == "use postgresql://admin:hu"
    assert so_far + stream.feed("@db/x") == f"use postgresql://admin:hu{'•' * 7}@db/x"
