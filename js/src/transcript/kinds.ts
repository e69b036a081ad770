/** The component of each kind of block. */

import { AgentBlock } from "./agent";
import { ApprovalBlock } from "./approval";
import { registerKinds } from "./blocks";
import { DrawnBlock } from "./drawn";
import { FileBlock } from "./file";
import {
  CustomBlock,
  ErrorBlock,
  HandoffBlock,
  SourceBlock,
  StatusBlock,
  TextBlock,
  UnknownBlock,
} from "./lines";
import { PromptBlock } from "./prompt";
import { ReasoningBlock } from "./reasoning";
import { RowsBlock } from "./rows-slot";
import { ToolBlock } from "./tool";

registerKinds(
  {
    prompt: PromptBlock,
    text: TextBlock,
    reasoning: ReasoningBlock,
    tool: ToolBlock,
    agent: AgentBlock,
    handoff: HandoffBlock,
    approval: ApprovalBlock,
    status: StatusBlock,
    error: ErrorBlock,
    source: SourceBlock,
    file: FileBlock,
    custom: CustomBlock,
    rows: RowsBlock,
  },
  DrawnBlock,
  UnknownBlock,
);
