"""The gate: decides what may be seen. Hidden content stops here and exists nowhere downstream.

An event passes `levels` (how much of a run may be seen), `commentary` and `toolrules` (the reader's
rules), and `redact`, which masks the reader's `patterns` and the credentials of `secrets`. Of a
text, `tags` takes out the thoughts and calls that `families` lists.
"""

from nbagent.blocks.kind import Reveal
from nbagent.gate.gate import Gate
from nbagent.gate.levels import LEVELS
from nbagent.gate.tag_options import Tags
from nbagent.gate.toolrules import Hide

__all__ = ["LEVELS", "Gate", "Hide", "Reveal", "Tags"]
