"""A real language model in a notebook: each way to its stream shows its words, and Stop reaches
it.
"""

from collections.abc import Callable, Iterator

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from campaign import figure
from language_model.model import Model, serve

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]

SETUP = """
import nbagent, openai
address = {address!r}
client = openai.AsyncOpenAI(base_url=address + "/v1", api_key="none", timeout=600)
sync_client = openai.OpenAI(base_url=address + "/v1", api_key="none", timeout=600)
prompt = "Write a sentence about the sea."
chat = dict(model="gemma", messages=[dict(role="user", content=prompt)], stream=True)
"""
WAYS = {
    "agent, Chat": (
        "nbagent.Agent('gemma', client=client, api='chat', model_settings={'max_tokens': "
        "12}).stream(prompt)"
    ),
    "agent, Responses": (
        "nbagent.Agent('gemma', client=client, api='responses', "
        "model_settings={'max_output_tokens': 12}).stream(prompt)"
    ),
    "async Chat": "client.chat.completions.create(**chat, max_tokens=12)",
    "sync Chat": "sync_client.chat.completions.create(**chat, max_tokens=12)",
    "async Responses": "client.responses.create(model='gemma', input=prompt, stream=True, max_output_tokens=12)",  # noqa: E501
    "address": "address + '/v1/chat/completions', json={**chat, 'max_tokens': 12}",
}
FOREVER = {
    "agent": (
        "nbagent.Agent('gemma', client=client, api='chat', model_settings={'max_tokens': "
        "1500}).stream(prompt)"
    ),
    "async Chat": "client.chat.completions.create(**chat, max_tokens=1500)",
    "sync Chat": "sync_client.chat.completions.create(**chat, max_tokens=1500)",
    "address": "address + '/v1/chat/completions', json={**chat, 'max_tokens': 1500}",
}


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Yield a server of its own."""
    with serve(tmp_path_factory.mktemp("model")) as model:
        yield model


def test_each_way_to_its_stream_shows_what_the_model_wrote(
    model: Model, notebook: Callable[..., Notebook]
) -> None:
    cells = [f"run = await nbagent.show({stream})" for stream in WAYS.values()]
    book = notebook("model.ipynb", cells=(SETUP.format(address=model.address), *cells))
    book.run(0)
    for index, way in enumerate(WAYS, 1):
        book.run(index)
        book.wait_idle()
        expect(book.widget(index).locator(".nb-status")).to_contain_text(
            "Cut off at" if "Chat" in way else ""
        )
        text = book.python("print(run.text, end='')")
        assert text.strip(), way
        shown = book.widget(index).locator(".nb-markdown").inner_text()
        assert "".join(shown.split()) == "".join(text.split()), way
        assert book.python("print(run.error, end='')") == "None"
    figure(
        "language model",
        "ways to its stream that show what it wrote",
        f"{len(WAYS)} of {len(WAYS)}",
    )


def test_stop_reaches_the_model(model: Model, notebook: Callable[..., Notebook]) -> None:
    cells = [f"run = nbagent.show({stream})" for stream in FOREVER.values()]
    book = notebook("stop.ipynb", cells=(SETUP.format(address=model.address), *cells))
    book.run(0)
    for index in range(1, len(FOREVER) + 1):
        book.run(index)
        expect(book.widget(index).locator(".nb-markdown")).to_contain_text(" ", timeout=120_000)
        assert model.writes
        book.widget(index).get_by_role("button", name="Stop").click()
        expect(book.widget(index).locator(".nb-status")).to_contain_text("Stopped")
        while model.writes:
            # Llama.cpp looks between two tokens; the test's time limit is the end of this wait.
            book.page.wait_for_timeout(100)
    figure(
        "language model",
        "ways to its stream whose Stop reaches the model",
        f"{len(FOREVER)} of {len(FOREVER)}",
    )


def test_a_model_that_dies_in_its_answer_fails_every_run_alike(
    model: Model, notebook: Callable[..., Notebook]
) -> None:
    stream = FOREVER["async Chat"]
    book = notebook(
        "dies.ipynb", cells=(SETUP.format(address=model.address), f"run = nbagent.show({stream})")
    )
    book.run(0)
    book.run(1)
    expect(book.widget(1).locator(".nb-markdown")).to_contain_text(" ", timeout=120_000)
    model.process.kill()
    expect(book.widget(1).locator(".nb-status")).to_contain_text("Failed")
    assert (
        book.python("print(run.status, run.error is not None, bool(run.text), end='')")
        == "failed True True"
    )
