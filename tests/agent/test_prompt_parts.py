"""Pictures and files in a prompt: what is taken, and the form in each of OpenAI's two APIs."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from agent.server import Json, Server, say
from agent.test_agent import agent_of, both_apis

import nbagent
from nbagent.agent.model import input_items
from nbagent.agent.model.content_parts import for_chat, for_responses, shown_files
from nbagent.agent.prompt_parts import MAX_FILE_BYTES, MAX_IMAGE_BYTES, joined
from nbagent.errors import NbagentError

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
PDF_URL = f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "dot.png").write_bytes(PNG)
    (tmp_path / "report.pdf").write_bytes(PDF)
    (tmp_path / "sales.csv").write_text("town,people\nOslo,7\n")
    (tmp_path / "notes").write_text("No ending.")
    return tmp_path


def content_of(body: Json, api: str) -> Any:
    return body["messages" if api == "chat" else "input"][0]["content"]


@both_apis
async def test_a_picture_and_a_file_are_sent_in_the_form_of_the_api(api: str, files: Path) -> None:
    prompt = [
        "What is in it?",
        nbagent.image(files / "dot.png"),
        nbagent.file(files / "report.pdf"),
        nbagent.file(files / "sales.csv"),
    ]
    with Server(say(api, "A dot.")) as server:
        assert await agent_of(server, api).generate(prompt) == "A dot."
        content = content_of(server.bodies[0], api)

    text = '<file name="sales.csv">\ntown,people\nOslo,7\n\n</file>'
    if api == "chat":
        assert content == [
            {"type": "text", "text": "What is in it?"},
            {"type": "image_url", "image_url": {"url": PNG_URL}},
            {"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}},
            {"type": "text", "text": text},
        ]
    else:
        assert content == [
            {"type": "input_text", "text": "What is in it?"},
            {"type": "input_image", "image_url": PNG_URL, "detail": "auto"},
            {"type": "input_file", "filename": "report.pdf", "file_data": PDF_URL},
            {"type": "input_text", "text": text},
        ]


def test_figures_images_bytes_paths_and_addresses_are_pictures(files: Path) -> None:
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(1, 1))
    axes = figure.subplots()
    jpeg = io.BytesIO()
    Image.new("RGB", (2, 2)).save(jpeg, format="JPEG")
    taken = [
        figure,
        axes,
        Image.new("RGBA", (2, 2)),
        PNG,
        bytearray(PNG),
        files / "dot.png",
        str(files / "dot.png"),
    ]
    for picture in taken:
        part = nbagent.image(picture)
        assert part.media_type == "image/png"
        assert base64.b64decode(part.url.removeprefix("data:image/png;base64,")).startswith(
            b"\x89PNG"
        )
    assert nbagent.image(jpeg.getvalue()).media_type == "image/jpeg"
    assert nbagent.image("https://example.org/a.webp?x=1") == nbagent.image(
        "https://example.org/a.webp?x=1"
    )
    assert (
        nbagent.image("https://example.org/a.webp?x=1").media_type,
        nbagent.image("https://example.org/a").media_type,
    ) == (
        "image/webp",
        "image/*",
    )
    assert nbagent.image(PNG_URL).media_type == "image/png"
    assert nbagent.file(files / "dot.png") == nbagent.image(PNG)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"not a picture", r"image\(\) takes PNG, JPEG, GIF or WebP; got 13 bytes of another kind"),
        ("nowhere.png", r"'nowhere.png' cannot be read: No such file or directory"),
        (
            object(),
            (
                r"image\(\) takes a Matplotlib figure, a PIL image, a path, bytes or a URL.*; got "
                r"object"
            ),
        ),
        (
            PNG + bytes(MAX_IMAGE_BYTES),
            r"image\(\): 20.0 MB is more than the 20.0 MB that a model takes",
        ),
    ],
)
def test_what_is_no_picture_is_refused(picture: Any, message: str) -> None:
    with pytest.raises(NbagentError, match=message):
        nbagent.image(picture)


def test_a_file_is_named_by_its_path() -> None:
    with pytest.raises(NbagentError, match=r"file\(\) takes a path; got int"):
        nbagent.file(3)  # type: ignore[arg-type]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(
        NbagentError, match=r"huge.bin: 32.0 MB is more than the 32.0 MB that a model takes"
    ):
        nbagent.file(tmp_path / "huge.bin")


def test_texts_and_parts_that_follow_each_other_are_one_message(files: Path) -> None:
    picture = nbagent.image(PNG)
    earlier = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    items = input_items.from_prompt(joined([*earlier, "What is it?", picture]))
    assert [
        (item.role, type(item.content)) for item in items if isinstance(item, input_items.Message)
    ] == [
        ("user", str),
        ("assistant", str),
        ("user", list),
    ]
    assert len(input_items.from_prompt(joined(picture))) == 1
    assert joined("text") == "text"
    assert joined(earlier) == earlier
    assert repr(picture) == f"<image: image/png, {len(PNG_URL)} characters>"


def test_parts_in_the_form_of_either_api_are_sent_to_the_other() -> None:
    chat: list[Json] = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
        {"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}},
        {"type": "input_audio", "input_audio": {"data": "…", "format": "wav"}},
    ]
    sent = for_responses(chat, "user")
    assert sent == [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": PNG_URL, "detail": "low"},
        {"type": "input_file", "filename": "report.pdf", "file_data": PDF_URL},
        chat[3],  # the server says whether it knows it
    ]
    assert for_chat(sent) == chat
    assert for_responses([{"type": "text", "text": "a"}], "assistant") == [
        {"type": "output_text", "text": "a"}
    ]


def test_a_history_with_pictures_survives_a_store(files: Path) -> None:
    import msgspec

    items = input_items.from_prompt(
        joined(["?", nbagent.image(PNG), nbagent.file(files / "sales.csv")])
    )
    again = msgspec.json.decode(msgspec.json.encode(items), type=list[input_items.Item])
    assert again == items
    assert json.dumps(input_items.to_chat(again, ""))


def test_the_prompts_event_has_the_pictures_and_the_names_of_files(files: Path) -> None:
    parts = [
        nbagent.image(PNG),
        nbagent.image("https://example.org/a.png"),
        nbagent.file(files / "report.pdf"),
        nbagent.file(files / "notes"),
    ]
    (message,) = input_items.from_prompt(joined(["What is in it?", *parts]))
    assert isinstance(message, input_items.Message)
    assert shown_files(message.content) == [
        {"media_type": "image/png", "data": base64.b64encode(PNG).decode()},
        {"media_type": "image/png", "url": "https://example.org/a.png"},
        {"media_type": "application/pdf", "name": "report.pdf"},
        {"media_type": "text/plain", "name": "notes"},
    ]
    assert shown_files("text") is None
    assert shown_files([{"type": "text", "text": "a"}]) is None
    large = nbagent.image(PNG + bytes(3 * 2**20)).content()
    assert shown_files([large]) == [{"media_type": "image/png", "name": "picture of 3.0 MB"}]
