"""Name of a stream, as its header shows it."""

from typing import Literal

from nbagent import events as e

NameOrigin = Literal["function", "stream", "user"]


class StreamName:
    """Name of a stream: the user's, else its agent's, else its own, else its model's.

    Args:
        text: the name until the stream sends one.
        origin: where `text` is from. The user's stays whatever the stream sends. That of a stream
            gives way to the agent's. That of a function, which may be an SDK's such as `create`,
            gives way to the model's too.

    Attributes:
        text: the name now.
        model: the first model that the stream has named; None if it has named none.
    """

    def __init__(self, text: str, origin: NameOrigin) -> None:
        self.text = text
        self.model: str | None = None
        self._origin: NameOrigin | Literal["agent"] = origin

    def feed(self, event: e.RunStart | e.StepStart) -> bool:
        """Take the agent's name or the model's from a start. A sub-agent's are not the stream's.

        Returns:
            True if the name has changed.
        """
        before = self.text
        is_own = event.parent_id is None
        if event.model is not None and self.model is None:
            self.model = event.model
            if self._origin == "function" and is_own:
                self.text = event.model
        if isinstance(event, e.RunStart):
            agent, gives_way = event.name, self._origin in ("function", "stream")
        else:
            agent, gives_way = event.agent, self._origin == "function"
        if agent and gives_way and is_own:
            self._origin, self.text = "agent", agent
        return self.text != before
