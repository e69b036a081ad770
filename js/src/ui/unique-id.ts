/** Ids that are unique in a page, whatever else is drawn in it. */

import { useState } from "preact/hooks";

/** Each kernel's front end and each lazy part has a copy of this file. */
const COPY = Math.random().toString(36).slice(2, 10);
let made = 0;

/**
 * Return an id for this component. Preact's `useId` counts anew in every view, so that a label
 * would name another card's field.
 */
export function useUniqueId(): string {
  const [id] = useState(() => `nb-${COPY}-${++made}`);
  return id;
}
