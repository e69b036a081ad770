"""What a URL from untrusted text may do, by the rules of the view (js/src/markdown/url.ts).

http, https and mailto may be followed; small raster images held in the URL itself may be shown; nothing is loaded.
"""

import re
from urllib.parse import quote, urlsplit

# C0 and C1 controls, soft hyphen, zero-width and bidirectional marks, line separators, byte order mark.
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SHOWABLE_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.IGNORECASE)
_FOLLOWED = re.compile(r"https?://|mailto:", re.IGNORECASE)
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_MAX_IMAGE = 1_000_000


def safe_url(raw: str) -> str | None:
    """The URL if following it is safe, else None.

    Absolute http(s) and mailto URLs pass. Refused: other schemes, relative URLs, URLs with a user name (they disguise the
    host) and URLs with control, invisible or direction-changing characters, plain or percent-encoded in the host.
    """
    url = raw.strip()
    if not _FOLLOWED.match(url) or INVISIBLE.search(url) or re.search(r"[\s\\]", url):
        return None
    authority = _AUTHORITY.match(url)
    if authority is None:  # mailto
        return url
    return None if re.search("[@%]", authority[1]) or not _host(url) else url


def inline_image(raw: str) -> str | None:
    """The URL if it is a raster image held in the URL itself, of at most 1 MB, else None."""
    url = raw.strip()
    return url if len(url) < _MAX_IMAGE and _SHOWABLE_IMAGE.fullmatch(url) else None


def visible_url(raw: str) -> str:
    """The URL as text for a reader: shortened, and with every character that would not be seen written out."""
    short = f"{raw[:200]}…" if len(raw) > 200 else raw
    return INVISIBLE.sub(lambda char: quote(char[0], safe=""), short)


def host_of(url: str) -> str:
    """The host a URL leads to, for a label; `mail` if it leads to none."""
    return _host(url) or "mail"


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.hostname and parts.port else parts.hostname or ""
    except ValueError:  # no number for a port, or half a bracketed address
        return ""
