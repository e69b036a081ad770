/** A list of blocks, each drawn by the component of its kind. */

import type { Signal } from "@preact/signals";
import { Component, type ComponentChildren, type FunctionComponent } from "preact";
import type { Block, BlockList } from "../store";
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

export function Blocks({ list }: { list: BlockList }) {
  return (
    <>
      {list.pages.value.map((page, index) => (
        // Pages only ever grow at the end.
        <Page key={index} page={page} />
      ))}
    </>
  );
}

function Page({ page }: { page: Signal<readonly Block[]> }) {
  return (
    <>
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
    </>
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
