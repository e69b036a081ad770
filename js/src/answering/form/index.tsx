/** A form for a value of a JSON Schema, checked as one types. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { str } from "../../values";
import { check, type Path, REQUIRED } from "./check";
import { FormContext, keyOf } from "./context";
import { Control, isGroup, NamedField } from "./field";
import { JsonInput } from "./inputs";
import { equal, type Json, parse, string, write } from "./json";
import { type Schema, Schemas } from "./schema";

/** Methods of a form, for the buttons below it. */
export interface FormHandle {
  /**
   * Return the value as JSON; undefined if nothing was changed; null if it is not valid, which the
   * form then shows.
   */
  read(): string | null | undefined;
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

const FIELDS = "input, textarea, select";
const CONTROLS = `${FIELDS}, button`;
/** Values that are drawn as fields; more are JSON. */
const MAX_VALUES = 200;
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
  const initial = useMemo(
    () => (text === null ? schemas.initial(schemas.root) : read(text)),
    [schemas, text],
  );
  const kept = draft.get(DRAFT) as Draft | undefined;
  const startsEmpty = text === null;
  const start = (): Draft => ({
    value: initial,
    asJson: hasMany(initial, schemas),
    choices: new Map(),
  });
  const [state, setState] = useState<Draft>(kept ?? start);
  // Another number makes the controls anew, which keep what was typed as it was typed.
  const [resets, setResets] = useState(0);
  // Problems of fields that nothing was typed into are shown when the form was sent.
  const [tried, setTried] = useState(0);
  const { value, asJson, choices } = state;
  const problems = useMemo(() => check(value, schemas), [value, schemas]);
  const byPath = useMemo(
    () => new Map(problems.map(({ path, message }) => [keyOf(path), message])),
    [problems],
  );
  const isBlocked = asJson
    ? value === undefined || value.kind === "unfinished"
    : problems.length > 0;
  const changed =
    value !== undefined && (initial === undefined || startsEmpty || !equal(value, initial));
  useEffect(() => onChange?.(changed), [changed]);
  useLayoutEffect(() => {
    focusOnce?.(box.current?.querySelector<HTMLElement>(CONTROLS) ?? null);
  }, []);
  useLayoutEffect(() => {
    if (resets > 0) box.current?.querySelector<HTMLElement>(CONTROLS)?.focus();
  }, [resets]);
  useEffect(() => {
    if (tried === 0) return;
    const problem = box.current?.querySelector(".nb-problem");
    const row = problem?.closest(".nb-form-row, .nb-form");
    row?.querySelector<HTMLElement>(CONTROLS)?.focus();
    problem?.scrollIntoView?.({ block: "nearest" });
  }, [tried]);
  handle.current = {
    read() {
      // Arguments that are left alone go as they came, also where they do not fit the schema: the
      // kernel has the last word.
      if (!startsEmpty && !changed) return undefined;
      if (!isBlocked) return value === undefined ? undefined : write(value);
      setTried(tried + 1);
      return null;
    },
  };
  const update = (next: Partial<Draft>) => {
    const made = { ...state, ...next };
    draft.set(DRAFT, made);
    setState(made);
  };
  const reset = () => {
    draft.delete(DRAFT);
    setState(start());
    setTried(0);
    setResets(resets + 1);
  };
  const problemAt = (path: Path, at: Json | undefined) => {
    const message = byPath.get(keyOf(path)) ?? null;
    const untouched = at === undefined || (at.kind === "unfinished" && at.text === "");
    return message === null || (untouched && tried === 0) ? null : message || REQUIRED;
  };
  const context = { schemas, problemAt, choices, startsEmpty };
  const field = {
    schema: schemas.root,
    value,
    path: [],
    onChange: (next: Json) => update({ value: next }),
  };
  const isObject =
    value?.kind === "object" || (value === undefined && schemas.root.type === "object");
  const names =
    value?.kind === "object"
      ? value.members.length + Object.keys(schemas.root.properties ?? {}).length
      : 1;
  if (!startsEmpty && !asJson && names === 0) return null; // a call without arguments
  const problem = asJson
    ? value?.kind === "unfinished"
      ? value.problem || REQUIRED
      : null
    : problemAt([], value);
  return (
    <FormContext.Provider value={context}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its keys are its fields' */}
      <div
        key={resets}
        ref={box}
        class="nb-form"
        onKeyDown={(event) => onEnter(event, startsEmpty)}
      >
        {asJson ? (
          <JsonInput {...field} id="" describedBy={undefined} invalid={problem !== null} />
        ) : isObject ? (
          <Control {...field} id="" describedBy={undefined} invalid={problem !== null} />
        ) : (
          <NamedField
            {...field}
            name={str(schemas.root.title) ?? (startsEmpty ? "answer" : "arguments")}
          />
        )}
        {problem !== null && (asJson || isObject) && <p class="nb-problem">{problem}</p>}
        {asJson && problem === null && problems[0] && (
          <p class="nb-help">
            By its schema, {[...problems[0].path].join(".") || "this"}{" "}
            {problems[0].message || REQUIRED}
          </p>
        )}
        <div class="nb-form-links">
          {!(asJson && hasMany(value, schemas)) && (
            <button
              type="button"
              class="nb-link"
              onClick={() => update({ asJson: !asJson, choices: new Map() })}
              aria-disabled={asJson && problem !== null}
            >
              {asJson ? "As fields" : "As JSON"}
            </button>
          )}
          {changed && !startsEmpty && (
            <button type="button" class="nb-link" onClick={reset}>
              Reset
            </button>
          )}
        </div>
      </div>
    </FormContext.Provider>
  );
}

/**
 * Send the form by Ctrl and Enter from any field. Enter alone sends an answer that is written here,
 * and no arguments: these are another's, and permission is not given in passing.
 */
function onEnter(event: KeyboardEvent, startsEmpty: boolean): void {
  const control = event.target as HTMLElement;
  if (event.key !== "Enter" || event.isComposing || !control.matches(FIELDS)) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    control.closest("form")?.requestSubmit();
  } else if (!startsEmpty && control.localName === "input") event.preventDefault();
}

/** Return true if the value has more parts than are drawn as fields. */
function hasMany(value: Json | undefined, schemas: Schemas): boolean {
  let left = MAX_VALUES;
  const visit = (json: Json, schema: Schema, path: Path): void => {
    left -= 1;
    // Any part of a value that is of one of several kinds may have a field.
    const isAny = schemas.variants(schema) !== null;
    if (left < 0 || !(isAny || isGroup(schema, { value: json, path }))) return;
    const inner = (of: Schema | null) => (isAny ? schema : (of ?? {}));
    if (json.kind === "array") {
      for (const [at, each] of json.items.entries())
        visit(each, inner(schemas.item(schema, at)), [...path, at]);
    } else if (json.kind === "object") {
      for (const [key, each] of json.members)
        visit(each, inner(schemas.property(schema, key)), [...path, key]);
    }
  };
  if (value !== undefined) visit(value, schemas.root, []);
  return left < 0;
}

/** The value to start from; a text that is no JSON is a value that is a text. */
function read(text: string): Json {
  try {
    return parse(text);
  } catch {
    return string(text);
  }
}
