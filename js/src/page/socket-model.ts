/**
 * A run's messages over a WebSocket, in place of a widget's comm. The server's end is
 * nbagent/server/page/view.py.
 *
 * A connection that is lost is made again, for as long as it takes. The session then says hello
 * with the number of the last batch that it has, and the server answers with a snapshot, so that
 * nothing is missing and nothing comes twice.
 */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Host, KernelEvents } from "../host";
import type { LazyModule } from "../modules";
import type { ViewMessage } from "../protocol";
import type { Model } from "../session";

/** Codes of a closed socket that say why there is no run to show: 4000 and the status of HTTP. */
const FIRST_REFUSAL_CODE = 4400;
/** Pause before the second try to connect; twice as long each time. The first follows at once. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** Time in which the server answers a question before the connection is taken for dead. */
const ANSWER_TIMEOUT_MS = 10_000;

/** `refused` is final: the server has no such run, or the reader no access to it. */
export type Connection = "connecting" | "open" | "lost" | "refused";

/** Messages that a session repeats by itself after a connection was lost. */
const REPEATED: ReadonlySet<ViewMessage["t"]> = new Set([
  "hello",
  "resync",
  "ack",
  "need",
  "stop",
  "say",
]);
/** Messages that the server answers. */
const ANSWERED: ReadonlySet<ViewMessage["t"]> = new Set(["hello", "resync", "need", "say"]);

type Timer = ReturnType<typeof setTimeout> | undefined;

export interface SocketModelOptions {
  /** Address of the WebSocket. */
  url: URL;
  /** Name of the run or the chat, unique in the page. */
  key: string;
  /** True if the reader may only watch. */
  onlyWatches?: boolean;
  importModule: (name: string) => Promise<LazyModule>;
}

export class SocketModel implements Model {
  readonly runId: string;
  readonly domKey: string;
  readonly host: Host;
  readonly connection: ReadonlySignal<Connection>;
  /** Reason of a refusal, in words for the reader. */
  reason = "";
  readonly #connection: Signal<Connection> = signal("connecting");
  readonly #url: URL;
  readonly #receivers = new Set<(raw: unknown) => void>();
  readonly #watchers = new Set<KernelEvents>();
  /** Messages of the reader that wait for a connection. */
  #waiting: ViewMessage[] = [];
  #socket: WebSocket | null = null;
  #tries = 0;
  #retry: Timer;
  #answer: Timer;
  #closed = false;

  constructor({ url, key, onlyWatches = false, importModule }: SocketModelOptions) {
    this.runId = key;
    this.domKey = key;
    this.connection = this.#connection;
    this.#url = url;
    this.host = {
      peer: "server",
      onlyWatches,
      importModule,
      interrupt: null,
      watch: (events) => {
        this.#watchers.add(events);
        return () => this.#watchers.delete(events);
      },
    };
    window.addEventListener("online", this.#reconnect);
    this.#connect();
  }

  /** There is no synced trait: the first snapshot says all. */
  head(): unknown {
    return null;
  }

  onHead(): () => void {
    return () => {};
  }

  listen(receive: (raw: unknown) => void): () => void {
    this.#receivers.add(receive);
    return () => this.#receivers.delete(receive);
  }

  send(message: ViewMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#sendNow(message);
    else if (!REPEATED.has(message.t) || this.#tries === 0) this.#waiting.push(message);
  }

  close(): void {
    this.#closed = true;
    window.removeEventListener("online", this.#reconnect);
    clearTimeout(this.#retry);
    clearTimeout(this.#answer);
    this.#socket?.close();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      const isBack = this.#tries > 0;
      this.#tries = 0;
      this.#connection.value = "open";
      // The server expects the hello first.
      if (isBack) for (const watcher of this.#watchers) watcher.back();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const message of waiting) this.#sendNow(message);
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#answer);
      let message: unknown;
      try {
        message = JSON.parse(data);
      } catch {
        return;
      }
      for (const receive of this.#receivers) receive(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#closed || socket !== this.#socket) return;
      clearTimeout(this.#answer);
      if (code >= FIRST_REFUSAL_CODE && code < FIRST_REFUSAL_CODE + 100) this.#refuse(reason);
      else this.#connectLater();
    };
  }

  #refuse(reason: string): void {
    this.reason = reason;
    this.#connection.value = "refused";
    for (const watcher of this.#watchers) watcher.gone("gone");
  }

  #connectLater(): void {
    this.#connection.value = "lost";
    this.#waiting = this.#waiting.filter(({ t }) => !REPEATED.has(t));
    this.#tries += 1;
    const pause = this.#tries === 1 ? 0 : Math.min(RETRY_MS * 2 ** (this.#tries - 2), MAX_RETRY_MS);
    this.#retry = setTimeout(() => this.#connect(), pause);
  }

  /** Connect now: the one there was may be dead without knowing it, or a try is a while away. */
  readonly #reconnect = () => {
    const socket = this.#socket;
    const connects = socket?.readyState === WebSocket.CONNECTING;
    if (this.#closed || connects || this.#connection.peek() === "refused") return;
    this.#socket = null;
    socket?.close();
    this.#connection.value = "lost";
    this.#tries = Math.max(1, this.#tries);
    this.#connect();
  };

  #sendNow(message: ViewMessage): void {
    this.#socket?.send(JSON.stringify(message));
    if (!ANSWERED.has(message.t)) return;
    clearTimeout(this.#answer);
    this.#answer = setTimeout(this.#reconnect, ANSWER_TIMEOUT_MS);
  }
}
