/** One row that opens to show what is behind it. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Icon } from "./icons";

/** As long as the closing transition in disclosure.css. */
const CLOSING_MS = 180;

interface DisclosureProps {
  open: boolean;
  onToggle: (open: boolean) => void;
  /** The row; inline content only, it sits inside a button. */
  row: ComponentChildren;
  /** Extra classes of the whole. */
  class?: string;
  /** What is behind the row; null: there is nothing, and the row is no button. */
  children: (() => ComponentChildren) | null;
}

export function Disclosure({ open, onToggle, row, class: extra = "", children }: DisclosureProps) {
  const panelId = useId();
  const mounted = useMounted(open && children !== null);
  if (children === null) {
    return (
      <div class={`nb-item ${extra}`}>
        <div class="nb-row">{row}</div>
      </div>
    );
  }
  return (
    <div class={`nb-item ${extra}`}>
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
        <div class="nb-panel" id={panelId} data-open={open} inert={!open}>
          <div class="nb-panel-clip">
            <div class="nb-panel-body">{children()}</div>
          </div>
        </div>
      )}
    </div>
  );
}

/** True while open, and a moment longer so that closing can be seen. */
function useMounted(open: boolean): boolean {
  const [lingering, setLingering] = useState(open);
  useEffect(() => {
    if (open) {
      setLingering(true);
      return;
    }
    const timer = setTimeout(() => setLingering(false), CLOSING_MS);
    return () => clearTimeout(timer);
  }, [open]);
  return open || lingering;
}
