// node.js '[["dexto", "http://…"], …]' prints what each client shows of its stream, as JSON. A case may have ids as its third.

import { EventSource } from 'undici';
import { onError, see, type Seen } from './clients';

Object.assign(globalThis, { EventSource }); // Node has none before version 26
console.error = console.log = () => {}; // of the pages
process.on('uncaughtException', (error) => onError(String(error)));

const seen: Seen[] = [];
(async () => {
  for (const [system, base, ids] of JSON.parse(process.argv[2])) seen.push(await see(system, base, ids));
  process.stdout.write(JSON.stringify(seen), () => process.exit());
})();
