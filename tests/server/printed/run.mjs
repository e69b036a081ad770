// node run.mjs FILE BASE SESSION MODULES: runs an example as printed, with the server's address in place of the printed one, and
// prints as JSON what it has shown: { text, errors }. Functions of its page that are not printed are filled in here.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , file, base, sessionId, modules] = process.argv;
const undici = createRequire(modules + '/')('undici'); // Node has neither EventSource nor WebSocket before versions 26 and 22
const below = (url) => String(url).replace('http://localhost:8080', base).replace('ws://localhost:8080', base.replace('http', 'ws'));
const path = `/agents/chatbot/sessions/${sessionId}/messages/stream`;
const seen = { text: '', errors: 0 };
let ending;
const end = () => (ending ??= setTimeout(() => process.stdout.write(JSON.stringify(seen), () => process.exit()))); // after `onerror`
const show = (text) => {
  seen.text = (seen.text + text).replaceAll('"}{"chunk":"', ''); // of the example that shows the data as it is
  if (seen.text.includes('not a language model')) end();
};

class EventSource extends undici.EventSource {
  constructor(url) {
    super(below(url));
    // A session's stream has what is sent to the session.
    const body = JSON.stringify({ message: 'Hello' });
    this.addEventListener('open', () => fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body }));
  }
  close() {
    super.close();
    end();
  }
}

// The example sends at once, which every WebSocket refuses before it is open.
class WebSocket extends undici.WebSocket {
  constructor(url) {
    super(below(url));
  }
  send(message) {
    this.addEventListener('open', () => super.send(message));
  }
}

const page = {
  EventSource,
  WebSocket,
  sessionId,
  appendToChat: show,
  updateUI: show,
  process: { stdout: { write: show } },
  console: { error: () => seen.errors++ },
};
if (file.endsWith('errors.js')) page.url = `${base}/agents/chatbot/sessions/unknown/messages/stream`;
if (file.endsWith('buffering.js')) page.eventSource = new EventSource(base + path);
new Function(...Object.keys(page), readFileSync(file, 'utf8'))(...Object.values(page));
