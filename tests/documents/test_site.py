"""The parts of the documentation's site: pages, executed notebooks, recorded runs, versions."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from documents.pages import PAGES, ROOT
from website import llms, notebooks, pages, players, versions
from website.pages import Entry


def places(entries: list[Entry] | str) -> list[str]:
    if isinstance(entries, str):
        return [entries]
    return [place for each in entries for inside in each.values() for place in places(inside)]


def test_the_navigation_leads_to_each_page() -> None:
    listed = places(pages.navigation())
    written = [pages.place_of(page.relative_to(ROOT).as_posix()) for page in PAGES]
    # the pages of the other systems stand in a table of their own page
    assert {each for each in written if each and "coming-from/" not in each} <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_link_leads_from_the_pages_place_to_its_targets() -> None:
    text = "[a](../../SECURITY.md#masking), [b](coming-from/README.md), [c](https://a.example)"
    assert pages.page("docs/how-to/x.md", text) == (
        "[a](../explanation/security.md#masking), [b](coming-from/index.md), [c](https://a.example)"
    )


def test_code_is_left_alone_and_hidden_blocks_are_left_out() -> None:
    code = "```python\nf([1](2))\n```\n"
    hidden = "<!-- setup\nx = 1\n-->\n\n<!-- not run: why -->\n"
    assert pages.page("docs/how-to/x.md", hidden + code) == code


def test_a_players_data_are_found_from_the_pages_address() -> None:
    assert 'data-ops="../../assets/players/tour.json"' in pages.player("tour", "how-to/x.md")
    assert 'data-ops="../assets/players/tour.json"' in pages.player("tour", "how-to/index.md")
    assert 'data-ops="assets/players/tour.json"' in pages.player("tour", "index.md")


def test_a_link_to_a_file_that_is_no_page_leads_to_the_source() -> None:
    linked = pages.page("SECURITY.md", "[tests](tests/gate/)")
    assert re.fullmatch(r"\[tests\]\(https://\S+/blob/main/tests/gate\)", linked)


def test_the_help_of_each_command_is_on_its_page() -> None:
    assert re.findall("^## nbagent (\\w+)", pages.commands(), re.MULTILINE) == [
        "show",
        "replay",
        "decode",
        "convert",
        "call",
        "map",
        "serve",
        "chat",
    ]


def test_each_player_of_a_page_has_a_recorded_run() -> None:
    names = {name for page in PAGES for name in re.findall("<!-- player: (\\w+)", page.read_text())}
    assert names == set(players.SCENES)


async def test_a_recorded_run_is_its_messages_from_the_first_op_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(players, "READING_S", 0)
    messages = await players.record(*players.SCENES["breakpoint"]())
    times = [seconds for seconds, _ in messages]
    assert times == sorted(times)
    assert {message["t"] for _, message in messages} <= {"ops", "beat"}
    text = json.dumps(messages)
    assert ("Stopped" in text or '"stop"' in text, '"completed"' in text) == (True, True)


def test_a_recorded_run_does_not_tell_where_it_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "SCENES", {"tour": players.SCENES["tour"]})
    players.write(tmp_path / "players")
    text = (tmp_path / "players" / "tour.json").read_text("utf-8")
    assert ("tools.py" in text, str(ROOT) in text) == (True, False)


def test_an_executed_notebook_is_a_page_whose_outputs_markdown_leaves_alone() -> None:
    notebook = nbformat.v4.new_notebook()
    html = nbformat.v4.new_output(
        "display_data", {"text/html": "<p>\n\n$$x^2$$ costs $5</p>", "text/plain": "x"}
    )
    printed = nbformat.v4.new_output("stream", text="\x1b[31m<b>\x1b[0m\n")
    cell = nbformat.v4.new_code_cell("1 + 1", outputs=[html, printed])
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title"), cell]
    page = notebooks.page(notebook, "x.ipynb")
    assert page.startswith("# Title\n\n```python\n1 + 1\n```\n\n<div")
    [shadow] = [line for line in page.splitlines() if "shadowrootmode" in line]
    assert ("<math" in shadow, "costs $5" in shadow) == (True, True)
    assert '<pre class="output">&lt;b&gt;</pre>' in page


def test_the_page_of_a_notebook_that_a_page_can_run_has_a_button_that_opens_it() -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title\n\nText.") for _ in range(2)]
    page = notebooks.page(notebook, "06-debug-a-tool.ipynb")
    address = "../lite/lab/index.html?path=06-debug-a-tool.ipynb"
    button = f'<a class="md-button md-button--primary" href="{address}">'
    assert (page.startswith(f"# Title\n\n{button}"), page.count("<a ")) == (True, 1)
    assert "<a " not in notebooks.page(notebook, "07-serve-and-watch.ipynb")


@pytest.mark.proof
def test_a_run_that_waits_stands_on_its_page_with_its_question(tmp_path: Path) -> None:
    code = (
        "import nbagent\ndef f(): ...\nagent = nbagent.Agent('demo', tools=[f])\n"
        "run = nbagent.show(agent.stream('Call f'), stop_at='f')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "x.ipynb")
    notebooks.write(tmp_path / "notebooks", tmp_path / "pages")
    assert "Stopped at a breakpoint" in (tmp_path / "pages" / "x.md").read_text("utf-8")


def test_an_error_in_a_notebook_stops_the_build() -> None:
    notebook = nbformat.v4.new_notebook()
    failed = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    notebook.cells = [nbformat.v4.new_code_cell("f()", outputs=[failed])]
    with pytest.raises(ValueError, match="ValueError: no"):
        notebooks.page(notebook, "x.ipynb")


def test_the_newest_release_is_the_latest_version(tmp_path: Path) -> None:
    for name in ("dev", "0.9", "0.10", "assets"):
        (tmp_path / name).mkdir()
    versions.write(tmp_path)
    listed = json.loads((tmp_path / "versions.json").read_text())
    assert [(each["version"], each["aliases"]) for each in listed] == [
        ("0.10", ["latest"]),
        ("0.9", []),
        ("dev", []),
    ]
    assert "url=0.10/" in (tmp_path / "index.html").read_text()


def test_llms_txt_lists_the_pages_with_their_first_sentence(tmp_path: Path) -> None:
    sources, site = tmp_path / "sources", tmp_path / "site"
    pages.write(sources)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (sources / "tutorials").mkdir(exist_ok=True)
        (sources / "tutorials" / f"{path.stem}.md").write_text(
            f"# {path.stem}\n\nA tutorial. More."
        )
    llms.write(sources, site)
    text = (site / "llms.txt").read_text("utf-8")
    assert (
        "- [Make a tool ask first](how-to/approvals.md): `@nbagent.tool(approve=True)` holds"
        in text
    )
    assert "```" not in text
    assert "- [Serving](reference/api/serving.md)\n" in text  # which has no sentence of its own
    for place in re.findall(r"\]\((\S+?)\)", text):
        assert (site / place).exists(), place
