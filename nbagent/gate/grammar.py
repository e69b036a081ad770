"""`Grammar`: the forms that count as a tag in the texts of one run."""

from collections.abc import Iterable

from nbagent.gate.form import Form
from nbagent.gate.matcher import openers_of, openers_with_tools
from nbagent.gate.tag_options import NO_TAGS, TagOptions


class Grammar:
    """Rules for the tags in the texts of one run.

    Args:
        options: of `tags=`.
        is_complete: as the attribute, at the beginning.

    Attributes:
        openers: that are looked for.
        names: of the run's tools, as far as they are known.
        is_complete: whether these are all, so that a call of another name is none.
    """

    def __init__(self, options: TagOptions = NO_TAGS, *, is_complete: bool = False) -> None:
        self.openers = openers_of(options.forms)
        self.names: frozenset[str] = frozenset()
        self.is_complete = is_complete
        self._own = options.forms
        self._asked = options.families

    def learn(self, names: Iterable[str]) -> None:
        """Add names of the run's tools."""
        names = self.names.union(names)
        if names != self.names:
            self.names = names
            self.openers = openers_with_tools(self._own, names)

    @property
    def watches_lines(self) -> bool:
        """True if a call may begin at any line of a text."""
        return bool(self.names or self._asked)

    def asks(self, form: Form) -> bool:
        """Return True if `tags=` asks for the family of a form."""
        return form.family in self._asked

    def knows(self, name: str) -> bool:
        """Return True if the run has a tool of that name, which Kimi numbers: `functions.f:0`."""
        name = name.removeprefix("functions.")
        return name in self.names or name.rpartition(":")[0] in self.names
