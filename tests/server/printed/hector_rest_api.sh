# "REST API (SSE - Server-Sent Events)" of Hector's page on streaming (kadirpekel/hector, docs/core-concepts/streaming.md at 7bc71ac), as printed.
curl -N http://localhost:8080/agents/assistant/messages/stream \
  -H "Content-Type: application/json" \
  -d '{
    "message": "Explain quantum computing"
  }'
