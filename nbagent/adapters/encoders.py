"""Registry of the encoders, by the name of the system."""

import functools

from nbagent.adapters import plugins
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.errors import UnknownSystem, did_you_mean

ALIASES = {"vercel": "vercel.ui", "vercel.v5": "vercel.ui.v5", "ag-ui": "ag_ui"}
"""Other names of systems."""


@functools.cache
def encoders() -> tuple[type[BaseEncoder], ...]:
    """Return nbagent's own encoders. They are imported by the first call, not with nbagent."""
    from nbagent.adapters.ag_ui.encoder import AguiEncoder
    from nbagent.adapters.agentor.encoder import AgentorEncoder
    from nbagent.adapters.dexto.encoder import DextoEncoder
    from nbagent.adapters.hector.encoder import HectorEncoder
    from nbagent.adapters.nbagent_events.encoder import EventsEncoder
    from nbagent.adapters.openai_assistants.encoder import AssistantsEncoder, NearEncoder
    from nbagent.adapters.openai_chat.encoder import ChatEncoder
    from nbagent.adapters.openai_responses.encoder import ResponsesEncoder
    from nbagent.adapters.status_tokens.encoder import StatusTokensEncoder
    from nbagent.adapters.vercel_ui.encoder import VercelEncoder, VercelV5Encoder

    return (
        VercelEncoder,
        VercelV5Encoder,
        AguiEncoder,
        ChatEncoder,
        ResponsesEncoder,
        AssistantsEncoder,
        NearEncoder,
        DextoEncoder,
        HectorEncoder,
        AgentorEncoder,
        StatusTokensEncoder,
        EventsEncoder,
    )


def encoder_named(system: str) -> BaseEncoder:
    """Return a new encoder for one run.

    Args:
        system: name or alias of the system, such as "openai.chat" or "vercel".

    Raises:
        UnknownSystem: no encoder has that name; the message lists the names.
        BrokenAdapter: another package has an encoder of that name, which cannot be imported.
    """
    name = ALIASES.get(system, system)
    for encoder in encoders():
        if encoder.system == name:
            return encoder()
    other = plugins.load_named(plugins.ENCODERS, name, BaseEncoder)
    if other is not None:
        return other()
    known = [encoder.system for encoder in encoders()] + plugins.names(plugins.ENCODERS)
    raise UnknownSystem(
        f"No encoder is called {system!r}{did_you_mean(system, known) or '.'} Known systems: "
        f"{', '.join(known)}."
    )
