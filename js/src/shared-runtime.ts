/** Modules that a lazy part takes from this bundle instead of bringing its own: two copies of preact do not work together. */

import { batch, computed, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Fragment, jsx, jsxs } from "preact/jsx-runtime";

/** Exports by module name. js/build.mjs leaves these modules to be required. */
export const SHARED_RUNTIME: Record<string, unknown> = {
  preact: { createContext },
  "preact/hooks": { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState },
  "preact/jsx-runtime": { Fragment, jsx, jsxs },
  "@preact/signals": { batch, computed, signal },
};
