"""The pages "Coming from …": each block of code is run, each name and endpoint in a table
exists.
"""

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from documents.pages import blocks, run_python
from starlette.testclient import TestClient

import nbagent
from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.sessions.session import Session
from nbagent.run import Run

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "how-to" / "coming-from"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)

TAGS = {str(kind.__struct_config__.tag): kind for kind in get_args(e.Event)}
FIELDS = {"type"} | {name for kind in TAGS.values() for name in kind.__struct_fields__}


def cells(page: Path, column: int) -> list[str]:
    """Return a column of the page's tables."""
    rows = re.findall(r"^\| (.*) \|$", page.read_text("utf-8"), re.MULTILINE)
    return [row.split(" | ")[column] for row in rows]


@EACH_PAGE
async def test_each_block_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nbagent.demo.demo_server(), "tokens_per_second", float("inf"))
    names: dict[str, Any] = {}
    for language, code, _, _ in blocks(page):
        if language == "python":
            await run_python(code, names)
            assert names["run"].status == "completed"
        elif language == "yaml":
            (tmp_path / "config.yaml").write_text(code)
            assert nbagent.load_agents("config.yaml")
        else:
            assert language == "sh"
            command, *arguments = shlex.split(code)
            assert command == "nbagent"
            await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "nbagent", *arguments],
                check=True,
                capture_output=True,
            )
    capsys.readouterr()


@EACH_PAGE
def test_each_name_of_ours_exists(page: Path) -> None:
    code = " ".join(re.findall(r"`([^`]+)`", " ".join(cells(page, 1))))
    for owner, kind in (
        ("nbagent", nbagent),
        ("agent", Agent),
        ("run", Run),
        ('session("name")', Session),
    ):
        for name in re.findall(rf"(?<!\w){re.escape(owner)}\.(\w+)", code):
            assert hasattr(kind, name) or f"{owner}.{name}" in TAGS, f"{owner}.{name}"
    assert set(re.findall(r"event\.(\w+)", code)) <= FIELDS
    tags = re.findall(
        r"(?<![\w.])((?:text|tool|step|reasoning|run|approval)\.[a-z]+)(?![\w(])", code
    )
    assert all(tag in TAGS or hasattr(Run, tag.partition(".")[2]) for tag in tags), tags


@EACH_PAGE
def test_each_endpoint_is_served(page: Path) -> None:
    with TestClient(nbagent.asgi(Agent("demo")), base_url="http://localhost") as client:
        paths = client.get("/openapi.json").json()["paths"]
    endpoints = [
        found.groups()
        for cell in cells(page, 0)
        if (found := re.fullmatch(r"`(GET|POST) (/\S*)`", cell))
    ]
    assert endpoints
    for method, path in endpoints:
        assert method.lower() in paths[path], path


def test_the_index_has_each_page_and_readme_has_the_index() -> None:
    linked = re.findall(r"\]\((\w+\.md)\)", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(linked) == [page.name for page in PAGES]
    assert "docs/how-to/coming-from/README.md" in (ROOT / "README.md").read_text("utf-8")
