"""Thoughts and tool calls are found in text wherever it is cut."""

from itertools import pairwise
from typing import Any

import pytest
from campaign import WHOLE
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent.gate.cursor import Segment
from nbagent.gate.families import FORMS
from nbagent.gate.grammar import Grammar
from nbagent.gate.tag_options import Tags, tag_options
from nbagent.gate.tagged_call import TaggedCall
from nbagent.gate.tags import Splitter, split
from nbagent.gate.written_calls import calls_in

HARMONY = (
    "<|channel|>analysis<|message|>Hmm.<|end|><|start|>assistant<|channel|>commentary "
    "to=functions.f <|constrain|>json"
    '<|message|>{"x":1}<|call|><|start|>assistant<|channel|>final<|message|>Done.<|return|>'
)

WORDS = [
    *"ab \n",
    "<",
    "`",
    "``",
    "```",
    "\n```",
    "> ",
    "</",
    "<th",
    "ink>",
    "<|",
    "é🙂",
    "` ",
    "  ",
    "{",
    "}",
]
TAGS = [
    "<think>",
    "</think>",
    "<THOUGHT>",
    "</thought>",
    "<tool_call>",
    "</tool_call>",
    "<thinking>",
    "</thinking>",
]
HARMONY_TAGS = [
    "<|start|>",
    "<|channel|>",
    "<|message|>",
    "<|end|>",
    "analysis",
    "final",
    " to=functions.f",
]


