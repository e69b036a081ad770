"""Builds the site: `python -m website FOLDER`, with `docs` in PYTHONPATH."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from website import lite, llms, notebooks, pages, players

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def build(folder: Path) -> None:
    """Build the site.

    Args:
        folder: that gets the site. What it held before is removed.
    """
    work = folder.with_name(f"{folder.name}-pages")
    shutil.rmtree(work, ignore_errors=True)
    sources = work / "docs"
    shutil.copytree(HERE / "assets", sources / "assets")
    players.write(sources / "assets" / "players")
    (sources / "assets" / "view").mkdir()
    for module in sorted((ROOT / "nbagent" / "static").glob("*.js")):
        shutil.copy(module, sources / "assets" / "view" / module.name)
    notebooks.write(ROOT / "notebooks", sources / "tutorials")
    pages.write(sources)
    settings = yaml.safe_load((HERE / "site.yml").read_text("utf-8"))
    settings |= {"nav": pages.navigation(), "docs_dir": "docs", "site_dir": "site"}
    python = settings["plugins"][1]["mkdocstrings"]["handlers"]["python"]
    python["paths"] = [str(ROOT)]
    (work / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
    zensical = Path(sys.executable).with_name("zensical")
    # mkdocstrings imports website.signatures.
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [str(zensical), "build", "--clean", "--strict"]
    subprocess.run(command, cwd=work, env=environment, check=True)
    llms.write(sources, work / "site")
    lite.build(work / "site" / "lite", ROOT / "notebooks")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(work / "site", folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
