/** The columns of the table of a map. */

import type { ComponentChildren } from "preact";
import { failedCallsLabel } from "../status";
import { duration, fixed } from "../ui/duration";
import { Icon, type IconName } from "../ui/icons";
import { clip, count, lookUp, num } from "../values";
import type { Row } from "./row-pages";

export interface Column {
  /** Name of the column in a `RowsQuestion`. */
  key: string;
  head: string;
  /** Width, as a track of a CSS grid. */
  width: string;
  isFigure: boolean;
  draw: (row: Row) => ComponentChildren;
}

const SCORE_CHARS = 24;
/** Widths of the column of labels. */
const MIN_LABEL_CHARS = 5;
const MAX_LABEL_CHARS = 24;
const MAX_NARROW_LABEL_CHARS = 12;

/** Icon, tone and word of each status. */
const STATUS: Readonly<Record<string, [IconName, string, string]>> = {
  waiting: ["todo", "off", "waiting"],
  running: ["spinner", "link", "running"],
  completed: ["check", "ok", "done"],
  failed: ["cross", "bad", "failed"],
  cancelled: ["stop", "off", "stopped"],
  incomplete: ["warning", "ask", "cut off"],
  max_steps: ["warning", "ask", "step limit"],
  paused: ["warning", "ask", "paused"],
};

/**
 * @param labelChars - length of the longest label.
 * @param figures - of tokens and cost, those that are known.
 * @param isNarrow - true to leave out what a small place has no room for.
 */
export function columnsOf(
  labelChars: number,
  scores: readonly string[],
  figures: readonly string[],
  isNarrow: boolean,
): Column[] {
  const text = { isFigure: false };
  const figure = { isFigure: true };
  const has = (name: string) => !isNarrow && figures.includes(name);
  const mostLabelChars = isNarrow ? MAX_NARROW_LABEL_CHARS : MAX_LABEL_CHARS;
  // Letters may be wider than the digit that a `ch` is.
  const labelWidth = Math.min(mostLabelChars, Math.max(MIN_LABEL_CHARS, labelChars + 1));
  const all: (Column | false)[] = [
    { ...text, key: "label", head: "", width: `${labelWidth}ch`, draw: label },
    { ...text, key: "item", head: "Item", width: "minmax(0, 2fr)", draw: ({ item }) => item },
    { ...text, key: "answer", head: "Answer", width: "minmax(0, 3fr)", draw: answer },
    isNarrow
      ? { ...text, key: "status", head: "State", width: "7ch", draw: statusIcon }
      : { ...text, key: "status", head: "State", width: "15ch", draw: status },
    has("tokens") && { ...figure, key: "tokens", head: "Tokens", width: "8ch", draw: tokens },
    !isNarrow && { ...figure, key: "seconds", head: "Time", width: "8ch", draw: seconds },
    has("cost") && { ...figure, key: "cost", head: "Cost", width: "8ch", draw: cost },
    ...scores.map((name, at) => ({
      ...figure,
      key: `scores/${name}`,
      head: name,
      width: `${Math.min(14, Math.max(7, name.length + 2))}ch`,
      draw: (row: Row) => score(row.scores[at]),
    })),
  ];
  return all.filter((column) => column !== false);
}

const label = ({ label }: Row) => <span title={label}>{label}</span>;

function answer({ answer, status }: Row) {
  const kind = { running: "nb-map-live", failed: "nb-bad" }[status] ?? "";
  return <span class={`nb-map-answer ${kind}`}>{answer}</span>;
}

/** Icon, tone and word of the state of a row. */
function stateOf({ status, asks, restored, toolsFailed }: Row): [IconName, string, string] {
  if (asks) return ["warning", "ask", "waits for you"];
  if (toolsFailed > 0 && status === "completed")
    return ["warning", "ask", toolsFailed === 1 ? "1 tool failed" : `${toolsFailed} tools failed`];
  const [icon, tone, word] = lookUp(STATUS, status) ?? ["info", "off", status];
  return [icon, tone, restored ? "stored" : word];
}

function status(row: Row) {
  const [icon, tone, word] = stateOf(row);
  const notes = [];
  if (row.toolsFailed > 0) notes.push(failedCallsLabel({ tools_failed: row.toolsFailed }));
  if (row.restored) notes.push("from the store: not run again");
  return (
    <span class={row.asks ? "nb-ask" : ""} title={notes.join("; ") || undefined}>
      <Icon name={icon} tone={tone} /> {word}
    </span>
  );
}

function statusIcon(row: Row) {
  const [icon, tone, word] = stateOf(row);
  return (
    <span title={word}>
      <Icon name={icon} tone={tone} />
      <span class="nb-sr">{word}</span>
    </span>
  );
}

const tokens = (row: Row) => (row.tokens === null ? "" : count(row.tokens));
const seconds = (row: Row) => (row.seconds === null ? "" : duration(row.seconds));
const cost = (row: Row) => (row.cost === null ? "" : `$${fixed(row.cost, 4)}`);

function score(value: unknown): ComponentChildren {
  if (typeof value === "boolean")
    return (
      <>
        <Icon name={value ? "check" : "cross"} tone={value ? "ok" : "bad"} />
        <span class="nb-sr">{value ? "yes" : "no"}</span>
      </>
    );
  const number = num(value);
  if (number !== null) return String(Number(number.toPrecision(4)));
  return typeof value === "string" ? clip(value, SCORE_CHARS) : "";
}
