// "Chat Applications" of Hector's page on streaming (kadirpekel/hector, docs/core-concepts/streaming.md at 7bc71ac), as printed.
const eventSource = new EventSource(
  `http://localhost:8080/agents/chatbot/sessions/${sessionId}/messages/stream`
);

eventSource.onmessage = (event) => {
  const data = JSON.parse(event.data);
  appendToChat(data.chunk);
};
