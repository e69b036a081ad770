/**
 * Session of one run in the browser: tree, channel, clock, liveness of the kernel. One per model,
 * shared by all its views.
 */

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Announcer } from "./announcer";
import { type Answer, Answers, isOpen } from "./answers";
import { Channel, type Port } from "./channel";
import { ChatDraft } from "./chat-draft";
import { Clock } from "./clock";
import type { Host, Peer } from "./host";
import { KernelLiveness, type LossReason } from "./kernel-liveness";
import { type LazyModule, loadModule, type ModuleName } from "./modules";
import { SilenceQuestions } from "./silence";
import { isLive } from "./status";
import { type Block, type Change, isKind, Store } from "./store";
import { num, type PropsOf, record, str } from "./values";

/** A widget model, as the session needs it: the channel's port, the host, and the synced traits. */
export interface Model extends Port {
  readonly runId: string;
  readonly domKey: string;
  readonly host: Host;
  head(): unknown;
  onHead(changed: () => void): () => void;
  /**
   * Draw another run's view into an element, once its model is in the page. Returns a function that
   * removes it.
   */
  readonly mountOther?: (domKey: string, el: HTMLElement) => () => void;
}

/** Time after which the view says why Stop has no effect yet. */
const STOP_NOTICE_MS = 1500;
/** Time for the first batch of a run in a page that gets all of them; then the view says hello. */
const FIRST_BATCH_TIMEOUT_MS = 1000;
/** Time for which a view without content replaces the static copy. */
const FIRST_MESSAGE_TIMEOUT_MS = 3000;

