/**
 * Check of a value by its schema. The kernel has the last word: it checks the answer again.
 *
 * Validators such as ajv check JavaScript's values, which have lost digits and order, compile
 * schemas to code, which a page's policy may forbid, and match a schema's patterns without an end.
 */

import { visible } from "../../readable";
import { clip, num, record, str } from "../../values";
import { FORMATS } from "./formats";
import { equal, type Json, member, write } from "./json";
import { matches } from "./pattern";
import { fromValue, requiredOf, type Schema, type Schemas, typeOf } from "./schema";

export type Path = readonly (string | number)[];

export interface Problem {
  path: Path;
  message: string;
}

export const REQUIRED = "is required";

/** Parts of a value that are compared with parts of a schema; beyond, nothing is checked. */
const MAX_STEPS = 20_000;
const OPTION_CHARS = 60;

const NOUNS: Record<string, string> = {
  string: "must be text",
  number: "must be a number",
  integer: "must be a whole number",
  boolean: "must be true or false",
  null: "must be null",
  array: "must be a list",
  object: "must be an object",
};

/**
 * Return the problems of a value; of a value that fits no alternative, those of the nearest one.
 */
export function check(value: Json | undefined, schemas: Schemas): Problem[] {
  const checker = new Checker(schemas);
  const problems = checker.check(value, schemas.root, []);
  return checker.exhausted ? problems.filter(({ message }) => message === REQUIRED) : problems;
}

/** Return the number of the alternative that a value fits best. */
export function nearest(
  value: Json | undefined,
  variants: readonly Schema[],
  schemas: Schemas,
): number {
  return new Checker(schemas).nearest(value, variants, []).index;
}

class Checker {
  #steps = 0;

  constructor(readonly schemas: Schemas) {}

  get exhausted(): boolean {
    return this.#steps > MAX_STEPS;
  }

  check(value: Json | undefined, schema: Schema, path: Path): Problem[] {
    this.#steps += 1;
    if (this.exhausted) return [];
    const wrong = (message: string): Problem[] => [{ path, message }];
    if (value === undefined) return wrong(REQUIRED);
    if (value.kind === "unfinished") return wrong(value.problem || REQUIRED);
    const variants = this.schemas.variants(schema);
    if (variants !== null) return this.nearest(value, variants, path).problems;
    if (Object.hasOwn(schema, "const") && !equal(value, fromValue(schema.const))) {
      return wrong(`must be ${shown(schema.const)}`);
    }
    if (Array.isArray(schema.enum) && !schema.enum.some((each) => equal(value, fromValue(each)))) {
      return wrong(`must be one of ${schema.enum.slice(0, 20).map(shown).join(", ")}`);
    }
    const type = typeOf(schema);
    if (type !== null && !isOf(value, type)) return wrong(NOUNS[type] ?? `must be of type ${type}`);
    switch (value.kind) {
      case "string":
        return textProblems(value.text, schema).flatMap(wrong);
      case "number":
        return numberProblems(value.text, schema).flatMap(wrong);
      case "array":
        return [
          ...this.#items(value.items, schema, path),
          ...listProblems(value.items, schema).flatMap(wrong),
        ];
      case "object":
        return this.#members(value, schema, path);
      default:
        return [];
    }
  }

  nearest(
    value: Json | undefined,
    variants: readonly Schema[],
    path: Path,
  ): { index: number; problems: Problem[] } {
    let best: { index: number; problems: Problem[]; weight: number } | null = null;
    for (const [index, variant] of variants.entries()) {
      const problems = this.check(value, variant, path);
      if (problems.length === 0) return { index, problems };
      // A problem here is worse than one inside; a wrong constant inside names another alternative.
      const weight = problems.reduce(
        (sum, each) => sum + weightOf(each, path, this.schemas, variant),
        0,
      );
      if (best === null || weight < best.weight) best = { index, problems, weight };
    }
    return best ?? { index: 0, problems: [] };
  }

