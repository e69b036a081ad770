"""Requests of the code inside a run to a model: what was sent, what changed since the last one, and the response on the wire.

watch, transport (copies what passes) ──▶ HTTPExchange ──▶ RequestLog (keeps each message once) ──▶ Request (reads it)
"""

from nbagent.requests.log import RequestLog
from nbagent.requests.outline import outline
from nbagent.requests.request import Request, RequestList
from nbagent.requests.tokens import Tokens
from nbagent.requests.watch import watch

__all__ = ["Request", "RequestList", "RequestLog", "Tokens", "outline", "watch"]
