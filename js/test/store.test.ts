/** Block tree: ops in, signals and text streams out. */

import { describe, expect, it, vi } from "vitest";
import { readOps } from "../src/messages";
import { BlockList, isKind, Store } from "../src/store";
import { opening } from "./kernel";

const OPS: unknown[][] = [
  ["open", "run", null, { kind: "run", name: "a", status: "running", deltas: 0 }],
  ["open", "t1", "run", { kind: "text", text: "" }],
  ["append", "t1", "text", "Hel"],
  ["append", "t1", "text", "lo"],
  ["open", "c1", "run", { kind: "tool", name: "f", state: "input-streaming", args_text: "" }],
  ["append", "c1", "args_text", '{"a'],
  ["append", "c1", "args_text", '":1}'],
  ["set", "c1", { args: { a: 1 }, state: "input-available" }],
  ["open", "n1", "c1", { kind: "text", text: "nested" }],
  ["close", "n1"],
  ["set", "c1", { state: "output-available", result: { "application/json": 0 } }],
  ["close", "c1"],
  ["append", "t1", "text", "!"],
  ["set", "t1", { text: "Hello there" }],
  ["append", "t1", "text", "."],
  ["close", "t1"],
  ["set", "run", { status: "completed", deltas: 4 }],
  ["close", "run"],
];

const BLOCKS = [
  { id: "run", parent: null, kind: "run", closed: true, name: "a", status: "completed", deltas: 4 },
  { id: "t1", parent: "run", kind: "text", closed: true, text: "Hello there." },
  {
    id: "c1",
    parent: "run",
    kind: "tool",
    closed: true,
    name: "f",
    state: "output-available",
    args_text: '{"a":1}',
    args: { a: 1 },
    result: { "application/json": 0 },
  },
  { id: "n1", parent: "c1", kind: "text", closed: true, text: "nested" },
];

function applied(...batches: unknown[][][]): Store {
  const store = new Store();
  for (const batch of batches) store.apply(readOps(batch));
  return store;
}

const ids = (list: BlockList) =>
  list.pages.value.flatMap((page) => page.value.map((block) => block.id));

describe("ops", () => {
  it("build the blocks", () => {
    expect(applied(OPS).toRecords()).toEqual(BLOCKS);
  });

  it("give the same blocks however they are cut into batches", () => {
    for (let first = 0; first <= OPS.length; first += 1) {
      for (let second = first; second <= OPS.length; second += 1) {
        const store = applied(OPS.slice(0, first), OPS.slice(first, second), OPS.slice(second));
        expect(store.toRecords()).toEqual(BLOCKS);
      }
    }
  });

  it("give the same blocks when a snapshot comes at any point", () => {
    for (let cut = 0; cut <= OPS.length; cut += 1) {
      const fresh = new Store();
      fresh.load(opening(applied(OPS.slice(0, cut)).toRecords()));
      fresh.apply(readOps(OPS.slice(cut)));
      expect(fresh.toRecords()).toEqual(BLOCKS);
    }
  });

  it.each([
    ["an unknown block", [["append", "nobody", "text", "x"]]],
    ["an unknown block to close", [["close", "nobody"]]],
    ["a block that is there already", [["open", "t1", "run", { kind: "text", text: "again" }]]],
    [
      "nothing that is an op",
      [
        null,
        1,
        "close",
        {},
        [],
        ["close"],
        ["open", "x"],
        ["append", "t1", "text", 5],
        ["dance", "t1"],
      ],
    ],
  ])("ignore %s", (_, ops) => {
    const store = applied(OPS);
    store.apply(readOps(ops));
    expect(store.toRecords()).toEqual(BLOCKS);
  });

  it("build blocks whose props are read by the names of the contract", () => {
    const tool = applied(OPS).get("c1");
    expect(tool && isKind(tool, "tool") && tool.props.value.args_text).toBe("");
    expect(tool && isKind(tool, "text")).toBe(false);
    // @ts-expect-error: no kind of block has this prop
    expect(tool?.props.value.arguments).toBeUndefined();
    // @ts-expect-error: a prop of another kind
    expect(tool && isKind(tool, "tool") && tool.props.value.tool_id).toBeUndefined();
  });

  it("show a block whose parent is missing at the top, so that nothing is lost", () => {
    const store = applied([["open", "x", "gone", { kind: "text", text: "here" }]]);
    expect(ids(store.top)).toEqual(["x"]);
  });

  it("keep the order of siblings over many pages", () => {
    const names = Array.from({ length: BlockList.PAGE_BLOCKS * 2 + 3 }, (_, i) => `t${i}`);
    const store = applied(names.map((id) => ["open", id, "run", { kind: "text", text: "" }]));
    expect(ids(store.top)).toEqual(names);
    expect(store.top.pages.value.map((page) => page.value.length)).toEqual([
      BlockList.PAGE_BLOCKS,
      BlockList.PAGE_BLOCKS,
      3,
    ]);
  });
});

