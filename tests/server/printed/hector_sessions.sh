# "Streaming with Sessions" of Hector's page on streaming (kadirpekel/hector, docs/core-concepts/streaming.md at 7bc71ac), as printed.
# Create session
SESSION_ID=$(curl -X POST http://localhost:8080/agents/assistant/sessions | jq -r '.session_id')

# Stream messages in session
curl -N http://localhost:8080/agents/assistant/sessions/$SESSION_ID/messages/stream \
  -H "Content-Type: application/json" \
  -d '{"message": "Hello"}'
