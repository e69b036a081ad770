"""Manifest of the recordings: it covers every file, and agrees with PROVENANCE.md and with the
code's comments.
"""

import re
from pathlib import Path

from adapters.recorded import BY_NAME, FOLDER, MANIFEST, RECORDINGS

import nbagent.adapters
from nbagent.adapters.decoders import adapters

FILES = sorted(path for path in FOLDER.glob("*/*") if path.is_file())


def provenance() -> dict[tuple[str, str], str]:
    """Return the kind of each file by folder and name, from the tables of PROVENANCE.md."""
    found, folder = {}, ""
    for line in (FOLDER / "PROVENANCE.md").read_text().splitlines():
        if line.startswith("## "):
            folder = line.removeprefix("## ").strip()
        elif line.startswith("| ") and not line.startswith("| file "):
            name, _, kind, *_ = (cell.strip() for cell in line.strip("|").split("|"))
            found[folder, name] = kind
    return found


def test_every_file_is_in_the_manifest() -> None:
    assert sorted({path.parent.name for path in FILES}) == sorted(MANIFEST)
    no_streams = {
        f"{folder}/{name}"
        for folder, table in MANIFEST.items()
        for name in table
        if _is_no_stream(table[name])
    }
    covered = {recording.path for recording in RECORDINGS}
    assert {
        f"{path.parent.name}/{path.stem}" for path in FILES if path not in covered
    } == no_streams


def _is_no_stream(table: object) -> bool:
    return isinstance(table, dict) and table.get("system") == ""


def test_every_table_of_the_manifest_is_about_something() -> None:
    for folder, table in MANIFEST.items():
        for name, value in table.items():
            if isinstance(value, dict) and not _is_no_stream(value):
                assert [found for found in BY_NAME if found.startswith(f"{folder}/{name}")], (
                    f"{folder}.{name}"
                )


def test_every_file_has_the_provenance_that_the_manifest_gives_its_folder() -> None:
    kinds = provenance()
    assert {(path.parent.name, path.name) for path in FILES} == set(kinds)
    for folder, table in MANIFEST.items():
        assert {kind for (where, _), kind in kinds.items() if where == folder} == set(
            table["provenance"]
        ), folder


def test_every_system_is_an_adapter_and_all_but_the_generic_ones_are_recorded() -> None:
    known = {adapter.system for adapter in adapters()}
    assert {recording.system for recording in RECORDINGS} == known - {"nbagent", "text", "unknown"}


def test_recordings_that_the_code_names_exist() -> None:
    named = set()
    for path in sorted(Path(nbagent.adapters.__file__).parent.rglob("*.py")):
        found = re.findall(r"(?<![\w/.-])(\w+)/([\w.+-]*[\w+])", path.read_text())
        named |= {
            f"{folder}/{name}"
            for folder, name in found
            if folder in MANIFEST and not name.endswith(".py")
        }
    assert named, "the pattern finds none any more"
    assert [
        name for name in named if not any(recording.startswith(name) for recording in BY_NAME)
    ] == []
