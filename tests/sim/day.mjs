// A day of traffic through the real programs, held against a model: tests/long/sim.bats.
//
//   node day.mjs DIR BUILD CLOCK
//
// DIR is for sockets and the clock, CLOCK is tests/clock.c built. IDB_CONFIG names the
// instance, without keys and store, which are made when the day begins. SEED (any text) says
// which day it is, SCALE (1) how many there are of everybody; RESTART is a command that
// crashes and starts the server of the store, where there is one. The first answer that is not as predicted ends it, with the history of all concerned.

import fs from 'node:fs';
import { Ledger } from './ledger.mjs';
import { Provider } from './login.mjs';
import { Model } from './model.mjs';
import { DAY_CURVE, People } from './people.mjs';
import { Programs } from './programs.mjs';
import { Chance, Time } from './time.mjs';
import { World } from './world.mjs';

const [dir, build, clock] = process.argv.slice(2);
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const BEGIN = Date.UTC(2026, 10, 30, 5); // so that midnight falls into the day
const RESIDENTS = 2000; // SCALE=1
const AGENTS = 17;
const seed = process.env.SEED || String(Math.floor(Math.random() * 1e9));
const scale = Number(process.env.SCALE || 1);
const residents = Math.round(RESIDENTS * scale);
console.log(`SEED=${seed} SCALE=${scale}`);

const config = JSON.parse(fs.readFileSync(process.env.IDB_CONFIG));
const programs = new Programs({ build, dir, clock });
const time = new Time(BEGIN, (ms) => programs.setClock(ms));
const provider = new Provider(config.methods.login, time);
const model = new Model(config, time);
const world = new World(programs, model, time, provider, new Chance(seed, 'crashes'));
const people = new People(world, seed);
const ledger = new Ledger(world);

// What goes on by itself: once a minute idb-purge, once an hour idb-stats, until nothing
// of anybody is left.
function house() {
  time.start(async () => {
    for (let minute = 1; minute <= 24 * 60 || people.living > 0 || ledger.left() > 0; minute++) {
      await time.sleep(MINUTE);
      await world.purge();
      if (minute % 60 === 0) await world.stats();
    }
  });
}

function hosts(r) {
  const at = (hours, what) => time.start(async () => {
    await time.sleep(Math.round(hours * HOUR));
    await what();
  });
  for (let hour = 3; hour < 16; hour += 2) at(hour + r.unit(), () => world.crash());
  for (const hour of [7.3, 12.7]) at(hour, () => world.rotate());
  if (process.env.RESTART) for (const hour of [4.5, 9.2]) at(hour, () => world.restartStore());
}

function fraudsters() {
  // Many numbers in the busiest hour, past the limit of all; one number, past its own; and
  // withheld ones.
  people.guesser(1, 5 * HOUR + 10 * MINUTE, { calls: 45, pause: 4 });
  people.guesser(2, 8 * HOUR, { calls: 8, pause: 20, number: '+31881234567' });
  people.guesser(3, 6.5 * HOUR, { calls: 6, pause: 20, number: 'anonymous' });
  people.guesser(4, 18.9 * HOUR, { calls: 12, pause: 10, number: '+31887654321' }); // over midnight
  const { throttle } = model;
  people.brink(800001, 21 * HOUR, () => '+31881111111', () => model.wrongBy('+31881111111'), throttle.per_caller);
  people.brink(800002, 21.5 * HOUR, (i) => `+3188${2000000 + i}`, () => model.wrongOnes(), throttle.total);
  // One number across a new code key and midnight.
  for (const [at, n] of [[7.29, 4], [7.31, 4], [18.99, 4], [19.01, 4]]) people.misdials(n, Math.round(at * HOUR), '+31883333333');
  people.brink(800003, Math.round(7.33 * HOUR), () => '+31883333333', () => model.wrongBy('+31883333333'), throttle.per_caller);
  people.brink(800004, Math.round(19.03 * HOUR), () => '+31883333333', () => model.wrongBy('+31883333333'), throttle.per_caller);
}

async function main() {
  const r = new Chance(seed, 'day');
  const keys = await programs.run('idb-keys', null, { args: ['create'] });
  const store = await programs.run('idb-store', null, { args: ['create'] });
  if (keys.exit !== 0 || store.exit !== 0) throw new Error(JSON.stringify([keys, store]));
  await provider.listen();
  await programs.start();
  for (let n = 0; n < residents; n++) {
    const hour = (Number(r.weighed(DAY_CURVE)) + 19) % 24; // the curve begins at midnight
    people.resident(n, hour * HOUR + r.between(0, HOUR - 1));
  }
  for (let n = 0; n < Math.ceil(AGENTS * scale); n++) people.agent(n);
  fraudsters();
  hosts(r);
  house();
  await time.run();
  await ledger.close();
}

const began = Date.now();
let exit = 0;
process.on('SIGTERM', () => {
  programs.stop();
  process.exit(143);
});
try {
  await main();
} catch (error) {
  console.log(`FAILED after ${model.sessions.size} sessions: ${error.message}`);
  exit = 1;
}
ledger.print();
console.log(`${model.sessions.size} sessions, ${Object.values(programs.count).reduce((a, b) => a + b, 0)} requests, ${Math.round((Date.now() - began) / 1000)} s`);
await programs.stop('SIGTERM');
process.exit(exit);
