/** Output of a tool: the text that it prints while it runs. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { tool as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Block } from "../store";
import { useSticky } from "../ui/sticky";
import { Terminal } from "../ui/terminal";
import { useHasText } from "./has-text";

export function ToolOutput({ block, live }: { block: Block<"tool">; live: boolean }) {
  return useHasText(block.stream("output")) ? <Output block={block} live={live} /> : null;
}

function Output({ block, live }: { block: Block<"tool">; live: boolean }) {
  const pane = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  useSticky(pane, live);
  useLayoutEffect(() => {
    if (!host.current) return;
    const terminal = new Terminal(host.current);
    terminal.replace("");
    return block.stream("output").subscribe(terminal);
  }, [block]);
  return (
    <section class="nb-section">
      <div class="nb-caption">{LABELS.output}</div>
      <div ref={pane} class="nb-pre nb-output">
        <div ref={host} />
      </div>
    </section>
  );
}
