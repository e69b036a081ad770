/** The component of each kind of block. */

import { AgentBlock } from "./agent";
import { ApprovalBlock } from "./approval";
import { registerKinds } from "./blocks";
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

registerKinds(
  {
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
  },
  UnknownBlock,
);
