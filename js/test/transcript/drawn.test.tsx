/** A block of a kind without a component is drawn of the nodes that the kernel sends with it. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DrawnNode } from "../../src/protocol";
import { open, ownClock, type Page, RUN, rowOf, settle } from "../support";

ownClock();

let page: Page;

beforeEach(() => {
  page = open();
  page.ops(RUN);
});
afterEach(() => page.close());

async function drawn(...nodes: readonly unknown[]): Promise<HTMLElement> {
  page.ops(["open", "p", "run", { kind: "plan", drawn: nodes }], ["close", "p"]);
  await settle();
  return page.el;
}

const node = (each: DrawnNode) => each;

describe("a node", () => {
  it("is a line, with strong words, of a task with its mark", async () => {
    const el = await drawn(
      node({ node: "line", words: [{ text: "Plan", strong: true }, { text: " of today" }] }),
      node({ node: "line", words: [{ text: "Load" }], done: true }),
      node({ node: "line", words: [{ text: "Sum" }], done: false }),
    );
    const lines = [...el.querySelectorAll(".nb-line")];
    expect(lines.map((line) => line.textContent)).toEqual([
      "Plan of today",
      "done: Load",
      "to do: Sum",
    ]);
    expect(lines[0]?.querySelector(".nb-name")?.textContent).toBe("Plan");
    expect(lines[1]?.querySelector(".nb-icon-check")).not.toBeNull();
    expect(lines[2]?.querySelector(".nb-icon-todo")).not.toBeNull();
  });

  it("is a notice, a link, a file, a message", async () => {
    const el = await drawn(
      node({ node: "notice", text: "Slow", level: "warning" }),
      node({ node: "link", url: "https://example.org/a", title: "A" }),
      node({ node: "link", url: "javascript:alert(1)", title: "B" }),
      node({ node: "download", media_type: "text/csv", data: "YQ==", name: "a.csv" }),
      node({ node: "message", text: "Hi\n*you*", files: [] }),
    );
    expect(el.querySelector(".nb-line .nb-icon-warning")).not.toBeNull();
    const hrefs = [...el.querySelectorAll(".nb-chip")].map((chip) => chip.getAttribute("href"));
    expect(hrefs).toEqual([
      "https://example.org/a",
      null,
      "data:application/octet-stream;base64,YQ==",
    ]);
    expect(el.querySelector(".nb-prompt-text")?.textContent).toBe("Hi\n*you*");
  });

  it("is a panel: an error is open, data is closed", async () => {
    await drawn(
      node({ node: "failure", type: "KeyError", message: "no such key" }),
      node({ node: "data", name: "numbers", value: { a: 1 } }),
    );
    expect(rowOf(page.el, "KeyError").getAttribute("aria-expanded")).toBe("true");
    const data = rowOf(page.el, "numbers");
    expect(data.getAttribute("aria-expanded")).toBe("false");
    expect(data.textContent).toContain('{"a":1}');
  });

  it.each([null, 1, [], {}, { node: "line", words: 3 }, { node: "hologram" }, { node: [] }])(
    "that is odd never breaks the transcript: %j",
    async (odd) => {
      await drawn(odd, node({ node: "line", words: [{ text: "still here" }] }));
      expect(page.el.textContent).toContain("still here");
      expect(page.el.textContent).not.toContain("[object Object]");
    },
  );
});

it("nodes that are no list draw nothing, and a kind without nodes shows its data", async () => {
  page.ops(["open", "a", "run", { kind: "plan", drawn: "x" }], ["close", "a"]);
  page.ops(["open", "b", "run", { kind: "plan", steps: [] }], ["close", "b"]);
  await settle();
  expect(page.el.querySelectorAll(".nb-tool-name")).toHaveLength(1);
});
