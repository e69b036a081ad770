/** Named character references, as a browser's own parser decodes them. */

import { expect, test } from "vitest";
import { decodeHTMLStrict } from "../../src/markdown/entities";

test.each([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&semi;", ";"],
  ["&NewLine;", "\n"],
  ["&Tab;", "\t"],
  ["&nbsp;", "\u00a0"],
  ["&Afr;", "\u{1d504}"],
  ["&NotEqualTilde;", "\u2242\u0338"],
])("%s is one character, or two that combine", (reference, character) => {
  expect(decodeHTMLStrict(reference)).toBe(character);
});

test.each([["&nosuchname;"], ["&notit;"], ["&ltx;"], ["&AMPx;"]])(
  "%s has no name of HTML's, and stays as it is",
  (reference) => {
    expect(decodeHTMLStrict(reference)).toBe(reference);
  },
);
