"""Passwords that stand in a command, `mysql -p…`, or in a netrc file."""

import re

from nbagent.gate import credential_values as values
from nbagent.gate.found import MAX_VALUE_CHARS, Found, end_of, masked, may_go_on, opened, waiting

_BEFORE_CHARS = 96  # in which the command or the machine stands

_GAP = r"(?:\s|\\[nrt]){1,16}"

_NETRC = re.compile(
    rf"(?:\bmachine{_GAP}\S+|\bdefault){_GAP}login{_GAP}\S+{_GAP}(?:account{_GAP}\S+{_GAP})?\Z"
)
"""Matches what stands before `password` in a netrc file.

Source: https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html.
"""

_COMMAND = re.compile(
    r"(?<![\w.-])(?:(?P<attached>mysql\w*|mariadb[\w-]*|mycli)"
    r"|(?P<p>sshpass|mongo\w*|(?:docker|podman|helm|oc) login)"
    r"|(?P<a>(?:redis|valkey)-cli)"
    r"|(?P<w>ldap\w+))[ \t][^\n;|&]*\Z"
)
"""Matches a command up to one of its options. Its group is the option that takes a password;
that of `attached` is `-p`, with the password in the same word.
"""

_SPACES = re.compile(r"[ \t]{0,8}")
_QUOTE = re.compile(r"(?:\\{0,7}[\"'])?")
_VALUE = re.compile(rf"[^\s\"'\\;&`|<>•]{{0,{MAX_VALUE_CHARS}}}")
_REST = re.compile(r"[^\s\"'\\;&`|<>•]*")


def netrc_password(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The word after `password` in a netrc file."""
    if _NETRC.search(text[max(0, at - _BEFORE_CHARS) : at]) is None:
        return None
    return _word(text, at, end_of(_SPACES, text, stop), is_whole)


def command_password(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The password after an option of a command: `mysql -p…`, `redis-cli -a …`."""
    if not text[at - 1 : at].isspace():
        return None
    command = _COMMAND.search(text[max(0, at - _BEFORE_CHARS) : at])
    if command is None:
        return None
    option, value = text[stop], stop + 1
    if command.lastgroup == "attached":
        takes_password = option == "p"
    else:
        takes_password = option == command.lastgroup
        value = end_of(_SPACES, text, value)
    if not takes_password:
        return None
    return _word(text, at, value, is_whole)


def _word(text: str, at: int, value: int, is_whole: bool) -> Found | None:
    value = end_of(_QUOTE, text, value)
    if value == len(text):
        return waiting(text, at, is_whole)
    end = end_of(_VALUE, text, value)
    if may_go_on(text, value, end, is_whole):
        return opened(at, value, end)
    if not values.is_assigned_credential(text[value:end], in_code=False):
        return None
    return masked(text, at, value, end, _REST)
