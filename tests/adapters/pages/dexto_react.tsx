// "React Integration" of Dexto's page on streaming (Dexto's documentation, "Streaming"), as printed.

import { useState, useEffect } from 'react';

export function StreamingChat() {
  const [message, setMessage] = useState('');
  const [response, setResponse] = useState('');
  const [isStreaming, setIsStreaming] = useState(false);
  const [sessionId, setSessionId] = useState(null);

  async function sendMessage() {
    setIsStreaming(true);
    setResponse('');

    const res = await fetch('/chat/stream', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        message,
        sessionId: sessionId || undefined
      })
    });

    const reader = res.body.getReader();
    const decoder = new TextDecoder();

    while (true) {
      const { value, done } = await reader.read();
      if (done) break;

      const chunk = decoder.decode(value);
      const lines = chunk.split('\n');

      for (const line of lines) {
        if (line.startsWith('data:')) {
          const data = JSON.parse(line.slice(6));

          if (data.type === 'llm:chunk') {
            setResponse(prev => prev + data.content);
          } else if (data.type === 'llm:response') {
            setIsStreaming(false);
            if (!sessionId) {
              setSessionId(data.sessionId);
            }
          }
        }
      }
    }
  }

  return (
    <div>
      <div className="messages">
        {response && <div className="message">{response}</div>}
      </div>
      <input
        value={message}
        onChange={(e) => setMessage(e.target.value)}
        disabled={isStreaming}
      />
      <button onClick={sendMessage} disabled={isStreaming}>
        {isStreaming ? 'Streaming...' : 'Send'}
      </button>
    </div>
  );
}
