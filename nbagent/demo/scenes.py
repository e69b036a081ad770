"""The scenes of the demo model: texts with gaps, which `scenes.toml` has."""

import re
import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from nbagent.demo.conversation import Json

_FORMULA = re.compile(r"(?s)\$\$.+?\$\$")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")


class Situation(NamedTuple):
    """Situation that a scene has to fit.

    Attributes:
        prompt: the user's.
        called: names of the tools that the prompt asks for.
        offers_tools: whether there are tools at all.
    """

    prompt: str
    called: list[str]
    offers_tools: bool


class Scene(msgspec.Struct, forbid_unknown_fields=True):
    """A scene of `scenes.toml`, which explains the fields."""

    answer: str
    prompt: str = ""
    calls: list[str] | None = None
    offers_tools: bool = False
    thoughts: tuple[str, ...] = (
        "**Looking it up**\n\nThis one is in my script. I read it out, word for word.",
    )

    def fits(self, situation: Situation) -> bool:
        """Return True if the scene may be played."""
        if self.offers_tools and not situation.offers_tools:
            return False
        if not self._fits_calls(situation.called):
            return False
        return re.search(self.prompt, situation.prompt, re.IGNORECASE | re.DOTALL) is not None

    def _fits_calls(self, called: list[str]) -> bool:
        if self.calls:
            return self.calls == called
        return bool(called) == (self.calls == [])

    def thought(self, made: int, *, is_last: bool, names: Json) -> str:
        """Return the thought before a response.

        Args:
            made: number of the calls so far.
            is_last: whether the response is the answer.
            names: what fills the gaps.

        Raises:
            LookupError, AttributeError, ValueError: it quotes what no tool returned.
        """
        last = len(self.thoughts) - 1
        return self.thoughts[last if is_last else min(made, last - 1)].format(**names)

    def text(self, names: Json) -> str:
        """Return the answer, with its gaps filled.

        Raises:
            LookupError, AttributeError, ValueError: it quotes what no tool returned.
        """
        return _FORMULA.sub(_without_spaces, self.answer.format(**names).strip())


def _without_spaces(formula: re.Match[str]) -> str:
    """Return a formula whose commas in numbers make no space."""
    return _THOUSANDS.sub("{,}", formula[0])


_DATA: dict[str, Any] = tomllib.loads(
    files("nbagent.demo").joinpath("scenes.toml").read_text("utf-8")
)
SCENES = msgspec.convert(_DATA["scenes"], list[Scene])
"""All scenes; the first one that fits is played, and the last ones fit any conversation."""

SIGNATURE: str = _DATA["signature"]
"""The last line of each answer."""
