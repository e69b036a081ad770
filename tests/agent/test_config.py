"""Agents from YAML: what a file means, and everything that is wrong with one, by its line."""

import json
import re
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from agent.printed_configurations import HECTOR
from agent.server import KEY, Server, chat
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as e
from nbagent.agent.config.load import DemoModelWarning
from nbagent.agent.config.yaml import YamlDocument
from nbagent.agent.delivery import Delivery
from nbagent.agent.options import Prices
from nbagent.errors import ConfigError
from nbagent.gate import secrets


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBAGENT_MODEL", "demo")


def load(text: str, tmp_path: Path) -> dict[str, nbagent.Agent]:
    (tmp_path / "config.yaml").write_text(text)
    return nbagent.load_agents(tmp_path / "config.yaml")


def mistakes(text: str, tmp_path: Path) -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        load(text, tmp_path)
    return [(line, text) for line, text in caught.value.problems]


@pytest.mark.parametrize("text", HECTOR.values(), ids=HECTOR)
def test_hectors_configurations_load_as_they_are_printed(text: str, tmp_path: Path) -> None:
    expected = yaml.safe_load(text)["agents"]
    agents = load(text, tmp_path)
    assert list(agents) == list(expected)
    for name, section in expected.items():
        assert agents[name].name == name
        assert [tool.name for tool in agents[name].tools] == section.get("tools", [])


def test_reasoning_and_streaming_say_how_texts_come(tmp_path: Path) -> None:
    deliveries = [
        agent.delivery for text in HECTOR.values() for agent in load(text, tmp_path).values()
    ]
    assert [each for each in deliveries if each is not None] == [
        Delivery(thinking=False),
        Delivery(chunk_chars=10, delay_s=0.05, buffer_chars=1024),
        Delivery(thinking=True),
        Delivery(streaming=False),
    ]


def test_the_memory_is_that_of_the_agent_and_sessions_are_kept_beside_the_file(
    tmp_path: Path,
) -> None:
    agents = [agent for text in HECTOR.values() for agent in load(text, tmp_path).values()]
    assert [agent.memory for agent in agents if agent.memory is not None] == [
        nbagent.SummaryBuffer(4000),
        nbagent.BufferWindow(20),
    ]
    assert [agent.longterm for agent in agents if agent.longterm is not None] == [
        nbagent.LongTerm("session")
    ]
    load("agents:\n  a: {store: chats.db}", tmp_path)["a"].session("first")
    assert (tmp_path / "chats.db").exists()


def test_the_file_of_the_documentation_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/config-file.md").read_text("utf-8")
    [text] = re.findall(r"```yaml\n(# config\.yaml\n.*?)```", page, re.DOTALL)
    # A module is imported once in a process, and the page's own test imports its.
    text = text.replace("weather_tools", "my_tools")
    monkeypatch.setenv("MY_KEY", KEY)
    (tmp_path / "my_tools.py").write_text(
        'def weather(town: str) -> str:\n    """Look it up."""\n    return town\n'
    )
    (tmp_path / "work").mkdir()
    assistant, coder = load(text, tmp_path).values()
    assert [tool.name for tool in assistant.tools] == ["search", "agent_call", "weather"]
    assert "coder: Writes and runs small programs." in assistant.tools[1].description
    assert coder.model == "demo"


def test_a_module_that_another_one_hides_is_an_error(tmp_path: Path) -> None:
    text = "agents:\n  a: {model: demo, tools: ['tools_of_two_folders:add']}"
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tools_of_two_folders.py").write_text(
            "def add(a: int, b: int) -> int:\n    return a + b\n"
        )
    load(text, tmp_path / "one")
    with pytest.raises(ConfigError, match=r"is .*one.*, not .*two.*: rename the file"):
        load(text, tmp_path / "two")


