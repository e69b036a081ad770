"""Formats of the keys of well-known services, which are recognised by themselves."""

import re
import string
from collections.abc import Iterable, Iterator

SHOWN_CHARS = 2
"""Characters of a credential that are shown."""

CHAR = r"[A-Za-z0-9_\-.~+/=]"
"""Expression for one character of a token."""
TOKEN_CHARS = string.ascii_letters + string.digits + "_-.~+/="
"""Characters of a token, as a text."""

_HEAD_CHARS = SHOWN_CHARS + 1
_HEX = "0123456789abcdef"
_HUBSPOT = ("na1", "na2", "eu1", "ap1")
# Names of styles are no keys: scikit-learn's HTML has `sk-toggleable__content`.
_NO_WORDS = (
    r"(?!(?!(?:proj|ant|svcacct|admin|or|lf)-)"
    r"[a-z]{1,15}(?:[-_]{1,2}(?:[a-z]{1,15}|\d{1,3})){0,12}(?![A-Za-z0-9_\-]))"
)

FORMATS = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse and many that copy them
    ("sk-", rf"{_NO_WORDS}[A-Za-z0-9_\-]{{16,}}"),
    ("pk-lf-", r"[0-9a-f\-]{32,}"),  # Langfuse
    ("sk_live_", r"[A-Za-z0-9]{16,}"),  # Stripe
    ("sk_test_", r"[A-Za-z0-9]{16,}"),
    ("sk_", r"[0-9a-f]{40,}"),  # ElevenLabs
    ("rk_live_", r"[A-Za-z0-9]{16,}"),
    ("rk_test_", r"[A-Za-z0-9]{16,}"),
    ("whsec_", r"[A-Za-z0-9+/]{24,}"),
    ("xai-", r"[A-Za-z0-9]{20,}"),  # xAI
    ("gsk_", r"[A-Za-z0-9]{20,}"),  # Groq
    ("pplx-", r"[A-Za-z0-9]{32,}"),  # Perplexity
    ("nvapi-", r"[A-Za-z0-9_\-]{32,}"),  # NVIDIA
    ("r8_", r"[A-Za-z0-9]{32,}"),  # Replicate
    ("fw_", r"[A-Za-z0-9]{20,}"),  # Fireworks
    ("fw-", r"[A-Za-z0-9]{20,}"),
    ("tgp_v1_", r"[A-Za-z0-9_\-]{30,}"),  # Together
    ("tvly-", r"[A-Za-z0-9\-]{16,}"),  # Tavily
    ("lsv2_", r"(?:pt|sk)_[A-Za-z0-9_]{30,}"),  # LangSmith
    ("pcsk_", r"[A-Za-z0-9_]{30,}"),  # Pinecone
    ("jina_", r"[A-Za-z0-9_\-]{40,}"),  # Jina
    ("pa-", r"[A-Za-z0-9_\-]{40,}"),  # Voyage
    ("fc-", r"[0-9a-f]{32}"),  # Firecrawl
    ("e2b_", r"[0-9a-f]{32,}"),  # E2B
    ("ak-", r"[A-Za-z0-9]{22}(?![A-Za-z0-9])"),  # Modal
    ("as-", r"[A-Za-z0-9]{22}(?![A-Za-z0-9])"),
    ("wandb_v1_", r"[A-Za-z0-9_]{30,}"),  # Weights & Biases
    ("hf_", r"[A-Za-z0-9]{20,}"),  # Hugging Face
    ("csk-", r"[a-z0-9]{40,}"),  # Cerebras
    ("llx-", r"[A-Za-z0-9]{40,}"),  # LlamaCloud
    ("ls__", r"[0-9a-f]{32}"),  # LangSmith's older ones
    ("pylf_v", r"\d_(?:[a-z]{2}_)?[A-Za-z0-9]{40,}"),  # Logfire
    ("bb_live_", r"[A-Za-z0-9_\-]{20,}"),  # Browserbase
    ("apify_api_", r"[A-Za-z0-9]{36}"),  # Apify
    ("rpa_", r"[A-Z0-9]{40,}"),  # RunPod
    ("dtn_", r"[0-9a-f]{64}"),  # Daytona
    ("key_", r"[0-9a-f]{64}"),  # Cursor
    ("sk_car_", r"[A-Za-z0-9_\-]{20,}"),  # Cartesia
    ("api_org_", r"[A-Za-z0-9]{30,}"),
    ("ABSK", r"[A-Za-z0-9+/]{60,}={0,2}"),  # Amazon Bedrock
    ("bedrock-api-key-", r"[A-Za-z0-9+/=]{16,}"),
    ("AKIA", r"[A-Z0-9]{16}(?![A-Z0-9])"),  # AWS
    ("ASIA", r"[A-Z0-9]{16}(?![A-Z0-9])"),
    ("AIza", r"[A-Za-z0-9_\-]{35}"),  # Google
    ("AQ.Ab", r"[A-Za-z0-9_\-]{40,}"),
    ("ya29.", r"[A-Za-z0-9_\-]{20,}"),
    ("GOCSPX-", r"[A-Za-z0-9_\-]{20,}"),
    ("ghp_", r"[A-Za-z0-9]{30,}"),  # GitHub
    ("gho_", r"[A-Za-z0-9]{30,}"),
    ("ghu_", r"[A-Za-z0-9]{30,}"),
    ("ghs_", r"[A-Za-z0-9]{30,}"),
    ("ghr_", r"[A-Za-z0-9]{30,}"),
    ("github_pat_", r"[A-Za-z0-9_]{20,}"),
    ("glpat-", r"[A-Za-z0-9_\-.]{16,}"),  # GitLab
    ("gldt-", r"[A-Za-z0-9_\-]{20,}"),
    ("glrt-", r"[A-Za-z0-9_\-]{20,}"),
    ("glptt-", r"[0-9a-f]{40}"),
    ("GR1348941", r"[A-Za-z0-9_\-]{20}"),
    *(
        (f"gl{kind}-", r"[A-Za-z0-9_\-]{20,}")
        for kind in ("agent", "cbt", "ft", "imt", "oas", "soat")
    ),
    ("ATBB", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),  # Bitbucket
    ("ATATT3", r"[A-Za-z0-9_\-=]{80,}"),  # Atlassian
    ("CCIPAT_", r"[A-Za-z0-9]{22}_[0-9a-f]{40}"),  # CircleCI
    ("bkua_", r"[0-9a-f]{40}"),  # Buildkite
    ("xoxa-", r"[A-Za-z0-9\-]{10,}"),  # Slack
    ("xoxb-", r"[A-Za-z0-9\-]{10,}"),
    ("xoxe-", r"[A-Za-z0-9\-]{10,}"),
    ("xoxe.", r"xox[bp]-[A-Za-z0-9\-]{10,}"),
    ("xoxo-", r"[A-Za-z0-9\-]{10,}"),
    ("xoxp-", r"[A-Za-z0-9\-]{10,}"),
    ("xoxr-", r"[A-Za-z0-9\-]{10,}"),
    ("xoxs-", r"[A-Za-z0-9\-]{10,}"),
    ("xapp-", r"\d-[A-Za-z0-9\-]{20,}"),
    ("dapi", r"[0-9a-f]{32}(?:-\d)?"),  # Databricks
    ("npm_", r"[A-Za-z0-9]{36}"),  # npm
    ("pypi-AgEI", r"[A-Za-z0-9_\-]{50,}"),  # PyPI
    ("cio", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),  # crates.io
    ("oy2", r"[a-z0-9]{43}(?![A-Za-z0-9])"),  # NuGet
    ("dckr_pat_", r"[A-Za-z0-9_\-]{27,}"),  # Docker
    ("dckr_oat_", r"[A-Za-z0-9_\-]{27,}"),
    ("SG.", r"[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),  # SendGrid
    *((f"key-{digit}", r"[0-9a-f]{31}") for digit in "0123456789abcdef"),  # Mailgun
    ("dop_v1_", r"[0-9a-f]{40,}"),  # DigitalOcean
    ("doo_v1_", r"[0-9a-f]{40,}"),
    ("dor_v1_", r"[0-9a-f]{40,}"),
    ("ntn_", r"[A-Za-z0-9]{40,}"),  # Notion
    ("secret_", r"[A-Za-z0-9]{43}(?![A-Za-z0-9])"),
    ("pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),  # Airtable
    ("shpat_", r"[0-9a-fA-F]{32}"),  # Shopify
    ("shpca_", r"[0-9a-fA-F]{32}"),
    ("shppa_", r"[0-9a-fA-F]{32}"),
    ("shpss_", r"[0-9a-fA-F]{32}"),
    # Twilio
    *(
        (f"{kind}{digit}", r"[0-9a-f]{31}(?![0-9A-Za-z])")
        for kind in ("SK", "AC")
        for digit in _HEX
    ),
    ("lin_api_", r"[A-Za-z0-9]{32,}"),  # Linear
    ("lin_oauth_", r"[A-Za-z0-9]{32,}"),
    ("figd_", r"[A-Za-z0-9_\-]{30,}"),  # Figma
    ("PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),  # Postman
    ("dp.", r"(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.\-]{40,}"),  # Doppler
    ("nfp_", r"[A-Za-z0-9]{30,}"),  # Netlify
    ("vercel_", r"[A-Za-z0-9]{24,}"),  # Vercel
    ("vck_", r"[A-Za-z0-9]{24,}"),
    ("glsa_", r"[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),  # Grafana
    ("glc_", r"[A-Za-z0-9+/=]{32,}"),
    ("NRAK-", r"[A-Z0-9]{27}"),  # New Relic
    ("sntrys_", r"[A-Za-z0-9+/=_]{40,}"),  # Sentry
    ("sntryu_", r"[0-9a-f]{64}"),
    ("sk.eyJ", r"[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{16,}"),  # Mapbox
    ("EAAA", r"[A-Za-z0-9_\-]{56,}"),  # Square
    ("sq0atp-", r"[A-Za-z0-9_\-]{22,}"),
    ("sq0csp-", r"[A-Za-z0-9_\-]{43,}"),
    ("sl.", r"[A-Za-z0-9_\-]{60,}"),  # Dropbox
    ("sl.u.", r"[A-Za-z0-9_\-]{60,}"),
    ("HRKU-", r"[A-Za-z0-9_\-]{36,}"),  # Heroku
    ("sbp_", r"[0-9a-f]{40}"),  # Supabase
    ("sb_secret_", r"[A-Za-z0-9_\-]{20,}"),
    ("pscale_tkn_", r"[A-Za-z0-9_=.\-]{32,}"),  # PlanetScale
    ("pscale_pw_", r"[A-Za-z0-9_=.\-]{32,}"),
    ("pscale_oauth_", r"[A-Za-z0-9_=.\-]{32,}"),
    ("hvs.", r"[A-Za-z0-9_\-]{24,}"),  # HashiCorp Vault
    ("hvb.", r"[A-Za-z0-9_\-]{24,}"),
    ("fm2_", r"[A-Za-z0-9+/=_\-]{60,}"),  # Fly.io
    ("rnd_", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),  # Render
    ("re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9])"),  # Resend
    ("mlsn.", r"[0-9a-f]{64}"),  # MailerSend
    ("CFPAT-", r"[A-Za-z0-9_\-]{43}"),  # Contentful
    ("ops_eyJ", r"[A-Za-z0-9+/=_\-]{100,}"),  # 1Password
    ("phx_", r"[A-Za-z0-9_]{40,}"),  # PostHog
    ("sgp_", r"[A-Za-z0-9_]{40,}"),  # Sourcegraph, Segment
    ("sdk-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),  # LaunchDarkly
    ("tskey-", r"[a-z]{3,8}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}"),  # Tailscale
    ("LTAI", r"[A-Za-z0-9]{20}(?![A-Za-z0-9])"),  # Alibaba
    ("xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),  # Brevo
    ("pul-", r"[0-9a-f]{40}"),  # Pulumi
    ("pnu_", r"[A-Za-z0-9]{36}"),  # Prefect
    ("rubygems_", r"[0-9a-f]{48}"),  # RubyGems
    ("AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),  # age
    ("sha256~", r"[A-Za-z0-9_\-]{43}"),  # OpenShift
    ("sess-", r"[A-Za-z0-9]{40}(?![A-Za-z0-9])"),  # sessions of OpenAI's site
    ("m0-", r"[A-Za-z0-9]{40}(?![A-Za-z0-9])"),  # Mem0
    ("ATTA", r"[0-9a-f]{64,}"),  # Trello
    ("ATCTT3xFf", r"[A-Za-z0-9_\-=]{80,}"),  # Atlassian
    ("PMAT-", r"[A-Z0-9]{26}"),  # Postman
    *((f"sq{kind}_", r"[0-9a-f]{40}") for kind in "apu"),  # SonarQube
    *((f"pat-{region}-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}") for region in _HUBSPOT),
    *((f"{kind}-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}") for kind in ("xaat", "xapt")),
    ("shippo_live_", r"[0-9a-f]{40}"),  # Shippo
    ("EZAK", r"[A-Za-z0-9]{54}"),  # EasyPost
    ("FLWSECK-", r"[0-9a-z]{32}-X"),  # Flutterwave
    ("FLWSECK_TEST-", r"[0-9a-zA-Z]{12,}"),
    ("duffel_live_", r"[A-Za-z0-9_\-=]{43}"),  # Duffel
    ("dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),  # Dynatrace
    ("rdme_", r"[a-z0-9]{70}"),  # ReadMe
    ("tfp_", r"[A-Za-z0-9_.=\-]{59}"),  # Typeform
    ("AQVN", r"[A-Za-z0-9_\-]{35,}"),  # Yandex Cloud
    ("CLOJARS_", r"[a-z0-9]{60}"),  # Clojars
    ("aio_", r"[A-Za-z0-9]{28}(?![A-Za-z0-9])"),  # Adafruit
    ("AKCp", r"[A-Za-z0-9]{69}"),  # Artifactory
    ("cmVmdGtu", r"[A-Za-z0-9]{56}"),
    ("ico-", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),  # Infracost
    ("dnkey-", r"[A-Za-z0-9=_\-]{26}-[A-Za-z0-9=_\-]{52}"),  # Defined Networking
    ("v1.0-", r"[0-9a-f]{24}-[0-9a-f]{146}"),  # Cloudflare's origin certificates
    ("atlasv1.", r"[A-Za-z0-9_\-=]{60,}"),  # HCP Terraform, behind the token's id
    ("EAAM", r"[A-Za-z0-9]{100,}"),  # Meta
    ("EAAC", r"[A-Za-z0-9]{100,}"),
    ("AVNS_", r"[A-Za-z0-9_\-]{19}"),  # Aiven
    ("vercel_blob_rw_", r"[A-Za-z0-9]{16}_[A-Za-z0-9]{24,}"),
    ("ddp_", r"[A-Za-z0-9]{36}"),  # Deno
    ("zpka_", r"[0-9a-f]{32}_[0-9a-f]{8}"),  # Zuplo
    ("hcaik_", r"[a-z0-9]{58}"),  # Honeycomb
    ("tr_prod_", r"[A-Za-z0-9]{20,}"),  # Trigger.dev
    ("signkey-prod-", r"[0-9a-f]{32,}"),  # Inngest
    ("s-s4t2ud-", r"[0-9a-f]{64}"),  # 42
    # JSON web tokens; with no end to the first part, a text of nothing but their heads would take
    # quadratic time.
    ("eyJ", r"[A-Za-z0-9_\-]{8,4096}+\.eyJ[A-Za-z0-9_\-]{8,}+\.[A-Za-z0-9_\-]{8,}"),
)
"""The fixed prefix of each format, of three characters at least, and the expression for the rest.

Most of the prefixes are in the rules of gitleaks (https://github.com/gitleaks/gitleaks) or
TruffleHog (https://github.com/trufflesecurity/trufflehog); the lengths here are often looser, so
that a key of another length is masked too. For the rest, about a quarter, neither has a rule: they
rest on examples of keys, and their lengths are estimates.
"""

_LONGEST_BEGINNING = 1 + max(len(prefix) for prefix, _ in FORMATS)
"""Characters with which a prefix and the end of a text after it are told apart."""
_ESCAPED = "nrt"  # of a line break in JSON: "\nsk-…"
_BOUNDARY = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"


def _tree(formats: Iterable[tuple[str, str]], depth: int = 0, cut: str = "") -> str:
    """Return an expression for any of the formats, by first characters: three times as fast as one
    after the other.

    Args:
        formats: prefixes and the expressions for their rests.
        depth: characters of the prefixes that were read.
        cut: expression for the end of a text that may cut a prefix off, after its head.
    """
    leaves: list[str] = [rest for prefix, rest in formats if len(prefix) == depth]
    branches: dict[str, list[tuple[str, str]]] = {}
    for prefix, rest in formats:
        if len(prefix) > depth:
            branches.setdefault(prefix[depth], []).append((prefix, rest))
    made = [re.escape(first) + _tree(inner, depth + 1, cut) for first, inner in branches.items()]
    if cut and made and depth >= _HEAD_CHARS:
        leaves.append(cut)
    return f"(?:{'|'.join([*made, *leaves])})"


SHAPED = _BOUNDARY + _tree(FORMATS)
"""Expression for any of them, where no word goes on."""
_BEGUN = _tree([(prefix, "") for prefix, _ in FORMATS], cut=r"\Z")
_FURTHER = re.compile(rf"[^A-Za-z0-9](?:(?<=\\)[nrt])?(?P<key>{_BEGUN})")


def beginnings(text: str, start: int = 0) -> Iterator[int]:
    """Yield the offsets at which a format's prefix stands, or begins at the end of the text."""
    if start == 0 and may_start_with_key(text):
        yield 0
    for found in _FURTHER.finditer(text, max(0, start - 1)):
        if found.start("key") >= start:
            yield found.start("key")


def may_hold_key(text: str) -> bool:
    """Return True if the text, after its first character, may hold a key or end in the beginning of
    one.
    """
    return _FURTHER.search(text) is not None


def may_start_with_key(text: str) -> bool:
    """Return True if a key may stand at the start of the text."""
    # As behind a blank: to compile another expression takes 17 ms of the import.
    return _FURTHER.match(f" {text[:_LONGEST_BEGINNING]}") is not None


def begins_word(text: str, at: int) -> bool:
    """Return True if no word goes on at an offset of the text, also after a line break as JSON
    writes it.
    """
    before = text[at - 1 : at]
    if not (before.isascii() and before.isalnum()):
        return True
    return before in _ESCAPED and text[at - 2 : at - 1] == "\\"
