/** Detail of one event: its whole JSON. */

import type { LargeValue } from "../protocol";
import type { Session } from "../session";
import { Lazy, useLoaded } from "../transcript/lazy";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { jsonText } from "../values";
import type { Row } from "./answers";
import { since } from "./event-list";

interface EventDetailProps {
  session: Session;
  row: Row;
  started: number;
  /** Called with the event's number when the reader wants to see the run after it. */
  onMoment: (number: number) => void;
  onClose: () => void;
}

export function EventDetail({ session, row, started, onMoment, onClose }: EventDetailProps) {
  const { lazyValues } = session.channel;
  const name = `event/${row.number}`;
  const { value, problem } = useLoaded(
    () =>
      lazyValues
        .page(name)
        .then(({ size }) => ({ part: name, size }) satisfies Partial<LargeValue>),
    row.number,
    session,
  );
  return (
    <section class="nb-event" aria-label={`Event ${row.number}`}>
      <div class="nb-event-head">
        <strong>{row.type}</strong>
        <span class="nb-muted">
          #{row.number} {row.time === null ? "" : since(row.time - started)}
        </span>
        <span class="nb-grow" />
        <button
          type="button"
          class="nb-button"
          title="Show the run as it was then"
          onClick={() => onMoment(row.number)}
        >
          Show this moment
        </button>
        <CopyButton
          text={() => lazyValues.whole(name).then((text) => jsonText(JSON.parse(text), 2))}
        />
        <button type="button" class="nb-button nb-bare" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller needs the keyboard */}
      <div class="nb-event-json" tabIndex={0}>
        {problem}
        {value && <Lazy value={value}>{(event) => <JsonView value={event} />}</Lazy>}
      </div>
    </section>
  );
}