def test_all_mistakes_are_told_at_once_each_with_its_line_and_the_nearest_right_name(
    tmp_path: Path,
) -> None:
    text = """\
agents:
  assistant:
    reasoning:
      enable_streeming: true
      chunk_size: 3
      show_thinking: "yes"
  coder:
    modl: x
    tools: ["write_fil", "execute_command", search]
    memory:
      working: {strategy: buffer_windo, window_size: 20}
      longterm:

        storage_scope: "sesion"
    max_iterations: 3
    base_url: ${NBAGENT_TEST_UNSET}
    tools: 3
  chat:
    memory: {working: {strategy: buffer_window, budget: 3}}
    llm: x
    temperature: 3
    streaming: {delay_ms: -1, buffer_size: 1.5}
  1: {}
"""
    assert mistakes(text, tmp_path) == [
        (
            4,
            (
                "agents.assistant.reasoning has no key 'enable_streeming'; did you mean "
                "'enable_streaming'?"
            ),
        ),
        (5, "agents.assistant.reasoning has no key 'chunk_size'; it belongs under 'streaming'"),
        (6, "agents.assistant.reasoning.show_thinking takes true or false, got 'yes'"),
        (8, "agents.coder has no key 'modl'; did you mean 'model'?"),
        (9, "agents.coder.tools[0]: there is no tool 'write_fil'; did you mean 'write_file'?"),
        (
            11,
            (
                "agents.coder.memory.working has no strategy 'buffer_windo'; did you mean "
                "'buffer_window'?"
            ),
        ),
        (
            14,
            "agents.coder.memory.longterm.storage_scope takes 'session' or 'shared', got 'sesion'",
        ),
        (15, "agents.coder has no key 'max_iterations'; did you mean 'max_steps'?"),
        (16, "the environment has no variable NBAGENT_TEST_UNSET, or it is empty"),
        (17, "'tools' stands here twice; the first is in line 9"),
        (19, "agents.chat.memory.working has no key 'budget', with this strategy"),
        (20, "agents.chat has no key 'llm'; did you mean 'model'?"),
        (21, "agents.chat has no key 'temperature'; it belongs under 'model_settings'"),
        (22, "agents.chat.streaming.buffer_size takes a whole number of at least 1, got '1.5'"),
        (22, "agents.chat.streaming.delay_ms takes a number greater than or equal to 0, got '-1'"),
        (23, "the name 1 takes a text; put it in quotes"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "the file takes keys with values, got nothing"),
        ("- a", 1, "the file takes keys with values, got a list"),
        ("agents:", 1, "agents takes keys with values, got nothing"),
        ("agents: {}", 1, "agents takes at least one agent"),
        ("agents:\n  a:\n", 2, "agents.a takes keys with values"),
        ("agents:\n  a: {tools: [search}", 2, "this is no YAML: "),
        ("agents:\n\ta: 1", 2, "this is no YAML: "),
        ("agents: \x00", 1, "this is no YAML: "),
        (
            "agents:\n  a: {model: !!python/object/apply:os.getcwd []}",
            2,
            "this value cannot be read: no type ",
        ),
        ("agents:\n  a: {model: !mine x}", 2, "this value cannot be read: "),
        (
            "agents:\n  a: {model: 2024-13-45}",
            2,
            "this value cannot be read: month must be in 1..12",
        ),
        (
            "agents:\n  a:\n    model_settings:\n      x: &a [*a]",
            4,
            "this contains itself, through an alias",
        ),
        ("agents:\n  a: &a\n    <<: *a", 3, "<< takes another mapping, by its alias"),
        ("agents:\n  a:\n    ? [x]\n    : y", 3, "a key has to be a text"),
        (
            "agents:\n  a: {base_url: example.com}",
            2,
            "takes an address that begins with http:// or https://",
        ),
        (
            "agents:\n  a: {timeout: .inf}",
            2,
            "agents.a.timeout takes a positive number of seconds, got '.inf'",
        ),
        (
            "agents:\n  a: {max_steps: true}",
            2,
            "agents.a.max_steps takes a whole number of at least 1, got 'true'",
        ),
        (
            "agents:\n  a: {memory: {working: {budget: 1}}}",
            2,
            "agents.a.memory.working needs the key 'strategy'",
        ),
        (
            "agents:\n  a: {folder: nowhere, tools: [search]}",
            2,
            "agents.a.tools[0]: there is no folder '",
        ),
        (
            "agents:\n  a: {tools: [nbagent_no_such:f]}",
            2,
            "nbagent_no_such cannot be imported: ModuleNotFoundError",
        ),
        ("agents:\n  a: {tools: [os.path:nothing]}", 2, "os.path has no 'nothing'"),
        ("agents:\n  a: {max_cost: 1}", 2, "agents.a: max_cost needs the model's prices"),
        ("agents:\n  a: {prices: {input: 1}}", 2, "agents.a.prices needs the key 'output'"),
        (
            "agents:\n  a: {prices: {input: 1, output: -1}}",
            2,
            "prices.output takes a number of US dollars from 0 on, got '-1'",
        ),
        (
            "agents:\n  a: {concurrency: 0}",
            2,
            "agents.a.concurrency takes a whole number of at least 1, got '0'",
        ),
        (
            "agents:\n  a: {max_total_tokens: many}",
            2,
            "agents.a.max_total_tokens takes a whole number of at least 1, got 'many'",
        ),
        (
            "agents:\n  a:\n    mcp:\n      - {}",
            4,
            "mcp[0]: an MCP server has either the key 'command' or the key 'url'",
        ),
        (
            "agents:\n  a:\n    mcp:\n      - {command: a, url: 'http://b'}",
            4,
            "either the key 'command' or the key 'url'",
        ),
        (
            "agents:\n  a:\n    mcp:\n      - command: a\n        comand: b",
            5,
            "mcp[0] has no key 'comand'; did you mean 'command'?",
        ),
        (
            "agents:\n  a:\n    mcp:\n      - {command: a, headers: {}}",
            4,
            "headers= does not go with a command",
        ),
        ('agents:\n  a:\n    mcp:\n      - {command: "uvx \'x"}', 4, "mcp() takes a command"),
        (
            "agents:\n  a: {folder: nowhere, mcp: [{command: a}]}",
            2,
            "agents.a.mcp[0]: there is no folder '",
        ),
        (
            "agents:\n  a: {mcp: [uvx some-server]}",
            2,
            "agents.a.mcp[0] takes keys with values, got 'uvx some-server'",
        ),
        (
            "agents:\n  a: {name: b}",
            2,
            "agents.a has no key 'name'; the name of an agent is the key that it stands under",
        ),
        (
            "agents:\n  a: {url: 'http://b'}",
            2,
            "agents.a has no key 'url'; did you mean 'base_url'?",
        ),
        ("agents:\n  a: {command: b}", 2, "agents.a has no key 'command'; it belongs under 'mcp'"),
        (
            "agents:\n  a: {mcp: [{command: b, args: [c]}]}",
            2,
            "mcp[0] has no key 'args'; did you mean 'command'?",
        ),
        (
            "agents:\n  a: {tools: [search, search]}",
            2,
            "agents.a: search: two tools have this name",
        ),
    ],
)
def test_a_mistake_has_its_line(text: str, line: int, told: str, tmp_path: Path) -> None:
    [(where, said)] = mistakes(text, tmp_path)
    assert where == line
    assert told in said


