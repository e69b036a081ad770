/** A page with questions, and what a reader does with them. */

import type { JsonObject } from "../../src/values";
import { open, type Page, RUN, settle, tool } from "../support";

export const SQL = {
  type: "object",
  properties: {
    query: { type: "string" },
    limit: { type: "integer", minimum: 1, maximum: 100, default: 10 },
  },
  required: ["query"],
  additionalProperties: false,
};

/** Ask for permission to call a tool. `text` are the arguments as the model wrote them. */
export async function ask(text: string, props: JsonObject = {}, page = open()): Promise<Page> {
  const args = JSON.parse(text);
  page.ops(RUN, tool("sql", { state: "approval-requested", args, args_text: text }), [
    "open",
    "approval:sql",
    "sql",
    { kind: "approval", approval_kind: "tool", tool_id: "sql", args, answerable: true, ...props },
  ]);
  await settle();
  return page;
}

/** Ask for anything else. */
export async function askFor(kind: string, props: JsonObject): Promise<Page> {
  const page = open();
  page.ops(RUN, [
    "open",
    "approval:a",
    "run",
    { kind: "approval", approval_kind: kind, answerable: true, ...props },
  ]);
  await settle();
  return page;
}

/** The part of a page in which controls are looked for. */
type Drawn = Pick<Page, "el">;

export function button(page: Drawn, label: string): HTMLButtonElement {
  const all = [...page.el.querySelectorAll<HTMLButtonElement>("button")];
  const found = all.find(
    (each) => each.textContent === label || each.getAttribute("aria-label") === label,
  );
  if (!found)
    throw new Error(
      `no button "${label}"; there are: ${all.map((each) => each.textContent).join(" | ")}`,
    );
  return found;
}

export async function press(page: Drawn, label: string): Promise<void> {
  button(page, label).click();
  await settle();
}

/** The control of the field of this name; of several the first. */
export function field(page: Drawn, name: string): HTMLInputElement {
  const label = [...page.el.querySelectorAll("label")].find((each) => each.textContent === name);
  const control =
    label && page.el.querySelector<HTMLInputElement>(`[id="${label.getAttribute("for")}"]`);
  if (!control)
    throw new Error(`no field "${name}" in ${page.el.querySelector(".nb-form")?.textContent}`);
  return control;
}

export async function type(
  control: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  text: string,
): Promise<void> {
  control.value = text;
  control.dispatchEvent(
    new Event(control.localName === "select" ? "change" : "input", { bubbles: true }),
  );
  await settle();
}

export function key(target: Element, name: string, more: KeyboardEventInit = {}): void {
  target.dispatchEvent(
    new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }),
  );
}

/** The problems shown at all fields. */
export const problems = (page: Drawn) =>
  [...page.el.querySelectorAll(".nb-problem")].map(({ textContent }) => textContent);
