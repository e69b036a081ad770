/**
 * The end that a view adds to a static copy when the kernel is gone: all that has come, once, as
 * text.
 */

import { describe, expect, it } from "vitest";
import { completed } from "../src/copy-end";
import type { Op } from "../src/protocol";
import { Store } from "../src/store";
import type { JsonObject } from "../src/values";
import { corpus } from "./markdown/support";

const RUN: Op = ["open", "run", null, { kind: "run", name: "analyst" }];
const KERNELS = '<div data-nbagent-twin="key"><div><p>Hello</p></div>\n</div>\n';

function open(id: string, props: JsonObject, parent = "run"): Op {
  return ["open", id, parent, props];
}

function store(...ops: Op[]): Store {
  const made = new Store();
  made.apply([RUN, ...ops]);
  return made;
}

/** Text of the end that is added; null if none is. */
function end(made: Store, held: JsonObject): string | null {
  const copy = completed({ html: KERNELS, held }, made);
  if (copy === null) return null;
  expect(completed(copy, made)).toBeNull();
  return parsed(copy.html).querySelector("pre")?.textContent ?? "";
}

function parsed(html: string): HTMLElement {
  return new DOMParser().parseFromString(html, "text/html").body;
}

describe("a copy gets", () => {
  it("the rest of a text that has grown since", () => {
    const made = store(open("t", { kind: "text", text: "" }), [
      "append",
      "t",
      "text",
      "Hello 👋 and more",
    ]);
    expect(end(made, { events: 3, blocks: 2, open: { t: 7 } })).toBe(" and more");
    expect(end(made, { events: 3, blocks: 2, open: { t: 16 } })).toBeNull();
    expect(end(made, { events: 3, blocks: 2 })).toBeNull();
  });

  it("the blocks that came since, with the names of what they are in", () => {
    const made = store(
      open("old", { kind: "text", text: "Hello" }),
      open("a", { kind: "agent", name: "planner" }),
      open("r", { kind: "reasoning", text: "Let me see." }, "a"),
      open("f", { kind: "tool", name: "load", args_text: '{"year": 2025}' }, "a"),
      ["set", "f", { result: { "text/html": "<table>", "text/plain": "2 rows" } }],
      open("t", { kind: "text", text: "North grew." }, "a"),
      open("s", { kind: "status", message: "saved" }),
      open("n", { kind: "tool", name: "next" }),
    );
    expect(end(made, { blocks: 2, open: { old: 5 } })).toBe(
      [
        "agent planner › reasoning\nLet me see.",
        'agent planner › tool load\n{"year": 2025}\n2 rows',
        "agent planner\nNorth grew.",
        "status\nsaved",
        "tool next",
      ].join("\n\n"),
    );
  });

  it("the words of a block that is drawn of nodes", () => {
    const drawn = [
      { node: "line", words: [{ text: "Plan", strong: true }, { text: " of today" }] },
      { node: "link", url: "https://example.org/a" },
      null,
    ];
    const made = store(open("p", { kind: "plan", drawn }));
    expect(end(made, { events: 1, blocks: 1 })).toContain("Plan of today\nhttps://example.org/a");
  });

  it("a call again whose output has grown, or that has ended", () => {
    const call = open("f", { kind: "tool", name: "load", args_text: "{}" });
    const made = store(call, ["append", "f", "output", "50 %\n"]);
    expect(end(made, { blocks: 2, open: { f: 2 } })).toBe("tool load\n{}\n50 %\n");
    expect(end(made, { blocks: 2, open: { f: 7 } })).toBeNull();
    made.apply([
      ["set", "f", { error: { type: "ValueError", message: "no such year" } }],
      ["close", "f"],
    ]);
    expect(end(made, { blocks: 2, open: { f: 7 } })).toContain("no such year");
  });

  it("a note instead of more than a notebook should keep", () => {
    const made = store(open("t", { kind: "text", text: "x".repeat(1_000_010) }));
    expect(end(made, { blocks: 1 })).toMatch(
      /^x{1000000}\n… 10 more characters not kept in the notebook$/,
    );
  });

  it("nothing if it does not say what it has", () => {
    const made = store(open("t", { kind: "text", text: "new" }));
    for (const held of [{}, { events: 3 }, { blocks: "1" }]) expect(end(made, held)).toBeNull();
  });
});

it("what is added is text, whatever it says", () => {
  const files = ["xss/dompurify_expect.json", "xss/h5sc.json"].flatMap((name) =>
    corpus<{ payload: string }[]>(name),
  );
  const payloads = [
    ...files.map(({ payload }) => payload),
    "</pre><script>alert(1)</script>",
    "</div><img src=x onerror=alert(1)>",
    "\u202Eevil",
    "&lt;b&gt;",
  ];
  for (const payload of payloads) {
    const made = store(
      open(payload, {
        kind: "tool",
        name: payload,
        args_text: payload,
        output: payload,
        result: payload,
      }),
    );
    const copy = completed({ html: KERNELS, held: { blocks: 1 } }, made);
    const body = parsed(copy?.html ?? "");
    const tags = [...body.querySelectorAll("*")].map(({ localName }) => localName);
    expect(tags).toEqual(["div", "div", "p", "p", "pre"]);
    expect(body.children).toHaveLength(1);
    expect(body.querySelector("pre")?.getAttributeNames()).toEqual(["style"]);
    expect(copy?.html).not.toContain("\u202E");
  }
});