def test_one_mistake_is_one_line_and_several_are_a_list(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"config\.yaml, line 1: the file has no key 'agnts'; did you mean 'agents'\?$",
    ):
        load("agnts: 1\nagents: {a: {}}", tmp_path)
    with pytest.raises(ConfigError, match=r"config\.yaml: 2 mistakes\n  line 1: .*\n  line 2: "):
        load("a: 1\nb: 2\nagents: {a: {}}", tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"agents: \xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml, line 1: the file is no UTF-8"):
        nbagent.load_agents(tmp_path / "latin.yaml")


# --- secrets ---


@pytest.mark.parametrize(
    "line",
    [
        f"api_key: {KEY}",
        "api_key: short",
        'api_key: "${NBAGENT_TEST_UNSET:-fallback}"',
        f"instructions: say {KEY}",
        f"model: gpt  # {KEY}",
        "base_url: https://user:password@example.com",
        f"model_settings: {{extra_headers: {{Authorization: Bearer {KEY}}}}}",
        "model_settings: {extra_headers: {x-api-key: abc}}",
        f"{KEY}: 1",
    ],
)
def test_a_credential_that_is_written_out_is_refused_and_not_repeated(
    line: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"agents:\n  a:\n    {line}", tmp_path)
    assert any(where == 3 and "written out" in said for where, said in caught.value.problems)
    for secret in (KEY, "password@", "fallback", "abc"):
        assert secret not in str(caught.value).replace("sk-abc", "")