def streamed(
    chunks: list[str], *, in_thought: bool = False, grammar: Grammar | None = None
) -> list[Segment]:
    """Return the parts of a text fed in chunks, neighbours joined.

    A chunk that only continues a part may be skipped.
    """
    splitter = Splitter(in_thought=in_thought, grammar=grammar)
    parts: list[Segment] = []
    for chunk in chunks:
        kind = splitter.kind
        parts += [Segment(kind, chunk)] if splitter.skip(chunk) else splitter.feed(chunk)
    parts += splitter.feed("", last=True)
    joined: list[Segment] = []
    for part in parts:
        if joined and joined[-1].kind == part.kind and part.kind in ("text", "thought"):
            joined[-1] = part._replace(text=joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined


def cut(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(at % (len(text) + 1) for at in cuts), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@given(
    st.lists(st.sampled_from(WORDS + TAGS * 2 + HARMONY_TAGS), max_size=40),
    st.lists(st.integers(0, 400)),
    st.booleans(),
)
def test_any_text_has_the_same_parts_however_it_is_cut(
    words: list[str], cuts: list[int], in_thought: bool
) -> None:
    text = "".join(words)
    whole = streamed([text], in_thought=in_thought)
    assert streamed(cut(text, cuts), in_thought=in_thought) == whole
    assert streamed(list(text), in_thought=in_thought) == whole


MARKS = {
    ord(mark): text
    for mark, text in zip("→~@%№^…", ["", " ", "search", "search", "", "A", ' a="b"'], strict=True)
}
FORM_PARTS = [
    *{form.opener.translate(MARKS) for form in FORMS},
    *{end for form in FORMS for end in form.ends},
]
CALL_PARTS = [
    '"name": "search", ',
    '"arguments": {"a": 1}}',
    '[search(q="x")]',
    "Thought: x\n",
    "Observation: z\n",
    "\\",
    "search",
    "search\n{",
    "<read_page>\n<",
    "</read_page>",
    "'",
    ";",
]


@settings(max_examples=2000 if WHOLE else 200)
@given(
    st.lists(st.sampled_from(WORDS + CALL_PARTS + FORM_PARTS), max_size=20),
    st.lists(st.integers(0, 400), max_size=4),
    st.sampled_from(
        [
            None,
            ["react", "json", "pythonic"],
            [("<plan>", "</plan>", "thought"), ("PLAN:", "DONE", "tool")],
        ]
    ),
    st.sampled_from([(), ("search",), ("search", "read_page")]),
)
def test_each_form_is_the_same_however_it_is_cut(
    words: list[str], cuts: list[int], tags: Tags | None, names: tuple[str, ...]
) -> None:
    grammar = Grammar(tag_options(tags))
    grammar.learn(names)
    text = "".join(words)
    whole = streamed([text], grammar=grammar)
    assert streamed(cut(text, cuts), grammar=grammar) == whole
    assert streamed(list(text), grammar=grammar) == whole


@pytest.mark.parametrize("size", [998, 999, 1000, 1001, 1100])
def test_a_code_span_that_never_closes_holds_back_a_bounded_stretch(size: int) -> None:
    text = "it`s <think>" + "x" * size + "`y"
    splitter = Splitter()
    held = 0
    for char in text:
        splitter.feed(char)
        held = max(held, len(splitter._held))
    assert held <= 1000 + len("<think>")
    assert streamed(list(text)) == streamed([text]) == streamed(cut(text, [11, 12, 13, 500, 1012]))


@pytest.mark.parametrize("at", range(8))
def test_text_before_a_possible_tag_is_released_at_once(at: int) -> None:
    assert Splitter().feed("Hi " + "<think>"[:at])[:1] == [Segment("text", "Hi ")]


def test_what_only_looks_like_a_tag_is_released_as_soon_as_it_cannot_be_one() -> None:
    splitter = Splitter()
    assert splitter.feed("a <thin") == [Segment("text", "a ")]
    assert splitter.feed("g>") == [Segment("text", "<thing>")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", [("text", "plain")]),
        ("  indented", [("text", "  indented")]),
        ("<think>\nHm.\n</think>\n\nHi", [("thought", "Hm.\n"), ("text", "Hi")]),
        ("\n<THINK>a</Think> b", [("thought", "a"), ("text", "b")]),
        (
            "a<reasoning>b</think>c</reasoning>d",
            [("text", "a"), ("thought", "b</think>c"), ("text", "d")],
        ),
        ("a <think>b", [("text", "a "), ("thought", "b")]),
        (
            "Hm.\n</think>\nHi </think> you",
            [("thought", "Hm.\n"), ("text", "Hi "), ("text", "you")],
        ),
        ("</think>Hi", [("text", "Hi")]),
        ("<think></think>Hi", [("text", "Hi")]),
        ("<think/> <thinker> < think>", [("text", "<think/> <thinker> < think>")]),
        ("<thinK>x", [("text", "<thin\u212a>x")]),
    ],
)
def test_a_text_is_split(text: str, parts: list[tuple[str, str]]) -> None:
    # the Kelvin sign, which is a "k" to a careless match
    text = text.replace("thinK", "thin\u212a")
    assert [(part.kind, part.text) for part in split(text)] == parts


@pytest.mark.parametrize(
    "text",
    [
        "The `<think>` tag and `</think>`.",
        "`` ` <think> ``",
        "`` a `<think>` b",
        "```\n<think>x</think>\n```\nok",
        "  ```python\n'</think>'\n```  \nok",
        "- ```\n  <think>\n  ```\n> ```\n> </tool_call>\n> ```\n",
        "````\n```\n<think>\n```\n````\nok",
        "```<think>``` is inline",
        "```\nnever closed <think>",
        "`<|channel|>`",
    ],
)
def test_an_answer_may_talk_about_tags_in_code(text: str) -> None:
    assert split(text) == [Segment("text", text)]


@pytest.mark.parametrize(
    "text",
    [
        "it`s\n<think>secret",
        "it`s <think>secret",
        "`code` <think>secret",
        "```\ncode\n```\n<think>secret",
        "```\ncode\n```<think>secret",
        "a ```b``` c <think>secret",
        "`` a ` b `` <think>secret",
        "a ``` b\n<think>secret",
        "````\n```\n````\n<think>secret",
        "`" * 32 + "a" + "`" * 32 + "<think>secret",
    ],
)
def test_a_tag_after_code_counts(text: str) -> None:
    assert split(text)[-1] == Segment("thought", "secret")


def test_a_thought_may_quote_its_closing_tag() -> None:
    assert split("<think>Write `</think>` then stop.</think>Hi") == [
        Segment("thought", "Write `</think>` then stop."),
        Segment("text", "Hi"),
    ]


def test_a_thought_that_began_in_the_prompt_may_repeat_its_opening_tag() -> None:
    assert split("<think>Hm.</think>Hi", in_thought=True) == [
        Segment("thought", "Hm."),
        Segment("text", "Hi"),
    ]
    assert split("Hm, <think> is a tag.</think>Hi", in_thought=True)[-1] == Segment("text", "Hi")


def test_harmony_channels_become_thoughts_calls_and_texts() -> None:
    assert split(HARMONY) == [
        Segment("thought", "Hmm."),
        Segment("tool", '{"x":1}', "f"),
        Segment("text", "Done."),
    ]


def test_a_harmony_header_without_a_message_is_not_an_answer() -> None:
    assert split("Hi<|channel|>analysis secret") == [
        Segment("text", "Hi"),
        Segment("thought", "analysis secret"),
    ]


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ('\n{"name": "f", "arguments": {"x": 1}}\n', [TaggedCall("f", {"x": 1}, '{"x":1}', True)]),
        (
            '{"name":"f","arguments":"{\\"x\\":1}","id":"c1"}',
            [TaggedCall("f", {"x": 1}, '{"x":1}', True, "c1")],
        ),
        ('{"name":"f","parameters":{}}', [TaggedCall("f", {}, "{}", True)]),
        ('{"name":"f"}', [TaggedCall("f", {}, "{}", True)]),
        (
            '[{"name":"f"},{"name":"g"}]',
            [TaggedCall("f", {}, "{}", True), TaggedCall("g", {}, "{}", True)],
        ),
        (
            '{"name":"f","arguments":{"x":',
            [TaggedCall("f", None, '{"name":"f","arguments":{"x":', False)],
        ),
        ('{"name":"f","arguments":"{x"}', [TaggedCall("f", None, "{x", False)]),
        ("what?", [TaggedCall("tool_call", None, "what?", False)]),
        ("[" * 100_000, [TaggedCall("tool_call", None, "[" * 100_000, False)]),
        ("42", [TaggedCall("tool_call", 42, "42", False)]),
        ('"\ud83d', [TaggedCall("tool_call", None, '"\ud83d', False)]),
        (" \n", []),
        (
            '{"name":"f","arguments":"<function=g></function>"}',
            [TaggedCall("f", None, "<function=g></function>", False)],
        ),
        (
            (
                "<function=f>\n<parameter=city>\nParis\n</parameter>\n<parameter=n>\n2\n</parameter>\n"
                "</function>"
            ),
            [TaggedCall("f", {"city": "Paris", "n": "2"}, '{"city":"Paris","n":"2"}', True)],
        ),
        (
            "<function=f>\n<parameter=a>\nx\ny",
            [TaggedCall("f", {"a": "x\ny"}, '{"a":"x\\ny"}', True)],
        ),
    ],
)
def test_tool_calls_are_read(body: str, calls: list[TaggedCall]) -> None:
    assert calls_in(body) == calls


