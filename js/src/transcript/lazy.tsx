/**
 * Values that are too large to travel with their block: loaded from the kernel while they are
 * shown, and kept no longer.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LargeValue } from "../protocol";
import { count, num, record, str, type Unchecked } from "../values";
import { useSession } from "./context";

/** Reference that a block holds in place of such a value. */
export interface LazyValue {
  /** Name by which the kernel is asked for it. */
  name: string;
  /** Characters in all. */
  size: number;
}

/** Return the reference that the value is, or null if it is the value itself. */
export function lazyValueOf(value: unknown): LazyValue | null {
  const reference: Unchecked<LargeValue> = record(value) ?? {};
  const [name, size] = [str(reference.part), num(reference.size)];
  return name === null || size === null ? null : { name, size };
}

/** Characters of a text that are loaded as a whole; a longer one is shown page by page. */
const TEXT_CHARS = 64 * 1024;
/**
 * Characters of a JSON value that are loaded as a whole; a longer one is shown as text, page by
 * page.
 */
export const JSON_CHARS = 256 * 1024;

interface LazyProps {
  value: unknown;
  /** Characters that may be loaded as a whole; a longer value is shown page by page. */
  limit?: number;
  /** True if the value is a text and nothing else. */
  text?: boolean;
  /** Draw the whole value. */
  children: (value: unknown) => ComponentChildren;
}

export function Lazy({
  value,
  text = false,
  limit = text ? TEXT_CHARS : JSON_CHARS,
  children,
}: LazyProps) {
  const lazy = lazyValueOf(value);
  if (lazy === null) return <>{children(value)}</>;
  // The key makes another component of another value, so that nothing of the value before is shown.
  if (lazy.size > limit) return <Pager key={lazy.name} lazy={lazy} reference={value} />;
  return (
    <Whole
      key={lazy.name}
      lazy={lazy}
      reference={value}
      draw={(loaded) => children(text ? loaded : parseJson(loaded))}
    />
  );
}

interface LoadingProps {
  lazy: LazyValue;
  /** The object in the block's props: another one with the same name refers to a newer value. */
  reference: unknown;
}

function Whole({
  lazy,
  reference,
  draw,
}: LoadingProps & { draw: (loaded: string) => ComponentChildren }) {
  const { lazyValues } = useSession().channel;
  const { value, problem } = useLoaded(() => lazyValues.whole(lazy.name), 0, reference);
  if (value !== undefined) return <>{draw(value)}</>;
  return problem ?? <p class="nb-note">Loading {bytes(lazy.size)}…</p>;
}

/** A long text, one page at a time. */
function Pager({ lazy, reference }: LoadingProps) {
  const { lazyValues } = useSession().channel;
  const [from, setFrom] = useState(0);
  const { value: page, problem } = useLoaded(
    () => lazyValues.page(lazy.name, from),
    from,
    reference,
  );
  const { at, end, size, text } = page ?? { at: 0, end: 0, size: lazy.size, text: "" };
  const span = end - at;
  const targets: [string, number][] = [
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
        {targets.map(([label, to]) => (
          <button
            key={label}
            type="button"
            class="nb-button"
            aria-disabled={to === at}
            onClick={() => setFrom(to)}
          >
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

/** Return the result of `load` for this key and reference, or the result before while it loads. */
export function useLoaded<T>(
  load: () => Promise<T>,
  key: number,
  reference: unknown,
): { value?: T; problem?: ComponentChildren } {
  const [loaded, setLoaded] = useState<{ value?: T; error?: string }>({});
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let cancelled = false;
    load().then(
      (value) => cancelled || setLoaded({ value }),
      (error: Error) => cancelled || setLoaded(({ value }) => ({ value, error: error.message })),
    );
    return () => {
      cancelled = true;
    };
  }, [key, attempt, reference]);
  const { value, error } = loaded;
  if (error === undefined) return { value };
  const again = () => {
    setLoaded({ value });
    setAttempt(attempt + 1);
  };
  return { value, problem: <LoadError reason={error} onRetry={again} /> };
}

/** Notice that a value could not be loaded. */
export function LoadError({ reason, onRetry }: { reason: string; onRetry: () => void }) {
  return (
    <p class="nb-note nb-bad">
      Could not load this: {reason}.{" "}
      <button type="button" class="nb-link" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}

function parseJson(text: string): unknown {
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
