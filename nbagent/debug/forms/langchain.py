"""LangChain's messages (https://docs.langchain.com/oss/python/langchain/messages)."""

import sys
from typing import Any


def from_langchain(messages: Any) -> Any:
    """Return messages as those of Chat Completions.

    Raises:
        Exception: they are no messages.
    """
    return sys.modules["langchain_core.messages"].convert_to_openai_messages(messages)
