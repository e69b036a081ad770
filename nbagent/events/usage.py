"""Sum of token counts of which one may not be known."""

from nbagent.protocol.parts import Usage


def add_usage(left: Usage | None, right: Usage | None) -> Usage | None:
    """Return the sum of two usages; the other one if one is None."""
    if left is None:
        return right
    if right is None:
        return left
    return left + right
