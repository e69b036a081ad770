"""The process that a served run belongs to."""

import os
from pathlib import Path


def owner_id() -> str:
    """Return an id of this process that no later one has: its number, and when it began."""
    return f"{os.getpid()}:{_began(os.getpid())}"


def is_alive(owner: str) -> bool:
    """Return True if the process of that id may still run on this machine."""
    number, _, began = owner.partition(":")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True  # it is another user's, or not of this kind
    return _began(int(number)) == began


def _began(pid: int) -> str:
    """Return when a process began; "" where the system does not tell."""
    try:
        # Fields 3 and 22 of proc(5)'s stat; the name before them may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"ended:{pid}" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""
