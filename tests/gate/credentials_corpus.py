"""Texts with credentials, and texts of everyday work without: what must be masked, and what must
stay as it is.

No credential is real. Each is made at run time, so that no scanner takes this file for a leak.
"""

import base64
import json
import random
import string
from typing import NamedTuple

_HEX = "0123456789abcdef"
_CAPITALS = string.ascii_uppercase + string.digits
_LETTERS = string.ascii_letters + string.digits
_BASE64 = _LETTERS + "+/"


class Positive(NamedTuple):
    """A text and the credentials in it, of which only the first two characters may be seen."""

    text: str
    secrets: tuple[str, ...]


def fake(count: int, alphabet: str = _LETTERS, seed: int = 0) -> str:
    """Return a text that looks like the random part of a key: always the same for the same
    arguments.
    """
    source = random.Random(f"{count}{alphabet}{seed}")
    return "".join(source.choice(alphabet) for _ in range(count))


def fake_uuid() -> str:
    """Return a text that looks like a random UUID."""
    return "-".join(fake(count, _HEX) for count in (8, 4, 4, 4, 12))


def _block(kind: str, lines: int = 6) -> tuple[str, list[str]]:
    body = [fake(64, _BASE64, number) for number in range(lines)] + [fake(24, _BASE64, 99)]
    dashes = "-" * 5
    return "\n".join([f"{dashes}BEGIN {kind}{dashes}", *body, f"{dashes}END {kind}{dashes}"]), body


