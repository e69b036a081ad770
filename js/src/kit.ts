/** What a lazy part that draws components takes from this bundle instead of bringing its own: two preacts do not mix. */

import { batch, computed, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Fragment, jsx, jsxs } from "preact/jsx-runtime";

/** By the names that js/build.mjs leaves to be required. */
export const KIT: Record<string, unknown> = {
  preact: { createContext },
  "preact/hooks": { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState },
  "preact/jsx-runtime": { Fragment, jsx, jsxs },
  "@preact/signals": { batch, computed, signal },
};
