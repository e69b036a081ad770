// The browser's side of a FastAPI endpoint, from a knowledge base's page on streaming agents (`status`, `token`, `tool_result`,
// `done`), as printed, in a function.

export function ask(query: string) {
const source = new EventSource(`/stream?query=${encodeURIComponent(query)}`);
source.onmessage = (event) => {
  const data = JSON.parse(event.data);
  switch (data.type) {
    case 'token': appendToResponse(data.content); break;
    case 'status': showStatus(data.content); break;
    case 'done': source.close(); finalizeResponse(); break;
  }
};
}
