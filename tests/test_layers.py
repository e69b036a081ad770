"""The architecture: imports point down. A file may import from lower floors, never from its own or a higher one."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nbagent"

# Each floor's rooms; a folder is one room, inside which files may import each other.
FLOORS: list[tuple[str, ...]] = [
    ("events", "errors", "plain", "secrets", "growing", "moment"),
    ("mime", "loop", "kernel", "tags", "wire", "block", "markup"),
    ("transcript", "gate", "interrupt", "eventlog", "documents"),
    ("adapters", "encoders", "pump", "sources", "recording", "toolcall", "follow", "privacy"),
    ("inspector",),
    ("outcome", "lanes", "fallback", "timeouts", "buffered", "progress"),
    ("run", "agent"),
    ("faces", "demo"),
    ("cell", "marimo"),
    ("show",),
    ("__init__",),
    ("cli",),
    ("__main__",),
]
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Packages that exactly one module may import, so that a stranger finds at once who speaks to them.
GUARDED: dict[str, set[str]] = {
    "anywidget": {"faces/widget.py"},
    "rich": {"faces/console.py"},
    "nest_asyncio2": {"loop.py"},
    "marimo": set(),  # only ever taken from `sys.modules`: whoever runs in it has imported it
    "traitlets": {"faces/widget.py"},
    "markdown_it": {"markup/grammar.py"},
    "regex": {"gate/patterns.py"},
    "pandas": {"outcome.py"},
    "httpx2": {"sources/http.py"},
    "wsproto": {"sources/websocket.py"},
    "grpc": {"sources/grpc.py"},
    "grpc_reflection": {"sources/grpc.py"},
    "google": {"sources/grpc.py"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> list[str]:
    """Absolute names of everything a module imports at run time."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: import with the full name, not `from {'.' * node.level}`"
            module = node.module or ""
            names += [f"{module}.{alias.name}" for alias in node.names] if module == "nbagent" else [module]
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        if not name.startswith("nbagent."):
            continue
        other = name.split(".")[1]
        if other != room:
            assert HEIGHT[other] < HEIGHT[room], f"{path.relative_to(PACKAGE)} (floor {HEIGHT[room]}) imports {other}"


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in modules()} <= HEIGHT.keys()


@pytest.mark.parametrize("package", GUARDED)
def test_a_dependency_is_imported_in_one_place(package: str) -> None:
    users = {
        str(path.relative_to(PACKAGE)) for path in modules() if any(name.split(".")[0] == package for name in imports(path))
    }
    assert users <= GUARDED[package]
