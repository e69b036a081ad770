"""The tool `write_file`."""

import os
import secrets
import shutil
from pathlib import Path

from nbagent.agent.builtin.folder import Folder
from nbagent.agent.tools.decorator import AnyToolFunction, tool
from nbagent.errors import ToolError


def write_file(folder: str | Path = ".") -> AnyToolFunction:
    """Return a tool that writes a text file, after asking.

    A file appears complete or not at all, and one that exists is replaced. Its folders are made. A
    path that leads out of the folder is refused, also by `..`, from the root, or over a symbolic
    link.

    Args:
        folder: the folder that it writes in, relative to the working directory.

    Raises:
        ToolError: there is no such folder.
    """
    inside = Folder(folder)

    @tool(name="write_file", approve=True)
    def write(path: str, content: str) -> str:
        """Write a text file. A file that exists is replaced. The user is asked first.

        Args:
            path: path of the file, relative to the working folder, such as "src/hello.py".
            content: the whole text of the file.
        """
        target = inside.file(path)
        if target.is_dir():
            raise ToolError(f"{path!r} is a folder")
        existed = target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        _replace(target, data)
        return (
            f"{'Replaced' if existed else 'Wrote'} {path}: {len(data):,} bytes, "
            f"{len(content.splitlines()):,} lines"
        )

    return write


def _replace(target: Path, data: bytes) -> None:
    """Write a file beside the target, and put it in its place at once."""
    beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
