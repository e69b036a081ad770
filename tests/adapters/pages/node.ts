// node.js '[["dexto", "http://…"], …]' prints what each client shows of its stream, as JSON.

import { EventSource } from 'undici';
import { onError, see, type Seen } from './clients';

Object.assign(globalThis, { EventSource }); // Node has none before version 26
console.error = console.log = () => {}; // of the pages
process.on('uncaughtException', (error) => onError(String(error)));

const seen: Seen[] = [];
(async () => {
  for (const [system, base] of JSON.parse(process.argv[2])) seen.push(await see(system, base));
  process.stdout.write(JSON.stringify(seen), () => process.exit());
})();
