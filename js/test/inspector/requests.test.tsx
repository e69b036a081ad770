/** The inspector's page of the requests to the model. */

import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Inspector } from "../../src/inspector";
import type { RequestDetail, RequestPart, RequestRow } from "../../src/protocol";
import type { Session } from "../../src/session";
import type { Inspecting } from "../../src/transcript/inspecting";
import { Result } from "../../src/transcript/result";
import { ownClock, settle } from "../support";
import { inspectedSession } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

const ROWS: RequestRow[] = [
  {
    number: 1,
    step: 1,
    model: "m",
    started: 1,
    seconds: 0.5,
    status: 200,
    input: 83,
    output: 25,
    changes: "begins with 1 message",
  },
  {
    number: 2,
    step: 2,
    model: "m",
    started: 3,
    input: 1117,
    estimated: true,
    changes: "+2 messages, tools unchanged",
  },
];
const PARTS: RequestPart[] = [
  {
    kind: "instructions",
    part: "instructions",
    label: "instructions",
    head: "Be brief.",
    size: 11,
    tokens: 7,
  },
  ...Array.from(
    { length: 6 },
    (_, i): RequestPart => ({
      kind: "message",
      part: `messages/${i}`,
      label: "user",
      head: `word ${i}`,
      size: 9,
      tokens: 10,
    }),
  ),
  {
    kind: "message",
    part: "messages/6",
    label: "tool",
    head: "<b>3</b>",
    size: 9,
    tokens: 40,
    new: true,
  },
  { kind: "tool", part: "tools/0", label: "add", head: "Add.", size: 20, tokens: 1010 },
  { kind: "settings", part: "settings", label: "settings", size: 20 },
  { kind: "response", part: "response", label: "response", size: 1200 },
];
const DETAIL: RequestDetail = {
  row: ROWS[1] as RequestRow,
  url: "http://model.test/v1",
  parts: PARTS,
};

let answers: Record<string, unknown>;
let asked: string[];
let session: Session;
let root: HTMLElement;
let status: string;
const inspecting = signal<Inspecting | null>(null);

function open(page: Inspecting = { page: "requests", block: null }): Promise<void> {
  inspecting.value = page;
  render(<Inspector session={session} inspecting={inspecting} Result={Result} />, root);
  return settle();
}

beforeEach(() => {
  asked = [];
  status = "completed";
  answers = {
    "requests/1": { last: 2, rows: ROWS },
    "request/1": { ...DETAIL, row: ROWS[0], parts: PARTS.slice(0, 2) },
    "request/2": DETAIL,
    "request/2/messages/6": { role: "tool", content: "<b>3</b>", tool_call_id: "c1" },
    "request/2/messages/0": {
      role: "user",
      content: [{ type: "text", text: "two\nlines" }, { type: "image" }],
    },
    "request/2/body": { model: "m" },
    "request/2/response": "data: {}\n\n",
  };
  const answer = (name: string) => {
    const found = answers[name];
    const text = typeof found === "string" ? found : JSON.stringify(found);
    return found === undefined ? { error: "there is none" } : { text, size: text?.length };
  };
  const head = {
    name: "analyst",
    started: 1,
    events: 3,
    get status() {
      return status;
    },
  };
  ({ session, asked } = inspectedSession(answer, { head }));
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  session.dispose();
  root.remove();
});

const texts = (selector: string) =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent);
const list = () => root.querySelector<HTMLElement>("[role=listbox]");
const part = (label: string) =>
  [...root.querySelectorAll<HTMLElement>(".nb-part-row")].find((row) =>
    row.textContent?.startsWith(label),
  );

it("lists the requests with what is new, the status and the figures, and shows the newest", async () => {
  await open();
  expect(
    [...root.querySelectorAll(".nb-request-row")].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    ),
  ).toEqual([
    ["1 ", "m", "begins with 1 message", "200", "83 in", "25 out", "0.5s"],
    ["2 ", "m", "+2 messages, tools unchanged", "…", "~1,117 in", "", "…"],
  ]);
  expect(root.querySelector("[aria-selected=true].nb-request-row")?.textContent).toContain(
    "+2 messages",
  );
  expect(texts(".nb-token-legend > *")).toEqual([
    "~1,117 in",
    "instructions 7",
    "tools 1,010",
    "messages as before 60",
    "new messages 40",
    "all estimated by characters",
  ]);
});

it("marks what is new, and folds what was there long before", async () => {
  await open();
  expect(texts(".nb-part-new .nb-part-label")).toEqual(["tool"]);
  expect(texts(".nb-request-earlier")).toEqual(["3 earlier"]);
  root.querySelector<HTMLElement>(".nb-request-earlier")?.click();
  await settle();
  expect(part("instructions")).not.toBeUndefined();
  expect(root.querySelector("b")).toBeNull();
});

