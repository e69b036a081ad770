/**
 * Problems of a value by its schema: tests/shared/forms.json has signatures of tools and pydantic's
 * verdicts.
 */

import { describe, expect, it } from "vitest";
import table from "../../../tests/shared/forms.json";
import { check, type Problem } from "../../src/answering/form/check";
import { readNumber } from "../../src/answering/form/inputs";
import { parse, write } from "../../src/answering/form/json";
import { isQuick, matches } from "../../src/answering/form/pattern";
import { Schemas } from "../../src/answering/form/schema";

const problems = (schema: unknown, text: string): Problem[] =>
  check(parse(text), new Schemas(schema));
const messages = (schema: unknown, text: string) =>
  problems(schema, text).map(({ message }) => message);

describe.each(table)("arguments of $name", ({ schema, fits, fails }) => {
  it.each(fits)("%s", (text) => {
    expect(problems(schema, text)).toEqual([]);
  });

  it.each(fails)("are refused where they are wrong: $value", ({ value, path }) => {
    expect(problems(schema, value).map((problem) => problem.path)).toContainEqual(path);
  });
});

describe("what is wrong is said in words", () => {
  it.each([
    [{ type: "integer" }, "1.5", "must be a whole number"],
    [{ type: "integer" }, '"1"', "must be a whole number"],
    [{ type: "number", exclusiveMinimum: 0 }, "0", "must be more than 0"],
    [{ type: "number", maximum: 10 }, "11", "must be at most 10"],
    [{ multipleOf: 0.1 }, "0.25", "must be a multiple of 0.1"],
    [{ type: "string", minLength: 1 }, '""', "must not be empty"],
    [{ type: "string", maxLength: 1 }, '"😀😀"', "must have at most 1 characters; it has 2"],
    [{ type: "string", format: "date" }, '"2025-02-30"', "must be a date, such as 2025-01-31"],
    [
      { type: "string", format: "email" },
      '"ana"',
      "must be an e-mail address, such as name@example.com",
    ],
    [{ enum: ["a", 1] }, '"b"', "must be one of a, 1"],
    [{ const: 1 }, "2", "must be 1"],
    [
      { type: "array", items: {}, uniqueItems: true },
      "[1, 1.0]",
      "must not have the same item twice",
    ],
    [{ type: ["string", "null"] }, "1", "must be text"],
    [{ type: "object", propertyNames: { pattern: "^a" } }, '{"b": 1}', "must match ^a"],
  ])("%j %s", (schema, text, message) => {
    expect(messages(schema, text)).toEqual([message]);
  });

  it.each([
    [{ multipleOf: 0.1 }, "0.3"],
    [{ type: "integer" }, "3.0"],
    [{ type: "integer" }, "9007199254740993"],
    [{ type: ["string", "null"] }, "null"],
    [true, "{}"],
    ["nonsense", "1"],
    [{ type: "string", format: "of-its-own" }, '"x"'],
    [{ type: "string", format: "constructor" }, '"x"'],
    [{ allOf: [{ type: "integer" }, { minimum: 1 }] }, "1"],
    [{ $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "string" } } }, '"x"'],
  ])("and nothing where nothing is: %j %s", (schema, text) => {
    expect(messages(schema, text)).toEqual([]);
  });
});

describe("a schema from anyone", () => {
  it("may refer to itself in a circle", () => {
    expect(messages({ $ref: "#" }, "1")).toEqual([]);
    expect(
      messages(
        { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
        "1",
      ),
    ).toEqual([]);
    const tree = { anyOf: [{ $ref: "#" }, { $ref: "#" }] };
    expect(() => messages(tree, "1")).not.toThrow();
    expect(() => new Schemas(tree).initial(new Schemas(tree).root)).not.toThrow();
  });

  it("is followed only within itself", () => {
    expect(new Schemas({ $ref: "https://example.org/schema" }).root).toEqual({});
    expect(new Schemas({ $ref: "#/constructor/prototype" }).root).toEqual({});
    expect(new Schemas({ $ref: "#/__proto__" }).root).toEqual({});
  });

  it("may have alternatives in alternatives, and costs a bounded number of steps", () => {
    let schema: unknown = { type: "integer" };
    for (let depth = 0; depth < 30; depth += 1)
      schema = { anyOf: [{ type: "null" }, schema, schema] };
    const deep = { type: "object", properties: { a: schema }, required: ["a"] };
    const start = performance.now();
    problems(deep, '{"a": "x"}');
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("may require what it never ends to require", () => {
    const schema = {
      $ref: "#/$defs/N",
      $defs: {
        N: { type: "object", properties: { next: { $ref: "#/$defs/N" } }, required: ["next"] },
      },
    };
    const schemas = new Schemas(schema);
    const made = schemas.initial(schemas.root);
    expect(made && write(made).length).toBeLessThan(500);
  });

  it("may require very many members, and have very many types", () => {
    const required = Array.from({ length: 100_000 }, (_, index) => `f${index}`);
    const schemas = new Schemas({ type: "object", required });
    expect(problems({ type: "object", required }, "{}").length).toBe(100_000);
    expect(schemas.initial(schemas.root)).toEqual({ kind: "object", members: [] });
    expect(new Schemas({}).variants({ type: required })?.length).toBeLessThan(100);
  });

  it("may have members with the names of inherited ones", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"}},"required":["__proto__"]}',
    );
    expect(messages(schema, '{"__proto__": "x"}')).toEqual(["must be a whole number"]);
    expect(messages(schema, "{}")).toEqual(["is required"]);
    const closed = { type: "object", properties: {}, additionalProperties: false };
    expect(messages(closed, '{"constructor": 1}')).toEqual(["is not a known name"]);
  });

  it.each([
    "(a+)+$",
    "(a|a)*$",
    "(a*)*b",
    "a*a*a*a*a*a*a*a*b",
    "(.*)(.*)(.*)(.*)(.*)(.*)x",
    "(a?){40}a{40}",
    "(?:a|aa)+$",
    "((a)*)*$",
  ])("may not keep the page busy with %s", (pattern) => {
    expect(isQuick(pattern, 2000)).toBe(false);
    expect(matches(pattern, "a".repeat(2000))).toBe(true);
  });

  it.each([
    "^[A-Z]{2}-\\d+$",
    "^\\w+@\\w+\\.\\w+$",
    "^(?:a|b)$",
    "^[^@]+$",
    "^\\(\\d+\\)$",
    "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$",
    "^\\p{Lu}",
  ])("may have ordinary patterns: %s", (pattern) => {
    expect(isQuick(pattern, 30)).toBe(true);
  });

  it("may have a pattern of another language, which is left to the kernel", () => {
    expect(matches("(?P<year>\\d{4})", "x")).toBe(true);
    expect(matches("[", "x")).toBe(true);
    expect(matches("^a$", "b")).toBe(false);
  });
});

it.each([
  ["12", "12"],
  [" 007 ", "7"],
  ["+1.50", "1.50"],
  [".5", "0.5"],
  ["-.5", "-0.5"],
  ["5.", "5"],
  ["1e3", "1e3"],
  ["-0", "-0"],
  ["9007199254740993", "9007199254740993"],
])("the number %j is %s in JSON", (typed, text) => {
  expect(readNumber(typed, false)).toEqual({ kind: "number", text });
  expect(() => JSON.parse(text)).not.toThrow();
});

it.each(["", "x", "1,5", "1 2", "0x10", "--1", "Infinity", "1e", "."])(
  "%j is no number",
  (typed) => {
    expect(readNumber(typed, false).kind).toBe("unfinished");
  },
);
