// "Client-Side SSE Handler" of Dexto's page on streaming (Dexto's documentation, "Streaming"), as printed, with one change: the
// page declares `eventType` inside the `if`, where the call of `handleEvent` cannot see it.

export async function streamChat(message: string, sessionId: string) {
  const response = await fetch('/chat/stream', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ message, sessionId })
  });

  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let eventType;

  while (true) {
    const { value, done } = await reader.read();
    if (done) break;

    const chunk = decoder.decode(value);
    const lines = chunk.split('\n');

    for (const line of lines) {
      if (line.startsWith('event:')) {
        eventType = line.slice(7).trim();
        continue;
      }

      if (line.startsWith('data:')) {
        const data = JSON.parse(line.slice(6));
        handleEvent(eventType, data);
      }
    }
  }
}

function handleEvent(type: string, data: any) {
  switch (type) {
    case 'llm:chunk':
      appendToMessage(data.content);
      break;
    case 'llm:tool-call':
      showToolIndicator(data.toolName);
      break;
    case 'llm:response':
      markComplete(data.usage);
      break;
  }
}
