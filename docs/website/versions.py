"""The versions of a published site: `python -m website.versions FOLDER`.

Each version is a folder: `dev` for the main branch, `1.2` for the newest release of that number.
The root leads to the newest release, or to `dev` as long as there is none. The theme's menu of
versions reads `versions.json`, in the form of mike (https://github.com/jimporter/mike).
"""

import json
import re
import sys
from pathlib import Path


def write(folder: Path) -> None:
    """Write the list of a site's versions, and the page that leads to the newest."""
    numbers = [path.name for path in folder.iterdir() if re.fullmatch(r"\d+\.\d+", path.name)]
    numbers.sort(key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    names = [*numbers, "dev"]
    listed = [{"version": name, "title": name, "aliases": []} for name in names]
    listed[0]["aliases"] = ["latest"]
    (folder / "versions.json").write_text(json.dumps(listed, indent=1), "utf-8")
    leads = f'<!doctype html><meta http-equiv="refresh" content="0; url={names[0]}/">\n'
    (folder / "index.html").write_text(leads, "utf-8")
    (folder / ".nojekyll").touch()  # GitHub would leave out folders that begin with "_"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
