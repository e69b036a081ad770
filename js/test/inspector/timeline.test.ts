/** Axis and figures of the timeline. */

import { describe, expect, it } from "vitest";
import {
  axisShare,
  carriedLabel,
  firstOpen,
  joined,
  readTimeline,
  stepFigures,
  ticks,
  withOlder,
} from "../../src/inspector/timeline";

const BAR = {
  kind: "tool",
  label: "load",
  start: 1,
  end: null,
  ready: null,
  waited: 0,
  first: null,
  status: null,
  usage: {},
  carried: null,
  block: null,
};

it("bars come newest first, and are read oldest first, whatever is missing of them", () => {
  const text =
    '{"start":0,"end":4,"gaps":[[1,3]],"bars":[{"kind":"text"},{"kind":"tool","label":"load","start":1}],"seen":1,"count":2}';
  const { bars, gaps, firstToken } = readTimeline(text);
  expect(bars).toEqual([BAR, { ...BAR, kind: "text", label: "", start: 0 }]);
  expect(gaps).toEqual([[1, 3]]);
  expect(firstToken).toBeNull();
});

describe("a axisShare on the axis", () => {
  const axis = { start: 100, end: 110 };
  it("is a beginning and a length in per cent", () =>
    expect(axisShare(102.5, 107.5, axis)).toEqual([25, 50]));
  it("never leaves the axis", () => expect(axisShare(90, 120, axis)).toEqual([0, 100]));
  it("is something also where no time passed", () =>
    expect(axisShare(5, 5, { start: 5, end: 5 })).toEqual([0, 0]));
});

it.each([
  [10, [0, 2, 4, 6, 8, 10]],
  [3.2, [0, 1, 2, 3]],
  [0.4, [0, 0.1, 0.2, 0.30000000000000004, 0.4]],
  [70, [0, 20, 40, 60]],
])("the axis of %d seconds has a few round marks", (seconds, marks) => {
  expect(ticks(seconds)).toEqual(marks);
});

it("a step says what is known of its cost", () => {
  expect(
    stepFigures({ ...BAR, first: 1.4, usage: { input: 1284, output: 96, cost: 0.0021 } }),
  ).toEqual(["first token 0.4s", "1,284 in", "96 out", "$0.0021"]);
  expect(stepFigures(BAR)).toEqual([]);
});

it("a call says what its result costs in later requests", () => {
  const bar = (carried: Record<string, number>) => ({ ...BAR, carried });
  expect(carriedLabel(bar({ tokens: 1200, requests: 3, cost: 0.0042 }))).toBe(
    "≈1,200 tokens in 3 requests · $0.0042",
  );
  expect(carriedLabel(bar({ tokens: 12, requests: 1 }))).toBe("≈12 tokens in 1 request");
  expect(carriedLabel(BAR)).toBe("");
});

describe("bars that come in several answers", () => {
  const answer = (to: number, labels: string[], fields = {}) =>
    readTimeline(
      JSON.stringify({
        total: 6,
        to,
        bars: labels.map((label) => ({ label, end: 1 })).reverse(),
        ...fields,
      }),
    );
  const labels = ({ bars }: { bars: { label: string }[] }) =>
    bars.map(({ label }) => label).join("");

  it("older ones stand before the newer", () => {
    const whole = withOlder(answer(6, ["d", "e", "f"]), answer(3, ["a", "b", "c"]));
    expect([labels(whole), whole.at, firstOpen(whole)]).toEqual(["abcdef", 0, 6]);
  });

  it("those that are known stay before what has changed", () => {
    const known = answer(4, ["a", "b", "c", "d"], { total: 4 });
    expect(labels(joined(known, answer(6, ["d", "e", "f"])))).toBe("abcdef");
  });

  it("what is not beside the newer ones, or has other steps, is forgotten", () => {
    const known = answer(2, ["a", "b"], { total: 2 });
    expect(labels(joined(known, answer(6, ["e", "f"])))).toBe("ef");
    expect(labels(joined(known, answer(6, ["c", "d"], { to: 4, by_requests: true })))).toBe("cd");
  });

  it("a bar that is still open is read again", () => {
    const open = readTimeline('{"total":3,"to":3,"bars":[{"end":1},{"end":null},{"end":1}]}');
    expect(firstOpen(open)).toBe(1);
  });
});
