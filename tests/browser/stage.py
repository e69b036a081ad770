"""The stage: a plain page that draws transcripts without a notebook, and reports every request and
every script.
"""

import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from browser.listening import listen
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Frame, Page, Request, Route

from nbagent.transcript import Transcript

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "nbagent" / "static"
HOME = "http://stage.test/"

# Reported, not enforced: what a policy would have stopped must not even be tried. Attributes and
# bases are left to the judge: a document that is parsed only to be copied from inherits the policy,
# and reports what no page will ever have.
POLICY = (
    "default-src 'none'; script-src 'self' blob:; script-src-attr 'unsafe-inline'; style-src "
    "'self' 'unsafe-inline'; "
    "img-src data:; connect-src 'none'; form-action 'none'; object-src 'none'; frame-src 'none'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>stage</title><link rel="icon" href="data:,">
</head><body><main id="stage"></main>
<script type="module" src="/start.js"></script></body></html>"""  # noqa: E501
# Far parts of a long transcript are drawn too: an attack does not wait for a reader to scroll.
START = """import widget from "/widget.js"; import "/stage.js";
window.IntersectionObserver = undefined; window.widget = widget; window.ready = true;"""


class Stage:
    """Page of its own origin. Permitted requests are answered here; any other request is a leak."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(viewport={"width": 1000, "height": 900})
        self.page: Page = self._context.new_page()
        self.leaks: list[str] = []
        files = {"": PAGE, "start.js": START, "stage.js": (HERE / "stage.js").read_text("utf-8")}
        files["widget.js"] = (STATIC / "widget.js").read_text("utf-8")
        self._files = files
        self._context.route("**/*", self._answer)
        self._context.on("request", self._note)
        listen(self.page, watchers(self.leaks))
        self.page.on("console", self._hear)
        self.page.on("framenavigated", self._follow)
        self.page.goto(HOME)
        self.page.wait_for_function("() => window.ready")
        parts = {
            name: (STATIC / name).read_text("utf-8")
            for name in ("math.js", "highlight.js", "answering.js")
        }
        self.page.evaluate("(parts) => { window.parts = parts }", parts)
        self.leaks.clear()

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def clear(self) -> None:
        """Remove the drawn case, and clear its record."""
        self.page.evaluate(
            "() => { window.clear(); window.alarms.length = window.needed.length = 0 }"
        )
        self.leaks.clear()

    def judge(self, face: str, cases: Sequence[Any]) -> tuple[list[str], int]:
        """Draw cases one by one, and return the problems and the number of elements checked.

        Args:
            face: "widget" (a case is a list of batches of ops) or "twin" (a case is HTML).
            cases: the cases to draw.
        """
        verdict = self.page.evaluate(
            "([face, cases]) => window.judge(face, cases)", [face, list(cases)]
        )
        wrong = [
            f"case {index}: {what}"
            for index, found in enumerate(verdict["found"])
            for what in found
        ]
        wrong += [*verdict["alarms"], *self.leaks]
        self.leaks.clear()
        return wrong, verdict["elements"]

    def show(self, face: str, what: Any) -> None:
        """Draw one case and leave it in the page, in place of the last one."""
        self.page.evaluate("([face, what]) => window.show(face, what)", [face, what])

    def _answer(self, route: Route) -> None:
        name = route.request.url.removeprefix(HOME)
        if name not in self._files:
            route.abort()
            return
        kind = {"js": "text/javascript", "css": "text/css"}.get(
            name.rpartition(".")[2], "text/html"
        )
        headers = {"content-security-policy-report-only": POLICY}
        route.fulfill(
            body=self._files[name], content_type=f"{kind}; charset=utf-8", headers=headers
        )

    def _note(self, request: Request) -> None:
        local = request.url.startswith(("data:", "blob:")) and request.resource_type in (
            "image",
            "script",
        )
        if not local and request.url.removeprefix(HOME) not in self._files:
            self.leaks.append(f"{request.resource_type} request to {request.url[:200]}")

    def _follow(self, frame: Frame) -> None:
        if frame.url != HOME:
            self.leaks.append(f"went to {frame.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        # A picture of broken bytes is no alarm: its view says that it could not be read.
        broken = "data:image" in message.location["url"] and re.search(
            r"net::ERR_\w+_URL", message.text
        )
        if message.type in ("error", "warning") and not broken:
            self.leaks.append(f"console {message.type}: {message.text[:300]}")


def watchers(leaks: list[str]) -> dict[str, Callable[[Any], object]]:
    """Return listeners, by their events, that record what no transcript may make a page do."""

    def dismiss(dialog: Dialog) -> None:
        leaks.append(f"dialog {dialog.message}")
        dialog.dismiss()

    return {
        "dialog": dismiss,
        "pageerror": lambda error: leaks.append(f"page error {error}"),
        "popup": lambda popup: leaks.append(f"window {popup.url}"),
        "download": lambda download: leaks.append(f"download {download.url}"),
        "websocket": lambda socket: leaks.append(f"web socket to {socket.url}"),
    }


def batches(transcript: Transcript) -> list[Any]:
    """Return a transcript as the widget receives it: one batch of ops."""
    return [json.loads(json.dumps(transcript.opening()))]


def static_copy_of(transcript: Transcript) -> str | None:
    """Return a transcript as the saved notebook has it."""
    if importlib.util.find_spec("nbagent.render.html") is None:
        return None
    html: str = importlib.import_module("nbagent.render.html").transcript_html(
        transcript.snapshot(), dom_key="stage"
    )
    return html


def faces(transcripts: Iterable[Transcript]) -> dict[str, list[Any]]:
    """Return the transcripts in the form of each renderer.

    A new renderer goes here and, with its allow-list, into stage.js.
    """
    made: dict[str, list[Any]] = {"widget": [], "twin": []}
    for transcript in transcripts:
        made["widget"].append(batches(transcript))
        made["twin"].append(static_copy_of(transcript))
    return {face: cases for face, cases in made.items() if None not in cases}