async def test_a_key_comes_from_the_environment_and_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBAGENT_TEST_SERVICE", KEY)
    with Server(
        lambda exchange: exchange.refuse(
            401, {"message": f"bad key {exchange.headers['Authorization']}"}
        )
    ) as server:
        text = (
            f"agents:\n  a: {{model: m, base_url: '{server.base_url}', api_key: "
            f"'${{NBAGENT_TEST_SERVICE}}'}}"
        )
        agent = load(text, tmp_path)["a"]
        events = [event async for event in agent.stream("?")]
    [error] = [event for event in events if isinstance(event, e.Error)]
    assert "bad key Bearer sk" in error.message
    assert KEY not in error.message
    assert KEY not in repr(agent)


def test_another_server_gets_no_key_of_the_environments_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    agent = load("agents:\n  a: {model: m, base_url: 'http://127.0.0.1:9/v1'}", tmp_path)["a"]
    client = agent._model._client
    assert client is not None
    assert client.api_key == "none"


def test_variables_stand_in_any_text() -> None:
    values = {"NAME": "Ada", "EMPTY": ""}
    text = (
        "a: hello ${NAME}\nb: ${EMPTY:-none}\nc: $${NAME} $5 ${not a name}\nd: {x: '${NAME}'}\ne: "
        '["${NAME}"]'
    )
    document = YamlDocument(text, values)
    assert document.value == {
        "a": "hello Ada",
        "b": "none",
        "c": "${NAME} $5 ${not a name}",
        "d": {"x": "Ada"},
        "e": ["Ada"],
    }
    assert document.problems == []


# --- models and tools ---


def test_an_agent_without_a_model_has_that_of_the_environment_else_the_demo_model_which_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "agents:\n  a: {model: named}\n  b: {}"
    monkeypatch.setenv("NBAGENT_MODEL", "from-environment")
    assert [agent.model for agent in load(text, tmp_path).values()] == ["named", "from-environment"]
    monkeypatch.delenv("NBAGENT_MODEL")
    with pytest.warns(
        DemoModelWarning, match="'b' names no model, so the demo model answers: a script"
    ) as caught:
        assert load(text, tmp_path)["b"].model == "demo"
    assert caught[0].filename == __file__
    [(line, told)] = mistakes("agents:\n  b: {base_url: 'http://127.0.0.1:9/v1'}", tmp_path)
    assert (line, told) == (
        2,
        "agents.b.base_url: a server needs a name of one of its models, as 'model'",
    )


def test_own_tools_are_named_by_module_and_function_and_found_beside_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "nbagent_test_weather.py").write_text(
        'def weather(town: str) -> str:\n    """Look it up."""\n    return town\n'
    )
    [tool] = load("agents:\n  a: {tools: ['nbagent_test_weather:weather']}", tmp_path)["a"].tools
    assert (tool.name, tool.description) == ("weather", "Look it up.")


