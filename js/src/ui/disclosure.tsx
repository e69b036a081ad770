/** Disclosure: a row, and a panel that it opens. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icons";
import { useUniqueId } from "./unique-id";

/** Duration of a panel's transition in rows.css. */
const TRANSITION_MS = 180;

interface DisclosureProps {
  open: boolean;
  onToggle: (open: boolean) => void;
  panel: RefObject<HTMLDivElement | null>;
  /** The row; inline content only, it sits inside a button. */
  row: ComponentChildren;
  /** Control beside the row, outside of its button. */
  beside?: ComponentChildren;
  /** Extra classes of the whole. */
  class?: string;
  /** Content of the panel; null if there is none, and the row is no button. */
  children: (() => ComponentChildren) | null;
}

export function Disclosure({
  open,
  onToggle,
  panel,
  row,
  beside,
  class: extra = "",
  children,
}: DisclosureProps) {
  const panelId = useUniqueId();
  const settled = useSettled(open);
  const mounted = open || settled;
  if (children === null) {
    return (
      <div class={`nb-item ${extra}`}>
        <div class="nb-row">{row}</div>
      </div>
    );
  }
  return (
    <div class={`nb-item ${extra}`}>
      {beside}
      <button
        type="button"
        class="nb-row nb-row-button"
        aria-expanded={open}
        aria-controls={mounted ? panelId : undefined}
        onClick={() => onToggle(!open)}
      >
        {row}
        <Icon name="chevron" />
      </button>
      {mounted && (
        <div
          ref={panel}
          class="nb-panel"
          id={panelId}
          data-open={open}
          data-moving={open !== settled}
          inert={!open}
        >
          <div class="nb-panel-clip">
            <div class="nb-panel-body">{children()}</div>
          </div>
        </div>
      )}
    </div>
  );
}

/** The value of `open` before the transition; the panel moves while the two differ. */
function useSettled(open: boolean): boolean {
  const [settled, setSettled] = useState(open);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(open), TRANSITION_MS);
    return () => clearTimeout(timer);
  }, [open]);
  return settled;
}
