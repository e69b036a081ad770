"""Which encoder writes for a system."""

from nbagent.encoders.ag_ui import AguiEncoder
from nbagent.encoders.agentor import AgentorEncoder
from nbagent.encoders.dexto import DextoEncoder
from nbagent.encoders.encoder import BaseEncoder, Encoder
from nbagent.encoders.hector import HectorEncoder
from nbagent.encoders.openai_assistants import AssistantsEncoder, NearEncoder
from nbagent.encoders.openai_chat import ChatEncoder
from nbagent.encoders.openai_responses import ResponsesEncoder
from nbagent.encoders.status_tokens import StatusTokensEncoder
from nbagent.encoders.vercel_ui import VercelEncoder, VercelV5Encoder
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
