/** The blocks of a run as they were after any event. */

import { describe, expect, it } from "vitest";
import { History } from "../../src/inspector/past/history";
import { readOps } from "../../src/messages";
import type { Op } from "../../src/protocol";
import { Store } from "../../src/store";
import { seeded } from "../kernel";

interface Golden {
  ops: unknown[];
}

const files = import.meta.glob<Golden>("../../../tests/golden/*.json", {
  eager: true,
  import: "default",
});
const RUN: Op = ["open", "run", null, { kind: "run", name: "a", status: "running" }];

/** History in which each step is an event of its own. */
function historyOf(steps: readonly unknown[], opening: readonly Op[] = [], begin = 0): History {
  const history = new History(begin, opening);
  history.add({ tags: ["tag"], types: steps.map(() => 0), times: steps.map(() => 1000), steps });
  return history;
}

/** The tree that the first ops build. */
function built(ops: readonly Op[]): unknown[] {
  const store = new Store();
  for (const op of ops) store.apply([op]);
  return store.toRecords();
}

/** Every position, forwards, backwards, and in leaps. */
function walk(count: number): number[] {
  const up = Array.from({ length: count + 1 }, (_, n) => n);
  const random = seeded(7);
  return [...up, ...up.toReversed(), ...up.map(() => Math.floor(random() * (count + 1)))];
}

describe("golden corpus", () => {
  it.each(Object.entries(files))(
    "%s: each moment is the transcript of the ops so far",
    (_, { ops: raw }) => {
      const ops = readOps(raw);
      const history = historyOf(ops.map((op) => [op]));
      const store = new Store();
      for (const number of walk(ops.length)) {
        store.restore(history.at(number));
        expect(store.toRecords()).toEqual(built(ops.slice(0, number)));
      }
    },
  );
});

it("each moment of random ops is the transcript of the ops so far", () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const random = seeded(seed);
    const some = (of: number) => Math.floor(random() * of);
    const ops: Op[] = [RUN];
    for (let n = 0; n < 60; n += 1) {
      const id = `b${some(6)}`;
      const makers: (() => Op)[] = [
        () => [
          "open",
          id,
          some(2) ? "run" : `b${some(6)}`,
          { kind: "tool", name: id, args_text: some(2) ? "" : "{" },
        ],
        () => ["append", id, some(2) ? "text" : "args_text", String(some(100))],
        () => ["append", id, "text", "more "],
        () => [
          "set",
          id,
          some(2) ? { state: String(some(9)) } : { text: String(some(9)), name: "x" },
        ],
        () => ["close", id],
      ];
      ops.push((makers[some(makers.length)] as () => Op)());
    }
    const opened = new Set<string>();
    const valid = ops.filter((op) =>
      op[0] === "open" ? opened.size !== opened.add(op[1]).size : opened.has(op[1]),
    );
    const history = historyOf(valid.map((op) => [op]));
    const store = new Store();
    for (const number of walk(valid.length)) {
      store.restore(history.at(number));
      expect(store.toRecords()).toEqual(built(valid.slice(0, number)));
    }
  }
});

it("a text alone is appended to the field that the step before has appended to", () => {
  const steps = [
    [
      ["open", "t", "run", { kind: "text" }],
      ["append", "t", "text", "a"],
    ],
    "b",
    "c",
  ];
  const history = historyOf(steps, [RUN]);
  expect([0, 1, 2, 3].map((number) => history.at(number)[1]?.props.text)).toEqual([
    undefined,
    "a",
    "ab",
    "abc",
  ]);
});

it("begins behind the events that are no longer kept", () => {
  const history = historyOf(
    [[["append", "t", "text", "!"]]],
    [RUN, ["open", "t", "run", { kind: "text", text: "so far" }]],
    70,
  );
  expect([history.begin, history.end]).toEqual([70, 71]);
  expect(history.at(70)[1]?.props.text).toBe("so far");
  expect(history.at(71)[1]?.props.text).toBe("so far!");
});

it("tells the tag and the time of an event, and the next one of some tags", () => {
  const history = new History(0, [RUN]);
  history.add({
    tags: ["step.start", "text.delta"],
    types: [0, 1, 1, 0],
    times: [5000, 10, 20, 30],
    steps: [[], [], [], []],
  });
  expect([1, 2, 4].map((number) => [history.type(number), history.time(number)])).toEqual([
    ["step.start", 5],
    ["text.delta", 5.01],
    ["step.start", 5.06],
  ]);
  const steps = new Set(["step.start"]);
  expect([
    history.next(1, 1, steps),
    history.next(4, -1, steps),
    history.next(4, 1, steps),
  ]).toEqual([4, 1, null]);
});

it("a block that has not changed is the same object, so that nothing is drawn again", () => {
  const steps = [
    [["open", "t", "run", { kind: "text", text: "a" }]],
    [["open", "u", "run", { kind: "text", text: "" }]],
    [["append", "u", "text", "b"]],
  ];
  const history = historyOf(steps, [RUN]);
  const [, before] = history.at(2);
  expect(history.at(3)[1]).toBe(before);
});

it("malformed answers break nothing", () => {
  const history = new History(0, [RUN]);
  history.add({
    tags: 3,
    types: "x",
    times: null,
    steps: [null, 5, "text", [["append"], ["open", "t", null, { kind: "text" }]]],
  });
  history.add({});
  expect(history.end).toBe(4);
  expect(history.at(4)).toHaveLength(2);
});

it("a text of 10,000 events is cut where each of them has left it", () => {
  const steps: unknown[] = [
    [
      ["open", "t", "run", { kind: "text", text: "" }],
      ["append", "t", "text", "w"],
    ],
  ];
  for (let n = 1; n < 10_000; n += 1) steps.push(`word ${n} `);
  const history = historyOf(steps, [RUN]);
  expect(history.at(5000)).toHaveLength(2);
  expect(String(history.at(9999)[1]?.props.text)).toHaveLength(
    String(history.at(10_000)[1]?.props.text).length - "word 9999 ".length,
  );
});
