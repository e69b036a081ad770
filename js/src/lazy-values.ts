/**
 * Values that are too large to travel with their block: read from the kernel page by page, on
 * demand.
 */

import type { PartMessage, ViewMessage } from "./protocol";

/**
 * One page of a text. `at`, `end` and `size` count Unicode code points, as the kernel does, not
 * UTF-16 units.
 */
export interface Page {
  at: number;
  /** Offset after the last character. */
  end: number;
  size: number;
  text: string;
}

/** Time after which an unanswered request for a page is repeated; twice as long each time. */
const ANSWER_TIMEOUT_MS = 3000;
const MAX_REQUESTS = 5;

interface Request {
  page: Promise<Page>;
  resolve(page: Page): void;
  reject(error: Error): void;
  ask(): void;
  timer?: ReturnType<typeof setTimeout>;
}

export class LazyValues {
  readonly #send: (message: ViewMessage) => void;
  readonly #requests = new Map<string, Request>();
  #unavailable: string | null = null;

  constructor(send: (message: ViewMessage) => void) {
    this.#send = send;
  }

  /**
   * Page of a value that starts at this character. Requests for the same page share one message.
   */
  page(name: string, at = 0): Promise<Page> {
    const key = `${at} ${name}`;
    const pending = this.#requests.get(key);
    if (pending) return pending.page;
    if (this.#unavailable !== null) return Promise.reject(new Error(this.#unavailable));
    let tries = 0;
    const { promise, resolve, reject } = withResolvers<Page>();
    const request: Request = {
      page: promise,
      resolve,
      reject,
      ask: () => {
        clearTimeout(request.timer);
        if (tries === MAX_REQUESTS)
          return this.#remove(key)?.reject(new Error("no answer from the kernel"));
        this.#send({ t: "need", name, at });
        request.timer = setTimeout(request.ask, ANSWER_TIMEOUT_MS * 2 ** tries++);
      },
    };
    this.#requests.set(key, request);
    request.ask();
    return promise;
  }

  /** Whole text of a value. Rejects at once if it has more than `limit` characters. */
  async whole(name: string, limit = Number.POSITIVE_INFINITY): Promise<string> {
    const texts: string[] = [];
    for (let at = 0; ; ) {
      const { text, end, size } = await this.page(name, at);
      if (size > limit) throw new Error(`${size} characters are too many to show here`);
      texts.push(text);
      if (end >= size) return texts.join("");
      if (end === at) throw new Error("it changed while it was read");
      at = end;
    }
  }

  receive({ name, at, text, size = 0, error }: PartMessage): void {
    const request = this.#remove(`${at} ${name}`);
    if (text === undefined) request?.reject(new Error(error ?? ""));
    else request?.resolve({ at, end: at + characters(text), size, text });
  }

  /** Repeat all open requests at once. */
  resume(): void {
    this.#unavailable = null;
    for (const { ask } of this.#requests.values()) ask();
  }

  /** Reject all open and later requests with this message, until `resume`. */
  fail(reason: string): void {
    this.#unavailable = reason;
    for (const key of [...this.#requests.keys()]) this.#remove(key)?.reject(new Error(reason));
  }

  #remove(key: string): Request | undefined {
    const request = this.#requests.get(key);
    clearTimeout(request?.timer);
    this.#requests.delete(key);
    return request;
  }
}

function characters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
