"""The architecture: imports point down.

A room imports from lower floors, and a file from the files below it in its room.
"""

import ast
import functools
import graphlib
import itertools
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nbagent"

# Each floor's rooms, the lowest first. A folder is one room, but for what is named here with its
# folder (`run.diff`): that is a room inside a room, on a floor of its own.
FLOORS: list[tuple[str, ...]] = [
    ("printable",),
    ("errors", "other_names"),
    ("protocol", "sources.hints", "sources.asked"),
    ("blocks",),
    ("events", "runtime"),
    ("run_context",),
    ("mime", "render.markup"),
    ("run.diff",),
    ("gate", "transcript", "sources.wire"),
    ("sources.info",),
    ("adapters", "sources", "sources.recording", "pump", "render"),
    ("run.requests", "run.telemetry"),
    ("run.inspector",),
    ("run",),
    ("agent",),
    ("notebook", "demo", "terminal", "notebook.variables"),
    ("notebook.show",),
    ("chat", "notebook.magics", "debug"),
    ("many",),
    ("server",),
    ("__init__",),
    ("cli", "testing"),
    ("__main__",),
]
# The floors inside a room: of its files, or of its folders. What is not named stands on the floor
# marked "*".
INSIDE: dict[str, list[tuple[str, ...]]] = {
    "adapters": [
        ("base",),
        ("*",),
        ("answers", "decoders", "encoders", "one_run"),
        ("detect", "encode"),
        ("__init__",),
    ],
    "run": [
        ("*",),
        ("tool_call",),
        ("attempts",),
        ("state",),
        ("pipeline",),
        ("results",),
        ("steering",),
        ("following",),
        ("forking",),
        ("run",),
        ("run_search",),
        ("registry",),
        ("__init__",),
    ],
    "render": [
        ("files", "durations", "json_text"),
        ("errors", "figures", "labels", "questions", "thoughts", "tree"),
        ("size_budget",),
        ("*",),
        ("html",),
        ("static_copy",),
        ("__init__",),
    ],
    "agent": [
        ("*",),
        ("tools",),
        ("model",),
        ("client_options",),
        ("run", "prompt_parts"),
        ("calls", "fingerprint"),
        ("builtin", "mcp_client"),
        ("agent_loop",),
        ("agent_stream", "recipe"),
        ("sessions", "answers", "subagent"),
        ("agent_parts",),
        ("agent",),
        ("config",),
        ("__init__",),
    ],
    "server": [
        ("*",),
        ("stores",),
        ("hosting",),
        ("access", "request", "ui_messages"),
        ("stream_response", "page"),
        ("pauses",),
        ("socket", "threads", "grpc", "mcp", "openai"),
        ("a2a", "endpoints", "openapi"),
        ("services",),
        ("app",),
        ("server",),
        ("__init__",),
    ],
    "chat": [("partners",), ("chat",), ("__init__",)],
    "many": [
        ("items", "pace", "outcome", "key", "progress", "intervals", "ray_executor"),
        ("rate", "row", "store", "totals"),
        ("agreement", "estimate", "once_calls", "row_text"),
        ("worker",),
        ("worker_stream",),
        ("engine", "frame", "row_pages", "scores"),
        ("compare", "inspect_log", "summary", "table_file"),
        ("table",),
        ("runs",),
        ("call",),
        ("__init__",),
    ],
    "notebook": [
        ("restore", "broadcast", "early_messages", "kernel_context", "static_copy"),
        ("front_end", "place"),
        ("widget",),
        ("publisher",),
        ("run_display",),
        ("jupyter", "marimo"),
        ("__init__",),
    ],
}
# Systems whose streams hold those of another system.
CONTAINS: dict[str, set[str]] = {
    "bedrock": {"anthropic"},
    "claude_agent": {"anthropic"},
    "hector": {"a2a"},
    "openai_agents": {"openai_responses"},
    "openai_assistants": {"openai_chat"},
    "openai_sessions": {"openai_responses"},
    "semantic_kernel": {"openai_chat"},
    "strands": {"bedrock"},
}

# Packages that exactly one module may import, so that a stranger finds at once who speaks to them.
MCP = {
    "agent/mcp_client/connection.py",
    "agent/mcp_client/server_messages.py",
    "server/mcp/call.py",
    "server/mcp/server.py",
}

GUARDED: dict[str, set[str]] = {
    "anywidget": {"notebook/widget.py"},
    "rich": {"render/console.py"},
    "nest_asyncio2": {"runtime/loop.py"},
    "marimo": set(),  # only ever taken from `sys.modules`: whoever runs in it has imported it
    "traitlets": {"notebook/front_end.py", "notebook/widget.py"},
    "markdown_it": {"render/markup/grammar.py"},
    "nh3": {"render/markup/sanitize.py"},
    "latex2mathml": {"render/markup/mathml.py"},
    "regex": {"gate/expressions.py"},
    "pandas": {"run/pandas_module.py"},
    "mcp": MCP,
    "mcp_types": MCP,
    "redis": {"agent/sessions/redis_store.py", "server/stores/redis_connection.py"},
    "opentelemetry": {
        "run/telemetry/setup.py",
        "run/telemetry/run_spans.py",
        "run/telemetry/span_data.py",
    },
    "sqlite3": {
        "agent/builtin/search.py",
        "agent/sessions/sqlite_file.py",
        "agent/sessions/sqlite_store.py",
        "many/store.py",
        "server/stores/sqlite_file.py",
    },
    "pydantic": {"agent/tools/type_reader.py", "agent/tools/conversion.py"},
    "yaml": {"agent/config/yaml.py"},
    "httpx2": {"sources/http.py", "demo/transport.py"},
    "wsproto": {"sources/websocket.py", "server/websocket_connection.py"},
    "grpc": {"sources/grpc.py", "server/grpc/server.py", "server/grpc/hector.py"},
    "langchain_core": {"sources/langchain_stop.py"},
    "grpc_reflection": {"sources/grpc.py", "server/grpc/server.py"},
    "google": {
        "sources/grpc.py",
        "server/grpc/hector.py",
        "server/a2a/answering.py",
        "server/a2a/message.py",
        "server/a2a/tasks.py",
    },
}

