/** A request is edited in a form and sent again; its answers are shown, or why there are none. */

import { render } from "preact";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SendForm } from "../../src/answering/send-form";
import { Result } from "../../src/transcript/result";
import type { JsonObject } from "../../src/values";
import { type InspectedSession, inspectedSession } from "../inspector/support";
import { ownClock, settle } from "../support";
import { button, field, press, problems, type } from "./support";

ownClock();

const FORM = {
  text: '{"model":"m","seed":12345678901234567890,"messages":[{"role":"user","content":"Hi"}]}',
  schema: {
    type: "object",
    properties: {
      model: {},
      seed: {},
      messages: {
        type: "array",
        items: { type: "object", properties: {}, default: { role: "user", content: "" } },
      },
    },
    additionalProperties: true,
  },
};
const ANSWERS = "<p>Request 2 sent again</p><p><del>3</del><ins>4</ins></p>";

let inspected: InspectedSession;
let left: number;
const page = { el: document.createElement("div") };
let seq = 0;

function open(): Promise<void> {
  const leave = () => {
    left += 1;
    render(null, page.el);
  };
  render(
    <SendForm session={inspected.session} number={2} Result={Result} leave={leave} />,
    page.el,
  );
  return settle();
}

beforeEach(() => {
  left = 0;
  seq = 0;
  const parts: JsonObject = { "request/2/form": JSON.stringify(FORM), comparison: ANSWERS };
  inspected = inspectedSession((name) => ({ text: parts[name], size: String(parts[name]).length }));
  document.body.append(page.el);
});
afterEach(() => {
  render(null, page.el);
  inspected.session.dispose();
  page.el.remove();
});

const sent = () => inspected.sent.filter(({ t }) => t === "send") as unknown as JsonObject[];

async function tell(outcome: JsonObject): Promise<void> {
  seq += 1;
  const props = { outcome: { key: sent().at(-1)?.key, problem: null, ...outcome } };
  const op = seq === 1 ? ["open", "run", null, { kind: "run", ...props }] : ["set", "run", props];
  inspected.deliver({ t: "ops", seq, now: 1, ops: [op] });
  await settle();
}

const answered = () => tell({ html: { part: "comparison", size: ANSWERS.length, head: "" } });

it("sends all fields, once, and shows the new answer beside the first one", async () => {
  await open();
  await type(field(page, "content"), "Hello");
  await press(page, "Send");
  button(page, "Sending…").click();
  expect(sent()).toEqual([
    {
      t: "send",
      key: expect.any(String),
      request: 2,
      fields:
        '{"model": "m", "seed": 12345678901234567890, ' +
        '"messages": [{"role": "user", "content": "Hello"}]}',
    },
  ]);
  await answered();
  expect(page.el.querySelector("form")).toBeNull();
  expect(page.el.querySelector("del")?.textContent).toBe("3");
  expect(page.el.querySelector("ins")?.textContent).toBe("4");
  expect(document.activeElement?.getAttribute("aria-label")).toBe("Both answers");
});

it("sends the request as it was if nothing is changed", async () => {
  await open();
  await press(page, "Send");
  expect(sent()).toMatchObject([{ fields: FORM.text }]);
});

it("goes back from the answers to what was typed, and sends that again", async () => {
  await open();
  await type(field(page, "model"), "m-2");
  await press(page, "Send");
  await answered();
  await press(page, "Edit again");
  expect(field(page, "model").value).toBe("m-2");
  await press(page, "Send");
  expect(sent()).toHaveLength(2);
  await answered();
  expect(page.el.querySelector("ins")?.textContent).toBe("4");
});

it("keeps the answers when another act of the reader has its outcome", async () => {
  await open();
  await press(page, "Send");
  await answered();
  await tell({ key: "of another", file: "test_rates.py" });
  expect(page.el.querySelector("ins")?.textContent).toBe("4");
});

it("says why there is no answer, and keeps what was typed", async () => {
  await open();
  await type(field(page, "model"), "m-2");
  await press(page, "Send");
  await tell({ problem: "404 Not Found from model.test: no such model" });
  expect(page.el.querySelector("[role=status]")?.textContent).toBe(
    "404 Not Found from model.test: no such model",
  );
  expect(field(page, "model").value).toBe("m-2");
  expect(button(page, "Send").getAttribute("aria-disabled")).toBe("false");
});

it("does not send what is no JSON, and says where it is none", async () => {
  await open();
  await press(page, "As JSON");
  const area = page.el.querySelector("textarea") as HTMLTextAreaElement;
  await type(area, '{"model": }');
  await press(page, "Send");
  expect(problems(page)).toEqual(['not JSON at "}"']);
  expect(area.value).toBe('{"model": }');
  expect(sent()).toEqual([]);
});

it("keeps what was typed when it is left, and begins with it again", async () => {
  await open();
  await type(field(page, "model"), "m-2");
  await press(page, "Back");
  expect(left).toBe(1);
  await open();
  expect(field(page, "model").value).toBe("m-2");
});

it("has room for another setting and another message", async () => {
  await open();
  await type(page.el.querySelector(".nb-new-member input") as HTMLInputElement, "temperature");
  await press(page, "Add entry");
  await type(field(page, "temperature"), "0.5");
  await press(page, "+ item");
  expect(page.el.querySelectorAll('[aria-label="messages"] [role=group]')).toHaveLength(2);
  await press(page, "Send");
  expect(JSON.parse(String(sent()[0]?.fields))).toMatchObject({
    temperature: 0.5,
    messages: [
      { role: "user", content: "Hi" },
      { role: "user", content: "" },
    ],
  });
});

it("says after a while that there is no answer yet", async () => {
  await open();
  await press(page, "Send");
  await settle(4000);
  expect(page.el.querySelector("[role=status]")?.textContent).toContain("No answer yet.");
});
