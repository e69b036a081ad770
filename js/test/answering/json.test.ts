/** JSON as it is written: what is left alone is written back character by character. */

import { describe, expect, it } from "vitest";
import { indented } from "../../src/answering/form/indent";
import {
  equal,
  type Json,
  type JsonObject,
  member,
  parse,
  string,
  withMember,
  write,
} from "../../src/answering/form/json";
import { seeded } from "../kernel";

const random = seeded(3);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** A JSON text with odd spacing, numbers that JavaScript does not have, and keys in any order. */
function someJson(depth = 0): string {
  const space = () => pick(["", " ", "\n  ", "\t"]);
  const kind = depth > 3 ? 0 : Math.floor(random() * 4);
  if (kind < 2)
    return pick([
      "9007199254740993",
      "1.0",
      "-0",
      "1e400",
      "0.1",
      '"a\\u0041\\n\\"b"',
      '""',
      "true",
      "null",
    ]);
  const parts = Array.from({ length: Math.floor(random() * 4) }, () => someJson(depth + 1));
  if (kind === 2) return `[${space()}${parts.join(`${space()},${space()}`)}${space()}]`;
  const keys = ["2", "1", "b", "__proto__", "constructor"];
  const members = parts.map(
    (part, index) => `${JSON.stringify(keys[index])}${space()}:${space()}${part}`,
  );
  return `{${space()}${members.join(`,${space()}`)}${space()}}`;
}

const TEXTS = Array.from({ length: 300 }, () => someJson());

describe("a text", () => {
  it("is written back as it was", () => {
    for (const text of TEXTS) expect(write(parse(` ${text}\n`))).toBe(text);
  });

  it("says the same on lines that are indented", () => {
    for (const text of TEXTS) {
      expect(equal(parse(indented(parse(text))), parse(text))).toBe(true);
      expect(JSON.parse(indented(parse(text)))).toEqual(JSON.parse(text));
    }
  });

  it("keeps all that stands beside a change", () => {
    const before = parse('{"id": 9007199254740993,  "2": 1.0, "1": {"a":  [1,2]}}') as JsonObject;
    expect(write(withMember(before, "2", string("x")))).toBe(
      '{"id": 9007199254740993, "2": "x", "1": {"a":  [1,2]}}',
    );
    expect(write(withMember(before, "id", undefined))).toBe('{"2": 1.0, "1": {"a":  [1,2]}}');
  });

  it.each([
    "",
    "{",
    "[1,]",
    '{"a" 1}',
    "01",
    "nul",
    '"\n"',
    "1 2",
    "{'a': 1}",
    "[".repeat(300),
    '"\\x"',
    "NaN",
  ])("that is no JSON is refused: %j", (text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });
});

it("names of inherited properties are names like others", () => {
  const json = parse('{"__proto__": {"polluted": true}}') as JsonObject;
  expect(member(json, "__proto__")?.kind).toBe("object");
  expect(member(json, "constructor")).toBeUndefined();
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

it.each([
  ["1", "1.0", true],
  ["9007199254740992", "9007199254740993", false],
  ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', true],
  ["[1, 2]", "[2, 1]", false],
  ['"1"', "1", false],
  ["{}", "[]", false],
])("%s and %s are equal: %s", (left, right, same) => {
  expect(equal(parse(left), parse(right) as Json)).toBe(same);
});