describe("a text", () => {
  it("is handed on in pieces, one for each batch", () => {
    const store = applied(OPS.slice(0, 2));
    const listener = { append: vi.fn(), replace: vi.fn() };
    store.get("t1")?.stream("text").subscribe(listener);
    store.apply([
      ["append", "t1", "text", "Hel"],
      ["append", "t1", "text", "lo"],
    ]);
    store.apply([["append", "t1", "text", "!"]]);
    expect(listener.append.mock.calls).toEqual([["Hello"], ["!"]]);
    expect(listener.replace).not.toHaveBeenCalled();
  });

  it("that is set to what it already begins with only grows", () => {
    const store = applied(OPS.slice(0, 4));
    const listener = { append: vi.fn(), replace: vi.fn() };
    store.get("t1")?.stream("text").subscribe(listener);
    store.apply([["set", "t1", { text: "Hello there" }]]);
    store.apply([["set", "t1", { text: "Bye" }]]);
    expect(listener.append.mock.calls).toEqual([["Hello"], [" there"]]);
    expect(listener.replace.mock.calls).toEqual([["Bye"]]);
  });

  it("grows without its block being redrawn", () => {
    const store = applied(OPS.slice(0, 2));
    const redrawn = vi.fn();
    store.get("t1")?.props.subscribe(redrawn);
    redrawn.mockClear();
    store.apply([["append", "t1", "text", "x"]]);
    expect(redrawn).not.toHaveBeenCalled();
  });

  it("costs no joining while it grows: 100,000 pieces are delivered as they are", () => {
    const store = applied(OPS.slice(0, 2));
    let delivered = 0;
    store
      .get("t1")
      ?.stream("text")
      .subscribe({ append: (text) => (delivered += text.length), replace: () => {} });
    for (let i = 0; i < 100_000; i += 1) store.apply([["append", "t1", "text", "0123456789"]]);
    expect(delivered).toBe(1_000_000);
    expect(store.get("t1")?.stream("text").text).toHaveLength(1_000_000);
  });
});

describe("a snapshot", () => {
  it("keeps the identity of blocks that are still there and forgets the others", () => {
    const store = applied(OPS.slice(0, 5));
    const before = store.get("t1");
    store.load(opening(BLOCKS.slice(0, 2)));
    expect(store.get("t1")).toBe(before);
    expect(store.get("c1")).toBeUndefined();
    expect(ids(store.top)).toEqual(["t1"]);
  });

  it("extends a text instead of starting it again", () => {
    const store = applied(OPS.slice(0, 4));
    const listener = { append: vi.fn(), replace: vi.fn() };
    store.get("t1")?.stream("text").subscribe(listener);
    store.load(opening(BLOCKS));
    expect(listener.append.mock.calls).toEqual([["Hello"], [" there."]]);
  });

  it("does not lose what the reader has opened", () => {
    const store = applied(OPS);
    const block = store.get("c1");
    if (block) block.userOpen.value = true;
    store.load(opening(BLOCKS));
    expect(store.get("c1")?.userOpen.value).toBe(true);
  });
});