def test_a_harmony_call_without_arguments_is_a_call() -> None:
    assert calls_in("", "f") == [TaggedCall("f", {}, "", True)]


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("search\n<arg_key>q</arg_key>\n<arg_value>x</arg_value>", [("search", {"q": "x"})]),
        (
            '<invoke name="f"><parameter name="a">1</parameter></invoke><invoke name="g"></invoke>',
            [("f", {"a": "1"}), ("g", {})],
        ),
        ("f[ARGS]{}", [("f", {})]),
        ("[f(x=1), g.h(y=[2])]", [("f", {"x": 1}), ("g.h", {"y": [2]})]),
        ("print(default_api.f(1, y='a'))", [("f", {"y": "a", "0": 1})]),
        ("f(x=unknown)", [("f", None)]),
        (
            'call:f{a:<|"|>x, y: "z"<|"|>,b:[1,true],c:{d:2}}',
            [("f", {"a": 'x, y: "z"', "b": [1, True], "c": {"d": 2}})],
        ),
        ('{"name": "f"}; {"name": "g"}', [("f", {}), ("g", {})]),
        ('{"function": {"name": "f", "arguments": "{\\"a\\": 1}"}}', [("f", {"a": 1})]),
        ('[{"f": {"a": 1}}]', [("f", {"a": 1})]),
        ("Action: web search\nAction Input: Oslo", [("web search", "Oslo")]),
        ('Action:\n```json\n{"action": "f", "action_input": {"a": 1}}\n', [("f", {"a": 1})]),
        ("Action: f[Oslo]", [("f", "Oslo")]),
    ],
)
def test_calls_are_read_in_each_form(body: str, calls: list[tuple[str, object]]) -> None:
    assert [(call.name, call.args) for call in calls_in(body)] == calls


def test_an_answer_that_react_writes_as_an_action_is_the_answer() -> None:
    text = (
        'Thought: x\nAction:\n```json\n{"action": "Final Answer", "action_input": "It is 7."}\n```'
    )
    assert split(text) == [Segment("thought", "x\n"), Segment("text", "It is 7.")]


@pytest.mark.parametrize(
    ("tags", "error", "message"),
    [
        ("react", TypeError, "takes a list of families"),
        (7, TypeError, "takes a list of families"),
        (["reakt"], ValueError, "did you mean 'react'"),
        (["think"], ValueError, "'json', 'pythonic', 'react'"),
        ([("<plan>", "thought")], TypeError, "an opener, a closer and a kind"),
        ([("<plan>", "", "thought")], TypeError, "an opener, a closer and a kind"),
        ({"plan": "answer"}, ValueError, "must be 'thought' or 'tool'; got 'answer'"),
    ],
)
def test_tags_that_cannot_be_are_refused(tags: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tag_options(tags)


@pytest.mark.parametrize(
    "tags",
    [{"plan": "thought"}, [("<plan>", "</plan>", "thought")], [["<plan>", "</plan>", "thought"]]],
)
def test_own_tags_are_recognised(tags: Any) -> None:
    grammar = Grammar(tag_options(tags))
    assert split("<PLAN>a</Plan>b", grammar=grammar) == [
        Segment("thought", "a"),
        Segment("text", "b"),
    ]


@pytest.mark.parametrize("opener", ["#plan#", "@@", "~~plan", "$(", "50% →"])
def test_own_tags_are_taken_literally(opener: str) -> None:
    grammar = Grammar(tag_options([(opener, "END", "thought")]))
    text = f"x{opener}a END b"
    assert split(text, grammar=grammar)[1:] == [Segment("thought", "a "), Segment("text", "b")]


def test_headings_part_a_thought_from_its_answer_where_they_are_own_tags() -> None:
    grammar = Grammar(tag_options([("## Thinking\n", "## Answer\n", "thought")]))
    text = "## Thinking\nHm.\n## Answer\nHi"
    parts = [Segment("thought", "Hm.\n"), Segment("text", "Hi")]
    assert split(text, grammar=grammar) == parts
    assert [part for part in streamed(list(text), grammar=grammar) if part.text] == parts
