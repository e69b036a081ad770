/** A form for a value of a JSON Schema, checked as one types. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { str } from "../../values";
import { check, type Path, REQUIRED } from "./check";
import { FormContext, keyOf } from "./context";
import { Control, NamedField } from "./field";
import { JsonInput } from "./inputs";
import { equal, type Json, parse, string, write } from "./json";
import { Schemas } from "./schema";

/** Methods of a form, for the buttons below it. */
export interface FormHandle {
  /** Return the value as JSON; undefined if nothing was changed; null if it is not valid, which the form then shows. */
  read(): string | null | undefined;
  /** Forget what was typed. */
  discard(): void;
}

export interface FormProps {
  /** The value to start from, as JSON; null if there is none. */
  text: string | null;
  /** JSON Schema of the value; null if there is none. */
  schema: unknown;
  /** Holds what was typed, also after the form was taken from the page. */
  draft: Map<string, unknown>;
  handle: RefObject<FormHandle | null>;
  /** Called with true if the value differs from the one to start from. */
  onChange?: (changed: boolean) => void;
  /** Called with the first field. */
  focusOnce?: (element: HTMLElement | null) => void;
}

const CONTROLS = "input, textarea, select, button";
/** Key of the values that were typed, in the drafts of a question. */
const DRAFT = "form";

interface Draft {
  value: Json | undefined;
  asJson: boolean;
  choices: Map<string, unknown>;
}

export function Form({ text, schema, draft, handle, onChange, focusOnce }: FormProps) {
  const box = useRef<HTMLDivElement>(null);
  const schemas = useMemo(() => new Schemas(schema), [schema]);
  const initial = useMemo(() => (text === null ? schemas.initial(schemas.root) : read(text)), [schemas, text]);
  const kept = draft.get(DRAFT) as Draft | undefined;
  const [state, setState] = useState<Draft>(kept ?? { value: initial, asJson: false, choices: new Map() });
  // Problems of fields that nothing was typed into are shown when the form was sent.
  const [tried, setTried] = useState(0);
  const { value, asJson, choices } = state;
  const problems = useMemo(() => check(value, schemas), [value, schemas]);
  const byPath = useMemo(() => new Map(problems.map(({ path, message }) => [keyOf(path), message])), [problems]);
  const isBlocked = asJson ? value === undefined || value.kind === "unfinished" : problems.length > 0;
  const changed = value !== undefined && (initial === undefined || text === null || !equal(value, initial));
  useEffect(() => onChange?.(changed), [changed]);
  useLayoutEffect(() => {
    focusOnce?.(box.current?.querySelector<HTMLElement>(CONTROLS) ?? null);
  }, []);
  useEffect(() => {
    if (tried === 0) return;
    const row = box.current?.querySelector(".nb-problem")?.closest(".nb-form-row, .nb-form");
    row?.querySelector<HTMLElement>(CONTROLS)?.focus();
  }, [tried]);
  handle.current = {
    read() {
      if (isBlocked) {
        setTried(tried + 1);
        return null;
      }
      return changed && value !== undefined
        ? write(value)
        : text === null && value !== undefined
          ? write(value)
          : undefined;
    },
    discard: () => draft.delete(DRAFT),
  };
  const update = (next: Partial<Draft>) => {
    const made = { ...state, ...next };
    draft.set(DRAFT, made);
    setState(made);
  };
  const problemAt = (path: Path, at: Json | undefined) => {
    const message = byPath.get(keyOf(path)) ?? null;
    const untouched = at === undefined || (at.kind === "unfinished" && at.text === "");
    return message === null || (untouched && tried === 0) ? null : message || REQUIRED;
  };
  const context = { schemas, problemAt, choices, showsAll: text === null };
  const field = { schema: schemas.root, value, path: [], onChange: (next: Json) => update({ value: next }) };
  const isObject = value?.kind === "object" || (value === undefined && schemas.root.type === "object");
  const problem = asJson ? (value?.kind === "unfinished" ? value.problem || REQUIRED : null) : problemAt([], value);
  return (
    <FormContext.Provider value={context}>
      <div ref={box} class="nb-form">
        {asJson ? (
          <JsonInput {...field} id="" describedBy={undefined} invalid={problem !== null} />
        ) : isObject ? (
          <Control {...field} id="" describedBy={undefined} invalid={problem !== null} />
        ) : (
          <NamedField {...field} name={str(schemas.root.title) ?? "answer"} />
        )}
        {problem !== null && (asJson || isObject) && <p class="nb-problem">{problem}</p>}
        {asJson && problem === null && problems[0] && (
          <p class="nb-help">
            By its schema, {[...problems[0].path].join(".") || "this"} {problems[0].message || REQUIRED}
          </p>
        )}
        <button
          type="button"
          class="nb-link nb-as-json"
          onClick={() => update({ asJson: !asJson, choices: new Map() })}
          aria-disabled={asJson && problem !== null}
        >
          {asJson ? "As fields" : "As JSON"}
        </button>
      </div>
    </FormContext.Provider>
  );
}

/** The value to start from; a text that is no JSON is a value that is a text. */
function read(text: string): Json {
  try {
    return parse(text);
  } catch {
    return string(text);
  }
}
