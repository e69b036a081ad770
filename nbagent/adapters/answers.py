"""Lookup of the form in which a system takes answers, by the system's name."""

import functools

from nbagent.adapters.base.answers import AnswerForm

_NONE = AnswerForm()


@functools.cache
def _forms() -> dict[str, AnswerForm]:
    from nbagent.adapters.langchain.answers import LangGraphAnswers
    from nbagent.adapters.nbagent_events.answers import EventAnswers
    from nbagent.adapters.openai_agents.answers import AgentsAnswers
    from nbagent.adapters.pydantic_ai.answers import PydanticAIAnswers

    forms = (AgentsAnswers, EventAnswers, LangGraphAnswers, PydanticAIAnswers)
    return {system: form() for form in forms for system in form.systems}


def answer_form(system: str) -> AnswerForm:
    """Return the form in which a system takes answers; for a system without one, the form that has no way."""
    return _forms().get(system, _NONE)