KEYS = {
    "OpenAI": "sk-" + fake(48),
    "OpenAI project": "sk-proj-" + fake(74, _LETTERS + "_-"),
    "OpenAI service account": "sk-svcacct-" + fake(58),
    "Anthropic": "sk-ant-api03-" + fake(93, _LETTERS + "_-") + "AA",
    "OpenRouter": "sk-or-v1-" + fake(64, _HEX),
    "DeepSeek": "sk-" + fake(32, _HEX),
    "Langfuse": f"sk-lf-{fake_uuid()}",
    "Langfuse, public": f"pk-lf-{fake_uuid()}",
    "ElevenLabs": "sk_" + fake(48, _HEX),
    "Stripe": "sk_" + "live_" + fake(24),
    "Stripe, restricted": "rk_" + "live_" + fake(24),
    "Stripe webhook": "whsec_" + fake(32),
    "xAI": "xai-" + fake(80),
    "Groq": "gsk_" + fake(52),
    "Perplexity": "pplx-" + fake(48),
    "NVIDIA": "nvapi-" + fake(64, _LETTERS + "_-"),
    "Replicate": "r8_" + fake(37),
    "Fireworks": "fw_" + fake(24),
    "Together": "tgp_v1_" + fake(43, _LETTERS + "_-"),
    "Tavily": "tvly-dev-" + fake(32),
    "LangSmith": f"lsv2_pt_{fake(32, _HEX)}_{fake(10, _HEX)}",
    "Pinecone": f"pcsk_{fake(6)}_{fake(60)}",
    "Jina": "jina_" + fake(60),
    "Voyage": "pa-" + fake(43, _LETTERS + "_-"),
    "Firecrawl": "fc-" + fake(32, _HEX),
    "E2B": "e2b_" + fake(40, _HEX),
    "Modal": "ak-" + fake(22),
    "Modal, secret": "as-" + fake(22),
    "Hugging Face": "hf_" + fake(34),
    "Cerebras": "csk-" + fake(48, string.ascii_lowercase + string.digits),
    "LlamaCloud": "llx-" + fake(48),
    "LangSmith, before": "ls__" + fake(32, _HEX),
    "Logfire": "pylf_v1_us_" + fake(43),
    "Browserbase": "bb_live_" + fake(28, _LETTERS + "_-"),
    "Apify": "apify_api_" + fake(36),
    "RunPod": "rpa_" + fake(42, _CAPITALS),
    "Daytona": "dtn_" + fake(64, _HEX),
    "Cursor": "key_" + fake(64, _HEX),
    "Cartesia": "sk_car_" + fake(22),
    "Bedrock": "ABSK" + fake(128, _BASE64),
    "Bedrock, short-lived": "bedrock-api-key-" + fake(60, _BASE64),
    "AWS": "AKIA" + fake(16, _CAPITALS),
    "AWS, temporary": "ASIA" + fake(16, _CAPITALS),
    "Google": "AIza" + fake(35, _LETTERS + "_-"),
    "Google, since 2026": "AQ.Ab8" + fake(47, _LETTERS + "_-"),
    "Google OAuth": "ya29." + fake(60, _LETTERS + "_-"),
    "Google client": "GOCSPX-" + fake(28, _LETTERS + "_-"),
    "GitHub": "ghp_" + fake(36),
    "GitHub OAuth": "gho_" + fake(36),
    "GitHub server": "ghs_" + fake(36),
    "GitHub, fine-grained": f"github_pat_{fake(22)}_{fake(59)}",
    "GitLab": "glpat-" + fake(20, _LETTERS + "_-"),
    "GitLab runner": "GR1348941" + fake(20, _LETTERS + "_-"),
    "GitLab job": "glcbt-" + fake(24, _LETTERS + "_-"),
    "Bitbucket": "ATBB" + fake(32),
    "Atlassian": "ATATT3xFfGF0" + fake(170, _LETTERS + "_-") + "=" + fake(8, _CAPITALS),
    "CircleCI": f"CCIPAT_{fake(22)}_{fake(40, _HEX)}",
    "Buildkite": "bkua_" + fake(40, _HEX),
    "Slack": f"xoxb-{fake(11, string.digits)}-{fake(12, string.digits)}-{fake(24)}",
    "Slack app": f"xapp-1-{fake(11, _CAPITALS)}-{fake(13, string.digits)}-{fake(64, _HEX)}",
    "Databricks": "dapi" + fake(32, _HEX),
    "npm": "npm_" + fake(36),
    "PyPI": "pypi-AgEIcHlwaS5vcmc" + fake(120, _LETTERS + "_-"),
    "crates.io": "cio" + fake(32),
    "NuGet": "oy2" + fake(43, string.ascii_lowercase + string.digits),
    "Docker": "dckr_pat_" + fake(27, _LETTERS + "_-"),
    "SendGrid": f"SG.{fake(22, _LETTERS + '_-')}.{fake(43, _LETTERS + '_-')}",
    "Mailgun": "key-" + fake(32, _HEX),
    "DigitalOcean": "dop_v1_" + fake(64, _HEX),
    "Telegram": f"{fake(10, '123456789')}:AA{fake(33, _LETTERS + '_-')}",
    "Notion": f"ntn_{fake(11, string.digits)}{fake(35)}",
    "Notion, before": "secret_" + fake(43),
    "Airtable": f"pat{fake(14)}.{fake(64, _HEX)}",
    "Shopify": "shpat_" + fake(32, _HEX),
    "Twilio": "SK" + fake(32, _HEX),
    "Twilio account": "AC" + fake(32, _HEX),
    "Linear": "lin_api_" + fake(40),
    "Figma": "figd_" + fake(40, _LETTERS + "_-"),
    "Postman": f"PMAK-{fake(24, _HEX)}-{fake(34, _HEX)}",
    "Doppler": "dp.pt." + fake(43),
    "Netlify": "nfp_" + fake(36),
    "Grafana": f"glsa_{fake(32)}_{fake(8, _HEX)}",
    "Grafana Cloud": "glc_" + fake(80, _BASE64),
    "New Relic": "NRAK-" + fake(27, _CAPITALS),
    "Sentry": "sntrys_" + fake(100, _BASE64),
    "Mapbox": f"sk.eyJ{fake(80)}.{fake(22, _LETTERS + '_-')}",
    "Square": "EAAA" + fake(60, _LETTERS + "_-"),
    "Dropbox": "sl." + fake(130, _LETTERS + "_-"),
    "Heroku": "HRKU-" + fake(60, _LETTERS + "_-"),
    "Supabase": "sbp_" + fake(40, _HEX),
    "PlanetScale": "pscale_tkn_" + fake(43, _LETTERS + "_-"),
    "Vault": "hvs." + fake(95, _LETTERS + "_-"),
    "Vault, batch": "hvb." + fake(120, _LETTERS + "_-"),
    "Fly.io": "FlyV1 fm2_" + fake(100, _BASE64),
    "Render": "rnd_" + fake(32),
    "Resend": f"re_{fake(8)}_{fake(24)}",
    "MailerSend": "mlsn." + fake(64, _HEX),
    "Contentful": "CFPAT-" + fake(43, _LETTERS + "_-"),
    "1Password": "ops_eyJ" + fake(200, _BASE64),
    "PostHog": "phx_" + fake(43),
    "Sourcegraph": f"sgp_{fake(16, _HEX)}_{fake(40, _HEX)}",
    "LaunchDarkly": f"sdk-{fake_uuid()}",
    "Tailscale": f"tskey-auth-{fake(16)}-{fake(32)}",
    "JWT": f"eyJ{fake(33)}.eyJ{fake(80)}.{fake(43, _LETTERS + '_-')}",
}
"""A key of each service, by its name."""

