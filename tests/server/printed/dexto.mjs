// node dexto.mjs BASE ESBUILD EXPRESS HEADING…: runs code of Dexto's page as printed, and prints as JSON what each example has written:
// { HEADING: text }. `@dexto/core`, which the registry does not have, is filled in with an agent of the server at BASE. The Express
// server of the page is read by its client's own request, and answers until stdin ends.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , base, esbuild, express, ...headings] = process.argv;
const { transformSync } = createRequire(import.meta.url)(esbuild);
const page = readFileSync(new URL('dexto.md', import.meta.url), 'utf8');
const post = (path, body) =>
  fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

class DextoAgent {
  async start() {}
  async stop() {}
  async createSession() {
    return { id: (await (await post('/agents/assistant/sessions', {})).json()).session_id };
  }
  async stream(message, { sessionId }) {
    const text = await (await post('/chat/stream', { message, sessionId })).text();
    return (async function* () {
      for (const [, data] of text.matchAll(/^data: (.*)$/gm)) {
        const event = JSON.parse(data);
        if (event.type === 'llm:error') throw new Error(event.error.message);
        yield event;
      }
    })();
  }
  async generate(message) {
    return { content: await (await post('/chat', { message, stream: false })).json() };
  }
}

// Code of a page as a function: its imports, which only a module may have, become requires.
const AsyncFunction = (async () => {}).constructor;
const modules = { '@dexto/core': { DextoAgent }, express: express ? createRequire(express)('express') : undefined };
const required = (name) => modules[name];
function compiled(heading, names, result = '') {
  const [, code] = page.match(new RegExp(`^## ${heading.replace(/[()]/g, '\\$&')}\n\n\`\`\`typescript\n([^]*?)\`\`\``, 'm'));
  const body = code.replace(/^import (.*) from ('.*');$/gm, 'const $1 = required($2);');
  const script = transformSync(body, { loader: 'ts' }).code;
  return new AsyncFunction('required', ...names, `{ ${script}\n${result} }`);
}

const FUNCTIONS = {
  'Complete Event Handler': 'handleStream',
  'Buffering Chunks': 'streamWithBuffering',
  'Error Handling': 'safeStream',
};
async function shown(heading) {
  let text = '';
  const write = (piece) => void (text += piece);
  const log = (...pieces) => write(`${pieces.map((piece) => (typeof piece === 'string' ? piece : JSON.stringify(piece))).join(' ')}\n`);
  const around = { process: { stdout: { write }, env: {} }, console: { log, error: log } };
  const agent = new DextoAgent();
  const sessionId = (await agent.createSession()).id;
  const given = { ...around, agent, sessionId, message: 'Hello' };
  const name = FUNCTIONS[heading];
  const made = await compiled(heading, Object.keys(given), name && `return ${name};`)(required, ...Object.values(given));
  if (name) await made(agent, 'Hello', sessionId);
  return text;
}

// The page's server, at any free port in place of 3000, and the session that its client sends.
async function served() {
  const listening = new Promise((resolve) => {
    const made = modules.express.application.listen;
    modules.express.application.listen = function () {
      const server = made.call(this, 0, '127.0.0.1', () => resolve(server.address().port));
      return server;
    };
  });
  await compiled('Server-Sent Events (SSE)', ['process'])(required, { env: {} });
  const session = (await new DextoAgent().createSession()).id;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${await listening}`, session })}\n`);
  process.stdin.on('end', () => process.exit()).resume();
}

if (express) await served();
else {
  const all = {};
  for (const heading of headings) all[heading] = await shown(heading);
  process.stdout.write(JSON.stringify(all), () => process.exit());
}
