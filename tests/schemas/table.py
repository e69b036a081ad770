"""Writes `docs/reference/schemas.md`: what nbagent sends of each recording, checked against the
official schemas.

    PYTHONPATH=tests python -m schemas.table
"""

from pathlib import Path

from adapters.encoders.test_round_trip import RECORDINGS, recorded
from schemas.official import BEYOND, Official, schemas

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "schemas.md"

HEAD = """\
# Official schemas

Is what nbagent sends valid? Each recorded stream in `tests/recordings` is read, written in each of
these systems' forms, and every frame is checked by the system's own schema: strict types, and no
field that the schema does not name. A task of A2A is checked for its required fields, too. ACP is
read only, so its answers are checked: each answer to each recorded question.

`PYTHONPATH=tests python -m schemas.table` wrote this page. `tests/schemas/test_schemas.py` holds
it, and checks streams that hypothesis makes, too.

| system | schema | recordings | frames | invalid | fields beyond it |
|---|---|---:|---:|---:|---|
"""


def row(official: Official) -> str:
    """Return the line of a system."""
    recordings = frames = invalid = 0
    for path in RECORDINGS:
        items = official.write(recorded(path))
        recordings += bool(items)
        frames += len(items)
        invalid += sum(bool(official.check(item)) for item in items)
    beyond = ", ".join(f"`{name}`" for name in sorted(BEYOND.get(official.system, ()))) or "none"
    figures = f"{recordings:,} | {frames:,} | {invalid:,}"
    return f"| {official.title} | {official.source} | {figures} | {beyond} |\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(HEAD + "".join(row(official) for official in schemas().values()), "utf-8")
    print(PAGE)
