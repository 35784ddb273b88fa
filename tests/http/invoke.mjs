// Invokes the contact-flow function of FILE as its platform does: the event on standard
// input, what it returns on standard output.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { handler } = await import(pathToFileURL(process.argv[2]));
const answer = await handler(JSON.parse(readFileSync(0, 'utf8')));
// The platform takes a flat object of strings, of 32 KiB at most.
for (const [name, value] of Object.entries(answer))
  if (typeof value !== 'string') throw new Error(`${name} is no string`);
console.log(JSON.stringify(answer));
// The platform waits for no connection that was given up.
process.exit(0);
