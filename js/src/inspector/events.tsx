/**
 * Events page of the inspector: the events of a run or of one block, filters, search, and one event
 * in detail.
 */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Session } from "../session";
import type { Subject } from "../transcript/inspecting";
import { LoadError } from "../transcript/lazy";
import { Icon } from "../ui/icons";
import { count, num } from "../values";
import { askEvents, type Facts } from "./answers";
import { EventDetail } from "./event-detail";
import { EventList, family } from "./event-list";
import { EventRows } from "./event-rows";
import type { Past } from "./past/past";

/** Pause in typing after which the kernel is asked. */
const TYPING_PAUSE_MS = 200;
const MAX_SEARCH_CHARS = 100;
/** Value of the type filter that every event passes, and that folds no deltas. */
const EACH = "*";

interface EventsProps {
  session: Session;
  /** The block whose events are shown; null for all events. */
  block: Subject | null;
  /** Events after the one that it shows are dimmed. */
  past: Past;
  onWhole: () => void;
  /** Called when the reader asks for the request in whose response the block came. */
  onRequest: () => void;
  /** Called with the number of the event after which the reader wants to see the run. */
  onMoment: (number: number) => void;
}

export function Events({ session, block, past, onWhole, onRequest, onMoment }: EventsProps) {
  const [type, setType] = useState("");
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<number | null>(null);
  const [types, setTypes] = useState<Facts["types"]>([]);
  // A reader who goes through the run's moments is shown each of them.
  const fold = type === "" && text === "" && block === null && past.position.value === null;
  const rows = useMemo(() => {
    const filter = { type, text, block: block?.id ?? "", kind: block?.kind ?? "", fold };
    return new EventRows((at) => askEvents(session, filter, at));
  }, [session, type, text, block, fold]);
  useEffect(() => {
    setChosen(null);
    return () => rows.close();
  }, [rows]);
  const events = num(session.runProps.events) ?? 0;
  useEffect(() => rows.setEventCount(events), [rows, events]);
  const facts = rows.facts.value;
  useEffect(() => {
    if (facts) setTypes(facts.types);
  }, [facts]);
  const problem = rows.problem.value;
  const opened = chosen === null ? undefined : rows.row(chosen);
  return (
    <div class="nb-inspector">
      <div class="nb-filters">
        <select
          aria-label="Type"
          value={type}
          onChange={(event) => setType(event.currentTarget.value)}
        >
          <option value="">All types</option>
          <option value={EACH}>All types, each delta</option>
          {options(types).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <SearchField onSearch={setText} />
        {block && (
          <button type="button" class="nb-chip" title="Show the whole run's" onClick={onWhole}>
            of {block.label}
            <Icon name="cross" />
            <span class="nb-sr">, show the whole run's</span>
          </button>
        )}
        {block && session.peer === "kernel" && (
          <button type="button" class="nb-link" title="What the model was sent" onClick={onRequest}>
            Its request
          </button>
        )}
        <span class="nb-grow" />
        <span class="nb-muted nb-time" aria-live="polite">
          {countLabel(facts, (type !== "" && type !== EACH) || text !== "" || block !== null)}
        </span>
      </div>
      {problem !== null && <LoadError reason={problem} onRetry={() => rows.retry()} />}
      <EventList
        rows={rows}
        started={session.started}
        at={past.position.value}
        chosen={chosen}
        onChoose={setChosen}
      />
      {opened && opened.time !== null && (
        <EventDetail
          session={session}
          row={opened}
          started={session.started}
          onMoment={onMoment}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

/** A component of its own, so that typing draws nothing else again. */
function SearchField({ onSearch }: { onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => onSearch(typed), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, onSearch]);
  return (
    <input
      type="search"
      placeholder="Search"
      aria-label="Search the events"
      maxLength={MAX_SEARCH_CHARS}
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}

/** `132 of 10,000`. */
function countLabel(facts: Facts | null, filtered: boolean): string {
  if (facts === null) return "Loading…";
  if (facts.seen < facts.count)
    return `Searching… ${Math.floor((100 * facts.seen) / facts.count)} %`;
  const all = `${count(facts.count)} ${facts.count === 1 ? "event" : "events"}`;
  return filtered ? `${count(facts.total)} of ${all}` : all;
}

/** The options of the type filter, value and label: each family, then its types. */
export function options(types: Facts["types"]): [string, string][] {
  const families = new Map<string, [string, number][]>();
  for (const [type, number] of types) {
    families.set(family(type), [...(families.get(family(type)) ?? []), [type, number]]);
  }
  const list: [string, string][] = [];
  for (const [name, members] of families) {
    const sum = members.reduce((all, [, number]) => all + number, 0);
    const several = members.length > 1;
    if (several) list.push([`${name}.*`, `${name} (${count(sum)})`]);
    // A no-break space, because the plain one at the beginning of an option is not drawn.
    for (const [type, number] of members)
      list.push([type, `${several ? "\u00a0\u00a0" : ""}${type} (${count(number)})`]);
  }
  return list;
}
