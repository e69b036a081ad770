/** Ids of the page: those of several views are apart. */

import { afterEach, expect, it } from "vitest";
import { open, ownClock, type Page, RUN, settle, tool } from "../support";

ownClock();

const pages: Page[] = [];
afterEach(() => {
  for (const page of pages.splice(0)) page.close();
});

it("no two views of a page have an id in common", async () => {
  for (let view = 0; view < 2; view += 1) {
    const page = open();
    page.ops(
      RUN,
      tool("f", { state: "output-available", open: true, result: { "text/plain": "r" } }),
      ["close", "f"],
    );
    pages.push(page);
  }
  await settle();
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(ids.length);
});
