// What tests/long/browser*.bats run: node cases.mjs CASE. Exit 0 when all of it was so.

import { open } from './browser.mjs';
import flow from './flow.mjs';
import hostile from './hostile.mjs';
import script from './script.mjs';

const cases = { ...flow, ...script, ...hostile };
const run = cases[process.argv[2]];
if (!run) {
  console.error(`no such case; there are ${Object.keys(cases).join(', ')}`);
  process.exit(64);
}

const browser = await open();
try {
  await run(browser);
  await browser.close();
} catch (error) {
  console.error(error);
  await browser.abandon();
  process.exit(1);
}
