"""Nodes: what a block that is complete at once is drawn of, whatever its kind.

Each renderer has one form for each node: HTML, Markdown and the console in `nbagent/render`, the
view in `js/src/transcript/drawn.tsx`. A text is untrusted, as everything in a block is.
"""

from typing import Any, TypeAlias

import msgspec

from nbagent.protocol.parts import Level


class Words(msgspec.Struct, frozen=True):
    """Words in a line.

    Attributes:
        text: the words.
        strong: true for a name or a heading.
    """

    text: str
    strong: bool = False


class Line(msgspec.Struct, frozen=True, tag_field="node", tag="line"):
    """A line of words.

    Attributes:
        words: in order, with the spaces between them.
        done: of a task, true if it is done; null for a line that is no task.
    """

    words: list[Words]
    done: bool | None = None


class Notice(msgspec.Struct, frozen=True, tag_field="node", tag="notice"):
    """A line of the run itself, about what is going on.

    Attributes:
        text: the line.
        level: its severity.
    """

    text: str
    level: Level = "info"


class Message(msgspec.Struct, frozen=True, tag_field="node", tag="message"):
    """Text that the user wrote.

    Attributes:
        text: of the message; it is no Markdown.
        files: of the message.
    """

    text: str
    files: list["Download"] = []


class Link(msgspec.Struct, frozen=True, tag_field="node", tag="link"):
    """A page or a document.

    Attributes:
        url: its address, unchecked; empty if there is none.
        title: its title; empty if there is none.
    """

    url: str
    title: str = ""


class Download(msgspec.Struct, frozen=True, tag_field="node", tag="download"):
    """A file: a picture is shown, any other can be saved.

    Attributes:
        media_type: its MIME type; empty if it is unknown.
        url: its address, unchecked; empty if there is none.
        data: its content as base64; empty if it is not here.
        name: its file name; empty if there is none.
    """

    media_type: str
    url: str = ""
    data: str = ""
    name: str = ""


class Failure(msgspec.Struct, frozen=True, tag_field="node", tag="failure"):
    """An error, in a panel that is open.

    Attributes:
        message: the error's message.
        type: the exception's class name, or the provider's error type; empty if it is unknown.
        code: the provider's error code; empty if there is none.
        traceback: the formatted traceback; empty if there is none.
    """

    message: str
    type: str = ""
    code: str = ""
    traceback: str = ""


class Data(msgspec.Struct, frozen=True, tag_field="node", tag="data"):
    """Data, in a panel that is closed.

    Attributes:
        name: in the panel's row.
        value: any JSON; null for none.
    """

    name: str
    value: Any = None


class Table(msgspec.Struct, frozen=True, tag_field="node", tag="table"):
    """A small table of texts.

    Attributes:
        heads: names of the columns.
        cells: the texts, row by row.
    """

    heads: list[str]
    cells: list[list[str]]


Node: TypeAlias = Line | Notice | Message | Link | Download | Failure | Data | Table
