"""Credentials with a mark before them: a scheme of HTTP, an address, the sign of a service."""

import re

from nbagent.gate import credential_values as values
from nbagent.gate.found import (
    PART_CHARS,
    TOKEN,
    TOKEN_REST,
    Found,
    chars_behind,
    complete,
    end_of,
    is_random,
    masked,
    may_go_on,
    opened,
    waiting,
)

_MIN_BEARER_CHARS = 16


_MIN_PASSWORD_CHARS = 4


_SPACES = re.compile(r"[ \t]{1,8}")


_USER = re.compile(r"[^\s/:@?#\"'<>\\]{0,256}")


_PORT = re.compile(r"\d{0,5}(?:(?P<end>[/?#\s\"'<>\\),])|\Z)")


_PASSWORD = re.compile(r"[^\s\"'<>\\@]{0,256}")


_MORE_PASSWORD = re.compile(r"@[^\s/\"'<>\\?#@]{0,256}")


_USER_TOKEN = re.compile(r"[A-Za-z0-9_\-~%+=$!*]{1,256}")


_LOGIN_BEGUN = re.compile(r"(?i:-u|--user)[ =][\"']?[^\s:\"'/]{0,64}\Z")


_LOGIN = re.compile(r"(?i:-u|--user)[ =][\"']?[^\s:\"'/]{1,64}:([^\s\"'\\/]{0,256})")


_TELEGRAM_ID = re.compile(r"\d{8,10}(?!\d)")  # backwards


_TELEGRAM = re.compile(r"AA[A-Za-z0-9_\-]{0,33}")


_TELEGRAM_CHARS = 35


_WEBHOOK = re.compile(
    r"(?i:hooks\.slack\.com/(?:services|workflows|triggers)"
    r"|hooks)/(?:[\w\-]{0,40}/){0,2}([\w\-]{0,512})"
)


def scheme_token(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """A token after `Bearer`, and a user's name and password after `Basic`."""
    before = text[at - 1 : at]
    is_basic = text[stop - 1] == " "
    word_end = stop - 1 if is_basic else stop  # of "basic", the anchor includes the space
    value = end_of(_SPACES, text, word_end)
    if before.isalnum() or before == "_":
        return None
    if value == len(text):
        return waiting(text, at, is_whole)
    if value == word_end:
        return None
    end = end_of(TOKEN, text, value)
    if may_go_on(text, value, end, is_whole):
        return opened(at, value, end)
    token = text[value:end]
    if is_basic:
        is_one = len(token) >= values.MIN_NAMED_CHARS and values.is_basic(token)
    else:
        is_one = len(token) >= _MIN_BEARER_CHARS and not (
            values.is_placeholder(token) or values.is_words(token)
        )
    if not is_one:
        return None
    return masked(text, at, value, end, TOKEN_REST)


def user_info(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The password in an address, or the token before its host;
    https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1.
    """
    user_end = end_of(_USER, text, stop)
    if text[user_end : user_end + 1] != ":":
        return _user_token(text, at, stop, user_end, is_whole)
    value = user_end + 1
    port = _PORT.match(text, value)
    if port is not None and (port["end"] or is_whole):
        return None
    end = end_of(_PASSWORD, text, value)
    following = end_of(_MORE_PASSWORD, text, end)
    while following < len(text) and text[following] == "@" and following > end:
        end, following = following, end_of(_MORE_PASSWORD, text, following)
    if following == len(text) and not is_whole:
        return opened(at, value, end)
    if text[end : end + 1] != "@" or end - value < _MIN_PASSWORD_CHARS:
        return None
    if values.is_template(text[value:end]):
        return None
    return complete(at, value, end)


def _user_token(text: str, at: int, value: int, user_end: int, is_whole: bool) -> Found | None:
    """The token that stands before a host in place of a user's name."""
    end = end_of(_USER_TOKEN, text, value)
    if end == len(text) and end > value and not is_whole:
        return opened(at, value, end, "maybe")
    if user_end == len(text):
        # Nothing is masked where the text is whole: no "@" follows.
        return waiting(text, at, is_whole)
    if text[end : end + 1] != "@" or not is_random(text[value:end]):
        return None
    return complete(at, value, end)


def login_password(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The password of `curl -u user:password`."""
    login = _LOGIN.match(text, at)
    if login is None:
        if _LOGIN_BEGUN.match(text, at):
            return waiting(text, at, is_whole)
        return None
    value, end = login.span(1)
    if end == len(text) and not is_whole:
        return opened(at, value, end)
    if not values.is_assigned_credential(text[value:end], in_code=False):
        return None
    return complete(at, value, end)


def bot_token(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The token of a bot; https://core.telegram.org/bots/api#authorizing-your-bot."""
    if not chars_behind(_TELEGRAM_ID, text, at):
        return None
    value = at + 1
    end = end_of(_TELEGRAM, text, value)
    if end == len(text) and not is_whole:
        return opened(at, value, end)
    if end - value != _TELEGRAM_CHARS or re.match(r"[\w\-]", text[end : end + 1]):
        return None
    return complete(at, value, end)


def webhook_token(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The last part of an address to which messages of Slack or Discord are posted."""
    found = _WEBHOOK.match(text, at)
    if found is None:
        if len(text) - stop > PART_CHARS or re.search(r"\s", text[stop:]):
            return None
        return waiting(text, at, is_whole)
    value, end = found.span(1)
    if end == len(text) and not is_whole:
        return opened(at, value, end)
    if not is_random(text[value:end]):
        return None
    return complete(at, value, end)
