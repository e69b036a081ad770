"""Scaffold of a new adapter: `make adapter NAME=acme` writes the files that CONTRIBUTING.md
describes, for a made-up format.

The result passes every check. Replace the made-up format by the real one, file by file.
"""

import keyword
import re
import sys
from pathlib import Path

from adapters.package_scaffold import files, scaffold_package

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


def check_name(name: str) -> None:
    """Check that an adapter can have a name.

    Raises:
        ValueError: it is no Python identifier in lower case.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} is no name for an adapter: use lower-case letters, digits and _, as in "
            "NAME=acme_cloud"
        )


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
    check_name(name)
    folder = root / "nbagent" / "adapters" / name
    title = name.title().replace("_", "")
    recording = RECORDING.format(name=name)
    new = {
        folder / "__init__.py": f'"""{title}."""\n',
        folder / "decoder.py": files(name)[f"src/nbagent_{name}/decoder.py"],
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


def main(name: str = "", package: str = "") -> None:
    """Write an adapter, into a package of its own if its folder is given, and print the files.

    Raises:
        ValueError: the name is none, or the files exist.
    """
    root = Path(__file__).parents[2]
    if package:
        check_name(name)
        written = scaffold_package(Path(package), name)
    else:
        written = [path.relative_to(root) for path in scaffold(root, name)]
    for path in written:
        print(path)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except ValueError as error:
        sys.exit(f"make adapter: {error}")
