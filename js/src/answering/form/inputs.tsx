/** The controls of single values: texts, numbers, dates, choices. */

import { useRef, useState } from "preact/hooks";
import { visible } from "../../readable";
import { clip, num, str } from "../../values";
import { type ControlProps, keyOf, useForm } from "./context";
import { indented } from "./indent";
import { boolean, equal, type Json, parse, string, write } from "./json";
import { fromValue } from "./schema";

/** Characters that a control of one line shows at once. */
const LINE_CHARS = 40;
const OPTION_CHARS = 80;
/** Steps of a range up to which it has a slider. */
const MAX_SLIDER_STEPS = 1000;

const aria = ({ id, describedBy, invalid }: ControlProps) => ({
  id,
  "aria-invalid": invalid,
  "aria-describedby": describedBy,
});

/** The text of a value in a text field: what was typed, of any other kind its JSON. */
function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return value.kind === "unfinished"
    ? value.text
    : value.kind === "string"
      ? value.text
      : write(value);
}

/** Return true if a control of one line shows the whole value. */
export function fitsLine(value: Json | undefined): boolean {
  const text = textOf(value);
  return text.length <= LINE_CHARS && !text.includes("\n");
}

/**
 * Characters that the controls of a value do not show: those that are hidden, or that change how
 * others look.
 */
export function HiddenNote({ value }: { value: Json | undefined }) {
  const text = textOf(value);
  const shown = visible(text);
  return shown === text ? null : <p class="nb-help">With hidden characters: {shown}</p>;
}

interface AreaProps extends ControlProps {
  text: string;
  placeholder?: string;
  onText: (text: string) => void;
  onKeyDown?: (event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }) => void;
}

/** A field that is as high as its text: what is allowed is seen whole. */
function Area({ text, placeholder, onText, onKeyDown, ...props }: AreaProps) {
  return (
    <div class="nb-area" data-text={text}>
      <textarea
        {...aria(props)}
        class="nb-input"
        rows={1}
        placeholder={placeholder}
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

/** A text of one or more lines. Enter sends an answer, with Shift it begins a new line. */
export function TextInput(props: ControlProps) {
  const { value, schema, onChange } = props;
  const { startsEmpty } = useForm();
  const text = textOf(value);
  const examples = Array.isArray(schema.examples) ? schema.examples : [];
  return (
    <Area
      {...props}
      text={text}
      placeholder={clip(visible(str(examples[0]) ?? ""), OPTION_CHARS) || undefined}
      onText={(typed) => onChange(string(typed))}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || !startsEmpty) return;
        event.preventDefault();
        event.currentTarget.form?.requestSubmit();
      }}
    />
  );
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Return the typed text as a number of JSON, digit by digit; unfinished if it is none. */
export function readNumber(typed: string, whole: boolean): Json {
  const text = typed.trim();
  if (text === "") return { kind: "unfinished", text: typed, problem: "" };
  const problem = whole ? "must be a whole number" : "must be a number";
  if (!NUMBER.test(text)) return { kind: "unfinished", text: typed, problem };
  const [, sign = "", digits = "", fraction = "", exponent = ""] =
    /^[+]?(-?)0*(?=\d|\.)(\d*)(?:\.(\d*))?((?:e.*)?)$/i.exec(text) ?? [];
  return {
    kind: "number",
    text: `${sign}${digits || "0"}${fraction && `.${fraction}`}${exponent}`,
  };
}

/**
 * A number as text, so that no digit is lost; the arrow keys change it by a step, and a small range
 * has a slider.
 */
export function NumberInput(props: ControlProps) {
  const { value, schema, onChange } = props;
  const whole = schema.type === "integer";
  const [least, most] = [
    bound(schema, "minimum", "exclusiveMinimum"),
    bound(schema, "maximum", "exclusiveMaximum"),
  ];
  const step =
    (num(schema.multipleOf) ?? 0) > 0 ? (num(schema.multipleOf) as number) : whole ? 1 : null;
  // The typed text stays as it is, "1." and "007".
  const [typed, setTyped] = useState<{ text: string; made: Json } | null>(null);
  const text = typed !== null && typed.made === value ? typed.text : textOf(value);
  const type = (next: string) => {
    const made = readNumber(next, whole);
    setTyped({ text: next, made });
    onChange(made);
  };
  const current = value?.kind === "number" ? Number(value.text) : null;
  const sliderStep = step ?? sliderStepOf(least, most);
  const slides =
    least !== null &&
    most !== null &&
    sliderStep !== null &&
    most > least &&
    (most - least) / sliderStep <= MAX_SLIDER_STEPS;
  return (
    <div class="nb-number">
      <input
        {...aria(props)}
        class="nb-input"
        type="text"
        inputMode={whole ? "numeric" : "decimal"}
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => type(currentTarget.value)}
        onKeyDown={(event) => {
          const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
          if (direction === 0 || (value !== undefined && value.kind !== "number")) return;
          event.preventDefault();
          type(stepped(value?.text ?? "0", direction * (step ?? 1), least, most));
        }}
      />
      {slides && (
        <input
          type="range"
          aria-label="slider"
          tabIndex={-1}
          min={least}
          max={most}
          step={sliderStep}
          value={current ?? least}
          onInput={({ currentTarget }) => type(currentTarget.value)}
        />
      )}
    </div>
  );
}

function bound(
  schema: Record<string, unknown>,
  inclusive: string,
  exclusive: string,
): number | null {
  return num(schema[inclusive]) ?? num(schema[exclusive]);
}

/** A hundredth of the range, as a power of ten. */
function sliderStepOf(least: number | null, most: number | null): number | null {
  return least === null || most === null || most <= least
    ? null
    : 10 ** Math.floor(Math.log10((most - least) / 100));
}

