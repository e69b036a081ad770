/**
 * The page around the view: its address, the agents and runs of the server, and the field for a
 * token.
 */

import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Page } from "../../src/page/page";
import { fragmentOf, type Place, placeOf, viewUrl } from "../../src/page/place";

describe("an address", () => {
  it.each<[string, Place]>([
    ["", { kind: "home" }],
    ["#/", { kind: "home" }],
    ["#run-a_B-1", { kind: "run", run: "run-a_B-1" }],
    [
      "#chat/sales%20%2F%20EU/session-1",
      { kind: "chat", agent: "sales / EU", session: "session-1" },
    ],
  ])("%s names a place", (fragment, place) => {
    expect(placeOf(fragment)).toEqual(place);
    if (place.kind !== "home") expect(fragmentOf(place)).toBe(fragment);
  });

  it.each(["#run-a/b", "#chat/a", "#chat/%ff/b", "#javascript:alert(1)"])(
    "%s names none",
    (fragment) => {
      expect(placeOf(fragment)).toEqual({ kind: "home" });
    },
  );

  it("of a view is below the page's, wherever that is mounted", () => {
    const chat = { kind: "chat", agent: "a&b", session: "s" } as const;
    expect(viewUrl(chat, "https://example.org/agents/#x").href).toBe(
      "wss://example.org/agents/view?agent=a%26b&session=s",
    );
    expect(viewUrl({ kind: "run", run: "run-1" }, "http://localhost:8080/").href).toBe(
      "ws://localhost:8080/view?run=run-1",
    );
  });
});

/** A server's answers by path; a function is called with the body. */
type Answers = Record<string, (body: unknown) => [number, unknown]>;

/** The socket that a page has opened last. */
class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readonly readyState = 0;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: URL) {
    Socket.last = this;
  }
  send() {}
  close() {}
}

describe("the page", () => {
  let answers: Answers;
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Socket);
    vi.stubGlobal("fetch", async (url: URL, options: RequestInit = {}) => {
      await new Promise((done) => setTimeout(done, 5));
      const found = answers[url.pathname];
      const [status, body] = found?.(JSON.parse(String(options.body ?? "null"))) ?? [404, {}];
      return new Response(JSON.stringify(body), { status });
    });
  });
  afterEach(() => {
    render(null, document.body);
    history.replaceState(null, "", "#/");
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const draw = async () => {
    render(<Page />, document.body);
    await vi.advanceTimersByTimeAsync(50);
  };

  it("lists the agents and the runs that go on", async () => {
    answers = {
      "/health": () => [200, { agents: ["one", "two"] }],
      "/runs": () => [
        200,
        { runs: [{ id: "run-1234", agent: "two", prompt: "Sum <b>" }, { id: 5 }] },
      ],
    };
    await draw();
    expect(document.querySelector("a.page-item bdi")?.textContent).toBe("Sum <b>");
    expect(document.querySelector("h1")?.textContent).toBe("Agents and runs");
    expect(
      [...document.querySelectorAll("button.page-item .page-label")].map(
        (label) => label.textContent,
      ),
    ).toEqual(["one", "two"]);
    expect(document.querySelector("a.page-item")?.getAttribute("href")).toBe("#run-1234");
    expect(Socket.last.url.pathname).toBe("/runs");
    Socket.last.onmessage?.({ data: '{"runs": []}' });
    await vi.advanceTimersByTimeAsync(20);
    expect(document.querySelector("a.page-item")).toBeNull();
    Socket.last.onmessage?.({
      data: '{"runs": [], "ended": [{"id": "run-1234", "agent": "two"}]}',
    });
    await vi.advanceTimersByTimeAsync(20);
    expect(document.querySelector("a.page-item")?.closest("section")?.textContent).toContain(
      "Ended",
    );
  });

  it("looks for the server again when the connection has ended", async () => {
    answers = {
      "/health": () => [200, { agents: ["one", "two"] }],
      "/runs": () => [200, { runs: [] }],
    };
    await draw();
    const first = Socket.last;
    first.onclose?.();
    await vi.advanceTimersByTimeAsync(20);
    expect(document.body.textContent).toContain("does not answer");
    await vi.advanceTimersByTimeAsync(2100);
    expect(document.body.textContent).toContain("Choose an agent");
    expect(Socket.last).not.toBe(first);
  });

  it("begins one chat where one agent is all there is, also when the list of runs comes meanwhile", async () => {
    let sessions = 0;
    answers = {
      "/health": () => [200, { agents: ["one"] }],
      "/runs": () => [200, { runs: [] }],
      "/agents/one/sessions": () => [201, { session_id: `session-${++sessions}` }],
    };
    render(<Page />, document.body);
    for (let tick = 0; tick < 50; tick++) {
      await vi.advanceTimersByTimeAsync(1);
      if (Socket.last?.url.pathname === "/runs") Socket.last.onmessage?.({ data: '{"runs": []}' });
    }
    expect([sessions, location.hash]).toEqual([1, "#chat/one/session-1"]);
  });

  it("asks for the token where the server wants one, and forgets it", async () => {
    let isOpen = false;
    answers = {
      "/health": () => [isOpen ? 200 : 401, { agents: ["one", "two"], error: { message: "no" } }],
      "/runs": () => [isOpen ? 200 : 401, { runs: [] }],
      "/login": (body) => {
        isOpen = (body as { token: string }).token === "right";
        return isOpen ? [200, {}] : [401, { error: { message: "that is not a token" } }];
      },
    };
    await draw();
    const type = async (token: string) => {
      const field = document.querySelector("input") as HTMLInputElement;
      field.value = token;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await vi.advanceTimersByTimeAsync(20);
      document
        .querySelector("form")
        ?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
      await vi.advanceTimersByTimeAsync(50);
    };
    await type("wrong");
    expect(document.querySelector("[role=alert]")?.textContent).toBe(
      "That is not a token of this server.",
    );
    await type("right");
    expect(document.querySelector("form")).toBeNull();
    expect(document.body.textContent).toContain("Choose an agent");
    expect(
      document.body.innerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }),
    ).not.toContain("right");
  });

  it("offers a reader, who may only watch, the runs and no chat", async () => {
    answers = {
      "/health": () => [200, { agents: ["one"], access: "read" }],
      "/runs": () => [200, { runs: [] }],
    };
    await draw();
    expect(document.querySelector("button.page-item")).toBeNull();
    expect([document.body.textContent, location.hash]).toEqual([
      expect.stringContaining("No run goes on"),
      "#/",
    ]);
  });

  it("says that the server does not answer, and goes on when it does", async () => {
    answers = { "/health": () => [502, {}], "/runs": () => [502, {}] };
    await draw();
    expect(document.body.textContent).toContain("does not answer");
    answers = {
      "/health": () => [200, { agents: ["one", "two"] }],
      "/runs": () => [200, { runs: [] }],
    };
    await vi.advanceTimersByTimeAsync(2100);
    expect(document.body.textContent).toContain("Choose an agent");
  });
});
