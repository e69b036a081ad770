/** Values that are too big to travel with their block: read from the kernel when they are looked at, and never kept longer. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { count } from "../status";
import { num, record, str } from "../values";
import { useSession } from "./context";

/** What stands for such a value. */
export interface Part {
  name: string;
  /** Characters in all. */
  size: number;
}

export function partOf(value: unknown): Part | null {
  const stand = record(value);
  const [name, size] = [str(stand?.part), num(stand?.size)];
  return name === null || size === null ? null : { name, size };
}

/** A text that is larger than this is shown page by page. */
const TEXT_CHARS = 64 * 1024;
/** A JSON value that is larger than this is shown as text, page by page. */
export const JSON_CHARS = 256 * 1024;

interface LazyProps {
  value: unknown;
  /** How many characters may be loaded as a whole; what is larger is shown page by page. */
  limit?: number;
  /** Whether the part is a text and nothing else. */
  text?: boolean;
  /** Draws the whole value. */
  children: (value: unknown) => ComponentChildren;
}

export function Lazy({ value, text = false, limit = text ? TEXT_CHARS : JSON_CHARS, children }: LazyProps) {
  const part = partOf(value);
  if (part === null) return <>{children(value)}</>;
  // Another part is another component: nothing of the one before it is shown for it.
  if (part.size > limit) return <Pager key={part.name} part={part} stand={value} />;
  return (
    <Whole key={part.name} part={part} stand={value} draw={(loaded) => children(text ? loaded : parsed(loaded))} />
  );
}

interface PartProps {
  part: Part;
  /** The very object that stands for the value: another one of the same name stands for a newer value. */
  stand: unknown;
}

function Whole({ part, stand, draw }: PartProps & { draw: (loaded: string) => ComponentChildren }) {
  const { lazyValues } = useSession().channel;
  const { value, problem } = useLoaded(() => lazyValues.whole(part.name), 0, stand);
  if (value !== undefined) return <>{draw(value)}</>;
  return problem ?? <p class="nb-note">Loading {bytes(part.size)}…</p>;
}

/** A long text, one page at a time. */
function Pager({ part, stand }: PartProps) {
  const { lazyValues } = useSession().channel;
  const [from, setFrom] = useState(0);
  const { value: page, problem } = useLoaded(() => lazyValues.page(part.name, from), from, stand);
  const { at, end, size, text } = page ?? { at: 0, end: 0, size: part.size, text: "" };
  const span = end - at;
  const places: [string, number][] = [
    ["First", 0],
    ["Previous", Math.max(0, at - span)],
    ["Next", end < size ? end : at],
    ["Last", end < size ? Math.max(0, size - span) : at],
  ];
  return (
    <div class="nb-pager">
      <pre class="nb-pre" aria-busy={page === undefined || at !== from}>
        {text}
      </pre>
      {problem}
      <div class="nb-actions">
        {places.map(([label, to]) => (
          <button key={label} type="button" class="nb-button" aria-disabled={to === at} onClick={() => setFrom(to)}>
            {label}
          </button>
        ))}
        <span class="nb-muted">
          {page ? `${count(at + 1)}–${count(end)} of ${count(size)} characters` : "Loading…"}
        </span>
      </div>
    </div>
  );
}

/** What `load` gives for this key of what is there now; until the next one is there, the one before. */
export function useLoaded<T>(
  load: () => Promise<T>,
  key: number,
  stand: unknown,
): { value?: T; problem?: ComponentChildren } {
  const [loaded, setLoaded] = useState<{ value?: T; error?: string }>({});
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let unwanted = false;
    load().then(
      (value) => unwanted || setLoaded({ value }),
      (error: Error) => unwanted || setLoaded(({ value }) => ({ value, error: error.message })),
    );
    return () => {
      unwanted = true;
    };
  }, [key, attempt, stand]);
  const { value, error } = loaded;
  if (error === undefined) return { value };
  const again = () => {
    setLoaded({ value });
    setAttempt(attempt + 1);
  };
  const problem = (
    <p class="nb-note nb-bad">
      Could not load this: {error}.{" "}
      <button type="button" class="nb-link" onClick={again}>
        Try again
      </button>
    </p>
  );
  return { value, problem };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${Math.round(size / 1000)} KB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