it("opens a message as its text and the rest as JSON, and the response as it came", async () => {
  await open();
  part("tool")?.click();
  part("response")?.click();
  await settle();
  expect(part("tool")?.nextElementSibling?.querySelector("pre")?.textContent).toBe("<b>3</b>");
  expect(part("tool")?.nextElementSibling?.textContent).toContain('"tool_call_id": "c1"');
  expect(part("response")?.nextElementSibling?.textContent).toBe("data: {}\n\n");
  root.querySelector<HTMLElement>(".nb-request-earlier")?.click();
  await settle();
  part("userword 0")?.click();
  await settle();
  expect(part("userword 0")?.nextElementSibling?.querySelector("pre")?.textContent).toBe(
    "two\nlines",
  );
});

it("names the agents where there are several, and the steps where they are not the requests", async () => {
  const of = (number: number, agent: string, step: number) => ({ ...ROWS[0], number, agent, step });
  answers["requests/1"] = {
    last: 3,
    rows: [of(1, "boss", 1), of(2, "helper", 1), of(3, "boss", 2)],
  };
  await open();
  expect(texts(".nb-request-step")).toEqual(["boss step 1", "helper step 1", "boss step 2"]);
});

it("goes from one request to the next by key", async () => {
  await open();
  list()?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
  await settle();
  expect(root.querySelector(".nb-request")?.getAttribute("aria-label")).toBe("Request 1");
  list()?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
  list()?.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  await settle();
  expect(root.querySelector(".nb-request")?.getAttribute("aria-label")).toBe("Request 2");
});

it("draws few rows of many requests, and goes to the last one by key", async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => ({ ...ROWS[0], number: i + 1 }));
  answers["requests/1"] = { last: 3000, rows };
  answers["request/3000"] = DETAIL;
  await open();
  expect(root.querySelectorAll(".nb-request-row").length).toBeLessThan(100);
  list()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
  await settle();
  expect(root.querySelector(".nb-request")?.getAttribute("aria-label")).toBe("Request 1");
  expect(root.querySelector("[role=option]")?.getAttribute("aria-setsize")).toBe("3000");
});

it("copies the request", async () => {
  const written: string[] = [];
  vi.stubGlobal("navigator", {
    clipboard: { writeText: async (text: string) => void written.push(text) },
  });
  await open();
  [...root.querySelectorAll("button")]
    .find((button) => button.textContent === "Copy JSON")
    ?.click();
  await settle();
  vi.unstubAllGlobals();
  expect(written).toEqual(['{\n  "model": "m"\n}']);
});

it("shows the form of a request in place of its parts, and leads back to them", async () => {
  const press = async (label: string) => {
    [...root.querySelectorAll("button")].find((each) => each.textContent === label)?.click();
    await settle();
  };
  await open();
  expect(root.textContent).not.toContain("Edit and send");
  render(null, root);
  answers["request/2"] = { ...DETAIL, can_send: true };
  answers["request/2/form"] = { text: '{"model":"m"}', schema: { type: "object" } };
  await open();
  await press("Edit and send");
  expect(texts(".nb-request form .nb-field-name")).toEqual(["model"]);
  expect(texts(".nb-part")).toEqual([]);
  await press("Back");
  expect(texts(".nb-part")).not.toEqual([]);
  expect(document.activeElement).toBe(root.querySelector(".nb-request"));
});

it("leads from a block's events to the request in whose response it came", async () => {
  answers["events/0"] = {};
  session.store.apply([["open", "tool-1", null, { kind: "tool", name: "add", started: 2 }]]);
  await open({ page: "events", block: { id: "tool-1", kind: "tool", label: "add" } });
  [...root.querySelectorAll<HTMLElement>("button")]
    .find((button) => button.textContent === "Its request")
    ?.click();
  await settle();
  expect(root.querySelector(".nb-request")?.getAttribute("aria-label")).toBe("Request 1");
});

it("says why nothing is shown: hidden, not kept, or the kernel's own words", async () => {
  answers["request/2"] = { ...DETAIL, parts: [], hidden: "it is hidden in this run" };
  await open();
  expect(texts(".nb-request > .nb-note")).toEqual(["It is hidden in this run."]);
  expect(root.textContent).not.toContain("Copy JSON");
  render(null, root);
  answers["requests/1"] = { last: 0, rows: [] };
  await open();
  expect(texts(".nb-note")[0]).toContain("nbagent.watch(client)");
  render(null, root);
  delete answers["requests/1"];
  await open();
  expect(texts(".nb-note")).toEqual(["Could not load this: there is none. Try again"]);
});

it("asks again while a response goes on", async () => {
  await open();
  const done = { ...ROWS[1], seconds: 2, status: 200, input: 900, estimated: false, output: 12 };
  answers["requests/2"] = { last: 2, rows: [done] };
  await settle(1000);
  expect(root.textContent).toContain("900 in");
  const before = asked.length;
  await settle(5000);
  expect(asked.length).toBe(before);
});

it("draws whatever a kernel answers", async () => {
  answers["requests/1"] = {
    last: "x",
    rows: [null, { number: "a", status: [], problem: 3 }, ROWS[1]],
  };
  answers["request/2"] = { parts: [1, { kind: 2 }, null], row: 7, url: {} };
  await open();
  expect(list()).not.toBeNull();
});
