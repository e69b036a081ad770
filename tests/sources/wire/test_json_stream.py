"""Documents are read for any layout and any cut of the bytes; text that is not JSON is not lost."""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.sources.wire import json_stream
from nbagent.sources.wire.json_stream import MAX_DEPTH, DocumentTooLarge, JSONStreamDecoder, item_of

CORPORA = Path(__file__).parents[2] / "corpora"


def corpus(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((CORPORA / name).read_text())
    return cases


def decode(*chunks: bytes, **options: Any) -> list[Any]:
    decoder = JSONStreamDecoder(**options)
    return [*(item for chunk in chunks for item in decoder.feed(chunk)), *decoder.close()]


def cut_at(body: bytes, cuts: list[int]) -> list[bytes]:
    return [body[start:stop] for start, stop in itertools.pairwise([0, *cuts, len(body)])]


BODIES: dict[str, tuple[str, list[Any]]] = {
    "lines": ('{"a":1}\n{"b":[2]}\n', [{"a": 1}, {"b": [2]}]),
    "lines with CRLF, and the last without its end": (
        '{"a":1}\r\n\r\n{"b":2}',
        [{"a": 1}, {"b": 2}],
    ),
    "one after another": ('{"a":"}"}{"b":"\\"{"}', [{"a": "}"}, {"b": '"{'}]),
    "pretty-printed": ('{\n  "a": {\n    "b": []\n  }\n}\n{\n}\n', [{"a": {"b": []}}, {}]),
    "an array": ('[{"a":1},\n{"b":2}\n]', [{"a": 1}, {"b": 2}]),
    "an array whose entries are of all kinds": (
        '[ {"a":1}, "x,]", 3, null, [1] ]\n',
        [{"a": 1}, "x,]", "3", "null", [1]],
    ),
    "an empty array": (" [ ]\n", []),
    "arrays that are items": (
        '["updates",{"a":1}]\n["values",[]]\n',
        [["updates", {"a": 1}], ["values", []]],
    ),
    "records of RFC 7464": ('\x1e{"a":1}\n\x1e{"b":2}\n', [{"a": 1}, {"b": 2}]),
    "strings in lines": ('"Hel"\n"lo"\n', ["Hel", "lo"]),
    "a byte order mark": ('\ufeff{"a":1}', [{"a": 1}]),
    "numbers that JSON has not": (
        '{"a":1e999,"b":NaN,"c":-Infinity}',
        [{"a": None, "b": None, "c": None}],
    ),
    "text between": (
        '{"a":1}\nwarming up\n42\n{"b":2}\n',
        [{"a": 1}, "warming up\n", "42\n", {"b": 2}],
    ),
    "a document that was cut": ('{"a":1}\n{"b":{"c', [{"a": 1}, '{"b":{"c']),
    "a line that was cut inside a string": ('{"a":"b\n{"c":1}\n', ['{"a":"b\n', {"c": 1}]),
    "a line that was cut outside a string": (
        '{"a":{"b":\n{"c":1}\n{"d":2}\n',
        ['{"a":{"b":\n', {"c": 1}, {"d": 2}],
    ),
    "brackets that do not match": ('{"a":[}\n{"b":1}\n', ['{"a":[}', {"b": 1}]),
    "brackets that match around no JSON": ('{"a":nope}{"b":1}', ['{"a":nope}', {"b": 1}]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "items"), BODIES.values(), ids=BODIES)
def test_a_body_gives_its_documents_whole_and_cut_at_every_byte(
    text: str, items: list[Any]
) -> None:
    body = text.encode()
    assert decode(body) == items
    for cut in range(len(body) + 1):
        assert decode(body[:cut], body[cut:]) == items, f"cut at byte {cut}"
    assert decode(*(body[number : number + 1] for number in range(len(body)))) == items


def test_an_array_is_kept_whole_where_items_are_arrays() -> None:
    assert decode(b'[{"a":1},{}]\n[[1]]\n', split_arrays=False) == [[{"a": 1}, {}], [[1]]]


def test_a_document_comes_out_with_its_last_byte() -> None:
    decoder = JSONStreamDecoder()
    body = b'[{"a":1},{"b":{"c":2}}]'
    ends = {at: items for at in range(len(body)) if (items := decoder.feed(body[at : at + 1]))}
    assert ends == {7: [{"a": 1}], 21: [{"b": {"c": 2}}]}


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), documents, max_size=3)


@given(
    st.lists(objects),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.sampled_from(["lines", "array"]),
    st.data(),
)
def test_what_was_written_is_read_however_it_is_laid_out_and_cut(
    written: list[Any], indent: int | None, ascii: bool, layout: str, data: st.DataObject
) -> None:
    if layout == "array":
        text = json.dumps(written, indent=indent, ensure_ascii=ascii)
    else:
        text = "".join(json.dumps(one, indent=indent, ensure_ascii=ascii) + "\n" for one in written)
    body = text.encode("utf-8", "replace")
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)))
    assert decode(*cut_at(body, cuts)) == [
        json.loads(json.dumps(one, ensure_ascii=ascii)) for one in written
    ]


