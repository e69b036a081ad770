"""`Problem`: a request that is refused, with the status of the response."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from nbagent.errors import NbagentError
from nbagent.gate import secrets


class Problem(NbagentError):
    """A request that is refused. Its message is for the client.

    Args:
        status: HTTP status of the response.
        message: what is wrong, and what to do.
        headers: of the response.

    Attributes:
        status: HTTP status of the response.
        headers: of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the response, without secrets. No browser takes it for anything but JSON."""
        headers = {"x-content-type-options": "nosniff", **(self.headers or {})}
        return JSONResponse({"error": {"message": secrets.mask(str(self))}}, self.status, headers)