# What starts a thread, or blocks one: `runtime/work.py` does it for all others, so that nbagent
# also runs where there are no threads. No page runs a server.
WORK = {
    "threading.Thread",
    "threading.Timer",
    "time.sleep",
    "asyncio.to_thread",
    "concurrent.futures.wait",
    "concurrent.futures.ThreadPoolExecutor",
}
WORKERS = ("runtime/work.py", "server/", "cli/", "demo/server.py")


@functools.cache
def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's name inside the package: `adapters.a2a.decoder`; a package's own file is
    its `__init__`.
    """
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


ROOMS = {room for rooms in FLOORS for room in rooms}
NAMES = {name_of(path) for path in modules()}


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports(path: Path) -> list[str]:
    """Absolute names of everything a module imports at run time, `nbagent`'s own by the module that
    it is in.
    """
    typing_only = {
        id(inner)
        for node in nodes(path)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: list[str] = []
    for node in nodes(path):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path.name}: import with the full name, not `from {'.' * node.level}`"
            )
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@functools.cache
def own_imports(path: Path) -> set[str]:
    """The modules of this package that a module imports."""
    found: set[str] = set()
    for name in imports(path):
        if name != "nbagent" and not name.startswith("nbagent."):
            continue
        inner = name.removeprefix("nbagent").removeprefix(".")
        outer = inner.rpartition(".")[0]
        candidates = (
            inner,
            f"{inner}.__init__".removeprefix("."),
            outer,
            f"{outer}.__init__".removeprefix("."),
        )
        found.add(next(each for each in candidates if each in NAMES))
    return found


def height(name: str, floors: list[tuple[str, ...]]) -> int:
    heights = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    return heights[name] if name in heights else heights["*"]


def room_of(module: str) -> str:
    """Return the room that a module is in: the longest beginning of its name that has a floor, else
    the first word.
    """
    beginnings = list(itertools.accumulate(module.split("."), "{}.{}".format))
    return next((each for each in reversed(beginnings) if each in ROOMS), beginnings[0])


def points_down(module: str, imported: str) -> bool:
    """Return True if a module may import another one by the floors of their rooms, and by those
    inside their room.
    """
    room, other = room_of(module), room_of(imported)
    if other != room:
        return height(other, FLOORS) < height(room, FLOORS)
    inside, others = (name.removeprefix(f"{room}.").split(".") for name in (module, imported))
    if room not in INSIDE or inside[0] == others[0] or others[0] == "__init__":
        return True
    here, there = height(inside[0], INSIDE[room]), height(others[0], INSIDE[room])
    # Files of one floor may share what they do not import in a circle; systems stand apart.
    beside = room != "adapters" or others[0] in CONTAINS.get(inside[0], ())
    return there < here or (there == here and beside)


def test_imports_point_down() -> None:
    pairs = [(name_of(path), name) for path in modules() for name in sorted(own_imports(path))]
    assert [
        f"{module} imports {name}" for module, name in pairs if not points_down(module, name)
    ] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name_of(path): own_imports(path) - {name_of(path)} for path in modules()}
    for name, others in graph.items():
        # A package's own file stands above its modules, which are imported by their full names.
        graph[name] = {
            other
            for other in others
            if not other.endswith("__init__") or other.split(".")[0] != name.split(".")[0]
        }
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_no_folders_import_each_other_in_a_circle() -> None:
    """Also where a folder has rooms on several floors."""
    graph: dict[str, set[str]] = {}
    for path in modules():
        folder = name_of(path).split(".")[0]
        graph.setdefault(folder, set()).update(
            {name.split(".")[0] for name in own_imports(path)} - {folder}
        )
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_every_room_has_a_floor() -> None:
    assert {room_of(name) for name in NAMES} == ROOMS


@pytest.mark.parametrize("package", GUARDED)
def test_a_dependency_is_imported_in_one_place(package: str) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert users <= GUARDED[package]


def uses(path: Path) -> set[str]:
    """Return the functions that a module takes from other modules, by their full names."""
    given = {name.rpartition(".")[2]: name for name in imports(path)}
    found = set(given.values())
    for node in nodes(path):
        if isinstance(node, ast.Attribute):
            owner, _, rest = ast.unparse(node.value).partition(".")
            found.add(".".join(filter(None, (given.get(owner, owner), rest, node.attr))))
    return found


def test_threads_are_started_and_blocked_in_one_place() -> None:
    found = {
        f"{name_of(path)} uses {name}"
        for path in modules()
        if not path.relative_to(PACKAGE).as_posix().startswith(WORKERS)
        for name in uses(path)
        if name in WORK or name.endswith(".run_in_executor")
    }
    assert found == set()


def test_a_run_knows_no_kind_of_source() -> None:
    kinds = {f"run.{name}" for name in ("lanes", "chat_stream", "fallback", "continuation")}
    for module in ("pipeline", "state", "results", "steering", "following", "forking", "run"):
        assert own_imports(PACKAGE / "run" / f"{module}.py") & kinds == set()


def test_the_map_names_every_room() -> None:
    named = re.findall(
        r"^    nbagent/(\w+)", (PACKAGE.parent / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    assert {*named, "__main__"} == {room for room in ROOMS if "." not in room}
