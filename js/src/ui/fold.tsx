/** Fold: a line that shows and hides what is below it. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icons";

interface FoldProps {
  label: string;
  /** True to show the content at first. */
  open?: boolean;
  /** Buttons on the line of the label. */
  beside?: ComponentChildren;
  /** Makes the content, when it is shown. */
  children: () => ComponentChildren;
}

export function Fold({ label, open = false, beside, children }: FoldProps) {
  const [unfolded, setUnfolded] = useState(open);
  const button = (
    <button
      type="button"
      class="nb-fold"
      aria-expanded={unfolded}
      onClick={() => setUnfolded(!unfolded)}
    >
      <Icon name="chevron" />
      {label}
    </button>
  );
  return (
    <>
      {beside === undefined ? (
        button
      ) : (
        <div class="nb-actions">
          {button}
          {beside}
        </div>
      )}
      {unfolded && children()}
    </>
  );
}
