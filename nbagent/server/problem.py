"""`Problem`: a request that is refused, with the status of the response.

The response has the form of OpenAI's errors
(https://platform.openai.com/docs/guides/error-codes/api-errors), which its clients read.
"""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from nbagent.errors import NbagentError
from nbagent.gate import secrets

NO_RETRY = {"x-should-retry": "false"}
"""Header of a response whose request would begin another run: OpenAI's clients send a request that
met a 409, 429 or 5xx again, unless it says not to.
"""

_TYPES = {403: "permission_error", 409: "conflict_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 413: "request_too_large", 429: "rate_limit_exceeded"}


class Problem(NbagentError):
    """A request that is refused. Its message is for the client.

    Args:
        status: HTTP status of the response.
        message: what is wrong, and what to do.
        headers: of the response.
        param: name of the parameter that is wrong; None if it is none of them.
        code: word for the reason, for programs; by default that of the status, if there is one.

    Attributes:
        status: HTTP status of the response.
        headers: of the response.
        param: as given.
        code: word for the reason, or None.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.param = param
        self.code = code or _CODES.get(status)

    @property
    def type(self) -> str:
        """Kind of the error."""
        if self.status >= 500:
            return "server_error"
        return _TYPES.get(self.status, "invalid_request_error")

    def response(self) -> JSONResponse:
        """Return the response, without secrets. No browser takes it for anything but JSON."""
        headers = {"x-content-type-options": "nosniff", **(self.headers or {})}
        error = {
            "message": secrets.mask(str(self)),
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return JSONResponse({"error": error}, self.status, headers)
