"""Chats: conversations in the cell, and the side that answers in them."""

from nbagent.chat.chat import AnswerInProgress, Chat, chat, prompts_of
from nbagent.chat.partners import SessionPartner

__all__ = ["AnswerInProgress", "Chat", "SessionPartner", "chat", "prompts_of"]
