// What the pages' clients show of a stream. Their pages' own functions, which are not printed, are filled in here.

import { streamChat } from './dexto';
import { chat } from './hector';
import { startStreaming } from './nearai';
import { ask } from './status_tokens';

/** What a client's page has shown: the text, notes beside it, and what it called when it was told of the end. */
export type Seen = { text: string; notes: string[]; ends: unknown[]; errors: string[] };

const HOME = 'http://localhost:8080'; // of Hector's page

/** Ids of what the clients ask for. */
export type Ids = { session: string; thread: string; run: string };
const IDS: Ids = { session: 's1', thread: 'thread', run: 'run' };

/** Run the client of a system until it closes its connection, with all its addresses below `base`. */
export async function see(system: string, base: string, ids: Ids = IDS): Promise<Seen> {
  const seen: Seen = { text: '', notes: [], ends: [], errors: [] };
  const below = (url: string) => base + url.replace(HOME, '');
  const { fetch, EventSource } = globalThis;
  let closed = () => {};
  const isClosed = new Promise<void>((resolve) => (closed = resolve));
  class Closing extends EventSource {
    constructor(url: string) {
      super(below(url));
    }
    close() {
      super.close();
      closed();
    }
  }
  const append = (text: string) => void (seen.text += text);
  const note = (text: string) => void seen.notes.push(text);
  const end = (what: unknown) => void seen.ends.push(what);
  const fill = {
    fetch: (url: string, init: RequestInit) => fetch(below(url), init),
    EventSource: Closing,
    // Dexto
    appendToMessage: append,
    showToolIndicator: note,
    markComplete: (usage: any) => end(usage?.totalTokens ?? null),
    // Hector
    appendToChat: append,
    // NEAR AI: a message that is complete is shown by the page's thread, in place of the streamed text
    setIsStreaming: (value: boolean) => end(value),
    setStreamingText: (value: string | ((before: string) => string)) => {
      if (typeof value === 'string') note(seen.text);
      seen.text = typeof value === 'string' ? value : value(seen.text);
    },
    setStreamingTextLatestChunk: () => {},
    setStream: () => {},
    stopStreaming: (source: EventSource) => {
      source.close();
      end(false);
    },
    // status and token
    appendToResponse: append,
    showStatus: note,
    finalizeResponse: () => end('done'),
  };
  onError = (message) => void seen.errors.push(message);
  Object.assign(globalThis, fill);
  try {
    if (system === 'dexto') await streamChat('Hello', ids.session);
    else {
      if (system === 'hector') chat(ids.session);
      if (system === 'nearai') startStreaming(ids.thread, ids.run);
      if (system === 'status.tokens') ask('Hello');
      await isClosed;
    }
  } catch (error) {
    seen.errors.push(String(error));
  } finally {
    Object.assign(globalThis, { fetch, EventSource });
  }
  return seen;
}

/** Called with what a client's handlers raised. */
export let onError: (message: string) => void = () => {};
