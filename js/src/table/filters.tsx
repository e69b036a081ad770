/** Fields that narrow the rows of a map: a filter, and a text to search for. */

import { useEffect, useState } from "preact/hooks";
import type { RowFilter } from "../protocol";
import { count } from "../values";
import type { Wish } from "./row-pages";

const TOOL = "tool:";
const TYPING_PAUSE_MS = 200;
const MAX_SEARCH_CHARS = 200;

interface FiltersProps {
  tools: readonly string[];
  failed: number;
  asking: number;
  /** Number of rows that fit, and of all rows. */
  found: number | null;
  total: number;
  onWish: (change: Partial<Wish>) => void;
}

export function Filters({ tools, failed, asking, found, total, onWish }: FiltersProps) {
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
        <option value="failed">Failed ({count(failed)})</option>
        <option value="asking">Asks you ({count(asking)})</option>
        <option value="slow">Slowest tenth</option>
        {tools.map((name) => (
          <option key={name} value={TOOL + name}>
            Called {name}
          </option>
        ))}
      </select>
      <SearchField onSearch={(text) => onWish({ text })} />
      <span class="nb-grow" />
      <span class="nb-muted nb-time" aria-live="polite">
        {found !== null && found !== total ? `${count(found)} of ${count(total)} rows` : ""}
      </span>
    </div>
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
