/** The run is kept as a test by one click, and a sentence says where. */

import { render } from "preact";
import { afterEach, expect, it } from "vitest";
import { KeepButton } from "../../src/inspector/keep-button";
import type { ViewMessage } from "../../src/protocol";
import { ownClock, settle } from "../support";
import { inspectedSession } from "./support";

ownClock();

const root = document.createElement("div");
afterEach(() => render(null, root));

it.each([
  [{ file: "/home/test_rates.py" }, "Written to /home/test_rates.py"],
  [{ problem: "rates goes on" }, "rates goes on"],
])("shows what became of it: %o", async (outcome, text) => {
  const { session, deliver } = inspectedSession(() => ({}));
  const sent: ViewMessage[] = [];
  session.channel.send = (message) => sent.push(message);
  render(<KeepButton session={session} />, root);
  root.querySelector("button")?.click();
  await settle();
  expect(root.querySelector("button")?.textContent).toBe("Writing…");
  const [keep] = sent as [{ t: string; key: string }];
  expect(keep.t).toBe("keep");
  const props = { kind: "run", outcome: { key: keep.key, ...outcome } };
  deliver({ t: "ops", seq: 1, now: 1, ops: [["open", "run", null, props]] });
  await settle();
  expect(root.querySelector("[role=status]")?.textContent).toBe(text);
  expect(root.querySelector("button")?.textContent).toBe("Keep as test");
  session.dispose();
});
