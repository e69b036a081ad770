/**
 * Readers of untrusted values. A saved notebook can hold anything, so nothing is trusted to have
 * its type.
 */

import type { Kind, LargeValue, PropsByKind } from "./protocol";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Fields of `T` with unchecked values: the names are those of `T`, the values are read by `str`,
 * `num` and `record`.
 */
export type Unchecked<T> = { readonly [Name in keyof T]?: unknown };

/** Name of a prop that a block of kind `K` may have; by default of any kind. */
export type PropName<K extends Kind = Kind> = K extends Kind ? keyof PropsByKind[K] : never;

/** Unchecked props of a block of kind `K`; by default of a block of any kind. */
export type PropsOf<K extends Kind = Kind> = { readonly [Name in PropName<K>]?: unknown };

/**
 * Return the string, or null for anything else and for an empty one. Of a `LargeValue`, return the
 * head.
 */
export function str(value: unknown): string | null {
  if (typeof value === "string") return value || null;
  const { part, head }: Unchecked<LargeValue> = record(value) ?? {};
  return part && typeof head === "string" && head ? `${head}…` : null;
}

/** Return the finite number; null for anything else. */
export function num(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Return the plain object; null for anything else, arrays included. */
export function record(value: unknown): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : null;
}

/** Return the strings of a list; none for anything else. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The text, cut to `limit` characters with an ellipsis. */
export function clip(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** A number with separators: `1,284`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `JSON.stringify` that always gives a string. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent) ?? "null";
}

/**
 * Return the value of a table's own entry, or undefined. A name off the wire may be that of an
 * inherited property.
 */
export function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
