"""Names that mark a credential: of a JSON field, a variable, a header, a parameter of a URL, a
cookie, a field of a DSN.

A name is read as words, so that `apiKey`, `x-api-key` and `AWS_SECRET_ACCESS_KEY` are all keys to
something. The last word says what the value is: `password_reset_at` is a date and `token_count` a
number.
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Grade: TypeAlias = Literal["sure", "likely", "maybe"]
"""Grade of a name that marks a credential: `sure`, or `maybe` if everyday data has it too, so that
the value must look like one; `likely` if a UUID, which else is an id, is one under it.
"""

_MAX_NAME_CHARS = 80
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(text.split())


# Each set is about the last word of a name, or about the word before that.
_SURE = words_of(
    "password passwords passwd passphrase passcode passwort kennwort pwd secret secrets "
    "credential credentials cred creds"
    " authorization cookie cookies"
)
_SURE_ENDS = (
    *(
        "password",
        "passwd",
        "passphrase",
        "apikey",
        "apikeys",
        "secretkey",
        "accesskey",
        "privatekey",
        "clientsecret",
    ),
    *("authtoken", "accesstoken", "apitoken", "connectionstring"),
)
_MAYBE = words_of(
    "key keys token tokens pat auth jwt bearer pass pw k authkey authentication sessionid "
    "phpsessid jsessionid"
)
_LIKELY = words_of("token pat jwt bearer authkey")
_ACCOUNTS = words_of(
    "db database smtp mail email user admin root mysql postgres pg redis mongo rabbitmq ftp ssh "
    "sudo proxy basic"
)
_SURE_BEFORE = {
    "key": words_of(
        "api access secret private shared auth encryption decryption signing subscription master "
        "consumer storage functions"
        " webhook deploy ssh fernet hmac security openai anthropic gemini mistral groq cohere "
        "deepseek replicate pinecone"
        " tavily exa wandb langsmith stripe sendgrid"
    ),
    "token": words_of(
        "access auth api bearer refresh id session sas security personal oauth private secret bot "
        "csrf xsrf jwt user app"
        " device verification reset login admin deploy service github gh gitlab slack discord "
        "telegram hf hub huggingface"
        " npm pypi vault notion replicate sentry influx databricks cloudflare netlify vercel "
        "heroku figma dropbox linear"
    ),
    "pass": _ACCOUNTS,
    "pw": _ACCOUNTS,
    "string": words_of("connection"),
    "str": words_of("connection conn"),
}
_VERBS = words_of(
    "has is show hide forgot reset get set require requires no use change update verify check "
    "validate hash"
)
_DATA_BEFORE = {
    "key": words_of(
        "primary foreign sort partition public group cache dict index unique natural surrogate "
        "join object lookup hash"
        " composite routing answer translation idempotency order"
    ),
    "token": words_of(
        "page next previous continuation sync pagination max min num total eos bos pad unk mask "
        "sep cls special stop idempotency cancellation"
    ),
    "password": _VERBS,
    "secret": _VERBS,
}
_DATA = words_of(
    "count counts id ids name names type types at on date time expiry expires expiration ttl "
    "timeout length len size limit"
    " limits budget index idx usage url uri urls file files path dir policy hint label field "
    "column arn embedding embeddings"
    " fingerprint thumbprint counter encoding level error errors message status prefix format "
    "enabled required"
)
_VALUE = words_of(
    "value val text plain plaintext raw prod production dev staging live test old new default "
    "main backup ro rw"
)
_PARAMETERS = words_of("sig sas code response signature")
_SURE_PARAMETERS = words_of("token auth jwt sig sas")
_NOUNS = _SURE | {"key", "token", "auth", "jwt"}
_SINGULAR = {"keys": "key", "tokens": "token", "secrets": "secret", "passwords": "password"}


@lru_cache(maxsize=4096)
def credential_grade(
    name: str, *, is_parameter: bool = False, in_address: bool = False
) -> Grade | None:
    """Return how sure the name marks a credential; None if it does not.

    Args:
        name: in any of the usual ways to write several words.
        is_parameter: whether `=` follows, as in a URL, where `sig` and `code` are credentials too.
        in_address: whether it stands in a URL.
    """
    if len(name) > _MAX_NAME_CHARS:
        return None
    words = _words_in(name)
    if not words:
        return None
    if is_parameter:
        grade = _parameter_grade(words, in_address=in_address)
        if grade is not None:
            return grade
    if words == ["set", "cookie"]:
        return "sure"
    *others, last = words
    return _grade(others, last)


def _words_in(name: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _VALUE:
        del words[-1]
    return words


def _parameter_grade(words: list[str], *, in_address: bool) -> Grade | None:
    if words == ["pass"] or (in_address and words[0] in _SURE_PARAMETERS):
        return "sure"
    is_only = len(words) == 1 or words[-1] == "signature"  # `zip_code` is none
    if is_only and words[-1] in _PARAMETERS:
        return "maybe"
    return None


def _grade(others: list[str], last: str) -> Grade | None:
    noun = _SINGULAR.get(last, last)
    before = ""
    if others:
        before = others[-1]
    if before in _DATA_BEFORE.get(noun, ()):
        return None
    if last in _SURE or before in _SURE_BEFORE.get(noun, ()) or last.endswith(_SURE_ENDS):
        return "sure"
    if last == "tokens" and before:  # `input_tokens`: a number of them
        return None
    if last in _LIKELY:
        return "likely"
    if last in _MAYBE:
        return "maybe"
    if last not in _DATA and not _NOUNS.isdisjoint(others):
        return "maybe"
    return None


def is_credential_name(name: str) -> bool:
    """Return True if a variable, setting or header has a name that marks a credential, such as
    `OPENAI_API_KEY` or `token`.
    """
    grade = credential_grade(name)
    return grade == "sure" or (grade is not None and _words_in(name)[-1] in _MAYBE)


def is_credential_parameter(name: str) -> bool:
    """Return True if a parameter of a URL, or a header, has such a name."""
    return credential_grade(name, is_parameter=True) is not None
