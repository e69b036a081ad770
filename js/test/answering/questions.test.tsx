/** Questions to the reader: what is offered, what is sent, what becomes of it. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { open, ownClock, type Page, RUN, rowOf, settle } from "../support";
import { ask, askFor, button, field, key, press, SQL, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

const ARGS = '{"query": "a"}';
const labels = () =>
  [...page.el.querySelectorAll(".nb-actions button")].map(({ textContent }) => textContent);
const sent = (more: object) => [{ t: "answer", block: "approval:sql", ...more }];
const region = () => document.querySelector("body > [role=status]")?.textContent;

describe("permission for a call", () => {
  it("is given by one click, which is sent once", async () => {
    page = await ask(ARGS);
    expect(labels()).toEqual(["Allow", "Deny…"]);
    await press(page, "Allow");
    expect(button(page, "Sending…").getAttribute("aria-disabled")).toBe("true");
    button(page, "Sending…").click();
    button(page, "Deny…").click();
    expect(page.sent("answer")).toEqual(sent({ decision: "approve" }));
  });

  it("is given for all further calls where that is possible", async () => {
    page = await ask(ARGS, { can_remember: true });
    await press(page, "Allow always");
    expect(labels()).toEqual(["Allow", "Sending…", "Deny…"]);
    expect(page.sent("answer")).toEqual(sent({ decision: "approve", remember: true }));
  });

  it("is denied with a reason, or without", async () => {
    page = await ask(ARGS);
    await press(page, "Deny…");
    const reason = page.el.querySelector<HTMLInputElement>(".nb-control input");
    expect(document.activeElement).toBe(reason);
    if (reason) await type(reason, " too risky ");
    key(document.activeElement as Element, "Escape");
    await settle();
    expect(document.activeElement).toBe(button(page, "Deny…"));
    await press(page, "Deny…");
    await press(page, "Deny");
    expect(page.sent("answer")).toEqual(sent({ decision: "deny", reason: "too risky" }));
  });

  it("is for the arguments as they stand in their fields", async () => {
    page = await ask(ARGS, { schema: SQL });
    await type(field(page, "query"), "b");
    expect(labels()).toEqual(["Allow with changes", "Deny…"]);
    await press(page, "Deny…");
    await press(page, "Back");
    expect(field(page, "query").value).toBe("b");
    await press(page, "Allow with changes");
    expect(page.sent("answer")).toEqual(sent({ decision: "approve", value: '{"query": "b"}' }));
  });

  it("is given by Ctrl and Enter in a field, not by Enter alone", async () => {
    page = await ask('{"query": "a", "limit": 5}', { schema: SQL });
    for (const name of ["query", "limit"]) {
      const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
      field(page, name).dispatchEvent(enter);
      // In a line a browser would send the form; in a text Enter begins a new line.
      expect(enter.defaultPrevented).toBe(name === "limit");
    }
    expect(page.sent("answer")).toEqual([]);
    key(field(page, "limit"), "Enter", { ctrlKey: true });
    expect(page.sent("answer")).toEqual(sent({ decision: "approve" }));
  });

  it("is asked for once, in the panel of the call, and takes no focus", async () => {
    const before = document.createElement("input");
    document.body.append(before);
    before.focus();
    page = await ask(ARGS);
    expect(document.activeElement).toBe(before);
    expect(field(page, "query")).toBeDefined();
    expect(page.el.querySelectorAll(".nb-answering")).toHaveLength(1);
    expect(region()).toContain("Your approval is needed");
  });
});

describe("an answer", () => {
  it("that the kernel refuses leaves what was typed, and says why", async () => {
    page = await ask(ARGS, { schema: SQL });
    await type(field(page, "query"), "b");
    await press(page, "Allow with changes");
    page.ops(["set", "approval:sql", { problem: "parameter 'query': not a statement" }]);
    await settle();
    expect(page.el.textContent).toContain("parameter 'query': not a statement");
    expect(field(page, "query").value).toBe("b");
    expect(region()).toContain("Not accepted: parameter 'query': not a statement");
    await press(page, "Allow with changes");
    expect(page.el.textContent).not.toContain("not a statement");
    expect(page.sent("answer")).toHaveLength(2);
  });

  it("that came is one line: decision, what was changed, why, and for how long", async () => {
    page = await ask('{"query": "a", "limit": 1000}');
    await press(page, "Allow");
    const value = { query: "a", limit: 10 };
    page.ops([
      "set",
      "approval:sql",
      { decision: "approve", value, reason: "enough", remember: true, problem: null },
    ]);
    page.ops(["close", "approval:sql"]);
    await settle();
    expect(page.el.querySelector(".nb-question")?.textContent).toBe(
      "Approved, and all further calls · limit: 1000 → 10 · enough",
    );
    expect(region()).toContain("Approved, and all further calls");
  });

  it("keeps the keyboard in the view", async () => {
    page = await ask(ARGS);
    button(page, "Allow").focus();
    await press(page, "Allow");
    page.ops(["set", "approval:sql", { decision: "approve" }], ["close", "approval:sql"]);
    await settle();
    expect(document.activeElement).toBe(page.el.querySelector(".nb-question"));
  });

  it("that is lost brings the buttons back when the kernel is heard again", async () => {
    page = await ask(ARGS);
    await press(page, "Allow");
    await settle(1600);
    expect(page.el.textContent).toMatch(
      /The kernel is busy with a cell|The answer has not reached the kernel/,
    );
    page.snapshot(
      [
        { id: "run", kind: "run", status: "running", started: 1 },
        { id: "sql", parent: "run", kind: "tool", state: "approval-requested", args: {} },
        { id: "approval:sql", parent: "sql", kind: "approval", tool_id: "sql", answerable: true },
      ],
      9,
    );
    await settle();
    expect(labels()[0]).toBe("Allow");
    await press(page, "Allow");
    expect(page.sent("answer")).toHaveLength(2);
  });

  it("is sent again if the reader wants", async () => {
    page = await ask(ARGS);
    await press(page, "Allow");
    await settle(1600);
    await press(page, "Send again");
    expect(page.sent("answer")).toEqual([
      ...sent({ decision: "approve" }),
      ...sent({ decision: "approve" }),
    ]);
  });

  it("given in another view is seen in this one", async () => {
    page = await ask(ARGS);
    const other = page.view();
    await settle();
    expect(other.el.querySelectorAll(".nb-answering")).toHaveLength(1);
    await press(page, "Allow");
    expect(other.el.querySelector(".nb-actions button")?.textContent).toBe("Sending…");
  });
});

describe("a question", () => {
  it("without a way back says so and has no buttons", async () => {
    page = await ask(ARGS, { answerable: false });
    expect(labels()).toEqual([]);
    expect(page.el.textContent).toContain(
      "This stream has no way to carry an answer back. Answer it where the agent runs.",
    );
  });

  it("that nobody answered before the end is only a question", async () => {
    page = await ask(ARGS);
    page.ops(["close", "approval:sql"], ["set", "run", { status: "cancelled" }], ["close", "run"]);
    await settle();
    expect(labels()).toEqual([]);
    expect(page.el.textContent).toContain("(not answered)");
  });

  it("with several answers offers these", async () => {
    page = await askFor("input", { prompt: "Which?", options: ["staging", 'a "b"'] });
    expect(labels()).toEqual(["staging", 'a "b"', "Cancel"]);
    await press(page, 'a "b"');
    expect(page.sent("answer")).toEqual([
      { t: "answer", block: "approval:a", decision: "approve", value: '"a \\"b\\""' },
    ]);
  });

  it("may be closed without an answer", async () => {
    page = await askFor("input", { prompt: "Which?", schema: { type: "string" } });
    await press(page, "Cancel");
    expect(page.sent("answer")).toEqual([{ t: "answer", block: "approval:a", decision: "cancel" }]);
  });

  it.each([
    [{ url: "https://login.example.org/a?b=1" }, null, "https://login.example.org/a?b=1"],
    [
      { home: "https://example.org/", auth: { authUri: "https://example.org/auth" } },
      null,
      "https://example.org/auth",
    ],
    [null, "Open https://example.org/x, then go on.", "https://example.org/x"],
    [{ url: "javascript:alert(1)" }, "javascript:alert(1)", null],
    [{ url: "https://you@evil.example" }, null, null],
    [{ url: "data:text/html,x" }, "//example.org", null],
  ])("of a sign-in leads to the web or nowhere: %j %j", async (args, prompt, href) => {
    page = await askFor("auth", { args, prompt });
    const link = page.el.querySelector<HTMLAnchorElement>(".nb-answering a");
    expect(link?.getAttribute("href") ?? null).toBe(href);
    if (link)
      expect([link.target, link.rel, link.textContent]).toEqual([
        "_blank",
        "noopener noreferrer nofollow",
        href,
      ]);
    await press(page, "I have signed in");
    expect(page.sent("answer")).toEqual([
      { t: "answer", block: "approval:a", decision: "approve" },
    ]);
  });

  it("is counted in the header, which leads to it, also into a panel that was closed", async () => {
    page = await ask(ARGS);
    page.ops([
      "open",
      "approval:b",
      "run",
      { kind: "approval", approval_kind: "input", answerable: true },
    ]);
    await settle();
    const status = () => button(page, "waits for you: 2 questions");
    rowOf(page.el, "sql").click();
    await settle(500);
    expect(page.el.querySelectorAll(".nb-answering")).toHaveLength(1);
    const scrolled = vi.fn();
    Element.prototype.scrollIntoView = scrolled;
    status().click();
    await settle(300);
    expect(document.activeElement?.textContent).toContain("May this tool run?");
    status().click();
    await settle();
    expect(document.activeElement?.textContent).toContain("The run asks for your input.");
    expect(scrolled).toHaveBeenCalledTimes(2);
    page.ops(["set", "approval:b", { decision: "cancel" }], ["close", "approval:b"]);
    await settle();
    expect(button(page, "waits for you")).toBeDefined();
  });

  it("keeps what was typed when its panel is closed and opened again", async () => {
    page = await ask(ARGS, { schema: SQL });
    await type(field(page, "query"), "b");
    rowOf(page.el, "sql").click();
    await settle(500);
    expect(page.el.querySelector(".nb-form")).toBeNull();
    rowOf(page.el, "sql").click();
    await settle(500);
    expect(field(page, "query").value).toBe("b");
    expect(document.activeElement).not.toBe(field(page, "query"));
    await press(page, "Allow with changes");
    expect(page.sent("answer")).toEqual(sent({ decision: "approve", value: '{"query": "b"}' }));
  });

  it("keeps what was typed when the connection was lost, and the transcript comes anew", async () => {
    page = await ask(ARGS, { schema: SQL });
    await type(field(page, "query"), "b");
    page.snapshot(
      [
        { id: "run", kind: "run", status: "running", started: 1 },
        {
          id: "sql",
          parent: "run",
          kind: "tool",
          state: "approval-requested",
          args: { query: "a" },
        },
        {
          id: "approval:sql",
          parent: "sql",
          kind: "approval",
          tool_id: "sql",
          answerable: true,
          args: { query: "a" },
        },
      ],
      9,
    );
    await settle();
    expect(field(page, "query").value).toBe("b");
    expect(button(page, "Allow with changes")).toBeDefined();
  });

  it("cannot be answered when the kernel is gone", async () => {
    const slots: ((sender: unknown, value: unknown) => void)[] = [];
    const signal = {
      connect: (slot: (typeof slots)[number]) => slots.push(slot),
      disconnect: () => {},
    };
    const kernel = {
      statusChanged: signal,
      connectionStatusChanged: signal,
      disposed: signal,
      interrupt: async () => {},
    };
    page = await ask(ARGS, {}, open(undefined, { kernel }));
    await press(page, "Allow");
    slots[0]?.(null, "dead");
    await settle();
    expect(labels()).toEqual([]);
    expect(page.el.querySelector(".nb-fields")?.textContent).toBe("querya");
  });
});

describe("the user's message", () => {
  it("is plain text, with its pictures and files", async () => {
    page = open();
    const data = "aGk=";
    const files = [
      { media_type: "image/png", data },
      { url: `data:image/png;base64,${data}`, name: "inline" },
      { url: "https://example.org/a.png", media_type: "image/png" },
      { url: "javascript:alert(1)", name: "bad" },
      "nonsense",
    ];
    page.ops(
      RUN,
      ["open", "p", "run", { kind: "prompt", text: "*Why*\n<b>so?</b>\u202e", files }],
      ["close", "p"],
    );
    await settle();
    expect(page.el.querySelector(".nb-prompt-text")?.textContent).toBe("*Why*\n<b>so?</b>‹U+202E›");
    expect([...page.el.querySelectorAll("img")].map(({ alt, src }) => [alt, src])).toEqual([
      ["picture of the message", `data:image/png;base64,${data}`],
      ["inline", `data:image/png;base64,${data}`],
    ]);
    expect(
      [...page.el.querySelectorAll(".nb-prompt a")].map((a) => a.getAttribute("href")),
    ).toEqual(["https://example.org/a.png"]);
  });
});

it("what a tool prints is shown as it comes, before its result", async () => {
  page = await ask(ARGS);
  page.ops(["set", "sql", { state: "input-available" }], ["append", "sql", "output", "1%\r"]);
  await settle();
  page.ops(["append", "sql", "output", "\u001b[32m2%\u001b[0m\ndone"]);
  await settle();
  expect(page.el.querySelector(".nb-output")?.textContent).toBe("2%done");
  page.ops(
    ["set", "sql", { state: "output-available", result: { "text/plain": "r" } }],
    ["close", "sql"],
  );
  await settle();
  expect(page.el.querySelector(".nb-panel-body")?.textContent).toMatch(/Output2%doneResultr/);
});
