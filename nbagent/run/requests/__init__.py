"""Requests of the code inside a run to a model: what was sent, what changed since the last one, and
the response on the wire.

watch, transport (copies what passes) ──▶ HTTPExchange ──▶ RequestLog (keeps each message once) ──▶
Request (reads it)
"""

from nbagent.run.requests.carried import carried
from nbagent.run.requests.form import messages_schema, request_form
from nbagent.run.requests.log import RequestLog, requested_tools
from nbagent.run.requests.outline import outline
from nbagent.run.requests.request import Request
from nbagent.run.requests.request_list import RequestList
from nbagent.run.requests.tokens import Tokens
from nbagent.run.requests.watch import watch

__all__ = [
    "Request",
    "RequestList",
    "RequestLog",
    "Tokens",
    "carried",
    "messages_schema",
    "outline",
    "request_form",
    "requested_tools",
    "watch",
]
