import { describe, expect, it } from "vitest";
import { figures, runLabel } from "../../src/status";
import { argsLabel, partialArgsLabel } from "../../src/transcript/tool-label";
import { duration, rounded, ticking } from "../../src/ui/duration";

describe("durations", () => {
  it.each([
    [0, "<0.1s"],
    [0.3, "0.3s"],
    [4.13, "4.1s"],
    [9.96, "10s"],
    [34.2, "34s"],
    [59.7, "1m 00s"],
    [72, "1m 12s"],
    [7500, "2h 05m"],
  ])("%d s is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it("tick in whole seconds", () => {
    expect(ticking(4.99)).toBe("4s");
    expect(rounded(4.6)).toBe("5s");
    expect(rounded(0.4)).toBe("<1s");
  });
});

describe("arguments on one line", () => {
  it.each([
    [{ year: 2025 }, "(year=2025)"],
    [{ column: "region", deep: { a: [1] } }, '(column="region", deep={"a":[1]})'],
    [{}, "()"],
    [null, "()"],
    [[1, 2], "([1,2])"],
    ["import csv\nprint(1)\n", "(import csv print(1))"],
    [{ q: "x".repeat(100) }, `(q="${"x".repeat(39)}…")`],
  ])("%j", (args, label) => {
    expect(argsLabel(args)).toBe(label);
  });

  it.each([
    ["", "("],
    ["{", "("],
    ['{"col', '("col'],
    ['{"column": "re', '(column="re'],
    ['{"column": "a, b: {c}", "n": 1', '(column="a, b: {c}", n=1'],
    ['{"a": {"b": [1, 2]}, "c": true}', '(a={"b":[1,2]}, c=true'],
    ['{"a": "say \\"hi\\"', '(a="say \\"hi\\"'],
    ["import csv\n\npath = 1", "(import csv path = 1"],
  ])("half written: %s", (text, label) => {
    expect(partialArgsLabel(text)).toBe(label);
  });
});

describe("a run's end", () => {
  it.each([
    [{ status: "completed" }, "Done in 9.4s"],
    [{ status: "failed" }, "Failed after 9.4s"],
    [{ status: "cancelled", stopped_by: "you" }, "Stopped by you"],
    [{ status: "incomplete", code: "stream_truncated" }, "Cut off: the stream ended early"],
    [{ status: "incomplete", finish_reason: "max_output_tokens" }, "Incomplete: max output tokens"],
    [{ status: "max_steps" }, "Stopped at the step limit"],
    [{ status: "paused" }, "waits for you"],
    [{ status: "running" }, null],
    [{ status: "something new" }, "something new"],
  ])("%j", (props, text) => {
    expect(runLabel(props, 9.4, false).text).toBe(text);
  });
});

it("the footer leaves out what nobody knows", () => {
  const usage = { input: 2310, output: 512, reasoning: 88, cost: 0.0021 };
  expect(figures({ usage, tools: 3, tools_failed: 1, first_token: 0.31 }, 61.4)).toEqual([
    "2,310 in",
    "512 out (88 thinking)",
    "3 tools, 1 failed",
    "first token 0.3s",
    "61 tok/s",
    "$0.0021",
  ]);
  expect(figures({}, null)).toEqual([]);
  expect(figures({ hidden: ["thinking", "tools"] }, null)).toEqual(["thinking and tools hidden"]);
});
