"""Lines that a reader takes in once: what ruff has no rule for."""

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "nbagent"
MAX_PER_100_LINES = 2
"""Conditional expressions in 100 lines of code; well-kept packages have some one."""

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def conditional_expressions(tree: ast.AST) -> list[ast.IfExp]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.IfExp)]


def lines_of_code(text: str) -> int:
    """Count the lines that are neither empty nor a comment nor a text that stands alone."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_no_conditional_expression_stands_in_another() -> None:
    nested = [
        f"{path.relative_to(PACKAGE)}:{inner.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for outer in conditional_expressions(ast.parse(path.read_text("utf-8")))
        for inner in conditional_expressions(outer)
        if inner is not outer
    ]
    assert nested == []


def test_conditional_expressions_are_rare() -> None:
    texts = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
    found = sum(len(conditional_expressions(ast.parse(text))) for text in texts)
    assert 100 * found / sum(map(lines_of_code, texts)) <= MAX_PER_100_LINES