def test_agents_share_sections_by_anchors(tmp_path: Path) -> None:
    text = """
    agents:
      first: &base
        model: one
        reasoning: {show_thinking: false}
      second:
        <<: *base
        model: two
    """
    first, second = load(text, tmp_path).values()
    assert (first.model, second.model) == ("one", "two")
    assert second.delivery == Delivery(thinking=False)


def test_many_aliases_cost_nothing(tmp_path: Path) -> None:
    levels = "\n".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    assert mistakes(f"laughs:\n  l0: &l0 [lol]\n{levels}\nagents: {{a: {{}}}}", tmp_path)[0][0] == 1


async def test_agents_of_a_file_ask_one_another(tmp_path: Path) -> None:
    asked = '{"agent": "second", "message": "what is it?"}'
    with Server(
        chat(calls=[("c1", "agent_call", asked)]), chat("a fish"), chat("It is a fish.")
    ) as server:
        text = f"""
        agents:
          first: {{model: m, base_url: '{server.base_url}', tools: [agent_call]}}
          second: {{model: m, base_url: '{server.base_url}', tools: [agent_call], description: knows things}}
        """  # noqa: E501
        agents = load(text, tmp_path)
        assert await agents["first"].generate("start") == "It is a fish."
        prompts = [body["messages"][-1]["content"] for body in server.bodies]
    assert prompts == ["start", "what is it?", "a fish"]
    [tool] = agents["first"].tools
    assert "second: knows things" in tool.description
    assert "first" not in str(tool.schema)


def test_an_agent_of_a_file_has_its_description_and_its_limits(tmp_path: Path) -> None:
    text = """
    agents:
      boss:
        description: Plans.
        max_total_tokens: 1000
        max_cost: 0.5
        prices: {input: 1.25, output: 10}
        concurrency: 2
    """
    boss = load(text, tmp_path)["boss"]
    assert boss.description == "Plans."
    assert boss.as_tool().description == "Plans."
    params = boss._run_params()
    assert (params.max_total_tokens, params.max_cost) == (1000, 0.5)
    assert params.prices == Prices(input=1.25, output=10)


async def test_the_tools_of_mcp_servers_are_an_agents_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBAGENT_TEST_GIVEN", "yes")
    command = shlex.join([sys.executable, str(Path(__file__).with_name("mcp_peer.py"))])
    text = f"""
    agents:
      a:
        tools: [search]
        mcp:
          - {{command: {json.dumps(command)}, name: peer, timeout: 30, env: {{GIVEN: "${{NBAGENT_TEST_GIVEN}}"}}}}
          - {{url: "http://127.0.0.1:9/mcp", headers: {{Authorization: "Bearer ${{NBAGENT_TEST_GIVEN}}"}}}}
    """  # noqa: E501
    agent = load(text, tmp_path)["a"]
    assert repr(agent) == (
        f"Agent('demo', name='a', tools=[search, mcp({secrets.mask(command)!r}), "
        "mcp('http://127.0.0.1:9/mcp')])"
    )
    local = load(text.replace("          - {url", "          # {url"), tmp_path)["a"]
    assert "1 + 2 = **3**" in await local.generate("Call add with a = 1 and b = 2.")


# --- the YAML itself ---

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12).filter(
    lambda text: "$" not in text
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_document_is_what_yaml_says_and_every_part_has_its_line(value: Any) -> None:
    text = yaml.safe_dump({"it": value}, allow_unicode=True)
    document = YamlDocument(text, {})
    if document.problems:  # a key that is named like a credential, or looks like one
        assert all("written out" in problem.text for problem in document.problems)
        return
    assert document.value == {"it": value}
    lines = text.splitlines()
    if isinstance(value, dict):
        for key in value:
            assert lines[document.line(["it", key]) - 1].strip().removeprefix("? ") != "it:"


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = YamlDocument(text, {})
    count = len(re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text))
    assert all(1 <= problem.line <= count for problem in document.problems)