@given(
    st.lists(st.sampled_from([*'{}[]":,\\\n x1', '{"a":1}', '"a"', "\ufeff", "é"])).map("".join),
    st.data(),
)
def test_cuts_never_change_what_comes_out_nor_lose_a_letter(text: str, data: st.DataObject) -> None:
    body = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)))
    items = decode(body)
    assert decode(*cut_at(body, cuts)) == items
    kept = "".join(item if isinstance(item, str) else json.dumps(item) for item in items)
    assert [letter for letter in kept if letter in "x1aé"] == [
        letter for letter in text if letter in "x1aé"
    ]


@pytest.mark.parametrize("case", corpus("json/test_parsing.json"), ids=lambda case: case["file"])
def test_no_json_or_what_looks_like_it_is_lost_or_raises(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["input_b64"])
    items = decode(body, split_arrays=False)
    if case["expect"] == "accept" and body.strip()[:1] in (b"{", b"["):
        assert items == [json.loads(body)]
    assert (
        decode(
            *(body[number : number + 7] for number in range(0, len(body), 7)), split_arrays=False
        )
        == items
    )


@pytest.mark.parametrize("name", ["partial_json/jiter.json", "partial_json/vercel_fix_json.json"])
def test_unfinished_json_comes_out_as_the_text_it_is(name: str) -> None:
    for case in corpus(name):
        text = (
            case["input"]
            if "input" in case
            else base64.b64decode(case["input_b64"]).decode("utf-8", "replace")
        )
        items = decode(text.encode(), split_arrays=False)
        assert items in ([item_of(text)] if text else [], [text]), text


@given(st.text(), st.sampled_from(["", "\n"]), st.data())
def test_a_body_that_is_one_json_string_is_its_text(
    text: str, end: str, data: st.DataObject
) -> None:
    body = (json.dumps(text) + end).encode()
    cut = data.draw(st.integers(0, len(body)))
    assert decode(body[:cut], body[cut:]) == [text]


@pytest.mark.parametrize("case", corpus("unicode/utf8tests.json"), ids=lambda case: case["id"])
def test_text_in_a_document_is_utf8_wherever_it_was_split(case: dict[str, Any]) -> None:
    raw = base64.b64decode(case["input_b64"])
    text = raw.decode("utf-8", "replace")
    body = b'{"a":"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"}'
    items = decode(body)
    if not any(letter < " " for letter in text):  # which JSON would escape
        assert items == [{"a": text}]
    for cut in range(len(body) + 1):
        assert decode(body[:cut], body[cut:]) == items


def test_a_document_deeper_than_the_bound_is_text() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert decode(deep.encode(), split_arrays=False) == [json.loads(deep)]
    assert decode(f"[{deep}]\n".encode(), split_arrays=False) == [f"[{deep}]"]
    assert item_of('["' + "[" * 1000 + '"]') == ["[" * 1000]


@pytest.mark.parametrize(
    "body", [b'{"a":"' + b"x" * 200, b"x" * 200, b"[" * 200], ids=["document", "line", "brackets"]
)
def test_what_grows_beyond_the_limit_is_refused_with_the_limit(body: bytes) -> None:
    decoder = JSONStreamDecoder(max_document_bytes=100)
    with pytest.raises(DocumentTooLarge, match="100 bytes"):
        for number in range(0, len(body), 10):
            decoder.feed(body[number : number + 10])


VALUES = {
    "brackets": b'{"a":[' + b"[]," * 200,
    "numbers": b'{"a":[' + b"1," * 200 + b"1]}",
    "texts": b'["' + b'","' * 200 + b'"]',
}


@pytest.mark.parametrize("body", VALUES.values(), ids=VALUES)
def test_a_document_of_too_many_values_is_refused(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUES", 100)
    decoder = JSONStreamDecoder(split_arrays=False)
    with pytest.raises(DocumentTooLarge, match="more than 100 values"):
        decoder.feed(body)


def test_a_text_with_many_commas_is_no_document_of_many_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUES", 100)
    assert item_of("," * 200) == "," * 200
    assert item_of(json.dumps({"text": "[," * 200})) == {"text": "[," * 200}
    assert len(JSONStreamDecoder().feed(b'{"a":[1]}\n' * 200)) == 200  # the limit is for each


def test_the_limit_is_for_one_document_and_not_for_the_stream() -> None:
    assert len(decode(*[b'{"a":"1234567890"}\n'] * 100, max_document_bytes=100)) == 100


def test_a_huge_document_in_small_chunks_is_read_in_one_pass() -> None:
    chunks = [b'{"a":"', *[b"x" * 100] * 20_000, b'"}']
    assert decode(*chunks) == [{"a": "x" * 2_000_000}]
