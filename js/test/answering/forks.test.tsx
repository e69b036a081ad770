/** A fork from a call: the form, what is sent, and what comes back. */

import { afterEach, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/values";
import { open, ownClock, type Page, RUN, settle, tool } from "../support";
import { button, field, press, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

const FORM = {
  text: '{"arguments":{"year":2023}}',
  schema: {
    type: "object",
    properties: {
      arguments: {
        type: "object",
        properties: { year: { type: "integer" } },
        required: ["year"],
        additionalProperties: false,
      },
      result: { type: "string", default: '{"rate":1.08}' },
      model: { type: "string", default: "test-1" },
    },
    required: ["arguments"],
    additionalProperties: false,
  },
};

async function begin(run: JsonObject = { can_fork: true }): Promise<void> {
  page = open({ name: "analyst", status: "completed" });
  page.ops(
    RUN,
    ["set", "run", run],
    tool("rate", { state: "output-available", args: { year: 2023 }, user_open: true }),
    ["close", "rate"],
  );
  await settle();
}

async function beginForm(form: JsonObject = FORM): Promise<void> {
  await begin();
  await press(page, "Fork from here…");
  const text = JSON.stringify(form);
  page.model.receive({ t: "part", name: "fork/rate", at: 0, size: text.length, text });
  await settle();
}

const told = async (fields: JsonObject) => {
  page.ops(["set", "run", { outcome: { key: page.sent("fork").at(-1)?.key, ...fields } }]);
  await settle();
};

it("is offered where an agent is known that goes on", async () => {
  await begin({});
  expect(page.el.querySelector(".nb-again")).toBeNull();
});

it("sends the changes, once, and leads to the run that was made", async () => {
  await beginForm();
  await press(page, "+ result");
  await type(field(page, "result"), '{"rate": 9}');
  await press(page, "Fork");
  button(page, "Forking…").click();
  const [sent, ...more] = page.sent("fork");
  expect(more).toEqual([]);
  expect(sent).toMatchObject({ block: "rate" });
  expect(JSON.parse(String(sent?.changes))).toEqual({
    arguments: { year: 2023 },
    result: '{"rate": 9}',
  });
  page.ops(["set", "run", { forks: [{ number: 2, parent: 1, run: "run-7", label: "at rate" }] }]);
  await told({ problem: null, run: "run-7" });
  expect(page.el.querySelector(".nb-tool [role=status]")?.textContent).toBe(
    "It goes on as run 2. Go to it",
  );
});

it("sends no change if nothing was changed: the call is made again and the run goes on", async () => {
  await beginForm();
  await press(page, "Fork");
  expect(page.sent("fork")).toMatchObject([{ block: "rate", changes: "{}" }]);
});

it("sends all messages if one of them was changed", async () => {
  const told = [
    { role: "user", content: "Which rate?" },
    { role: "assistant", content: "1.09" },
  ];
  const item = { type: "object", properties: {}, default: { role: "user", content: "" } };
  const messages = { type: "array", items: item, default: told };
  await beginForm({ text: "{}", schema: { type: "object", properties: { messages } } });
  await press(page, "+ messages");
  const fields = [...page.el.querySelectorAll<HTMLTextAreaElement>(".nb-form textarea")];
  const answer = fields.find(({ value }) => value === "1.09");
  await type(answer as HTMLTextAreaElement, "1.10");
  await press(page, "Fork");
  expect(JSON.parse(String(page.sent("fork")[0]?.changes))).toEqual({
    messages: [told[0], { role: "assistant", content: "1.10" }],
  });
});

it("says why there is no fork, and keeps what was typed", async () => {
  await beginForm();
  await type(field(page, "year"), "2024");
  await press(page, "Fork");
  await told({ problem: "the tool 'rate' is gone", run: null });
  expect(page.el.querySelector(".nb-answering .nb-bad")?.textContent).toBe(
    "the tool 'rate' is gone",
  );
  expect(field(page, "year").value).toBe("2024");
  await press(page, "Fork");
  expect(page.sent("fork")).toHaveLength(2);
});

it("says after a while that the kernel has not taken it", async () => {
  await beginForm();
  await press(page, "Fork");
  await settle(4000);
  expect(page.el.textContent).toContain("The kernel has not taken this yet.");
});
