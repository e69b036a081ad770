/**
 * Block tree of a run: applies ops, offers signals and text streams. It depends neither on the DOM
 * nor on the channel.
 */

import { batch, type Signal, signal } from "@preact/signals";
import type { BlockProps, Kind, Op } from "./protocol";
import { TextStream } from "./text-stream";
import { type JsonObject, type PropName, type PropsOf, str, type Unchecked } from "./values";

/** A block as plain JSON, as the kernel's snapshot has it. */
export type BlockRecord = JsonObject & {
  id: string;
  parent: string | null;
  kind: string;
  closed: boolean;
};

/** A block at one moment, with its texts among its props. */
export interface BlockState {
  readonly id: string;
  readonly parent: string | null;
  readonly kind: string;
  readonly props: PropsOf;
  readonly closed: boolean;
}

/** List of blocks in pages, so that one more block redraws one page and not the whole list. */
export class BlockList {
  static readonly PAGE_BLOCKS = 12;
  readonly pages: Signal<readonly Signal<readonly Block[]>[]> = signal([]);
  readonly size = signal(0);

  push(block: Block): void {
    const pages = this.pages.peek();
    const last = pages[pages.length - 1];
    if (last && last.peek().length < BlockList.PAGE_BLOCKS) last.value = [...last.peek(), block];
    else this.pages.value = [...pages, signal([block])];
    this.size.value = this.size.peek() + 1;
  }

  /** Replace the list; pages with the same blocks as before stay as they are. */
  reset(blocks: readonly Block[]): void {
    const old = this.pages.peek();
    const pages: Signal<readonly Block[]>[] = [];
    for (let start = 0; start < blocks.length; start += BlockList.PAGE_BLOCKS) {
      const wanted = blocks.slice(start, start + BlockList.PAGE_BLOCKS);
      const page = old[pages.length] ?? signal([]);
      const had = page.peek();
      if (had.length !== wanted.length || wanted.some((block, i) => block !== had[i]))
        page.value = wanted;
      pages.push(page);
    }
    if (pages.length !== old.length) this.pages.value = pages;
    this.size.value = blocks.length;
  }
}

/**
 * One block, by default of any kind. Its props are a signal, so that only components that read them
 * are drawn again.
 */
export class Block<K extends Kind = Kind> {
  readonly props: Signal<PropsOf<K>>;
  readonly closed: Signal<boolean>;
  /** The reader's choice to open or close the block's panel; null while there is none. */
  readonly userOpen: Signal<boolean | null>;
  readonly children = new BlockList();
  readonly #streams = new Map<PropName<K>, TextStream>();
  #restored: BlockState | null = null;

  constructor(
    readonly id: string,
    readonly parent: string | null,
    readonly kind: string,
    props: PropsOf<K>,
    closed: boolean,
  ) {
    this.props = signal(props);
    this.closed = signal(closed);
    this.userOpen = signal(userOpen(props));
  }

  /** Stream of a text field. */
  stream(field: PropName<K>): TextStream {
    let stream = this.#streams.get(field);
    if (!stream) {
      stream = new TextStream(str(this.props.peek()[field]) ?? "");
      this.#streams.set(field, stream);
    }
    return stream;
  }

  set(props: PropsOf<K>): void {
    for (const [field, stream] of this.#streams) {
      if (Object.hasOwn(props, field)) stream.replace(str(props[field]) ?? "");
    }
    this.userOpen.value = userOpen(props) ?? this.userOpen.peek();
    this.props.value = { ...this.props.peek(), ...props };
  }