export class Session {
  readonly runId: string;
  readonly domKey: string;
  readonly mountOther: Model["mountOther"];
  readonly store = new Store();
  readonly clock = new Clock();
  readonly kernel: KernelLiveness;
  readonly channel: Channel;
  readonly announcer: Announcer;
  readonly answers: Answers;
  /** The synced trait: some props of the run, for the time before its block is there. */
  readonly head: Signal<PropsOf<"run">>;
  readonly stopRequested: Signal<boolean> = signal(false);
  readonly stopOverdue: Signal<boolean> = signal(false);
  readonly chat: ChatDraft;
  /** Function that interrupts the kernel; null if the front end offers no way. */
  readonly interrupt: (() => Promise<void>) | null;
  /** Name for the reader of the program that the run is in. */
  readonly peer: Peer;
  /** True if the reader may only watch: neither stop nor answer. */
  readonly onlyWatches: boolean;
  /** True while the view has content from a kernel, or may still get some. */
  readonly present: ReadonlySignal<boolean>;
  /** Number of questions that wait for the reader. */
  readonly awaiting: ReadonlySignal<number>;
  /** The questions that wait, and the blocks that they are drawn in: these stay in the page. */
  readonly aroundQuestions: ReadonlySignal<ReadonlySet<Block>>;
  /** When the session was made, in seconds since the epoch. */
  readonly createdAt = Date.now() / 1000;
  readonly #expecting = signal(true);
  readonly #awaiting = signal(0);
  readonly #waiting = new Set<Block<"tool">>();
  readonly #approvals = new Map<string, Signal<readonly Block<"approval">[]>>();
  readonly #importModule: Host["importModule"];
  readonly #silenceText: string;
  readonly #cleanups: (() => void)[];
  readonly #firstMessage: ReturnType<typeof setTimeout>;
  readonly #questions: SilenceQuestions;
  #helloTimer: ReturnType<typeof setTimeout> | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model) {
    this.runId = model.runId;
    this.domKey = model.domKey;
    this.mountOther = model.mountOther;
    this.interrupt = model.host.interrupt;
    this.peer = model.host.peer;
    this.onlyWatches = model.host.onlyWatches === true;
    this.#importModule = model.host.importModule;
    this.#silenceText = `No word from the ${this.peer}`;
    this.awaiting = this.#awaiting;
    const readHead = () => record(model.head()) ?? {};
    this.head = signal(readHead());
    this.#questions = new SilenceQuestions(() => this.#onLongSilence());
    this.kernel = new KernelLiveness(
      () => isLive(this.status),
      // The next beat of a slow kernel repairs what was lost; after a longer silence the view has
      // to say hello.
      () => this.#questions.start(),
    );
    this.channel = new Channel({
      port: model,
      store: this.store,
      onMessage: (now) => this.#onMessage(now),
      onSaid: (key) => this.chat.onSaid(key),
      isOver: () => !isLive(this.status),
    });
    this.answers = new Answers((message) => this.channel.send(message));
    this.aroundQuestions = computed(
      () =>
        new Set(
          this.answers.open.value.flatMap((block): Block[] => [block, ...this.store.above(block)]),
        ),
    );
    this.present = computed(() => this.channel.answered.value || this.#expecting.value);
    this.chat = new ChatDraft(this.store, (message) => this.channel.send(message));
    this.announcer = new Announcer(this.store);
    this.#firstMessage = setTimeout(() => {
      this.#expecting.value = false;
    }, FIRST_MESSAGE_TIMEOUT_MS);
    this.#cleanups = [
      model.onHead(() => {
        this.head.value = readHead();
      }),
      this.store.onChange((changes, whole) => this.#onChange(changes, whole)),
    ];
    this.#cleanups.push(
      model.host.watch({
        gone: (loss) => this.#onLoss(loss),
        back: () => this.#onReconnect(),
        reconnected: () => this.#onNewConnection(),
        active: () => this.#questions.hasten(),
      }),
    );
  }

  /** The props of the run: those of its block, and of the trait where the block has none yet. */
  get runProps(): PropsOf<"run"> {
    return { ...this.head.value, ...this.store.run.value?.props.value };
  }

  get status(): string {
    return str(this.runProps.status) ?? "running";
  }

  /** Start of the run, in seconds since the epoch by the kernel's clock. */
  get started(): number {
    return num(this.runProps.started) ?? this.createdAt;
  }

  /**
   * Ask for a snapshot, unless the page gets every message from the first on.
   *
   * @param fromStart - true if the kernel had sent no message when it opened the model: the first
   *   one is on its way.
   */
  start(fromStart: boolean): void {
    if (this.channel.lastSeq > 0) return;
    if (fromStart)
      this.#helloTimer = setTimeout(() => this.channel.hello(), FIRST_BATCH_TIMEOUT_MS);
    else this.channel.hello();
  }

  /** Signal of the questions about a tool call, oldest first. */
  approvalsOf(toolId: string): Signal<readonly Block<"approval">[]> {
    let approvals = this.#approvals.get(toolId);
    if (!approvals) {
      approvals = signal([]);
      this.#approvals.set(toolId, approvals);
    }
    return approvals;
  }

  /** Ask the run to stop. After the notice that Stop is overdue, ask again. */
  stop(): void {
    const waits = this.stopRequested.peek() && !this.stopOverdue.peek();
    if (waits || !isLive(this.status) || this.kernel.state.peek() === "gone") return;
    this.stopRequested.value = true;
    this.#requestStop();
  }

  /** Open or close the panel of a block, or those of all blocks: the reader's choice. */
  toggle(block: Block | null, open: boolean): void {
    batch(() => {
      for (const each of block === null ? this.store.all : [block]) each.userOpen.value = open;
    });
    this.channel.send({ t: "toggle", block: block?.id ?? null, open });
  }

  /** Answer a question. Nothing is sent if it is answered already, or to a kernel that is gone. */
  answer(block: Block<"approval">, answer: Answer): void {
    if (isOpen(block) && this.kernel.state.peek() !== "gone") this.answers.send(block, answer);
  }

  /** Make a tool call again, with all its arguments as JSON, or with those that it had. */
  rerun(block: Block<"tool">, wish: { args?: string; force?: boolean }): void {
    if (this.kernel.state.peek() !== "gone")
      this.channel.send({ t: "rerun", block: block.id, ...wish });
  }

  stopAttempt(block: Block<"tool">): void {
    this.channel.send({ t: "stop_attempt", block: block.id });
  }

  /** Stop before each call of a tool from now on, or no more. */
  setBreakpoint(tool: string, set: boolean): void {
    this.channel.send({ t: "break", tool, set });
  }

  /** Stop before every call and every request to the model from now on, or no more. */
  setStep(on: boolean): void {
    this.channel.send({ t: "step", on });
  }

  loadModule(name: ModuleName): Promise<LazyModule> {
    return (
      this.#importModule?.(name) ??
      loadModule(name, (module) => this.channel.lazyValues.whole(module))
    );
  }

  /**
   * A session of the same run with another model, for a lazy part, whose bundle has no copy of this
   * class.
   */
  sibling(model: Model): Session {
    return new Session(model);
  }

  dispose(): void {
    clearTimeout(this.#stopTimer);
    clearTimeout(this.#firstMessage);
    clearTimeout(this.#helloTimer);
    for (const cleanup of this.#cleanups) cleanup();
    this.announcer.dispose();
    this.channel.dispose();
    this.kernel.dispose();
    this.#questions.dispose();
  }

  #requestStop(): void {
    this.channel.send({ t: "stop" });
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => {
      this.stopOverdue.value = true;
      this.announcer.announce(stopDelayText(this));
    }, STOP_NOTICE_MS);
  }

  #onMessage(now: number | null): void {
    clearTimeout(this.#firstMessage);
    clearTimeout(this.#helloTimer);
    this.#questions.stop();
    if (this.announcer.text.peek() === this.#silenceText)
      this.announcer.announce(`The ${this.peer} answers again`);
    if (this.kernel.state.peek() === "silent" && this.stopRequested.peek()) this.#requestStop();
    this.#expecting.value = true;
    if (this.kernel.state.peek() === "gone") {
      this.clock.stop(null);
      this.channel.lazyValues.resume();
    }
    this.kernel.onMessage();
    if (now !== null) this.clock.sync(now);
  }

  #onLongSilence(): void {
    if (this.announcer.text.peek() !== this.#silenceText)
      this.announcer.announce(this.#silenceText);
    this.channel.hello();
  }

  #onLoss(loss: LossReason): void {
    const { state, loss: known } = this.kernel;
    if (state.peek() === "gone") {
      // The first reason stands, but that of a closed notebook is not the last word.
      if (known.peek() === "closed" || known.peek() === "unreachable") known.value = loss;
      return;
    }
    batch(() => {
      this.kernel.onLoss(loss);
      this.clock.stop(this.kernel.lastMessageAt / 1000);
      this.#expecting.value = false;
      this.#resetStop();
      this.answers.abandon();
      this.chat.abandon();
    });
    clearTimeout(this.#helloTimer);
    this.#questions.stop();
    this.channel.lazyValues.fail(`the ${this.peer} cannot be reached`);
    if (isLive(this.status)) this.announcer.announce(lossText(this.peer, loss));
  }

  /** The connection is back: messages of either side may have been lost meanwhile. */
  #onReconnect(): void {
    if (this.kernel.state.peek() === "gone") return;
    this.channel.hello();
    this.channel.lazyValues.resume();
    if (this.stopRequested.peek()) this.#requestStop();
    // A kernel has no record of the prompts that it was asked; Jupyter sends on what was sent while
    // it was not connected.
    if (this.peer === "server") this.chat.repeat();
  }

  /** The kernel may answer on another connection; until then the loss stands. */
  #onNewConnection(): void {
    this.channel.hello();
    this.channel.lazyValues.resume();
  }

  #forgetMissing(): void {
    this.#waiting.clear();
    for (const approvals of this.#approvals.values()) {
      const kept = approvals.peek().filter((block) => this.store.get(block.id) === block);
      if (kept.length < approvals.peek().length) approvals.value = kept;
    }
  }

  #resetStop(): void {
    clearTimeout(this.#stopTimer);
    this.stopRequested.value = false;
    this.stopOverdue.value = false;
  }

  #onChange(changes: readonly Change[], whole: boolean): void {
    if (whole) this.#forgetMissing();
    this.answers.onChange(changes, whole);
    for (const { block } of changes) {
      const toolId = isKind(block, "approval") ? str(block.props.peek().tool_id) : null;
      if (isKind(block, "approval") && toolId !== null) {
        const approvals = this.approvalsOf(toolId);
        if (!approvals.peek().includes(block)) approvals.value = [...approvals.peek(), block];
      }
      if (!isKind(block, "tool")) continue;
      if (block.props.peek().state === "approval-requested" && !block.closed.peek())
        this.#waiting.add(block);
      else this.#waiting.delete(block);
    }
    // A call waits with its question, or without one that the reader may see.
    const alone = [...this.#waiting].filter(({ id }) => !this.#approvals.get(id)?.peek().length);
    this.#awaiting.value = this.answers.open.peek().length + alone.length;
    this.chat.onChange(changes);
    const status = str(this.store.run.peek()?.props.peek().status);
    if (status !== null && !isLive(status)) this.#resetStop();
  }
}

/** Why Stop has no effect yet. */
export function stopDelayText({ kernel, peer, status }: Session): string {
  if (peer === "server") return "Asked to stop; the server has not said yet that it has.";
  if (status === "stopping")
    return "Asked to stop. If a cell keeps the kernel busy, this stops when the cell ends.";
  return kernel.state.value === "live"
    ? "The kernel is busy with a cell: this stops when the cell ends."
    : "Stop has not reached the kernel. It will be asked again when it answers.";
}

/** Text of the header when the view has lost its kernel. */
export function lossText(peer: Peer, loss: LossReason): string {
  if (loss === "closed") return `Connecting to the ${peer} again…`;
  if (loss === "unreachable")
    return `This view lost its ${peer} when the notebook was closed. Reload the page.`;
  return `The ${peer} ${loss === "restarted" ? "was restarted" : "is gone"}; this is what had come`;
}
