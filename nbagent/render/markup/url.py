"""URLs from untrusted text, judged by the rules of the view (js/src/markdown/url.ts).

http, https and mailto may be followed; small raster images held in the URL itself may be shown;
nothing is loaded.
"""

import re
from urllib.parse import quote, urlsplit

from nbagent.protocol.shared import LIMITS, MARKUP

_PREFIXES = MARKUP["link"]["prefixes"].split()
_FOLLOWED = re.compile("|".join(map(re.escape, _PREFIXES)), re.IGNORECASE)
_INVISIBLE = re.compile(f"[{MARKUP['characters']['invisible']}]")
_SHOWABLE_IMAGE = re.compile(
    rf"data:image/(?:{'|'.join(MARKUP['image']['types'].split())});base64,[A-Za-z0-9+/]+={{0,2}}",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
# User names, and what no host may hold: https://url.spec.whatwg.org/#forbidden-domain-code-point
_FORBIDDEN_IN_HOST = re.compile(r"[@%<>^|]")

SCHEMES = frozenset(prefix.partition(":")[0] for prefix in _PREFIXES)
"""The schemes of URLs that may be followed."""


def safe_url(raw: str) -> str | None:
    """Return the URL if following it is safe, else None.

    Absolute http(s) and mailto URLs pass. Refused: other schemes, relative URLs, URLs with a user
    name (they disguise the host) and URLs with control, invisible or direction-changing characters,
    plain or percent-encoded in the host.
    """
    url = raw.strip()
    if not _FOLLOWED.match(url) or _INVISIBLE.search(url) or re.search(r"[\s\\]", url):
        return None
    authority = _AUTHORITY.match(url)
    if authority is None:  # mailto
        return url
    if _FORBIDDEN_IN_HOST.search(authority[1]) or not _host(url):
        return None
    return url


def inline_image(raw: str) -> str | None:
    """Return the URL if it holds a raster image itself, in fewer than a million characters, else
    None.
    """
    url = raw.strip()
    if len(url) >= LIMITS["inline_image_chars"] or not _SHOWABLE_IMAGE.fullmatch(url):
        return None
    return url


def visible_url(raw: str) -> str:
    """Return the URL as text for a reader: shortened, and with every character that would not be
    seen percent-encoded.
    """
    if len(raw) > LIMITS["shown_url_chars"]:
        raw = f"{raw[: LIMITS['shown_url_chars']]}…"
    return _INVISIBLE.sub(lambda char: quote(char[0], safe=""), raw)


def host_of(url: str) -> str:
    """Return the host a URL leads to, for a label; `mail` if it leads to none."""
    return _host(url) or "mail"


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host.isascii():
            # As browsers name it, so that letters that look like others show: "xn--pple-43d.com".
            host = host.encode("idna").decode()
        if not all(map(_is_name, host.split("."))):
            return ""
        if ":" in host:
            host = f"[{host}]"
        if host and parts.port and parts.port != _DEFAULT_PORTS[parts.scheme]:
            host += f":{parts.port}"
    except (ValueError, KeyError):
        # No number for a port, half a bracketed address, no name of a host.
        return ""
    return host


def _is_name(label: str) -> bool:
    """Return False for the ASCII form of a name that no name has
    (https://www.rfc-editor.org/rfc/rfc3492).
    """
    if not label.startswith("xn--"):
        return True
    name = label.removeprefix("xn--").encode().decode("punycode")
    return not name.isascii() and _INVISIBLE.search(name) is None


_DEFAULT_PORTS = {"http": 80, "https": 443}
