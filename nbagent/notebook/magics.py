"""`%%agent`: a cell whose text is a prompt. `%load_ext nbagent` makes it known to IPython."""

import base64
import os
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from nbagent import demo
from nbagent.agent import Agent
from nbagent.agent.model.client import register_model
from nbagent.agent.prompt_parts import image
from nbagent.errors import did_you_mean
from nbagent.gate.levels import LEVELS
from nbagent.notebook.show import show
from nbagent.notebook.variables import filled


@magics_class
class AgentMagics(Magics):
    """The magics of nbagent."""

    _own: Agent | None = None

    @magic_arguments()  # type: ignore[untyped-decorator]  # IPython's have no types
    @argument(
        "--agent",
        "-a",
        help="variable that holds the agent; by default `agent`, else NBAGENT_MODEL or the demo "
        "model",
    )  # type: ignore[untyped-decorator]
    @argument(
        "--session",
        "-s",
        help="name of the agent's session that the prompt belongs to; by default none",
    )  # type: ignore[untyped-decorator]
    @argument("--reveal", "-r", choices=LEVELS, default="thinking", help="what may be seen")  # type: ignore[untyped-decorator]
    @argument("--out", "-o", help="variable that gets the run")  # type: ignore[untyped-decorator]
    @cell_magic
    def agent(self, line: str, cell: str) -> None:
        """Ask an agent, and show its answer below the cell.

        `{name}` in the prompt takes the variable of that name.
        """
        options = parse_argstring(self.agent, line)
        agent = self._agent(options.agent)
        text, pictures = filled(cell.strip(), self._variables)
        if not text:
            raise UsageError("%%agent: the cell has no prompt; write it below this line")
        prompt: str | list[Any] = text
        if pictures:
            prompt = [text, *(image(base64.b64decode(each["data"])) for each in pictures)]
        asked = agent.session(options.session) if options.session else agent
        run = show(asked.stream(prompt), reveal=options.reveal)
        if options.out:
            self._variables[options.out] = run

    @property
    def _variables(self) -> dict[str, Any]:
        assert self.shell is not None
        variables: dict[str, Any] = self.shell.user_ns
        return variables

    def _agent(self, name: str | None) -> Agent:
        variables = self._variables
        found = variables.get(name or "agent")
        if isinstance(found, Agent):
            return found
        if name is not None:
            agents = [
                each
                for each, value in variables.items()
                if isinstance(value, Agent) and not each.startswith("_")
            ]
            what = f"there is no variable {name}"
            if name in variables:
                what = f"{name} is no agent, but {found!r:.80}"
            raise UsageError(f"%%agent: {what}{did_you_mean(name, agents)}")
        if self._own is None:
            register_model("demo", demo.demo_model)
            self._own = Agent(os.environ.get("NBAGENT_MODEL", "demo"))
        return self._own