RANDOM = fake(40)
OTHER = fake(24, seed=1)
AWS = "/" + fake(39, _BASE64)
HEX = fake(40, _HEX)
WORD = "hunter22" + "x"
SYMBOLS = "p4ss" + "!wo#rd"
BASIC = base64.b64encode(f"admin:{WORD}".encode()).decode()
LONG = fake(900, _BASE64)
ACCOUNT_KEY = fake(86, _BASE64) + "=="

_PEM, _PEM_LINES = _block("RSA PRIVATE KEY")
_OPENSSH, _OPENSSH_LINES = _block("OPENSSH PRIVATE KEY")
_PKCS8, _PKCS8_LINES = _block("PRIVATE KEY")
_EC, _EC_LINES = _block("EC PRIVATE KEY", 2)
_ENCRYPTED, _ENCRYPTED_LINES = _block("ENCRYPTED PRIVATE KEY")
_PGP, _PGP_LINES = _block("PGP PRIVATE KEY BLOCK")
_LEGACY = _PEM.replace(
    "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F1E2D3C\n\n", 1
)

_ONE = {
    # JSON
    f'{{"password": "{WORD}"}}': WORD,
    f'{{"db": {{"user": "me", "password": "{SYMBOLS}"}}}}': SYMBOLS,
    f'{{"apiKey": "{RANDOM}"}}': RANDOM,
    f'{{"api_key":"{RANDOM}","model":"x"}}': RANDOM,
    f'{{"x-api-key" : "{OTHER}"}}': OTHER,
    f'{{"client_secret": "{OTHER}", "client_id": "abc"}}': OTHER,
    f'{{"token": "{RANDOM}"}}': RANDOM,
    f'{{"key": "{RANDOM}"}}': RANDOM,
    f'{{"access_token": "{OTHER}", "expires_in": 3600}}': OTHER,
    f'{{"refreshToken": "{OTHER}"}}': OTHER,
    f'{{"Authorization": "Bearer {OTHER}"}}': OTHER,
    f'{{"authorization": "Basic {BASIC}"}}': BASIC,
    f'{{"connectionString": "Server=db;Password={WORD};"}}': WORD,
    f'{{"private_key": "{OTHER}"}}': OTHER,
    json.dumps({"body": json.dumps({"password": WORD, "n": 1})}): WORD,
    json.dumps(json.dumps({"body": json.dumps({"apiKey": OTHER})})): OTHER,
    f'{{"name": "DB_PASSWORD", "value": "{WORD}"}}': WORD,
    f"{{'password': '{WORD}', 'user': 'me'}}": WORD,
    f"Settings(api_key='{OTHER}', timeout=3)": OTHER,
    f"{{'headers': {{b'x-api-key': b'{OTHER}'}}}}": OTHER,
    f"[('authorization', 'Bearer {OTHER}'), ('accept', '*/*')]": OTHER,
    f"[('x-api-key', '{RANDOM}')]": RANDOM,
    # NAME=value
    f"AWS_SECRET_ACCESS_KEY={AWS}": AWS,
    f"export OPENAI_API_KEY={OTHER}": OTHER,
    f'export DATABASE_PASSWORD="{SYMBOLS}"': SYMBOLS,
    f"PGPASSWORD={WORD} psql -h db": WORD,
    f"DB_PASS={WORD}\nDB_USER=me\n": WORD,
    f"MISTRAL_API_KEY={fake(32)}": fake(32),
    f"WANDB_API_KEY={HEX}": HEX,
    f"COHERE_API_KEY = '{HEX}'": HEX,
    f"AZURE_OPENAI_KEY={fake(32, _HEX)}": fake(32, _HEX),
    f"DISCORD_TOKEN={fake(26)}.{fake(6)}.{fake(38)}": f"{fake(26)}.{fake(6)}.{fake(38)}",
    f"AWS_SESSION_TOKEN={LONG}\nAWS_REGION=eu-central-1": LONG,
    f"API_KEY_PROD={OTHER}": OTHER,
    f"SECRET_KEY='django-insecure-{RANDOM}'": f"django-insecure-{RANDOM}",
    f"MYSQL_ROOT_PASSWORD=correct{WORD}": f"correct{WORD}",
    f"%env OPENAI_API_KEY={OTHER}": OTHER,
    f"os.environ['TAVILY_API_KEY'] = '{OTHER}'": OTHER,
    f'os.environ["EXA_API_KEY"]="{OTHER}"': OTHER,
    f"client = OpenAI(api_key='{RANDOM}')": RANDOM,
    f'api_key: str = "{RANDOM}"': RANDOM,
    f"tool --password {WORD} --verbose": WORD,
    f"tool --api-key={RANDOM}": RANDOM,
    f"tool --token {RANDOM} run": RANDOM,
    f"ECHO password=  '{WORD}'": WORD,
    # name: value
    f"password: {WORD}\nuser: me\n": WORD,
    f"db:\n  password: {SYMBOLS}\n  port: 5432\n": SYMBOLS,
    f"  api_key: {RANDOM}\n": RANDOM,
    f"spring.datasource.password: {WORD}": WORD,
    f"Authorization: Bearer {OTHER}": OTHER,
    f"Authorization: Basic {BASIC}": BASIC,
    f"authorization: token {OTHER}": OTHER,
    f"Authorization: Bearer tok-{fake(8)}": f"tok-{fake(8)}",
    f"Proxy-Authorization: Basic {BASIC}": BASIC,
    f"sent 'Basic {BASIC}'": BASIC,
    f"X-Api-Key: {OTHER}": OTHER,
    f"api-key: {fake(32, _HEX)}": fake(32, _HEX),
    f"X-Goog-Api-Key: {OTHER}": OTHER,
    f"Ocp-Apim-Subscription-Key: {fake(32, _HEX)}": fake(32, _HEX),
    f"x-functions-key: {ACCOUNT_KEY}": ACCOUNT_KEY,
    f"X-Auth-Token: {RANDOM}": RANDOM,
    f"401: the headers were x-api-key: {OTHER}, accept: */*": OTHER,
    f"PRIVATE-TOKEN: {OTHER}": OTHER,
    # addresses
    f"https://x.blob.core.windows.net/c?sv=2024&sig={fake(43)}%3D&se=1": f"{fake(43)}%3D",
    f"https://f.azurewebsites.net/api/run?code={fake(54, _LETTERS + '_-')}==": fake(
        54, _LETTERS + "_-"
    ),
    f"https://a.example/x?api_key={OTHER}": OTHER,
    f"https://a.example/x?n=1&access_token={OTHER}&m=2": OTHER,
    f"https://a.example/cb#access_token={OTHER}&token_type=bearer": OTHER,
    f"https://s3.amazonaws.com/b/k?X-Amz-Signature={fake(64, _HEX)}": fake(64, _HEX),
    f"https://s3.amazonaws.com/b/k?X-Amz-Security-Token={fake(300)}&x=1": fake(300),
    f"https://a.example/x?pwd={WORD}": WORD,
    f"https://{RANDOM}@github.com/me/repo.git": RANDOM,
    f"https://oauth2:{OTHER}@gitlab.example/me/repo.git": OTHER,
    f"postgres://me:{WORD}@db:5432/x": WORD,
    f"postgres://me:hu/nt:er{WORD}@db/x": f"hu/nt:er{WORD}",
    f"redis://:{WORD}@cache:6379/0": WORD,
    f"mongodb+srv://me:{WORD}@cluster.example/test?retryWrites=true": WORD,
    f"amqp://me:p@ss{WORD}@queue/": f"p@ss{WORD}",
    f"https://api.telegram.org/bot{fake(9, '123456789')}:AA{fake(33)}/getMe": f"AA{fake(33)}",
    f"https://hooks.slack.com/services/T0{fake(8, _CAPITALS)}/B0{fake(8, _CAPITALS)}/{fake(24)}": fake(  # noqa: E501
        24
    ),
    # connections
    f"Server=db;Database=x;User Id=me;Password={SYMBOLS};": SYMBOLS,
    f"Server=db;Uid=me;Pwd={WORD};": WORD,
    f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={ACCOUNT_KEY};EndpointSuffix=core": ACCOUNT_KEY,  # noqa: E501
    f"Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey={fake(43, _BASE64)}=": fake(
        43, _BASE64
    ),
    f"host=db user=me password={WORD} dbname=x": WORD,
    f"jdbc:mysql://db/x?user=me&password={WORD}": WORD,
    f"<password>{WORD}</password>": WORD,
    f'<add key="ApiKey" value="{RANDOM}"/>': RANDOM,
    f"Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature={fake(64, _HEX)}": fake(
        64, _HEX
    ),
    f'Authorization: Digest username="me", response="{fake(32, _HEX)}"': fake(32, _HEX),
    f"Authorization: Bearer {LONG}": LONG,
    # netrc, commands
    f"machine api.example.com login me password {WORD}": WORD,
    f"machine api.example.com\n  login me\n  password {WORD}\n": WORD,
    f"default login me account a password {SYMBOLS}": SYMBOLS,
    json.dumps(f"machine a.example\nlogin me\npassword {WORD}\n"): WORD,
    f"mysql -u root -p{WORD} shop": WORD,
    f"cd /tmp && /usr/bin/mysqldump --host=db -p'{SYMBOLS}' shop > a.sql": SYMBOLS,
    f"mariadb-admin -p{WORD} status": WORD,
    f"sshpass -p {WORD} ssh me@a.example": WORD,
    f'mongosh a.example -u me -p "{WORD}"': WORD,
    f"docker login -u me -p {RANDOM} registry.example": RANDOM,
    f"redis-cli -h cache -a {WORD} ping": WORD,
    f"ldapsearch -x -D cn=me -w {WORD} -b dc=example": WORD,
    # JSON's escapes before a key
    json.dumps(f"keys:\n{KEYS['OpenAI']}"): KEYS["OpenAI"],
    json.dumps(f"A=1\nDB_PASSWORD={WORD}\nB=2"): WORD,
}

