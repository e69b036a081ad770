// Reads streams with the clients they are for: a body as a JSON string on each line of the input, what came of it on each line of
// the output. `node read.mjs ai | ai5 | ag-ui`.
import { createInterface } from "node:readline";

const system = process.argv[2];

function bytes(body) {
  return new Response(body).body;
}

// Every chunk by the client's own schema, then the message that `useChat` would show.
async function vercel(body) {
  const ai = await import(system);
  const problems = [];
  const chunks = ai
    .parseJsonEventStream({ stream: bytes(body), schema: ai.uiMessageChunkSchema })
    .pipeThrough(
      new TransformStream({
        transform(part, controller) {
          if (part.success) controller.enqueue(part.value);
          else problems.push(String(part.error));
        },
      }),
    );
  const errors = [];
  let message = { parts: [] };
  for await (const state of ai.readUIMessageStream({ stream: chunks, onError: (error) => errors.push(String(error.message)) })) {
    message = state;
  }
  return { problems, errors, parts: message.parts };
}

// Every event by the schema, since the client drops what it does not know; then the whole client, with its check of the order of
// events. Only the network is left out.
async function agUi(body) {
  const { HttpAgent } = await import("@ag-ui/client");
  const { EventSchema } = await import("@ag-ui/core/schemas");
  const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const agent = new HttpAgent({ url: "http://agent.invalid/", fetch });
  const [problems, errors] = [[], []];
  for (const [, data] of body.matchAll(/^data: (.*)$/gm)) {
    const parsed = EventSchema.safeParse(JSON.parse(data));
    if (!parsed.success) problems.push(String(parsed.error));
  }
  const listener = { onRunErrorEvent: ({ event }) => void errors.push(event.message) };
  try {
    await agent.runAgent({}, listener);
  } catch (error) {
    if (!errors.includes(error.message)) problems.push(String(error.message));
  }
  return { problems, errors, messages: agent.messages };
}

console.error = () => {};
console.warn = () => {};
for await (const line of createInterface({ input: process.stdin })) {
  const read = system === "ag-ui" ? agUi : vercel;
  process.stdout.write(`${JSON.stringify(await read(JSON.parse(line)))}\n`);
}
