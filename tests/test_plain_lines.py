"""Lines that a reader takes in once: what ruff has no rule for."""

import ast
import functools
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "nbagent"
MAX_PER_100_LINES = 2
"""Conditional expressions in 100 lines of code; well-kept packages have some one."""


@functools.cache
def modules() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(modules()[path])))


def lines_of_code(path: Path) -> int:
    """Count the lines that are neither empty nor a comment nor a text that stands alone."""
    lines = {
        number
        for number, line in enumerate(modules()[path].splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_no_conditional_expression_stands_in_another() -> None:
    nested = [
        f"{path.relative_to(PACKAGE)}:{inner.lineno}"
        for path in modules()
        for outer in nodes(path)
        if isinstance(outer, ast.IfExp)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.IfExp) and inner is not outer
    ]
    assert nested == []


def test_conditional_expressions_are_rare() -> None:
    found = sum(isinstance(node, ast.IfExp) for path in modules() for node in nodes(path))
    assert 100 * found / sum(map(lines_of_code, modules())) <= MAX_PER_100_LINES
