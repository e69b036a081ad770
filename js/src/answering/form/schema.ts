/**
 * JSON Schema, as far as a form needs it (draft 2020-12, https://json-schema.org/draft/2020-12).
 * Nothing in a schema is trusted.
 */

import { type JsonObject as JsonRecord, record, str, strings } from "../../values";
import { type Json, NULL, parse, withMember } from "./json";

/** A schema without references; empty for one that allows everything. */
export type Schema = JsonRecord;

export type Type = "string" | "number" | "integer" | "boolean" | "null" | "object" | "array";

/** References and `allOf` that are followed for one schema. */
const MAX_STEPS = 50;
/** Depth to which a new value is filled in. */
const MAX_DEPTH = 8;
/** Members with which a new object is filled. */
const MAX_MEMBERS = 100;
/** Items with which a new list is filled. */
const MAX_ITEMS = 20;
/** Depth of alternatives in alternatives. */
const MAX_VARIANT_DEPTH = 4;
/** Alternatives that are offered. */
const MAX_VARIANTS = 50;

export class Schemas {
  readonly root: Schema;
  readonly #whole: JsonRecord;
  readonly #resolved = new WeakMap<object, Schema>();

  constructor(whole: unknown) {
    this.#whole = record(whole) ?? {};
    this.root = this.resolve(whole);
  }

  /** Return the schema with its `$ref` followed and its `allOf` merged. */
  resolve(raw: unknown): Schema {
    const given = record(raw);
    if (given === null) return raw === false ? { not: {} } : {};
    let schema = this.#resolved.get(given);
    if (schema === undefined) {
      const merged: Schema[] = [];
      this.#collect(given, merged, new Set());
      schema = merged.reduce(both, {});
      this.#resolved.set(given, schema);
    }
    return schema;
  }

  /**
   * The alternatives of `anyOf`, `oneOf` or a list of types, and the alternatives of these; null if
   * there are none.
   */
  variants(schema: Schema): Schema[] | null {
    const found: Schema[] = [];
    return this.#flatten(schema, found, 0) ? found : null;
  }

  /** The schema of an object's member. */
  property(schema: Schema, key: string): Schema | null {
    const properties = record(schema.properties);
    if (properties !== null && Object.hasOwn(properties, key)) return this.resolve(properties[key]);
    return schema.additionalProperties === false ? null : this.resolve(schema.additionalProperties);
  }

  /** The schema of a list's item; null if there may be none at that place. */
  item(schema: Schema, index: number): Schema | null {
    const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
    if (index < prefix.length) return this.resolve(prefix[index]);
    return schema.items === false ? null : this.resolve(schema.items);
  }

  /**
   * A value to start from: the default, the only one that is possible, or an empty one. Undefined
   * if the reader has to choose.
   */
  initial(schema: Schema, depth = 0): Json | undefined {
    for (const field of ["default", "const"]) {
      if (Object.hasOwn(schema, field)) return fromValue(schema[field]);
    }
    if (Array.isArray(schema.enum))
      return schema.enum.length === 1 ? fromValue(schema.enum[0]) : undefined;
    const variants = this.variants(schema);
    if (variants !== null)
      return depth < MAX_DEPTH ? this.initial(variants[0] ?? {}, depth + 1) : undefined;
    switch (typeOf(schema)) {
      case "object":
        return this.#initialObject(schema, depth);
      case "array":
        return this.#initialArray(schema, depth);
      case "boolean":
        return { kind: "boolean", text: "false" };
      case "null":
        return NULL;
      default:
        return undefined;
    }
  }

  #flatten(schema: Schema, found: Schema[], depth: number): boolean {
    const { anyOf, oneOf, type, ...rest } = schema;
    const alternatives = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
    const types = alternatives.length === 0 && Array.isArray(type) ? strings(type) : [];
    const common = withoutNotes(
      Array.isArray(type) || type === undefined ? rest : { ...rest, type },
    );
    for (const each of types.slice(0, MAX_VARIANTS)) found.push({ ...common, type: each });
    for (const each of alternatives) {
      if (found.length >= MAX_VARIANTS) break;
      const variant = both(common, this.resolve(each));
      // Where alternatives never end, anything goes.
      if (depth >= MAX_VARIANT_DEPTH) found.push({});
      else if (!this.#flatten(variant, found, depth + 1)) found.push(variant);
    }
    return types.length > 0 || alternatives.length > 0;
  }

  #initialObject(schema: Schema, depth: number): Json {
    let made: Json & { kind: "object" } = { kind: "object", members: [] };
    if (depth >= MAX_DEPTH) return made;
    for (const key of requiredOf(schema).slice(0, MAX_MEMBERS)) {
      made = withMember(
        made,
        key,
        this.initial(this.property(schema, key) ?? {}, depth + 1),
      ) as typeof made;
    }
    return made;
  }

  #initialArray(schema: Schema, depth: number): Json {
    const least = Math.min(typeof schema.minItems === "number" ? schema.minItems : 0, MAX_ITEMS);
    const items: Json[] = [];
    for (let index = 0; index < least && depth < MAX_DEPTH; index += 1) {
      items.push(this.initial(this.item(schema, index) ?? {}, depth + 1) ?? EMPTY);
    }
    return { kind: "array", items };
  }

  #collect(schema: Schema, merged: Schema[], seen: Set<object>): void {
    if (seen.has(schema) || seen.size > MAX_STEPS) return;
    seen.add(schema);
    const { $ref: reference, allOf, ...own } = schema;
    const target = typeof reference === "string" ? this.#find(reference) : null;
    if (target !== null) this.#collect(target, merged, seen);
    if (Array.isArray(allOf)) {
      for (const part of allOf) this.#collect(record(part) ?? {}, merged, seen);
    }
    merged.push(own);
  }

  /** The schema at a reference within this document, `#/$defs/Name`. Nothing else is followed. */
  #find(reference: string): JsonRecord | null {
    if (!reference.startsWith("#")) return null;
    let found: unknown = this.#whole;
    for (const step of reference.slice(1).split("/").slice(1)) {
      const key = decode(step);
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return null;
      found = (found as JsonRecord)[key];
    }
    return record(found);
  }
}

/** A field that nothing was typed into. */
export const EMPTY: Json = { kind: "unfinished", text: "", problem: "" };

/** The value of a schema's keyword as `Json`. */
export function fromValue(value: unknown): Json {
  return parse(JSON.stringify(value) ?? "null");
}

/** The names of the members that must be there, each once. */
export function requiredOf(schema: Schema): string[] {
  return [...new Set(strings(schema.required))];
}

/** The type of the values, also where the schema only implies it; null if it may be any. */
export function typeOf(schema: Schema): Type | null {
  const type = str(schema.type);
  if (type !== null) return type as Type;
  if (record(schema.properties) !== null) return "object";
  if (schema.items !== undefined || schema.prefixItems !== undefined) return "array";
  return null;
}

/** Both schemas at once: what the second one says goes first, except for names that both have. */
function both(first: Schema, second: Schema): Schema {
  const made: Record<string, unknown> = { ...first, ...second };
  const [left, right] = [record(first.properties), record(second.properties)];
  if (left && right) made.properties = { ...left, ...right };
  if (first.required && second.required)
    made.required = [...strings(first.required), ...strings(second.required)];
  return made;
}

/** The schema without what describes the whole of it. */
function withoutNotes({
  title: _,
  description: __,
  default: ___,
  discriminator: ____,
  ...rest
}: Schema): Schema {
  return rest;
}

function decode(step: string): string {
  const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