  /**
   * Take over the state of a snapshot; unchanged props keep their identity. The same state as the
   * last time changes nothing.
   */
  reset(state: BlockState): void {
    if (state === this.#restored) return;
    this.#restored = state;
    const { closed } = state;
    const props = state.props as PropsOf<K>;
    for (const [field, stream] of this.#streams) stream.replace(str(props[field]) ?? "");
    this.userOpen.value = userOpen(props) ?? this.userOpen.peek();
    if (!sameJson(this.props.peek(), props)) this.props.value = props;
    this.closed.value = closed;
  }

  flush(): void {
    for (const stream of this.#streams.values()) stream.flush();
  }

  state(): BlockState {
    const texts = Object.fromEntries(
      [...this.#streams].map(([field, stream]) => [field, stream.text]),
    );
    const { id, parent, kind } = this;
    return {
      id,
      parent,
      kind,
      props: { ...this.props.peek(), ...texts },
      closed: this.closed.peek(),
    };
  }
}

/** Change of a block by one batch; `before` is its props before the batch, null for a new block. */
export interface Change {
  readonly block: Block;
  readonly before: PropsOf | null;
}

export type ChangeListener = (changes: readonly Change[], whole: boolean) => void;

export class Store {
  /** The root block; null until an op has named it. */
  readonly run: Signal<Block | null> = signal(null);
  /** The blocks directly under the run, and those whose parent is missing. */
  readonly top = new BlockList();
  readonly #blocks = new Map<string, Block>();
  readonly #listeners = new Set<ChangeListener>();

  get(id: string): Block | undefined {
    return this.#blocks.get(id);
  }

  get all(): Iterable<Block> {
    return this.#blocks.values();
  }

  /** The blocks that a block is in, the nearest first, without the run. */
  above(block: Block): Block[] {
    const found: Block[] = [];
    for (let id = block.parent; id !== null && id !== "run"; ) {
      const parent = this.#blocks.get(id);
      if (parent === undefined || found.includes(parent)) break;
      found.push(parent);
      id = parent.parent;
    }
    return found;
  }

  /**
   * Call back once after every batch and every snapshot (`whole`). Return a function that
   * unsubscribes.
   */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Apply a batch. An op for an unknown block is ignored. */
  apply(ops: readonly Op[]): void {
    const changes = new Map<Block, Change>();
    batch(() => {
      for (const op of ops) {
        if (op[0] === "open") {
          const block = this.#open(op[1], op[2], op[3]);
          if (block) changes.set(block, { block, before: null });
          continue;
        }
        const block =
          this.#blocks.get(op[1]) ??
          (op[1] === "run" ? this.#open("run", null, { kind: "run" }) : null);
        if (!block) continue;
        if (!changes.has(block)) changes.set(block, { block, before: block.props.peek() });
        if (op[0] === "append") block.stream(op[2] as PropName).append(op[3]);
        else if (op[0] === "set") block.set(op[2]);
        else block.closed.value = true;
      }
    });
    this.#notify([...changes.values()], false);
  }

  /** Replace the tree by the one that the ops build. */
  load(ops: readonly Op[]): void {
    const wanted = new Store();
    wanted.apply(ops);
    this.restore([...wanted.all].map((block) => block.state()));
  }

  /**
   * Replace the tree by these blocks, parents first. A block keeps its identity, unless it was
   * closed and is open again.
   */
  restore(blocks: Iterable<BlockState>): void {
    const old = new Map(this.#blocks);
    const changes: Change[] = [];
    batch(() => {
      this.#blocks.clear();
      const lists = new Map<BlockList, Block[]>([[this.top, []]]);
      for (const state of blocks) {
        const { id, parent, kind, closed, props } = state;
        let block = old.get(id);
        const reopened = block?.closed.peek() === true && !closed;
        if (block && block.kind === kind && block.parent === parent && !reopened) {
          changes.push({ block, before: block.props.peek() });
          block.reset(state);
        } else {
          block = new Block(id, parent, kind, props, closed);
          changes.push({ block, before: null });
        }
        if (id !== "run") {
          const list = this.#listOf(parent);
          const siblings = lists.get(list) ?? [];
          siblings.push(block);
          lists.set(list, siblings);
        }
        this.#blocks.set(id, block);
      }
      for (const block of this.#blocks.values())
        block.children.reset(lists.get(block.children) ?? []);
      this.top.reset(lists.get(this.top) ?? []);
      this.run.value = this.#blocks.get("run") ?? null;
    });
    this.#notify(changes, true);
  }

  /** Tree as plain JSON, like the kernel's snapshot. */
  toRecords(): BlockRecord[] {
    return [...this.#blocks.values()].map((block) => {
      const { props, ...state } = block.state();
      return { ...props, ...state };
    });
  }

  #open(id: string, parent: string | null, { kind, ...props }: JsonObject): Block | null {
    if (this.#blocks.has(id)) return null;
    const block = new Block(id, parent, str(kind) ?? "unknown", props, false);
    if (id === "run") this.run.value = block;
    else this.#listOf(parent).push(block);
    this.#blocks.set(id, block);
    return block;
  }

  #listOf(parent: string | null): BlockList {
    if (parent === null || parent === "run") return this.top;
    return this.#blocks.get(parent)?.children ?? this.top;
  }

  #notify(changes: readonly Change[], whole: boolean): void {
    for (const { block } of changes) block.flush();
    for (const listener of this.#listeners) listener(changes, whole);
  }
}

/** Return true if the block is of this kind; its props then have the names of that kind. */
export function isKind<K extends Kind>(block: Block, kind: K): block is Block<K> {
  return block.kind === kind;
}

function userOpen({ user_open: open }: Unchecked<BlockProps>): boolean | null {
  return typeof open === "boolean" ? open : null;
}

function sameJson(left: PropsOf, right: PropsOf): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
