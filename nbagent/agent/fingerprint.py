"""Description of an agent, as JSON that changes when anything does that its answers come from."""

from typing import Any

from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.tool import AnyTool
from nbagent.runtime.function_source import describe_function


def describe_params(params: RunParams, seen: frozenset[str] = frozenset()) -> list[Any]:
    """Return the parameters of a run that its answer depends on.

    They are the model, the instructions, the settings, the number of steps, the form of the answer,
    and of each tool and hand-off what it is made of. The address of the model is not among them:
    the demo model has another one in each process.

    Args:
        params: the parameters.
        seen: names of the agents that are described already.
    """
    own = seen | {params.name}
    handoffs = [
        [name, describe_params(each.params(), own)]
        for name, each in params.handoffs.items()
        if each.name not in own
    ]
    return [
        params.connection.model,
        params.instructions,
        params.settings,
        params.max_steps,
        None if params.output is None else params.output.schema,
        [_describe_tool(tool) for tool in params.tools.values()],
        [toolset.label for toolset in params.toolsets],
        handoffs,
    ]


def _describe_tool(tool: AnyTool) -> list[Any]:
    return [tool.name, tool.description, tool.schema, describe_function(tool.function)]
