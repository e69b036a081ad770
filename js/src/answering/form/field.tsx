/** A field: its name, its control, what is wrong with it. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { visible } from "../../readable";
import { useUniqueId } from "../../ui/unique-id";
import { clip, num, str } from "../../values";
import { nearest } from "./check";
import { type ControlProps, type FieldProps, keyOf, useForm } from "./context";
import {
  Checkbox,
  DateInput,
  DateTimeInput,
  fitsLine,
  HiddenNote,
  JsonInput,
  NumberInput,
  Select,
  TextInput,
} from "./inputs";
import { type Json, write } from "./json";
import { ListFields } from "./list";
import { ObjectFields } from "./object";
import { EMPTY, requiredOf, type Schema, typeOf } from "./schema";

/** Depth of nested objects and lists that are drawn as fields; deeper ones are JSON. */
const MAX_DEPTH = 6;
/** Members of an object and items of a list that are drawn as fields; a longer one is JSON. */
const MAX_FIELDS = 100;
const HELP_CHARS = 1000;

interface NamedProps extends FieldProps {
  name: string;
  /** Taken out by a button beside the field; undefined if it has to be there. */
  onRemove?: () => void;
  /** True for a field that the reader has just added: it gets the focus. */
  isNew?: boolean;
}

/** A field with its name beside its control. Objects and lists have theirs above. */
export function NamedField({ name, onRemove, isNew = false, ...field }: NamedProps) {
  const row = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (isNew) row.current?.querySelector<HTMLElement>("input, textarea, select, button")?.focus();
  }, []);
  const id = useUniqueId();
  const { problemAt, startsEmpty } = useForm();
  const { chosen, choice, index } = useAlternative(field, name);
  const groups = isGroup(chosen, field);
  const problem = problemAt(field.path, field.value);
  const description = str(field.schema.description) ?? str(chosen.description);
  const notes = [description !== null && `${id}-d`, problem !== null && `${id}-p`]
    .filter(Boolean)
    .join(" ");
  const control = {
    ...field,
    schema: chosen,
    id,
    describedBy: notes || undefined,
    invalid: problem !== null,
  };
  const label = <span class="nb-field-name">{visible(name)}</span>;
  const remove = onRemove && (
    <button
      type="button"
      class="nb-button nb-bare nb-remove"
      aria-label={`Remove ${name}`}
      title="Remove"
      onClick={onRemove}
    >
      ×
    </button>
  );
  const body = (
    <div class="nb-field-body">
      {choice}
      {/* Another alternative has another control. */}
      <Control key={index} {...control} />
      {problem !== null && (
        <p class="nb-problem" id={`${id}-p`}>
          {problem}
        </p>
      )}
      {!groups && <HiddenNote value={field.value} />}
      {description !== null && (
        <p class={startsEmpty ? "nb-help" : "nb-sr"} id={`${id}-d`}>
          {clip(description, HELP_CHARS)}
        </p>
      )}
    </div>
  );
  return (
    <div
      ref={row}
      class={groups ? "nb-form-row nb-form-group" : "nb-form-row"}
      {...(groups && {
        role: "group",
        "aria-label": name,
        "aria-describedby": control.describedBy,
      })}
    >
      {groups ? label : <label for={id}>{label}</label>}
      {body}
      {remove}
    </div>
  );
}

/**
 * The alternative of the schema that the value is of, and the control that chooses it; the schema
 * itself if it has none.
 */
function useAlternative(
  { schema, value, path, onChange }: FieldProps,
  name: string,
): { chosen: Schema; choice: ComponentChildren; index: number } {
  const { schemas, choices } = useForm();
  const variants = schemas.variants(schema);
  if (variants === null) return { chosen: schema, choice: null, index: 0 };
  const key = `variant ${keyOf(path)}`;
  const kept = choices.get(key) as { index: number; values: (Json | undefined)[] } | undefined;
  const index = kept?.index ?? nearest(value, variants, schemas);
  const choose = (next: number) => {
    const values = [...(kept?.values ?? [])];
    values[index] = value;
    choices.set(key, { index: next, values });
    onChange(values[next] ?? schemas.initial(variants[next] ?? {}) ?? EMPTY);
  };
  const chosen = schemas.resolve(variants[index] ?? {});
  const choice = (
    <select
      class="nb-variant"
      aria-label={`Kind of ${name}`}
      value={String(index)}
      onChange={({ currentTarget }) => choose(Number(currentTarget.value))}
    >
      {variants.map((variant, at) => (
        <option key={at} value={String(at)}>
          {variantLabel(variant)}
        </option>
      ))}
    </select>
  );
  return { chosen, choice, index };
}

