"""A page of another site, in a browser that uses a server over plain http under a name: it starts
no run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
import pytest
from playwright.sync_api import Browser

import nbagent
from nbagent.server import Server, serve

TOKEN = "a-token-of-some-length"
# What a browser sends without an `Origin`: a picture, a fetch without CORS, also HEAD, a frame, and
# a link that is followed.
ATTACK = """<!doctype html><meta name="referrer" content="no-referrer"><script>
const at = new URLSearchParams(location.search).get("at");
const done = [];
for (const path of ["/stream?query=x", "/agents/assistant/sessions/s/messages/stream?message=x"]) {
  const image = new Image();
  done.push(new Promise((end) => { image.onload = image.onerror = end; }));
  image.src = at + path;
  for (const method of ["GET", "HEAD"]) {
    done.push(fetch(at + path, { method, mode: "no-cors", credentials: "include" }).catch(() => null));
  }
}
Promise.all(done).then(() => { document.title = "done"; });
</script>"""  # noqa: E501


@contextmanager
def site() -> Iterator[int]:
    """Yield the port of a site whose one page attacks the server in its query."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(ATTACK.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def runs_of(server: Server) -> int:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return len(httpx2.get(f"{server.url}/runs", headers=headers).json()["runs"])


@pytest.mark.parametrize(
    ("host", "token"),
    [("evil.test", None), ("agents.test", TOKEN), ("sub.agents.test", TOKEN)],
    ids=["another name", "another port, with a cookie", "a subdomain, with a cookie"],
)
def test_a_page_of_another_site_starts_no_run(
    browser: Browser, host: str, token: str | None
) -> None:
    agent = nbagent.Agent("demo", name="assistant")
    hosts = ["agents.test", "127.0.0.1"]
    with serve(agent, port=0, hosts=hosts, token=token) as server, site() as port:
        address = f"http://agents.test:{server.port}"
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(address)
            if token is not None:
                told = page.evaluate(
                    """(token) => fetch("/login", { method: "POST", body: JSON.stringify({ token }),
                    headers: { "content-type": "application/json" } }).then((each) => each.status)""",  # noqa: E501
                    token,
                )
                assert told == 200
            page.goto(f"http://{host}:{port}/?at={address}")
            page.wait_for_function("document.title === 'done'")
            page.evaluate("(url) => { location = url; }", f"{address}/stream?query=x")
            page.get_by_text("another site").wait_for()
            assert runs_of(server) == 0
            page.goto(f"{address}/openapi.json")  # a page of the same origin may
            status = page.evaluate("() => fetch('/stream?query=x').then((each) => each.status)")
            assert (status, runs_of(server)) == (200, 1)
