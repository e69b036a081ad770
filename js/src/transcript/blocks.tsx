/** A list of blocks, each drawn by the component of its kind. */

import type { Signal } from "@preact/signals";
import { Component, type ComponentChildren, type FunctionComponent } from "preact";
import { useRef } from "preact/hooks";
import type { Block, BlockList } from "../store";
import { useFar } from "../ui/virtualize";
import { AgentBlock, inLanes } from "./agent";
import { ApprovalBlock } from "./approval";
import {
  CustomBlock,
  ErrorBlock,
  FileBlock,
  HandoffBlock,
  SourceBlock,
  StatusBlock,
  TextBlock,
  UnknownBlock,
} from "./lines";
import { ReasoningBlock } from "./reasoning";
import { ToolBlock } from "./tool";

const KINDS = new Map<string, FunctionComponent<{ block: Block }>>([
  ["text", TextBlock],
  ["reasoning", ReasoningBlock],
  ["tool", ToolBlock],
  ["agent", AgentBlock],
  ["handoff", HandoffBlock],
  ["approval", ApprovalBlock],
  ["status", StatusBlock],
  ["error", ErrorBlock],
  ["source", SourceBlock],
  ["file", FileBlock],
  ["custom", CustomBlock],
]);

/** What a reader sees first: the last pages are drawn at once, all others when they come near. */
const FIRST_PAGES = 3;
/** A guess at the height of a block nobody has seen yet. */
const BLOCK_PX = 30;

export function Blocks({ list }: { list: BlockList }) {
  const pages = list.pages.value;
  return (
    <>
      {pages.map((page, index) => (
        // Pages only ever grow at the end.
        <Page key={index} page={page} last={index >= pages.length - FIRST_PAGES} />
      ))}
    </>
  );
}

function Page({ page, last }: { page: Signal<readonly Block[]>; last: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const far = useFar(box, last ? null : page.value.length * BLOCK_PX);
  if (far !== null) return <div ref={box} style={{ height: `${far}px` }} />;
  return (
    <div ref={box}>
      {inLanes(page.value).map((group) => {
        const first = group[0];
        if (first === undefined) return null;
        // One key for alone and in company, so that a second agent does not rebuild the first.
        if (first.kind !== "agent") return <Drawn key={first.id} block={first} />;
        return (
          <div key={first.id} class={group.length > 1 ? "nb-lanes" : "nb-lane"}>
            {group.map((block) => (
              <Drawn key={block.id} block={block} />
            ))}
          </div>
        );
      })}
    </div>
  );
}

/** One block; if its component fails, its data is shown instead, and the rest of the transcript lives on. */
class Drawn extends Component<{ block: Block }, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(): void {
    this.setState({ failed: true });
  }

  override render(): ComponentChildren {
    const { block } = this.props;
    const Kind = this.state.failed ? UnknownBlock : (KINDS.get(block.kind) ?? UnknownBlock);
    return <Kind block={block} />;
  }
}
