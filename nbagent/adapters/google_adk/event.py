"""`AdkEvent`: the fields of one event that its decoder reads more than once."""

from dataclasses import dataclass
from typing import Any

from nbagent.adapters.base.fields import entries_in, get_field, get_str, nonempty_str
from nbagent.adapters.google_adk.fields import enum_value, get_either_case


@dataclass(frozen=True, slots=True)
class AdkEvent:
    """An event of the Agent Development Kit, read.

    Attributes:
        item: the event itself.
        author: name of the agent, or "user".
        model: name of the model.
        parts: of its content.
        is_users: whether its content has the user's role, as tools' results have.
        is_partial: whether it is a delta.
        actions: what it does besides.
        reason: why the response ended.
    """

    item: Any
    author: str | None
    model: str | None
    parts: list[Any]
    is_users: bool
    is_partial: bool
    actions: Any
    reason: str | None

    @classmethod
    def of(cls, item: Any) -> "AdkEvent":
        """Read an event."""
        content = get_field(item, "content")
        return cls(
            item,
            author=get_str(item, "author"),
            model=nonempty_str(get_either_case(item, "modelVersion")),
            parts=[part for part in entries_in(content, "parts") if part is not None],
            is_users=get_field(content, "role") == "user",
            is_partial=bool(get_field(item, "partial")),
            actions=get_field(item, "actions"),
            reason=enum_value(get_either_case(item, "finishReason")),
        )

    def get(self, name: str) -> Any:
        """Return a field by its name on the wire; see `get_either_case`."""
        return get_either_case(self.item, name)

    @property
    def has_calls(self) -> bool:
        """True if one of the parts calls a tool."""
        return any(get_either_case(part, "functionCall") is not None for part in self.parts)
