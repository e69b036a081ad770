"""The agent card: what an agent is, and where it is reached.

Source: https://a2a-protocol.org/latest/specification/#441-agentcard.
"""

from collections.abc import Iterable
from importlib.metadata import version

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)

INPUT_TYPES = ["text/plain", "text/markdown", "application/json"]
OUTPUT_TYPES = ["text/plain"]


def interfaces_at(url: str, name: str, grpc_address: str | None) -> list[AgentInterface]:
    """Return the ways to an agent, the preferred one first.

    Version 0.3 is left out, for which the SDK adds fields of its card.

    Args:
        url: of the agent.
        name: of the agent.
        grpc_address: `host:port` of the gRPC server; None if there is none.
    """
    made = [
        AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"),
        AgentInterface(url=url, protocol_binding="HTTP+JSON", protocol_version="1.0"),
    ]
    if grpc_address is not None:
        made.append(
            AgentInterface(
                url=grpc_address, protocol_binding="GRPC", protocol_version="1.0", tenant=name
            )
        )
    return made


def card_of(
    name: str, description: str, interfaces: Iterable[AgentInterface], *, needs_token: bool = False
) -> AgentCard:
    """Return the card of an agent. Its instructions and its tools are not in it.

    Args:
        name: that the agent is served under.
        description: of the agent.
        interfaces: ways to it.
        needs_token: whether requests have to bear a token.
    """
    card = AgentCard(
        name=name,
        description=description,
        version=version("jupyter-nbagent"),
        supported_interfaces=interfaces,
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=INPUT_TYPES,
        default_output_modes=OUTPUT_TYPES,
        skills=[AgentSkill(id=name, name=name, description=description, tags=["chat"])],
    )
    if needs_token:
        scheme = SecurityScheme(http_auth_security_scheme=HTTPAuthSecurityScheme(scheme="Bearer"))
        card.security_schemes["token"].CopyFrom(scheme)
        card.security_requirements.append(SecurityRequirement(schemes={"token": StringList()}))
    return card
