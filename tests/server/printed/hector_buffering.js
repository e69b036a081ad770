// "Buffering for Display" of Hector's page on streaming (kadirpekel/hector, docs/core-concepts/streaming.md at 7bc71ac), as printed.
// ✅ Good: Buffer and update UI efficiently
let buffer = '';
let updateTimer = null;

eventSource.onmessage = (event) => {
  buffer += event.data;

  clearTimeout(updateTimer);
  updateTimer = setTimeout(() => {
    updateUI(buffer);
    buffer = '';
  }, 50); // Update every 50ms
};
