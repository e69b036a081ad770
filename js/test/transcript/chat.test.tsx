/** A chat: the input line, edited prompts, earlier versions. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { open, ownClock, type Page, settle } from "../support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

const IDLE = { kind: "run", name: "analyst", status: "completed", started: 1, turns: 0 };
const PROMPT = ["open", "prompt:1", "run", { kind: "prompt", text: "one" }];
const ANSWER = ["open", "t1", "run", { kind: "text", text: "first answer" }];
const WARNING = [
  "open",
  "status:9",
  "run",
  { kind: "status", message: "no model", level: "warning" },
];
const live = (turns: number) => ["set", "run", { status: "running", turns }];
const done = ["set", "run", { status: "completed", ended: 2 }];

let page: Page;
beforeEach(async () => {
  page = open({ name: "analyst", status: "completed" });
  page.ops(["open", "run", null, IDLE]);
  await settle();
});
afterEach(() => page.close());

const field = () => page.el.querySelector("textarea") as HTMLTextAreaElement;
const button = (label: string) =>
  [...page.el.querySelectorAll("button")].find((each) => each.textContent === label);

async function type(text: string): Promise<void> {
  field().value = text;
  field().dispatchEvent(new Event("input", { bubbles: true }));
  await settle();
}

async function press(key: string, options: KeyboardEventInit = {}): Promise<KeyboardEvent> {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options });
  field().dispatchEvent(event);
  await settle();
  return event;
}

async function answered(): Promise<void> {
  page.ops(live(1), PROMPT, ANSWER, ["close", "prompt:1"], ["close", "t1"], done);
  await settle();
}

it("is ready before the first message", () => {
  expect(page.el.querySelector(".nb-status")?.textContent).toBe("Ready");
  expect(page.el.textContent).toContain("Ask something");
  expect(button("Stop")).toBeUndefined();
});

it("introduces its agent before the first message", async () => {
  page.ops(["set", "run", { about: "You answer in one sentence.", offers: ["sales", "rates"] }]);
  await settle();
  const lines = [...page.el.querySelectorAll(".nb-intro p")].map((line) => line.textContent);
  expect(lines).toEqual(["You answer in one sentence.", "Tools: sales, rates"]);
});

describe("the input line", () => {
  it("sends with Enter, and not with Shift or while a word is composed", async () => {
    await type("hello");
    expect((await press("Enter", { shiftKey: true })).defaultPrevented).toBe(false);
    await press("Enter", { isComposing: true });
    expect(page.sent("say")).toEqual([]);
    await press("Enter");
    expect(page.sent("say")).toEqual([
      { t: "say", text: "hello", files: [], instead_of: null, key: expect.any(String) },
    ]);
    await press("Enter"); // it is on its way
    expect(page.sent("say")).toHaveLength(1);
  });

  it("sends nothing that is blank", async () => {
    await type("  ");
    await press("Enter");
    expect(page.sent("say")).toEqual([]);
  });

  it("is empty when the answer begins, and Send is Stop until it ends", async () => {
    await type("one");
    await press("Enter");
    page.ops(live(1), PROMPT);
    await settle();
    expect(field().value).toBe("");
    expect(button("Send")).toBeUndefined();
    page.el.querySelector<HTMLButtonElement>(".nb-chat .nb-stop")?.click();
    expect(page.sent("stop")).toHaveLength(1);
    page.ops(["set", "run", { status: "cancelled" }]);
    await settle();
    expect(button("Send")).toBeDefined();
  });

  it("keeps what the kernel did not take", async () => {
    await type("one");
    await press("Enter");
    page.ops(WARNING, ["close", "status:9"]);
    await settle();
    expect(field().value).toBe("one");
    await press("Enter");
    expect(page.sent("say")).toHaveLength(2);
  });

  it("recalls earlier messages with the arrow keys, and none while one is written", async () => {
    await answered();
    await press("ArrowUp");
    expect(field().value).toBe("one");
    await press("ArrowDown");
    expect(field().value).toBe("");
    await type("new");
    expect((await press("ArrowUp")).defaultPrevented).toBe(false);
    expect(field().value).toBe("new");
  });

  it("is the same in two views", async () => {
    const { el } = page.view();
    await type("shared");
    expect(el.querySelector("textarea")?.value).toBe("shared");
  });

  it("takes files that are dropped, and lets go of one", async () => {
    const drop = new Event("drop", { bubbles: true, cancelable: true });
    Object.assign(drop, {
      dataTransfer: {
        files: [new File(["hi"], "a.txt", { type: "text/plain" })],
        types: ["Files"],
      },
    });
    page.el.querySelector(".nb-chat")?.dispatchEvent(drop);
    await settle();
    await settle();
    expect(page.el.querySelector(".nb-chip")?.textContent).toContain("a.txt");
    await type("read it");
    await press("Enter");
    expect(page.sent("say")[0]?.files).toEqual([
      { name: "a.txt", media_type: "text/plain", data: "aGk=" },
    ]);
    page.el.querySelector<HTMLButtonElement>("[aria-label='Remove a.txt']")?.click();
    await settle();
    expect(page.el.querySelector(".nb-chip")).toBeNull();
  });
});

it("a message that nobody takes is given back, and says what to do", async () => {
  await type("hello");
  await press("Enter");
  expect(button("Sending…")).toBeDefined();
  await settle(8100);
  expect(button("Send")?.getAttribute("aria-disabled")).toBe("false");
  expect(field().value).toBe("hello");
  const note = () => page.el.querySelector(".nb-chat-note")?.textContent;
  expect(note()).toContain("run the cell again");
  page.ops(live(1), PROMPT);
  await settle();
  expect([note(), field().value]).toEqual([undefined, ""]);
});

describe("an earlier message", () => {
  beforeEach(answered);

  it("is edited in the input line, and Escape leaves it", async () => {
    expect(button("Edit")?.getAttribute("aria-label")).toBe("Edit message 1");
    button("Edit")?.click();
    await settle();
    expect(field().value).toBe("one");
    await press("Escape");
    expect(field().value).toBe("");
    button("Edit")?.click();
    await settle();
    await type("two");
    await press("Enter");
    expect(page.sent("say")).toEqual([
      { t: "say", text: "two", files: [], instead_of: "prompt:1", key: expect.any(String) },
    ]);
  });

  it("is asked again as it was", () => {
    button("Ask again")?.click();
    expect(page.sent("say")).toEqual([
      { t: "say", text: "one", files: [], instead_of: "prompt:1", key: expect.any(String) },
    ]);
  });

  it("that was replaced is hidden with its answer, until its reader asks for it", async () => {
    page.ops(["set", "prompt:1", { replaced: true }], ["set", "t1", { replaced: true }], live(2));
    page.ops(["set", "run", { versions: 1 }]);
    page.ops(
      ["open", "prompt:2", "run", { kind: "prompt", text: "two" }],
      ["close", "prompt:2"],
      done,
    );
    await settle();
    expect(page.el.textContent).not.toContain("first answer");
    button("Show earlier versions (1)")?.click();
    await settle();
    expect(page.el.querySelector(".nb-replaced")?.textContent).toContain("one");
    expect(page.el.textContent).toContain("first answer");
    button("Hide earlier versions")?.click();
    await settle();
    expect(page.el.textContent).not.toContain("first answer");
  });
});

describe("a further answer", () => {
  const now = () => Date.now() / 1000;
  const time = () => page.el.querySelector(".nb-head .nb-time")?.textContent;

  beforeEach(answered);

  it("has a clock of its own, also where the end of the one before is known", async () => {
    page.ops(["set", "run", { status: "running", turns: 2, started: now() - 7.5, ended: 2 }]);
    await settle();
    expect(time()).toBe("7s");
  });

  it("is waited for under its prompt, and announced once", async () => {
    page.ops([
      "set",
      "run",
      { status: "running", turns: 2, started: now() - 4.5, ended: null, model: "gpt-5-mini" },
    ]);
    page.ops(["open", "prompt:2", "run", { kind: "prompt", text: "two" }], ["close", "prompt:2"]);
    await settle();
    expect(page.el.querySelector(".nb-waiting")?.textContent).toBe("Waiting for gpt-5-mini… 4s");
    expect(document.querySelector("[role=status]")?.textContent).toContain(
      "Waiting for gpt-5-mini…",
    );
    page.ops(["open", "t2", "run", { kind: "text", text: "second answer" }]);
    await settle();
    expect(page.el.querySelector(".nb-waiting")).toBeNull();
  });

  it("that was stopped or cut off says so where it stops", async () => {
    const end = { kind: "status", status: "incomplete", code: "length", last_output: 40 };
    page.ops(["open", "end:9", "run", end], ["close", "end:9"]);
    await settle();
    expect(page.el.querySelector(".nb-line")?.textContent).toBe(
      "Cut off at 40 tokens (max_tokens)",
    );
    expect(page.el.querySelector(".nb-line .nb-icon-warning")).not.toBeNull();
  });
});

it("of a session that goes on says nothing about the time of the earlier answers", async () => {
  const call = {
    kind: "tool",
    name: "f",
    state: "output-available",
    started: 1,
    ended: 1,
    untimed: true,
  };
  page.ops(live(1), PROMPT, ["open", "c", "run", call], ["close", "c"]);
  page.ops([
    "set",
    "run",
    { status: "completed", started: 1, ended: 1.1, first_token: 0.01, untimed: true },
  ]);
  await settle();
  expect(page.el.querySelector(".nb-status")?.textContent).toBe("Ready");
  expect(page.el.querySelector(".nb-time")).toBeNull();
  expect(page.el.querySelector(".nb-foot")).toBeNull();
});

it("that a run is not has no input line", async () => {
  const other = open();
  other.ops(["open", "run", null, { kind: "run", name: "analyst", status: "completed" }]);
  await settle();
  expect(other.el.querySelector("textarea")).toBeNull();
  other.close();
});
