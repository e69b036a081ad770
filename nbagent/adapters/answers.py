"""Lookup of the form in which a system takes answers, by the system's name."""

import functools

from nbagent.adapters import plugins
from nbagent.adapters.base.answers import AnswerForm
from nbagent.adapters.base.served_question import ServedAnswers
from nbagent.errors import BrokenAdapter

_NONE = AnswerForm()


@functools.cache
def _forms() -> dict[str, AnswerForm]:
    from nbagent.adapters.a2a.answers import A2AAnswers
    from nbagent.adapters.acp.answers import AcpAnswers
    from nbagent.adapters.ag_ui.answers import AguiAnswers
    from nbagent.adapters.dexto.answers import DextoAnswers
    from nbagent.adapters.langchain.answers import LangGraphAnswers
    from nbagent.adapters.mcp.answers import McpAnswers
    from nbagent.adapters.nbagent_events.answers import EventAnswers
    from nbagent.adapters.openai_agents.answers import AgentsAnswers
    from nbagent.adapters.openai_assistants.answers import AssistantsAnswers
    from nbagent.adapters.openai_responses.answers import ResponsesAnswers
    from nbagent.adapters.pydantic_ai.answers import PydanticAIAnswers
    from nbagent.adapters.vercel_ui.answers import VercelAnswers

    forms: tuple[type[AnswerForm], ...] = (
        A2AAnswers,
        AcpAnswers,
        AgentsAnswers,
        AguiAnswers,
        AssistantsAnswers,
        DextoAnswers,
        EventAnswers,
        LangGraphAnswers,
        McpAnswers,
        PydanticAIAnswers,
        ResponsesAnswers,
        ServedAnswers,
        VercelAnswers,
    )
    return {system: form() for form in forms for system in form.systems}


@functools.cache
def answer_form(system: str) -> AnswerForm:
    """Return the form in which a system takes answers; for a system without one, the form that has
    no way.
    """
    own = _forms().get(system)
    return own or _form_of_other_package(system) or _NONE


def _form_of_other_package(system: str) -> AnswerForm | None:
    try:
        form = plugins.load_named(plugins.ANSWERS, system, AnswerForm)
    except BrokenAdapter as error:
        plugins.warn(str(error))
        return None
    if form is None:
        return None
    return form()
