"""Which encoder writes for a system."""

from nbagent.adapters.ag_ui.encoder import AguiEncoder
from nbagent.adapters.agentor.encoder import AgentorEncoder
from nbagent.adapters.base.encoder import BaseEncoder, Encoder
from nbagent.adapters.dexto.encoder import DextoEncoder
from nbagent.adapters.hector.encoder import HectorEncoder
from nbagent.adapters.openai_assistants.encoder import AssistantsEncoder, NearEncoder
from nbagent.adapters.openai_chat.encoder import ChatEncoder
from nbagent.adapters.openai_responses.encoder import ResponsesEncoder
from nbagent.adapters.status_tokens.encoder import StatusTokensEncoder
from nbagent.adapters.vercel_ui.encoder import VercelEncoder, VercelV5Encoder
from nbagent.errors import UnknownSystem

# One line per encoder.
ENCODERS: tuple[type[BaseEncoder], ...] = (
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
)
ALIASES = {"vercel": "vercel.ui", "vercel.v5": "vercel.ui.v5", "ag-ui": "ag_ui"}


def encoder_named(system: str) -> Encoder:
    """A new encoder by the system's name, such as "openai.chat" or "vercel.ui", for one run.

    Raises:
        UnknownSystem: there is none; the message names those that there are.
    """
    wanted = ALIASES.get(system, system)
    for encoder in ENCODERS:
        if encoder.system == wanted:
            return encoder()
    raise UnknownSystem(
        f"No encoder is called {system!r}. Events can be told to: {', '.join(encoder.system for encoder in ENCODERS)}."
    )
