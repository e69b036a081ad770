"""Scaffold of a new adapter: `make adapter NAME=acme` writes the files that CONTRIBUTING.md
describes, for a made-up format.

The result passes every check. Replace the made-up format by the real one, file by file.
"""

import keyword
import re
import sys
from pathlib import Path

DECODER = '''"""Decoder of {title}'s stream.

Format: (URL of its specification). Items are {{"type": "{name}.delta", "text"}} and
{{"type": "{name}.done"}}.

The format has no thoughts, tools, usage or errors.
"""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields, fields_or_empty, str_field


class {title}Decoder(BaseDecoder):
    """Decoder of {title}'s items. The terminal of a response is `{name}.done`."""

    system: ClassVar[str] = "{name}"

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of {title}'s."""
        return str_field(fields_or_empty(item), "type") in ("{name}.delta", "{name}.done")

    def read(self, item: Any) -> None:
        """Read one item."""
        payload = fields(item)
        if not self.builder.in_step:
            self.new_step()
        match payload.get("type"):
            case "{name}.delta":
                self.builder.text("answer", payload["text"])
            case "{name}.done":
                self.stop_info = StopInfo("completed")
            case _:
                self.unread(item)
'''

TEST = '''"""{title}'s stream, one rule of the format at a time."""

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder

from nbagent import events as ev
from nbagent.adapters.{name}.decoder import {title}Decoder


@pytest.mark.parametrize("recording", of_folder("{name}"), ids=str)
def test_a_recording_says_what_its_deltas_add_up_to(recording: Recording) -> None:
    deltas = [item["text"] for item in recording.items if item["type"] == "{name}.delta"]
    assert Transcript.of(decode(recording.decoder(), recording.items)).texts == ["".join(deltas)]


def test_an_item_of_an_unknown_type_becomes_a_raw_event() -> None:
    item = {{"type": "{name}.new"}}
    events = decode({title}Decoder(), [item])
    assert [event.data for event in events if isinstance(event, ev.Raw)] == [item]
'''

RECORDING = (
    '{{"type": "{name}.delta", "text": "Hel"}}\n{{"type": "{name}.delta", "text": "lo"}}\n'
    '{{"type": "{name}.done"}}\n'
)

MANIFEST = """
[{name}]
system = "{name}"
kind = "provider"
provenance = ["constructed"]
oracle = "own"
terminal = "last"
"""

PROVENANCE = """
## {name}

| file | bytes | kind | repository | path / library | commit | licence | what |
|---|---|---|---|---|---|---|---|
| constructed-hello.jsonl | {size} | constructed | | | | | written to the specification |
"""


def scaffold(root: Path, name: str) -> list[Path]:
    """Write a new adapter and register it.

    Args:
        root: the checkout.
        name: the system's name, a Python identifier in lower case.

    Returns:
        The files written or changed.

    Raises:
        ValueError: `name` is not such an identifier, or a file or folder that would be written
            exists.
    """
    folder = root / "nbagent" / "adapters" / name
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} is no name for an adapter: use lower-case letters, digits and _, as in "
            "NAME=acme_cloud"
        )
    title = name.title().replace("_", "")
    recording = RECORDING.format(name=name)
    new = {
        folder / "__init__.py": f'"""{title}."""\n',
        folder / "decoder.py": DECODER.format(name=name, title=title),
        root / "tests" / "adapters" / f"test_{name}.py": TEST.format(name=name, title=title),
        root / "tests" / "recordings" / name / "constructed-hello.jsonl": recording,
    }
    for made in (folder, *new, root / "tests" / "recordings" / name):
        if made.exists():
            raise ValueError(
                f"{made.relative_to(root).as_posix()} exists already; use another name"
            )
    for path, text in new.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    decoders = root / "nbagent" / "adapters" / "decoders.py"
    imported = f"    from nbagent.adapters.{name}.decoder import {title}Decoder\n"
    lines = decoders.read_text("utf-8").splitlines(keepends=True)
    imports = [
        number for number, line in enumerate(lines) if line.startswith("    from nbagent.adapters.")
    ]
    place = next((number for number in imports if lines[number] > imported), imports[-1] + 1)
    lines.insert(place, imported)
    last = lines.index("        TextDecoder,\n")
    lines.insert(last, f"        {title}Decoder,\n")
    decoders.write_text("".join(lines), "utf-8")
    appended = {
        root / "tests" / "recordings" / "manifest.toml": MANIFEST.format(name=name),
        root / "tests" / "recordings" / "PROVENANCE.md": PROVENANCE.format(
            name=name, size=len(recording)
        ),
    }
    for path, text in appended.items():
        path.write_text(path.read_text("utf-8").rstrip("\n") + "\n" + text, "utf-8")
    return [*new, decoders, *appended]


if __name__ == "__main__":
    here = Path(__file__).parents[2]
    try:
        for path in scaffold(here, sys.argv[1] if len(sys.argv) == 2 else ""):
            print(path.relative_to(here))
    except ValueError as error:
        sys.exit(f"make adapter: {error}")
