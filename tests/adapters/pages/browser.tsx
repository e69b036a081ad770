// The pages' clients in a browser: `window.see`, and Dexto's React component, drawn by Preact, below `window.base`.

import { createElement, render } from 'preact';
import { onError, see } from './clients';
import { StreamingChat } from './dexto_react';

const { fetch } = window;

Object.assign(window, {
  see,
  draw: (base: string) => {
    window.fetch = (url, init) => fetch(base + url, init);
    render(createElement(StreamingChat, null), document.body);
  },
});
window.addEventListener('error', (event) => onError(event.message));
