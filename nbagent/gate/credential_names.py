"""Names that mark a credential: of a JSON field, a variable, a header, a parameter of a URL, a cookie, a field of a DSN.

A name is read as words, so that `apiKey`, `x-api-key` and `AWS_SECRET_ACCESS_KEY` are all the key of something. The last word
says what the value is: `password_reset_at` is a date and `token_count` a number, no credentials.
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Grade: TypeAlias = Literal["sure", "maybe"]
"""How sure a name is: `sure` is the name of a credential, `maybe` also of everyday data, so that the value must look like one."""

_MAX_NAME_CHARS = 80
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_STEM = re.compile(
    "key|token|secret|pass|sessid|sessionid|pwd|cred|auth|cookie|conn|jwt|bearer|sig|code|sas|response|pw|pat|^k$|kennwort|passwort", re.IGNORECASE
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SURE = _words(
    "password passwords passwd passphrase passcode passwort kennwort pwd secret secrets credential credentials cred creds "
    "apikey apikeys authtoken accesstoken apitoken accesskey secretkey privatekey authorization cookie cookies connectionstring "
    "clientsecret"
)
_GLUED = re.compile(r"(?:password|passwd|passphrase|apikey|secretkey|accesskey|privatekey|clientsecret|(?:auth|access|api)token)$")
_MAYBE = _words("key keys token tokens pat auth jwt bearer pass pw k sessionid phpsessid jsessionid authkey authentication sessiontoken")
_SURE_BEFORE = {
    "key": _words(
        "api access secret private shared auth encryption decryption signing subscription master consumer storage functions "
        "webhook deploy ssh fernet hmac security "
        "openai anthropic gemini mistral groq cohere deepseek replicate pinecone tavily exa wandb langsmith stripe sendgrid"
    ),
    "token": _words(
        "access auth api bearer refresh id session sas security personal oauth private secret bot csrf xsrf jwt user app device "
        "verification reset login admin deploy service github gh gitlab slack discord telegram hf hub huggingface npm pypi "
        "vault notion replicate sentry influx databricks cloudflare netlify vercel heroku figma dropbox linear"
    ),
    "pass": _words("db database smtp mail email user admin root mysql postgres pg redis mongo rabbitmq ftp ssh sudo proxy basic"),
    "string": _words("connection"),
    "str": _words("connection conn"),
}
_SURE_BEFORE["pw"] = _SURE_BEFORE["pass"]
_DATA_BEFORE = {
    "key": _words(
        "primary foreign sort partition public group cache dict index unique natural surrogate join object lookup hash composite "
        "routing answer translation idempotency order"
    ),
    "token": _words("page next previous continuation sync pagination max min num total eos bos pad unk mask sep cls special stop"),
    "password": _words("has is show hide forgot reset get set require requires no use change update verify check validate hash"),
}
_DATA_BEFORE["secret"] = _DATA_BEFORE["password"]
_DATA_LAST = _words(
    "count counts id ids name names type types at on date time expiry expires expiration ttl timeout length len size limit limits "
    "budget index idx usage url uri urls file files path dir policy hint label field column arn embedding embeddings fingerprint "
    "thumbprint counter encoding level error errors message status prefix format enabled required izer izers"
)
_VALUE_LAST = _words("value val text plain plaintext raw prod production dev staging live test old new default main backup ro rw")
_PARAMETERS = _words("sig sas code response")
_IN_ADDRESS = _words("token auth jwt sig sas")
_SINGULAR = {"keys": "key", "tokens": "token", "secrets": "secret", "passwords": "password"}


@lru_cache(maxsize=4096)
def credential_grade(name: str, *, is_parameter: bool = False, in_address: bool = False) -> Grade | None:
    """Return how sure the name marks a credential; None if it does not.

    Args:
        name: in any of the usual ways to write several words.
        is_parameter: whether `=` follows, as in a URL, where `sig` and `code` are credentials too.
        in_address: whether it stands in a URL.
    """
    if len(name) > _MAX_NAME_CHARS or _STEM.search(name) is None:
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    if is_parameter and words:
        if words == ["pass"] or (in_address and words[0] in _IN_ADDRESS):
            return "sure"
        if "".join(words) in _PARAMETERS or words[-1] == "signature":
            return "maybe"
    if words == ["set", "cookie"]:
        return "sure"
    while len(words) > 1 and words[-1] in _VALUE_LAST:
        del words[-1]
    if not words:
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    noun = _SINGULAR.get(last, last)
    if before and before in _DATA_BEFORE.get(noun, ()):
        return None
    if last in _SURE or before in _SURE_BEFORE.get(noun, ()) or _GLUED.search(last):
        return "sure"
    if last == "tokens" and before:  # `input_tokens`: a number of them
        return None
    if last in _MAYBE:
        return "maybe"
    return "maybe" if last not in _DATA_LAST and _holds_noun(words[:-1]) else None


def is_credential_name(name: str) -> bool:
    """Return True if a variable, setting or header has a name that marks a credential, such as `OPENAI_API_KEY` or `token`."""
    return credential_grade(name) is not None


def is_credential_parameter(name: str) -> bool:
    """Return True if a parameter of a URL, or a header, has such a name."""
    return credential_grade(name, is_parameter=True) is not None


def _holds_noun(words: list[str]) -> bool:
    return any(word in _SURE or (word in _MAYBE and len(word) > 2) for word in words)
