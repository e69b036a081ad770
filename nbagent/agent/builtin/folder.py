"""`Folder`: the folder that a tool is confined to."""

from pathlib import Path

from nbagent.errors import ToolError


class Folder:
    """A folder, and the files in it.

    Args:
        path: of the folder; relative to the working directory of this moment. `~` is not expanded.

    Attributes:
        path: absolute, without symbolic links.

    Raises:
        ToolError: there is no such folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).resolve()
        if not self.path.is_dir():
            raise ToolError(
                f"there is no folder {str(path)!r}, which the tool would be confined to"
            )

    def file(self, path: str) -> Path:
        """Return the absolute path of a file in the folder; the file need not exist.

        Symbolic links and `..` are followed first, so what counts is the place that they lead to.
        `~` and variables are ordinary characters.

        Args:
            path: relative to the folder.

        Raises:
            ToolError: it leads out of the folder, or to the folder itself.
        """
        try:
            target = (self.path / path).resolve()
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:
            # A NUL, a name that is too long, a circle of links.
            raise ToolError(f"{path!r} is no path of a file: {error}") from error
        if target == self.path or not target.is_relative_to(self.path):
            raise ToolError(
                f"{path!r} is not in the folder that this tool is confined to; give a path "
                "relative to it"
            )
        return target
