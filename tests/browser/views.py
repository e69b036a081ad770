"""Views of the built widget without a kernel: in a page of their own, or in JupyterLab's, with its styles."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

REPO = Path(__file__).parents[2]
ORIGIN = "http://nbagent.test"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
AXE = REPO / "js" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def serve_files(page: Page) -> None:
    """Let the page load the bundle and the preview's modules, whatever its origin."""

    def fulfil(route: Route) -> None:
        path = REPO / route.request.url.split("/", 3)[3].split("?")[0]
        route.fulfill(body=path.read_bytes(), content_type=TYPES[path.suffix])

    for folder in ("nbagent/static", "js/test/preview"):
        page.route(f"**/{folder}/**", fulfil)


def open_preview(page: Page, scene: str = "", theme: str = "light") -> Page:
    """A plain page with every state whose title holds `scene` (`none`: no state), ready for more views."""
    serve_files(page)
    page.goto(f"{ORIGIN}/js/test/preview/preview.html?theme={theme}&scene={scene}")
    page.wait_for_function("() => window.ready")
    return prepare(page)


def prepare(page: Page) -> Page:
    """Put the stage's functions into the page as `window.stage`."""
    page.evaluate("async () => { window.stage = await import('/js/test/preview/stage.js') }")
    page.evaluate(
        "() => { window.frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))) }",
    )
    return page


def violations(page: Page) -> list[str]:
    """What axe-core has to say about the views in the page: https://github.com/dequelabs/axe-core"""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(
        """async (values) => (await axe.run({ include: [['.nbagent']] }, { runOnly: { type: 'tag', values } })).violations
             .flatMap((rule) => rule.nodes.map((node) => ({ rule: rule.id, html: node.html.slice(0, 160), why: node.failureSummary })))""",
        RULES,
    )
    return [json.dumps(one) for one in found]


def memory(page: Page) -> dict[str, int]:
    """What the page holds after a garbage collection: `bytes` of JavaScript heap, DOM `nodes`, event `listeners`."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    told = {one["name"]: int(one["value"]) for one in devtools.send("Performance.getMetrics")["metrics"]}
    devtools.detach()
    return {"bytes": told["JSHeapUsedSize"], "nodes": told["Nodes"], "listeners": told["JSEventListeners"]}
