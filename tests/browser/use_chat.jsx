// A page with the AI SDK's `useChat`, as its documentation has it: a conversation, a field, Send and Stop.

import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport } from 'ai';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

function Chat() {
  const [input, setInput] = useState('');
  const api = '/api/chat?cancel_on_disconnect=true'; // its Stop only closes the connection
  const { messages, sendMessage, status, stop } = useChat({ transport: new DefaultChatTransport({ api }) });
  return (
    <div>
      {messages.map((message) => (
        <p key={message.id} className={message.role}>
          {message.parts.map((part, at) => {
            if (part.type === 'text') return <span key={at}>{part.text}</span>;
            return part.type.startsWith('tool-') ? <code key={at}>{`${part.type} ${part.state}`}</code> : null;
          })}
        </p>
      ))}
      <output>{status}</output>
      <input value={input} onChange={(event) => setInput(event.target.value)} />
      <button onClick={() => sendMessage({ text: input })}>Send</button>
      <button onClick={stop}>Stop</button>
    </div>
  );
}

createRoot(document.body.appendChild(document.createElement('main'))).render(<Chat />);
