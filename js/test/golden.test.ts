/**
 * Golden files that kernel and view share: the kernel's ops build the tree of the kernel's own
 * snapshot.
 */

import { describe, expect, it } from "vitest";
import { readOps } from "../src/messages";
import { Store } from "../src/store";
import { opening } from "./kernel";

interface Golden {
  ops: unknown[];
  blocks: unknown[];
}

const CUTS = 40;
const files = import.meta.glob<Golden>("../../tests/golden/*.json", {
  eager: true,
  import: "default",
});

describe("golden corpus", () => {
  it.each(Object.entries(files))("%s", (_, { ops: raw, blocks }) => {
    const ops = readOps(raw);
    const whole = new Store();
    expect(ops).toEqual(raw);
    whole.apply(ops);
    expect(whole.toRecords()).toEqual(blocks);

    const single = new Store();
    for (const op of ops) single.apply([op]);
    expect(single.toRecords()).toEqual(blocks);
  });

  it.each(Object.entries(files))(
    "%s, joined by a second view on the way",
    (_, { ops: raw, blocks }) => {
      const ops = readOps(raw);
      const step = Math.max(1, Math.floor(ops.length / CUTS));
      for (let cut = 0; cut <= ops.length; cut += step) {
        const first = new Store();
        first.apply(ops.slice(0, cut));
        const second = new Store();
        second.load(opening(first.toRecords()));
        second.apply(ops.slice(cut));
        expect(second.toRecords()).toEqual(blocks);
      }
    },
  );
});