_SEVERAL = [
    Positive(f"Cookie: sid={OTHER}; theme={fake(12)}", (OTHER, fake(12))),
    Positive(f"Set-Cookie: session={RANDOM}; Path=/; HttpOnly; SameSite=Lax", (RANDOM,)),
    Positive(f'{{"Cookie": "a={OTHER}; b={RANDOM}"}}', (OTHER, RANDOM)),
    Positive(_PEM, tuple(_PEM_LINES)),
    Positive(f"the key:\n{_OPENSSH}\nis new", tuple(_OPENSSH_LINES)),
    Positive(_PKCS8, tuple(_PKCS8_LINES)),
    Positive(_EC, tuple(_EC_LINES)),
    Positive(_ENCRYPTED, tuple(_ENCRYPTED_LINES)),
    Positive(_PGP, tuple(_PGP_LINES)),
    Positive(_LEGACY, tuple(_PEM_LINES)),
    Positive(json.dumps({"private_key": _PKCS8}), tuple(_PKCS8_LINES)),
    Positive(json.dumps(json.dumps({"k": _PEM})), tuple(_PEM_LINES)),
    Positive("\n".join(f"    {line}" for line in _PEM.split("\n")), tuple(_PEM_LINES)),
    Positive(
        f"{WORD}: AWS_ACCESS_KEY_ID={KEYS['AWS']}\nAWS_SECRET_ACCESS_KEY={AWS}", (KEYS["AWS"], AWS)
    ),
]

