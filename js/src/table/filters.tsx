/** Fields that narrow the rows of a map: a filter, and a text to search for. */

import { useEffect, useState } from "preact/hooks";
import type { RowFilter } from "../protocol";
import { count, num, type PropsOf, record, strings } from "../values";
import type { Wish } from "./row-pages";

const TOOL = "tool:";
const TYPING_PAUSE_MS = 200;
const MAX_SEARCH_CHARS = 200;

interface FiltersProps {
  props: PropsOf<"rows">;
  /** Number of rows that fit, and of all rows. */
  found: number | null;
  total: number;
  onWish: (change: Partial<Wish>) => void;
}

export function Filters({ props, found, total, onWish }: FiltersProps) {
  const tools = Object.entries(record(props.tools) ?? {});
  const isGrouped = props.is_grouped === true;
  const choose = (value: string) => {
    const isTool = value.startsWith(TOOL);
    onWish({
      filter: isTool ? "tool" : (value as RowFilter),
      tool: isTool ? value.slice(TOOL.length) : "",
    });
  };
  return (
    <div class="nb-filters nb-map-filters">
      <select aria-label="Rows" onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">All rows</option>
        {counted("failed", "Failed", props.failed)}
        {tools.length > 0 && counted("tools_failed", "With failed tools", props.tools_failed)}
        {counted("asking", "Waiting for you", props.asking)}
        <option value="slow">Slowest tenth</option>
        {isGrouped && <option value="different_answers">Different answers</option>}
        {isGrouped && strings(props.scores).length > 0 && (
          <option value="different_scores">Different checks</option>
        )}
        {tools.map(([name, rows]) => counted(TOOL + name, `Called ${name}`, rows))}
      </select>
      <SearchField onSearch={(text) => onWish({ text })} />
      <span class="nb-grow" />
      <span class="nb-muted nb-time" aria-live="polite">
        {found !== null && found !== total ? `${count(found)} of ${count(total)} rows` : ""}
      </span>
    </div>
  );
}

function counted(value: string, label: string, rows: unknown) {
  return (
    <option key={value} value={value}>
      {label} ({count(num(rows) ?? 0)})
    </option>
  );
}

/** A component of its own, so that typing draws nothing else again. */
function SearchField({ onSearch }: { onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => onSearch(typed), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      type="search"
      placeholder="Search"
      aria-label="Search the rows"
      maxLength={MAX_SEARCH_CHARS}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
