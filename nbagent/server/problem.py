"""`Problem`: a request that is refused, with the status of the response."""

from nbagent.errors import NbagentError


class Problem(NbagentError):
    """A request that is refused. Its message is for the client.

    Args:
        status: HTTP status of the response.
        message: what is wrong, and what to do.

    Attributes:
        status: HTTP status of the response.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
