"""Ids of processes of this machine."""

import os
import secrets
from pathlib import Path


def owner_id() -> str:
    """Return a new id of this process: its number, its start and a random part.

    Others see from it whether it still runs.
    """
    return f"{os.getpid()}:{_began(os.getpid())}:{secrets.token_hex(4)}"


def is_alive(owner: str) -> bool:
    """Return True if the process of that id may still run on this machine."""
    number, began, *_ = *owner.split(":"), ""
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True  # it is another user's, or not of this kind
    return _began(int(number)) == began


def _began(pid: int) -> str:
    """Return when a process began; "" where the system does not say."""
    try:
        # Fields 3 and 22 of proc(5)'s stat; the name before them may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "ended" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""
