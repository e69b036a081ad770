/** The items of a list. */

import { useRef } from "preact/hooks";
import { type FieldProps, useForm } from "./context";
import { hasRoom, NamedField } from "./field";
import type { Json } from "./json";
import { EMPTY } from "./schema";

export function ListFields({ schema, value, path, onChange }: FieldProps) {
  const { schemas } = useForm();
  const items = value?.kind === "array" ? value.items : [];
  const least = typeof schema.minItems === "number" ? schema.minItems : 0;
  const next = schemas.item(schema, items.length);
  const added = useRef(-1);
  const set = (changed: readonly Json[]) => onChange({ kind: "array", items: changed });
  return (
    <div class="nb-form-fields">
      {items.map((item, index) => (
        <NamedField
          // An item has no name of its own: it is the one at its place.
          key={index}
          name={String(index + 1)}
          schema={schemas.item(schema, index) ?? {}}
          value={item}
          path={[...path, index]}
          isNew={added.current === index}
          onChange={(changed) => set(items.map((each, at) => (at === index ? changed : each)))}
          onRemove={
            items.length > least ? () => set(items.filter((_, at) => at !== index)) : undefined
          }
        />
      ))}
      {next !== null && hasRoom(schema, "maxItems", items.length) && (
        <button
          type="button"
          class="nb-chip"
          onClick={() => {
            added.current = items.length;
            set([...items, schemas.initial(next) ?? EMPTY]);
          }}
        >
          + item
        </button>
      )}
    </div>
  );
}
