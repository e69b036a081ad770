/** A list of blocks, each drawn by the component of its kind. */

import type { Signal } from "@preact/signals";
import { Component, type ComponentChildren, type FunctionComponent } from "preact";
import { useRef } from "preact/hooks";
import type { DrawnKind, Kind } from "../protocol";
import { type Block, type BlockList, isKind } from "../store";
import { usePlaceholderHeight } from "../ui/virtualize";
import { lookUp, num } from "../values";
import { useSession } from "./context";
import { groupLanes, MOST_COLUMNS } from "./lanes";

export type BlockComponent = FunctionComponent<{ block: Block }>;

let components: Readonly<Record<string, BlockComponent>> = {};
let drawn: BlockComponent = () => null;
let unknown: BlockComponent = () => null;

/**
 * The component of each kind of block that is not drawn from nodes; the run itself is drawn by the
 * header and the footer.
 */
export type ComponentsByKind = {
  [K in Exclude<Kind, "run" | DrawnKind>]: FunctionComponent<{ block: Block<K> }>;
};

/**
 * Register the components that draw the kinds of blocks. They are registered (kinds.ts), not
 * imported, because some of them import this module.
 *
 * @param byKind - the component of each kind.
 * @param fromNodes - draws a block of another kind that has nodes.
 * @param fallback - draws a block of another kind, or one whose component failed.
 */
export function registerKinds(
  byKind: ComponentsByKind,
  fromNodes: BlockComponent,
  fallback: BlockComponent,
): void {
  // A component is looked up by its block's kind, so that it gets no other block.
  components = byKind as Readonly<Record<string, BlockComponent>>;
  drawn = fromNodes;
  unknown = fallback;
}

/**
 * Pages at the end of a list that are drawn at once by default; the others are drawn when they come
 * into view.
 */
const FIRST_PAGES = 3;
/** Assumed height of a block that was never drawn. */
const BLOCK_PX = 30;

export function Blocks({
  list,
  firstPages = FIRST_PAGES,
}: {
  list: BlockList;
  firstPages?: number;
}) {
  const pages = list.pages.value;
  return (
    <>
      {pages.map((page, index) => (
        // Pages only ever grow at the end.
        <Page key={index} page={page} last={index >= pages.length - firstPages} />
      ))}
    </>
  );
}

function Page({ page, last }: { page: Signal<readonly Block[]>; last: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const placeholderHeight = usePlaceholderHeight(box, last ? null : page.value.length * BLOCK_PX);
  const { aroundQuestions, runProps } = useSession();
  const lanes = page.value[0]?.parent === "run" ? num(runProps.lanes) : null;
  const asks = page.value.some((block) => aroundQuestions.value.has(block));
  if (placeholderHeight !== null && !asks)
    return <div ref={box} style={{ height: `${placeholderHeight}px` }} />;
  return (
    <div ref={box}>
      {groupLanes(page.value, lanes !== null).map((group) => {
        const first = group[0];
        if (first === undefined) return null;
        // The same key alone and in a group, so that a second agent does not rebuild the first.
        if (!isKind(first, "agent")) return <Version key={first.id} block={first} />;
        return (
          <div
            key={first.id}
            class={group.length > 1 || lanes !== null ? "nb-lanes" : "nb-lane"}
            data-lanes={Math.min(lanes ?? group.length, MOST_COLUMNS)}
          >
            {group.map((block) => (
              <BlockBoundary key={block.id} block={block} />
            ))}
          </div>
        );
      })}
    </div>
  );
}

/** A block, unless it belongs to an earlier version of a chat that is not shown. */
function Version({ block }: { block: Block }) {
  const session = useSession();
  if (block.props.value.replaced !== true) return <BlockBoundary block={block} />;
  if (!session.chat.showsEarlier.value) return null;
  return (
    <div class="nb-replaced">
      <BlockBoundary block={block} />
    </div>
  );
}

/**
 * Error boundary of one block: if its component throws, its data is shown instead, and the rest of
 * the transcript stays.
 */
class BlockBoundary extends Component<{ block: Block }, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(): void {
    this.setState({ failed: true });
  }

  override render(): ComponentChildren {
    const { block } = this.props;
    const other = block.props.value.drawn === undefined ? unknown : drawn;
    const Kind = this.state.failed ? unknown : (lookUp(components, block.kind) ?? other);
    return <Kind block={block} />;
  }
}
