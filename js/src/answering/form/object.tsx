/** The members of an object: those of the schema, then others if there may be others. */

import { useRef, useState } from "preact/hooks";
import { clip, lookUp, record } from "../../values";
import { type FieldProps, useForm } from "./context";
import { hasRoom, NamedField } from "./field";
import { type Json, type JsonObject, member, withMember } from "./json";
import { EMPTY, requiredOf, type Schema } from "./schema";

const DEFAULT_CHARS = 200;
const NOTHING: JsonObject = { kind: "object", members: [] };

export function ObjectFields({ schema, value, path, onChange }: FieldProps) {
  const { schemas, startsEmpty } = useForm();
  const object = value?.kind === "object" ? value : NOTHING;
  const known = Object.keys(record(schema.properties) ?? {});
  const required = requiredOf(schema);
  const others = [...new Set([...object.members.map(([key]) => key), ...required])].filter(
    (key) => !known.includes(key),
  );
  const names = [...known, ...others];
  const isShown = (key: string) =>
    required.includes(key) ||
    member(object, key) !== undefined ||
    (startsEmpty && path.length === 0);
  const absent = known.filter((key) => !isShown(key));
  // A schema that says nothing about other names allows them, but hardly ever means to.
  const open =
    schema.additionalProperties === undefined
      ? schema.properties === undefined
      : schema.additionalProperties !== false;
  // Arguments have their names from the tool; others are expected where its schema says so.
  const canGrow =
    open &&
    (startsEmpty || path.length > 0 || schema.additionalProperties !== undefined) &&
    hasRoom(schema, "maxProperties", object.members.length);
  const set = (key: string, next: Json | undefined) => onChange(withMember(object, key, next));
  const added = useRef<string | null>(null);
  const add = (key: string) => {
    added.current = key;
    set(key, schemas.initial(schemas.property(schema, key) ?? {}) ?? EMPTY);
  };
  return (
    <div class="nb-form-fields">
      {names.filter(isShown).map((key) => (
        <NamedField
          key={key}
          name={key}
          schema={schemas.property(schema, key) ?? {}}
          value={member(object, key)}
          path={[...path, key]}
          isNew={added.current === key}
          onChange={(next) => set(key, next)}
          onRemove={
            required.includes(key) || member(object, key) === undefined
              ? undefined
              : () => set(key, undefined)
          }
        />
      ))}
      {absent.length > 0 && (
        <div class="nb-absent">
          {absent.map((key) => (
            <button
              key={key}
              type="button"
              class="nb-chip"
              title={defaultNote(schemas.property(schema, key))}
              onClick={() => add(key)}
            >
              + {key}
            </button>
          ))}
        </div>
      )}
      {canGrow && <NewMember taken={names} onAdd={add} />}
    </div>
  );
}

function defaultNote(schema: Schema | null): string {
  const value = lookUp(schema ?? {}, "default");
  return value === undefined
    ? "Not given"
    : `Not given; the default is ${clip(JSON.stringify(value), DEFAULT_CHARS)}`;
}

/** Adds a member whose name the reader gives. */
function NewMember({ taken, onAdd }: { taken: readonly string[]; onAdd: (key: string) => void }) {
  const [name, setName] = useState("");
  const isTaken = taken.includes(name);
  const add = () => {
    if (name === "" || isTaken) return;
    onAdd(name);
    setName("");
  };
  return (
    <div class="nb-new-member">
      <input
        class="nb-input"
        type="text"
        aria-label="Name of a new entry"
        placeholder="name"
        value={name}
        aria-invalid={isTaken}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          add();
        }}
      />
      <button type="button" class="nb-button" aria-disabled={name === "" || isTaken} onClick={add}>
        Add entry
      </button>
    </div>
  );
}
