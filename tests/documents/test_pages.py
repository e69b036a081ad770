"""The pages of the documentation: each block of code runs, each link leads somewhere."""

import ast
import inspect
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
import yaml
from documents.pages import MAPS, PAGES, ROOT, Block, blocks, headings, links, run_python
from IPython.core.inputtransformer2 import TransformerManager
from openai import AsyncOpenAI, OpenAI
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.cli.main import parser

OWN_TESTS = {"js": "tests/server/test_clients.py", "nginx": "tests/server/test_nginx.py"}
"""Languages whose blocks are run by another test."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


class AnyModel(nbagent.demo.DemoServer):
    """The demo model, under whatever name a page has for its model."""

    def accepted(self, body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "model": "demo"}


@pytest.fixture(scope="module")
def model() -> Iterator[AnyModel]:
    with AnyModel(tokens_per_second=float("inf")) as server:
        yield server


EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "coming-from" not in page.parts], ids=name_of
)
async def test_each_block_of_python_runs(
    page: Path,
    model: AnyModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", model.api_key)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(nbagent.demo.demo_server(), "tokens_per_second", float("inf"))
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "yaml" and "agents:" in block.code:
            (tmp_path / "config.yaml").write_text(block.code)
        elif block.language == "python" and not block.not_run:
            try:
                await run_python(block.code, names)
            except BaseException as error:
                error.add_note(f"in the block at {name_of(page)}:{block.line}")
                raise
    nbagent.runs.cancel()
    for each in names.values():
        if isinstance(each, AsyncOpenAI):
            await each.close()  # its connections belong to this test's loop
        elif isinstance(each, OpenAI):
            each.close()
    capsys.readouterr()


def calls(code: str) -> list[tuple[str, ast.Call]]:
    """Return the calls of nbagent's functions, each with its name."""
    tree = compile(code, "<page>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        (name, call) for call in found if (name := ast.unparse(call.func)).startswith("nbagent.")
    ]


def check_python(block: Block) -> None:
    """Check a block that is not run: its syntax, and the calls of nbagent's functions."""
    for name, call in calls(block.code.replace("…", "...")):
        function: Any = nbagent
        for part in name.split(".")[1:]:
            function = getattr(function, part)
        keywords = [each.arg for each in call.keywords if each.arg]
        inspect.signature(function).bind_partial(**dict.fromkeys(keywords))


def check_cell(block: Block) -> None:
    """Check a cell with IPython's magic."""
    compile(TransformerManager().transform_cell(block.code), "<page>", "exec")


def check_shell(block: Block) -> None:
    """Check the commands of a block: their names, and the options of those that are nbagent's."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = block.code.replace("\\\n", " ")
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        words = words[next((i for i, word in enumerate(words) if "=" not in word), 0) :]
        if not words:
            continue
        if words[0] == "nbagent":
            parser().parse_args(words[1:])
        elif words[0] == "make":
            assert words[1] in targets
        elif words[0] == "pip":
            wanted = re.findall(r"\[(.+?)\]", line)
            assert all(each in extras["optional-dependencies"] for each in wanted), line
        elif words[0] == "curl":
            check_address(next(word for word in words if word.startswith("http")))
        else:
            assert words[0] in (
                "echo",
                "jupyter",
                "export",
                "opentelemetry-instrument",
                "pytest",
            ), line


def endpoints() -> dict[str, dict[str, Any]]:
    """Return the methods of a server's paths."""
    with TestClient(nbagent.asgi(Agent("demo")), base_url="http://localhost") as client:
        paths: dict[str, dict[str, Any]] = client.get("/openapi.json").json()["paths"]
    return paths


def check_address(url: str) -> None:
    path = re.sub(r"https?://[^/]+|\?.*", "", url)
    patterns = [re.sub(r"\\{.*?\\}", "[^/]+", re.escape(each)) for each in endpoints()]
    assert any(re.fullmatch(pattern, path) for pattern in patterns), path


def check_javascript(block: Block) -> None:
    """Check the syntax, where there is Node."""
    if node := shutil.which("node"):
        command = [node, "--input-type=module", "--check"]
        done = subprocess.run(command, input=block.code, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr


CHECKS: dict[str, Callable[[Block], object]] = {
    "ipython": check_cell,
    "javascript": check_javascript,
    "js": check_javascript,
    "json": lambda block: json.loads(block.code),
    "markdown": lambda block: None,
    "py": check_python,
    "python": check_python,
    "sh": check_shell,
    "text": lambda block: None,
    "toml": lambda block: tomllib.loads(block.code),
    "yaml": lambda block: yaml.safe_load(block.code),
}


@EACH_PAGE
def test_each_other_block_is_valid(page: Path) -> None:
    for block in blocks(page):
        if block.language in OWN_TESTS or (block.language == "python" and not block.not_run):
            continue
        try:
            CHECKS[block.language](block)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{name_of(page)}:{block.line}: {error!r}") from error


@pytest.mark.parametrize("page", [*PAGES, *MAPS], ids=name_of)
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        if ":" in path:
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.proof
@pytest.mark.parametrize("page", [*PAGES, *MAPS], ids=name_of)
def test_each_address_answers(page: Path) -> None:
    for link in links(page):
        if link.startswith("https:"):
            try:
                status = httpx2.get(link, follow_redirects=True).status_code
            except httpx2.HTTPError as error:
                pytest.skip(f"no network: {error!r}")
            assert status < 400 or status in (403, 429), link


def test_the_table_of_options_has_each_option_of_show() -> None:
    table = (ROOT / "docs" / "reference" / "options.md").read_text("utf-8")
    cells = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    listed = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert {*listed, "source", "more"} == set(inspect.signature(nbagent.show).parameters)
    assert len(listed) == len(set(listed))


def test_the_table_of_endpoints_has_each_endpoint_of_a_server() -> None:
    table = (ROOT / "docs" / "reference" / "endpoints.md").read_text("utf-8")
    listed = set(re.findall(r"`([A-Z]+ /[^`]*)`", table))
    # the threads' other names, and what the server's own page loads
    other = re.compile(r"(/api)?/v1/threads.*|/|/static/.*|/view|/openapi\.json")
    served = {
        f"{method.upper()} {path}"
        for path, methods in endpoints().items()
        for method in methods
        if not other.fullmatch(path)
    }
    assert listed - {"GET /openapi.json"} == served


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= 10_000


def test_each_page_is_in_the_index() -> None:
    listed = {(ROOT / "docs" / link).resolve() for link in links(ROOT / "docs" / "README.md")}
    pages = [
        page for page in PAGES if page.parent.name != "coming-from" and page.name != "README.md"
    ]
    assert [name_of(page) for page in pages if page.resolve() not in listed] == []