POSITIVES = [
    *(Positive(f"see {key}, ok", (key.partition(":")[2] or key,)) for key in KEYS.values()),
    *(Positive(text, (secret,)) for text, secret in _ONE.items()),
    *_SEVERAL,
]

NEGATIVES = [
    # counts and settings
    '{"token_count": 1234567, "max_tokens": 100000, "total_tokens": 123456}',
    '{"usage": {"input_tokens": 120345, "output_tokens": 23456, "cached_tokens": 0}}',
    '{"tokens": ["hello", "world", "tokenization"]}',
    "tokens = tokenizer.encode(text)",
    "token = tokenizer.next()",
    "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
    'tokenizer: "cl100k_base"',
    "eos_token='<|endoftext|>', pad_token='[PAD]', unk_token='[UNK]'",
    'special_tokens_map = {"cls_token": "[CLS]", "sep_token": "[SEP]"}',
    "max_tokens=4096, temperature=0.2",
    "TOKENIZERS_PARALLELISM=false",
    "next_token: the",
    'token = "hello"',
    "for token in doc: print(token.text, token.lemma_)",
    '{"next_page_token": "' + fake(40, seed=7) + '"}',
    # keys of data
    '{"key": "value"}',
    '{"key": "revenue", "keys": ["a", "b"]}',
    "key = 'revenue'",
    "KeyError: 'revenue_2024_q3'",
    "casted_key = 'customer_id'",
    "df.sort_values(key=lambda column: column.str.lower())",
    "sorted(rows, key=operator.itemgetter(1))",
    '{"primary_key": "customer_id", "foreign_key": "orders.customer_id"}',
    "sort_key = 'created_at_timestamp'",
    '{"Key": "data/raw/2024/01/part-00000.snappy.parquet", "Size": 1024}',
    "s3.get_object(Bucket=bucket, Key='models/xgboost/v3/model.json')",
    '{"key": "550e8400-e29b-41d4-a716-446655440000"}',
    "cache_key = 'user:1234:profile:2024-01-01'",
    "foreign key: orders(customer_id) references customers(id)",
    "key: B07XJ8C8F5",
    "API key: missing",
    "keyboard: QWERTY-international-layout",
    '{"keywords": "machine-learning, statistics"}',
    "idx = keys.index('alpha')",
    "ImageDatastore(key='embedding_matrix_512')",
    "k = 'nearest_neighbours_5'",
    # dates, numbers, booleans, null
    '{"password_reset_at": "2024-03-01T12:00:00Z"}',
    '{"password_changed_at": "2024-03-01", "password_length": 12}',
    '{"has_password": true, "password": null, "token": false}',
    '{"password": ""}',
    '{"pin": 1234, "secret_count": 3}',
    '{"secret": null, "api_key": None}',
    "password=None, token=None",
    "api_key: Optional[str] = None",
    "password: str",
    "secret: bool = False",
    # commands, and prose with the words of a netrc
    "mysql -u root -p shop_2024",
    "mysql -u root -p$MYSQL_PASSWORD shop",
    "find /var/lib/mysql -print -prune",
    "mysql --version; mkdir -p reports2024/july",
    "redis-cli -p 6379 -a $REDIS_PASSWORD ping",
    "git log -p2024x --all -w README2024.md",
    "the login form has a password field2 and a machine login user",
    "machine login user password <your password>",
    # other words
    '{"author": "Jane Doe 1984", "authors": ["A. Turing"]}',
    "author: fitzgerald1925edition",
    '{"secretary": "Miller2024office"}',
    '{"passport": "C01X00T478", "passenger_id": "PAX0001234567"}',
    "passengers: 4512345 in 2023",
    "survived,pclass,name\n1,3,Owen",
    "password123 is the most common password",
    "bypass: enabled-by-default-2",
    "first_pass = results[0]",
    "compass: north-northwest",
    "patience=10, pattern='[a-z]+'",
    "signature: bytes32signature",
    "code: 404",
    "status_code=503, zip_code=94107",
    'code = "print(1)"',
    "response: 200 OK in 12ms",
    # placeholders
    'api_key="sk-..."',
    'api_key="..."',
    'client = OpenAI(api_key="YOUR_API_KEY")',
    'client = OpenAI(api_key="<your key>")',
    "client = OpenAI(api_key='your-api-key-here')",
    'api_key="xxxxxxxxxxxxxxxx"',
    'api_key="EMPTY"',
    'api_key="ollama"',
    'api_key="not-needed"',
    "OPENAI_API_KEY=${OPENAI_API_KEY}",
    "OPENAI_API_KEY=$MY_KEY",
    "export OPENAI_API_KEY=<your-api-key>",
    "export OPENAI_API_KEY=your_api_key",
    "OPENAI_API_KEY=sk-...",
    "password=********",
    'password: "{{ vault_password }}"',
    'token: "${{ secrets.GITHUB_TOKEN }}"',
    "Authorization: Bearer <token>",
    "Authorization: Bearer $OPENAI_API_KEY",
    'headers = {"Authorization": f"Bearer {token}"}',
    "Authorization: Bearer YOUR_API_KEY_GOES_HERE",
    '{"api_key_env": "OPENAI_API_KEY"}',
    'api_key = "OPENAI_API_KEY"',
    "postgres://user:<password>@localhost/db",
    "postgres://user:${DB_PASSWORD}@localhost/db",
    "secret: changeme",
    # code
    'api_key = os.environ["OPENAI_API_KEY"]',
    'api_key=os.environ["OPENAI_API_KEY"]',
    'api_key = os.getenv("OPENAI_API_KEY", "")',
    "password = getpass.getpass()",
    "password = getpass('Password: ')",
    'password = input("Your password: ")',
    "api_key = settings.api_key",
    "api_key=settings.openai_api_key, timeout=3",
    "def login(user, password=default_password): ...",
    "self.token = token",
    "connect(user=user, password=password, host=host)",
    "client = OpenAI(api_key=key)",
    "client = OpenAI(\n    api_key=api_key,\n    base_url=url,\n)",
    "if password == expected_password:",
    "secret = secrets.token_hex(32)",
    "token: SecretStr",
    "password: String!",
    "credentials = service_account.Credentials.from_file(path)",
    "auth=HTTPBasicAuth(user, password)",
    "headers={'x-api-key': api_key}",
    "password VARCHAR(255) NOT NULL",
    "df['password'].isna().sum()",
    '["username", "password", "email"]',
    '{"fields": ["api_key", "base_url"], "required": ["token"]}',
    '{"password": {"type": "string", "minLength": 8}}',
    '{"password": "string", "token": "string"}',
    "TOKEN_URL=https://auth.example/oauth/token",
    "GOOGLE_APPLICATION_CREDENTIALS=/home/me/keys/project.json",
    "ssh_key_path: /home/me/.ssh/id_ed25519",
    "PWD=/home/me/projects/analysis2024",
    # prose
    "password: at least 8 characters",
    '{"errors": {"password": "must have at least 8 characters"}}',
    "Password: incorrect",
    "The token: a word or a part of one.",
    "Bearer tokens are sent in the header.",
    "Authorization: Bearer is the usual scheme",
    "Basic understanding of authentication",
    "Basic authentication sends user and password.",
    "cookies: they are small",
    "Secrets: how to keep them",
    "the secret = patience",
    "Set the key=value pairs, then run it.",
    "api_key: the key of the service",
    "A key: press Ctrl+S to save.",
    "the tokens: input 1,234 and output 567",
    "private key: a number that only its owner knows",
    "-----BEGIN PUBLIC KEY-----\n" + fake(64, _BASE64) + "\n-----END PUBLIC KEY-----",
    "A file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----.",
    "see https://docs.example.com:8080/guide/@latest and https://medium.com/@me/post",
    "git clone ssh://git@github.com/me/repo.git, https://me@bitbucket.org/me/repo",
    "at 12:30:45 the ratio was 3:1, a=1, b=2",
    "https://example.com/search?q=token+ring&sort=key&page=2",
    "https://example.com/products?country_code=DE&code=SUMMER",
    '<div class="sk-toggleable__content sk-text-repr-fallback" id="sk-container-id-1">',
    "from sk-learn-contrib-extras import hdbscan",
    "hf_hub_download(repo_id='bert-base-uncased')",
    "model='gpt-4o-mini-2024-07-18', revision='a1b2c3d'",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "ENSG00000141510 and rs429358 on chr17:43044295",
    "InChIKey=BSYNRYMUTXBXSQ-UHFFFAOYSA-N",
]
