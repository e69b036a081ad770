// node clients.mjs CLIENT BASE: one turn and a second one with each of the clients from npm, against a server with the agent
// `assistant`; prints what came of them as JSON.
const [, , client, base] = process.argv;
const QUESTIONS = ['1 + 2?', 'And then?'];

// The whole client, and each event by the schema: the client itself drops an event of a type that it does not know, and mends an
// outcome that does not exist.
async function agUi() {
  const { HttpAgent } = await import('@ag-ui/client');
  const { EventSchema } = await import('@ag-ui/core/schemas');
  const [kinds, ids] = [[], []];
  const check = async (response, sent) => {
    for (const [, data] of (await response.text()).matchAll(/^data: (.*)$/gm)) {
      const event = EventSchema.parse(JSON.parse(data));
      kinds.push(event.type);
      if ('runId' in event) ids.push(event.runId === sent.runId && event.threadId === sent.threadId);
    }
  };
  let checked;
  const checking = async (url, init) => {
    const response = await fetch(url, init);
    checked = check(response.clone(), JSON.parse(init.body));
    return response;
  };
  const agent = new HttpAgent({ url: `${base}/ag-ui/assistant`, fetch: checking });
  for (const content of QUESTIONS) {
    agent.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    await agent.runAgent();
    await checked;
  }
  return { kinds, ids, messages: agent.messages };
}

// A question interrupts the run, and the next run answers it.
async function interrupts() {
  const { HttpAgent, buildResumeArray } = await import('@ag-ui/client');
  const agent = new HttpAgent({ url: `${base}/ag-ui/assistant` });
  agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: QUESTIONS[0] });
  await agent.runAgent();
  const asked = agent.pendingInterrupts;
  const responses = Object.fromEntries(asked.map(({ id }) => [id, { status: 'resolved', payload: { approved: true } }]));
  await agent.runAgent({ resume: buildResumeArray(asked, responses) });
  return { asked, left: agent.pendingInterrupts, messages: agent.messages };
}

// The agent calls a tool of the frontend, which runs it; the next run brings the result.
async function frontend() {
  const { HttpAgent } = await import('@ag-ui/client');
  const agent = new HttpAgent({ url: `${base}/ag-ui/assistant` });
  const tools = [{ name: 'clock', description: 'Tells the time.', parameters: { type: 'object', properties: {} } }];
  agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: QUESTIONS[0] });
  let waiting = [];
  const subscriber = { onRunFinishedEvent: ({ pendingToolCallIds }) => void (waiting = pendingToolCallIds ?? []) };
  await agent.runAgent({ tools }, subscriber);
  const asked = waiting;
  for (const toolCallId of asked) agent.addMessage({ id: crypto.randomUUID(), role: 'tool', toolCallId, content: '12:00' });
  await agent.runAgent({ tools }, subscriber);
  return { asked, left: waiting, messages: agent.messages };
}

// The transport and the schema that `useChat` has.
async function ai() {
  const { DefaultChatTransport, readUIMessageStream, safeValidateUIMessages } = await import('ai');
  const transport = new DefaultChatTransport({ api: `${base}/api/chat` });
  const messages = [];
  for (const text of QUESTIONS) {
    messages.push({ id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text }] });
    const stream = await transport.sendMessages({ chatId: 'c', messages, trigger: 'submit-message', abortSignal: undefined });
    let answer;
    for await (const state of readUIMessageStream({ stream, terminateOnError: true })) answer = state;
    messages.push(answer);
  }
  return { valid: (await safeValidateUIMessages({ messages })).success, messages };
}

function chatState() {
  const state = {
    status: 'ready',
    error: undefined,
    messages: [],
    pushMessage: (message) => state.messages.push(message),
    popMessage: () => state.messages.pop(),
    replaceMessage: (index, message) => state.messages.splice(index, 1, message),
    snapshot: (value) => structuredClone(value),
  };
  return state;
}

// What `useChat` is around: a question is allowed, and the answer is sent by itself.
async function approvals() {
  const { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } = await import('ai');
  const state = chatState();
  class Chat extends AbstractChat {}
  const chat = new Chat({
    state,
    transport: new DefaultChatTransport({ api: `${base}/api/chat` }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  await chat.sendMessage({ text: QUESTIONS[0] });
  const asked = state.messages.at(-1).parts.find((part) => part.state === 'approval-requested');
  await chat.addToolApprovalResponse({ id: asked.approval.id, approved: true });
  while (state.status !== 'ready' && state.status !== 'error') await new Promise((done) => setTimeout(done, 10));
  return { error: String(state.error ?? ''), messages: state.messages };
}

// A tool that the page itself runs: its result is sent by itself.
async function tools() {
  const { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } = await import('ai');
  const state = chatState();
  const clock = { description: 'Tells the time.', inputSchema: { type: 'object', properties: { zone: { type: 'string' } } } };
  class Chat extends AbstractChat {}
  let answered;
  const done = new Promise((resolve) => (answered = resolve));
  const chat = new Chat({
    state,
    transport: new DefaultChatTransport({ api: `${base}/api/chat`, body: { tools: { clock } } }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall: ({ toolCall }) => {
      if (toolCall.toolName !== 'clock') return;
      chat.addToolOutput({ tool: 'clock', toolCallId: toolCall.toolCallId, output: `12:00 ${toolCall.input.zone}` });
    },
    onFinish: ({ message }) => message.parts.at(-1).type === 'text' && answered(),
    onError: () => answered(),
  });
  await chat.sendMessage({ text: QUESTIONS[0] });
  await done;
  return { error: String(state.error ?? ''), messages: state.messages };
}

// A page is loaded again while its answer comes: `useChat({ resume: true })` of the new one. A second prompt has the model go on.
async function resume() {
  const { AbstractChat, DefaultChatTransport } = await import('ai');
  class Chat extends AbstractChat {}
  const page = (messages) => {
    const state = Object.assign(chatState(), { messages });
    const chat = new Chat({ id: 'chat/1', state, transport: new DefaultChatTransport({ api: `${base}/api/chat` }) });
    const shows = async (text) => {
      while (!JSON.stringify(messages).includes(text)) await new Promise((done) => setTimeout(done, 10));
    };
    return { chat, messages, state, shows };
  };
  const [left, loaded, late] = [page([]), page([]), page([])];
  left.chat.sendMessage({ text: QUESTIONS[0] });
  await left.shows('Hel');
  const resuming = loaded.chat.resumeStream();
  await loaded.shows('Hel');
  await left.chat.stop();
  const again = left.chat.resumeStream();
  await fetch(`${base}/stream?query=go`);
  await Promise.all([resuming, again]);
  await late.chat.resumeStream();
  return [left, loaded, late].map(({ state, messages }) => ({ error: String(state.error ?? ''), messages }));
}

async function openai() {
  const { default: OpenAI } = await import('openai');
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'any' });
  const model = 'assistant';
  const stream = client.chat.completions.stream({ model, messages: [{ role: 'user', content: QUESTIONS[0] }] });
  const chat = (await stream.finalChatCompletion()).choices[0].message.content;
  const response = await client.responses.stream({ model, input: QUESTIONS[1] }).finalResponse();
  return { chat, response: response.output_text };
}

const run = { 'ag-ui': agUi, interrupts, frontend, ai, approvals, tools, resume, openai }[client];
process.stdout.write(JSON.stringify(await run()), () => process.exit());
