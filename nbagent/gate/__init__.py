"""The gate: what may be seen. Hidden content stops here and exists nowhere downstream."""

from nbagent.gate.gate import Gate
from nbagent.gate.levels import LEVELS, Reveal
from nbagent.gate.toolrules import Hide

__all__ = ["LEVELS", "Gate", "Hide", "Reveal"]