/** The number after a step, within its bounds; of a whole number, digit by digit. */
function stepped(text: string, by: number, least: number | null, most: number | null): string {
  if (/^-?\d+$/.test(text) && Number.isInteger(by) && !Number.isSafeInteger(Number(text))) {
    return String(BigInt(text) + BigInt(by));
  }
  const next = Number((Number(text) + by).toPrecision(15));
  return String(Math.min(most ?? next, Math.max(least ?? next, next)));
}

export function Checkbox(props: ControlProps) {
  const { value, onChange } = props;
  return (
    <input
      {...aria(props)}
      type="checkbox"
      checked={value?.kind === "boolean" && value.text === "true"}
      onChange={({ currentTarget }) => onChange(boolean(currentTarget.checked))}
    />
  );
}

/** One of the values of an `enum`. */
export function Select({ options, ...props }: ControlProps & { options: readonly unknown[] }) {
  const { value, onChange } = props;
  const values = options.map(fromValue);
  const chosen = value === undefined ? -1 : values.findIndex((each) => equal(each, value));
  return (
    <select
      {...aria(props)}
      value={String(chosen)}
      onChange={({ currentTarget }) => {
        const next = values[Number(currentTarget.value)];
        if (next) onChange(next);
      }}
    >
      {chosen < 0 && (
        <option value="-1">{value === undefined ? "Choose…" : optionLabel(value)}</option>
      )}
      {values.map((each, index) => (
        <option key={index} value={String(index)}>
          {optionLabel(each)}
        </option>
      ))}
    </select>
  );
}

function optionLabel(value: Json): string {
  return clip(textOf(value), OPTION_CHARS);
}

const DATE = /^(?:\d{4}-\d\d-\d\d)?$/;
const TIME = /^(?:\d\d:\d\d(?::\d\d)?)?$/;
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?$/i;

/** A day or a time of day: the browser's own control, or a text that it cannot show. */
export function DateInput({ type, ...props }: ControlProps & { type: "date" | "time" }) {
  const text = textOf(props.value);
  const [plain] = useState(!(type === "date" ? DATE : TIME).test(text));
  if (plain) return <TextInput {...props} />;
  return <Picker {...props} type={type} text={text} toText={(picked) => picked} />;
}

/**
 * A day and a time: picked, with the offset from UTC beside it; or a text that has more digits than
 * the control.
 */
export function DateTimeInput(props: ControlProps) {
  const text = textOf(props.value);
  const [, day, time, zone = ""] = DATE_TIME.exec(text) ?? [];
  const [plain] = useState(text !== "" && day === undefined);
  const [chosen, setChosen] = useState(text === "" ? localOffset() : zone);
  if (plain) return <TextInput {...props} />;
  const current = day === undefined ? chosen : zone;
  const zones = [...new Set([current, localOffset(), "Z", ""])];
  return (
    <div class="nb-date-time">
      <Picker
        {...props}
        type="datetime-local"
        text={day === undefined ? "" : `${day}T${time}`}
        toText={(picked) => `${picked}${current}`}
      />
      <select
        aria-label="Offset from UTC"
        value={current}
        onChange={({ currentTarget }) => {
          setChosen(currentTarget.value);
          if (day !== undefined) props.onChange(string(`${day}T${time}${currentTarget.value}`));
        }}
      >
        {zones.map((each) => (
          <option key={each} value={each}>
            {each === "" ? "no time zone" : each === "Z" ? "UTC" : each}
          </option>
        ))}
      </select>
    </div>
  );
}

const HAS_SECONDS = /:\d\d:\d\d$/;

interface PickerProps extends ControlProps {
  type: "date" | "time" | "datetime-local";
  text: string;
  toText(picked: string): string;
}

function Picker({ type, text, toText, ...props }: PickerProps) {
  // A browser leaves out seconds that are zero.
  const lost = (picked: string) =>
    HAS_SECONDS.test(text) && !HAS_SECONDS.test(picked) ? ":00" : "";
  return (
    <input
      {...aria(props)}
      class="nb-input"
      type={type}
      step={type === "date" ? undefined : HAS_SECONDS.test(text) ? 1 : 60}
      value={text}
      onInput={({ currentTarget: { value } }) =>
        props.onChange(
          value === ""
            ? { kind: "unfinished", text: "", problem: "" }
            : string(toText(value + lost(value))),
        )
      }
    />
  );
}

function localOffset(): string {
  const minutes = -new Date().getTimezoneOffset();
  const two = (part: number) => String(Math.floor(Math.abs(part))).padStart(2, "0");
  return minutes === 0
    ? "Z"
    : `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** Any value, as JSON. */
export function JsonInput(props: ControlProps) {
  const { choices } = useForm();
  const { value, path, onChange } = props;
  const key = `json ${keyOf(path)}`;
  const typed = useRef<{ text: string; made: Json } | null>(null);
  if (typed.current === null || typed.current.made !== value) {
    const kept = choices.get(key) as { text: string; made: Json } | undefined;
    typed.current =
      kept !== undefined && kept.made === value
        ? kept
        : {
            text: value === undefined ? "" : indented(value),
            made: value ?? { kind: "unfinished", text: "", problem: "" },
          };
  }
  const { text } = typed.current;
  return (
    <Area
      {...props}
      text={text}
      onText={(next) => {
        const made = readJson(next);
        typed.current = { text: next, made };
        choices.set(key, typed.current);
        onChange(made);
      }}
    />
  );
}

function readJson(text: string): Json {
  try {
    return parse(text);
  } catch (error) {
    const problem =
      text.trim() === "" ? "" : error instanceof Error ? visible(error.message) : "is not JSON";
    return { kind: "unfinished", text, problem };
  }
}
