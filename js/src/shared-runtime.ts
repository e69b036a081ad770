/**
 * Libraries that a lazy module takes from this bundle, because two copies of preact do not work
 * together.
 */

import { batch, computed, signal } from "@preact/signals";
import { createContext, render } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Fragment, jsx, jsxs } from "preact/jsx-runtime";

/** Exports by library. js/build.mjs leaves these imports to be required. */
export const SHARED_RUNTIME: Record<string, unknown> = {
  preact: { createContext, render },
  "preact/hooks": { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState },
  "preact/jsx-runtime": { Fragment, jsx, jsxs },
  "@preact/signals": { batch, computed, signal },
};
