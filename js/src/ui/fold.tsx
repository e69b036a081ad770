/** Fold: a line that shows and hides what is below it. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icons";

interface FoldProps {
  label: string;
  /** True to show the content at first. */
  open?: boolean;
  /** Makes the content, when it is shown. */
  children: () => ComponentChildren;
}

export function Fold({ label, open = false, children }: FoldProps) {
  const [unfolded, setUnfolded] = useState(open);
  return (
    <>
      <button
        type="button"
        class="nb-fold"
        aria-expanded={unfolded}
        onClick={() => setUnfolded(!unfolded)}
      >
        <Icon name="chevron" />
        {label}
      </button>
      {unfolded && children()}
    </>
  );
}
