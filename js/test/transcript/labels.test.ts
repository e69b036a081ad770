/**
 * Labels and figures, equal to those of the kernel's documents: tests/shared/labels.json is read by
 * both languages.
 */

import { describe, expect, it } from "vitest";
import table from "../../../tests/shared/labels.json";
import { changes } from "../../src/changes";
import {
  decisionLabel,
  endLabel,
  failedCallsLabel,
  figures,
  isLive,
  lanesLabel,
  promptLabel,
  runLabel,
  thoughtLabel,
  toolNote,
  tracebackLabel,
  waitingLabel,
} from "../../src/status";
import { richestType } from "../../src/transcript/result";
import { argsLabel, partialArgsLabel } from "../../src/transcript/tool-label";
import { duration, rounded, ticking } from "../../src/ui/duration";
import { jsonLine } from "../../src/ui/json-tree";
import { count, type JsonObject } from "../../src/values";

// biome-ignore lint/suspicious/noExplicitAny: each row is an input of its own type
const functions: Record<keyof typeof table, (...input: any[]) => unknown> = {
  duration,
  rounded,
  count,
  json: jsonLine,
  args: argsLabel,
  run: (run: JsonObject) =>
    runLabel(run, run.ended ? Number(run.ended) - Number(run.started) : null, false).text,
  tool_note: (tool: JsonObject) => toolNote(String(tool.state), tool, true)?.text ?? "",
  thought: thoughtLabel,
  prompt: promptLabel,
  changes,
  decision: (approval: JsonObject) => decisionLabel(approval) ?? "",
  traceback: tracebackLabel,
  figures,
  lanes: (run: JsonObject, lanes: JsonObject[]) =>
    lanesLabel(
      run,
      lanes.filter(({ closed }) => closed).map(({ status }) => String(status)),
    ),
  failed_calls: failedCallsLabel,
  end: endLabel,
  waiting: (run: JsonObject, agent: JsonObject | null, blocks: JsonObject[]) =>
    isLive(String(run.status)) && agent?.closed !== true
      ? waitingLabel(
          agent ?? run,
          (blocks.at(-1)?.kind as string) ?? null,
          blocks.every(({ closed }) => closed),
        )
      : "",
  richest: (types: string[]) =>
    richestType(Object.fromEntries(types.map((type) => [type, "x"]))) ?? null,
};

describe.each(Object.keys(table) as (keyof typeof table)[])("the table of %s", (name) => {
  it.each(table[name].map((row) => [JSON.stringify(row), row] as const))(
    "%s",
    (_, row: readonly unknown[]) => {
      expect(functions[name](...row.slice(0, -1))).toEqual(row.at(-1));
    },
  );
});

it("what goes on ticks in whole seconds", () => {
  expect(ticking(4.99)).toBe("4s");
});

it("a run that goes on has no words beside its time", () => {
  expect(runLabel({ status: "running" }, 9.4, false).text).toBeNull();
  expect(runLabel({ status: "running" }, 9.4, true).text).toBe("waits for you");
});

describe("arguments that are being written", () => {
  it.each([
    ["", "("],
    ["{", "("],
    ['{"col', '("col'],
    ['{"column": "re', '(column="re'],
    ['{"column": "a, b: {c}", "n": 1', '(column="a, b: {c}", n=1'],
    ['{"a": {"b": [1, 2]}, "c": true}', '(a={"b":[1,2]}, c=true'],
    ['{"a": "say \\"hi\\"', '(a="say \\"hi\\"'],
    ["import csv\n\npath = 1", "(import csv path = 1"],
  ])("%s", (text, label) => {
    expect(partialArgsLabel(text)).toBe(label);
  });
});
