"""`ModelSource`: an agent's model, live or recorded, and the connections of its runs."""

import threading
from typing import Any

import openai

from nbagent.agent.model.apis import ApiName
from nbagent.agent.model.client import check_model
from nbagent.agent.model.connection import Connection, Unconnected
from nbagent.agent.model.recorded_connection import Model, RecordedConnection, label, recording_of
from nbagent.errors import NbagentError


class ModelSource:
    """The model of an agent: a live one, a recording, or a recording that a live one follows.

    Args:
        model: as for `nbagent.Agent`.
        client: as for `nbagent.Agent`.
        api: as for `nbagent.Agent`.

    Attributes:
        name: of the model, or of the recording.

    Raises:
        NbagentError: one of them is not valid.
    """

    def __init__(
        self, model: Model, client: openai.AsyncOpenAI | None, api: ApiName | None
    ) -> None:
        self._recording, self._live = recording_of(model)
        is_only_recorded = self._recording is not None and self._live is None
        check_model("recorded" if is_only_recorded else self._live, client, api)
        self._client = client
        self._api = api
        self.name: str = self._live if self._recording is None else label(self._recording)
        self._connection: Connection | None = None
        self._connecting = threading.Lock()

    @property
    def is_recorded(self) -> bool:
        """True if the model is a recording, or begins with one."""
        return self._recording is not None

    def with_model(self, model: Model) -> "ModelSource":
        """Return the source of another model, with the same client.

        Raises:
            NbagentError: the model is not valid.
        """
        return ModelSource(model, self._client, self._api)

    def connection(self) -> Connection | RecordedConnection:
        """Return the connection of a run: that of all runs to a live model, a new one to a
        recording.
        """
        if self._recording is None:
            return self._live_connection()
        live = None if self._live is None else self._live_connection
        return RecordedConnection(self._recording, live)

    def _live_connection(self) -> Connection:
        model: Any = self._live
        with self._connecting:
            if self._connection is None:
                try:
                    self._connection = self._connect(model)
                except NbagentError as error:
                    # Of the environment, which may change before the next run.
                    return Unconnected(model, str(error))
            return self._connection

    def _connect(self, model: str) -> Connection:
        return Connection(model, self._client, self._api)