const TYPE_LABELS: Record<string, string> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  null: "none",
  array: "list",
  object: "object",
};

function variantLabel(schema: Schema): string {
  const type = typeOf(schema);
  const named = str(schema.title) ?? str(schema.format);
  if (named !== null) return named;
  if (Object.hasOwn(schema, "const")) return String(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.slice(0, 3).map(String).join(" | ");
  return type === null ? "anything" : (TYPE_LABELS[type] ?? type);
}

/** Return true if the field is made of several fields. */
export function isGroup(schema: Schema, field: Pick<FieldProps, "value" | "path">): boolean {
  const { value, path } = field;
  const type = kindOf(schema, field);
  if (type !== "object" && type !== "array") return false;
  if (value !== undefined && value.kind !== type) return false;
  return (
    path.length < MAX_DEPTH &&
    sizeOf(value) <= MAX_FIELDS &&
    Object.keys(schema.properties ?? {}).length <= MAX_FIELDS &&
    requiredOf(schema).length <= MAX_FIELDS
  );
}

function sizeOf(value: Json | undefined): number {
  return value?.kind === "object"
    ? value.members.length
    : value?.kind === "array"
      ? value.items.length
      : 0;
}

/** The type of the control: the schema's, or where that allows any the value's. */
function kindOf(
  schema: Schema,
  { value, path }: Pick<FieldProps, "value" | "path">,
): string | null {
  const type = typeOf(schema);
  // An object or a list of which nothing is known is clearer as JSON; the arguments themselves have
  // names.
  const isKnown = ["properties", "additionalProperties", "items", "prefixItems"].some(
    (name) => typeof schema[name] === "object",
  );
  if (value?.kind === "array" || (value?.kind === "object" && path.length > 0))
    return isKnown ? type : null;
  if (type !== null || value === undefined || value.kind === "unfinished") return type;
  return value.kind === "null" ? null : value.kind;
}

export function Control(props: ControlProps) {
  const { schema, value } = props;
  // As it was at first: a control that changes while one types in it would lose the focus.
  const [isLong] = useState(() => !fitsLine(value));
  if (Object.hasOwn(schema, "const") && value !== undefined)
    return (
      <span class="nb-field">{visible(value.kind === "string" ? value.text : write(value))}</span>
    );
  const type = kindOf(schema, props);
  if (isGroup(schema, props))
    return type === "array" ? <ListFields {...props} /> : <ObjectFields {...props} />;
  const options = Object.hasOwn(schema, "const") ? [schema.const] : schema.enum;
  const isText = type === "string" && !Array.isArray(options);
  if (isLong && !isText) return <JsonInput {...props} />;
  if (Array.isArray(options)) return <Select {...props} options={options.slice(0, 1000)} />;
  switch (type) {
    case "null":
      return value === undefined || value.kind === "null" ? null : <JsonInput {...props} />;
    case "boolean":
      return value === undefined || value.kind === "boolean" ? (
        <Checkbox {...props} />
      ) : (
        <JsonInput {...props} />
      );
    case "integer":
    case "number":
      return <NumberInput {...props} />;
    case "string":
      break;
    default:
      return <JsonInput {...props} />;
  }
  if (schema.format === "date" || schema.format === "time")
    return <DateInput {...props} type={schema.format} />;
  if (schema.format === "date-time") return <DateTimeInput {...props} />;
  return <TextInput {...props} />;
}

/** Return true if one more may be added: the schema does not set a limit, or it is not reached. */
export function hasRoom(
  schema: Schema,
  keyword: "maxItems" | "maxProperties",
  size: number,
): boolean {
  return size < (num(schema[keyword]) ?? Number.POSITIVE_INFINITY) && size < MAX_FIELDS;
}
