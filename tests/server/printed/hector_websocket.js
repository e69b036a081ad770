// "WebSocket" of Hector's page on streaming (kadirpekel/hector, docs/core-concepts/streaming.md at 7bc71ac), as printed.
const ws = new WebSocket('ws://localhost:8080/agents/assistant/stream');

ws.send(JSON.stringify({
  message: "Explain quantum computing"
}));

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  if (data.chunk) {
    process.stdout.write(data.chunk);
  }
};
