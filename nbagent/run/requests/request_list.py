"""`RequestList`: the requests of a run."""

from typing import SupportsIndex, overload

from nbagent.run.requests.request import Request
from nbagent.run.requests.request_table import requests_table


class RequestList(list[Request]):
    """Requests, in order. A cell that ends in it shows a table."""

    @overload
    def __getitem__(self, key: SupportsIndex) -> Request: ...
    @overload
    def __getitem__(self, key: slice) -> "RequestList": ...
    def __getitem__(self, key: SupportsIndex | slice) -> "Request | RequestList":
        """Return a request by its position, from 0, or several by a slice."""
        if isinstance(key, slice):
            return RequestList(super().__getitem__(key))
        return super().__getitem__(key)

    def __repr__(self) -> str:
        return "\n".join(f"{index}: {request!r}" for index, request in enumerate(self)) or "[]"

    def _repr_html_(self) -> str:
        if self:
            return requests_table(self)
        return "No request was kept."
