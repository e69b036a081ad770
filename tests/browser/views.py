"""Views of the built widget without a kernel: in a page of their own, or in JupyterLab's, with its
styles.
"""

from pathlib import Path

from browser.expectation import expect
from playwright.sync_api import Locator, Page, Route

REPO = Path(__file__).parents[2]
ORIGIN = "http://nbagent.test"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
BUNDLE = REPO / "nbagent" / "static"
AXE = REPO / "js" / "node_modules" / "axe-core" / "axe.min.js"
AT_REST_MS = 500
"""Milliseconds after which a drawn view has made its overflowing elements focusable."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def serve_files(page: Page) -> None:
    """Let the page load the bundle and the preview's modules, whatever its origin."""

    def fulfil(route: Route) -> None:
        path = REPO / route.request.url.split("/", 3)[3].split("?")[0]
        route.fulfill(body=path.read_bytes(), content_type=TYPES[path.suffix])

    for folder in ("nbagent/static", "js/test/preview"):
        page.route(f"**/{folder}/**", fulfil)


def open_preview(page: Page, scene: str = "", theme: str = "light") -> Page:
    """Return a plain page with every state whose title holds `scene` (`none`: no state), ready for
    more views.
    """
    serve_files(page)
    page.goto(f"{ORIGIN}/js/test/preview/preview.html?theme={theme}&scene={scene}")
    page.wait_for_function("() => window.ready")
    return prepare(page)


def prepare(page: Page) -> Page:
    """Put the functions of the stage, and of `pleasant.js`, into the page."""
    serve_files(page)
    page.evaluate("async () => { window.stage = await import('/js/test/preview/stage.js') }")
    page.evaluate(
        "(code) => { window.pleasant = (0, eval)(code) }",
        (Path(__file__).parent / "pleasant.js").read_text(),
    )
    return page


def violations(page: Page) -> list[str]:
    """Return the violations that axe-core (https://github.com/dequelabs/axe-core) finds in the
    views of the page at rest.
    """
    page.evaluate(AXE.read_text())
    found: list[str] = []
    for _ in range(3):
        found = page.evaluate("(rules) => pleasant.axe(rules)", RULES)
        if not found:
            break
        page.wait_for_timeout(AT_REST_MS)
    return found


def unfold(row: Locator) -> None:
    """Open a panel as a reader does.

    One that is open, because nothing has taken its place yet, is closed before.
    """
    row.press("Enter")  # from here on it does not close by itself
    row.evaluate(
        "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    )
    if row.get_attribute("aria-expanded") == "false":
        row.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "true")


def memory(page: Page) -> dict[str, int]:
    """Return the page's memory after a garbage collection: `bytes` of JavaScript heap, DOM `nodes`,
    event `listeners`.
    """
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    metrics = {
        one["name"]: int(one["value"]) for one in devtools.send("Performance.getMetrics")["metrics"]
    }
    devtools.detach()
    return {
        "bytes": metrics["JSHeapUsedSize"],
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
    }