  #items(items: readonly Json[], schema: Schema, path: Path): Problem[] {
    return items.flatMap((item, index) => {
      const at = [...path, index];
      const each = this.schemas.item(schema, index);
      return each === null
        ? [{ path: at, message: "is one too many" }]
        : this.check(item, each, at);
    });
  }

  #members(value: Json & { kind: "object" }, schema: Schema, path: Path): Problem[] {
    const missing = requiredOf(schema)
      .filter((key) => member(value, key) === undefined)
      .map((key) => ({ path: [...path, key], message: REQUIRED }));
    const names = record(schema.propertyNames);
    const found = value.members.flatMap(([key, each]): Problem[] => {
      const at = [...path, key];
      const expected = this.schemas.property(schema, key);
      if (expected === null) return [{ path: at, message: "is not a known name" }];
      const named = names
        ? this.check({ kind: "string", text: key }, this.schemas.resolve(names), at)
        : [];
      return [...named, ...this.check(each, expected, at)];
    });
    return [...missing, ...found];
  }
}

function weightOf({ path: at }: Problem, path: Path, schemas: Schemas, variant: Schema): number {
  const key = at[path.length];
  if (at.length === path.length) return 10;
  const inner = typeof key === "string" ? schemas.property(variant, key) : null;
  return inner !== null && (Object.hasOwn(inner, "const") || Array.isArray(inner.enum)) ? 5 : 1;
}

function isOf(value: Json, type: string): boolean {
  if (type === "integer") return value.kind === "number" && isWhole(value.text);
  return value.kind === type;
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text) || Number.isInteger(Number(text));
}

function textProblems(text: string, schema: Schema): string[] {
  const [least, most] = [
    num(schema.minLength) ?? 0,
    num(schema.maxLength) ?? Number.POSITIVE_INFINITY,
  ];
  const length = [...text].length;
  if (length < least)
    return [least === 1 ? "must not be empty" : `must have at least ${least} characters`];
  if (length > most) return [`must have at most ${most} characters; it has ${length}`];
  const pattern = str(schema.pattern);
  if (pattern !== null && !matches(pattern, text))
    return [`must match ${clip(visible(pattern), OPTION_CHARS)}`];
  const format = Object.hasOwn(FORMATS, String(schema.format))
    ? FORMATS[String(schema.format)]
    : undefined;
  return format === undefined || format.fits(text)
    ? []
    : [`must be ${format.noun}, such as ${format.example}`];
}

function numberProblems(text: string, schema: Schema): string[] {
  const value = Number(text);
  const {
    minimum,
    maximum,
    exclusiveMinimum: above,
    exclusiveMaximum: below,
    multipleOf: step,
  } = schema;
  if (typeof minimum === "number" && value < minimum) return [`must be at least ${minimum}`];
  if (typeof maximum === "number" && value > maximum) return [`must be at most ${maximum}`];
  if (typeof above === "number" && value <= above) return [`must be more than ${above}`];
  if (typeof below === "number" && value >= below) return [`must be less than ${below}`];
  if (typeof step === "number" && step > 0 && !isMultiple(value, step))
    return [`must be a multiple of ${step}`];
  return [];
}

/** Decimal steps, such as 0.1, are no exact binary numbers. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function listProblems(items: readonly Json[], schema: Schema): string[] {
  const [least, most] = [
    num(schema.minItems) ?? 0,
    num(schema.maxItems) ?? Number.POSITIVE_INFINITY,
  ];
  const things = (count: number) => `${count} ${count === 1 ? "item" : "items"}`;
  if (items.length < least) return [`must have at least ${things(least)}`];
  if (items.length > most) return [`must have at most ${things(most)}`];
  const isSet = schema.uniqueItems === true && items.length <= 200;
  return isSet &&
    items.some((item, index) => items.slice(0, index).some((other) => equal(item, other)))
    ? ["must not have the same item twice"]
    : [];
}

function shown(value: unknown): string {
  return clip(visible(typeof value === "string" ? value : write(fromValue(value))), OPTION_CHARS);
}
