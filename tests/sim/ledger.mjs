// The end of the day: all that the store holds is what the model says it must, and nothing
// of a resident is left in it.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const ERASED = ['code_mac', 'sealed', 'call_id', 'bound', 'bound_key', 'caller_last2', 'announced', 'number_hint',
  'confirmation', 'due_at'];

// Which of these are not in those, each as often as it is there.
function without(these, those) {
  const left = new Map();
  for (const one of those) left.set(one, (left.get(one) ?? 0) + 1);
  return these.filter((one) => {
    const n = left.get(one) ?? 0;
    left.set(one, n - 1);
    return n <= 0;
  });
}

export class Ledger {
  constructor(world) {
    Object.assign(this, { world, model: world.model, programs: world.programs });
  }

  left() { return [...this.model.sessions.values()].filter((s) => !s.endedAt).length; }

  async close() {
    const found = [...await this.sessions(), ...await this.audit(), ...await this.calls(), ...await this.erased(), ...this.once()];
    const check = await this.programs.run('idb-store', null, { args: ['check'] });
    if (check.exit !== 0) found.push(`idb-store check: ${JSON.stringify(check)}`);
    if (found.length > 0) throw new Error(`${found.length} differences at the end\n${found.slice(0, 20).join('\n')}`);
  }

  // Each session, by every column that stays.
  async sessions() {
    const rows = await this.programs.sql('SELECT id, ticket, state, end_reason, purpose, confirm, created_at, expires_at,'
      + ' called_at, connected_at, ended_at, renewals, refusal, refused_at FROM session');
    const stored = rows.map((row) => JSON.stringify(Object.values(row)));
    const known = [...this.model.sessions.values()].map((s) => JSON.stringify([s.id, s.ticket, s.state, s.endReason, s.purpose,
      s.confirm, s.createdAt, s.expiresAt, s.calledAt ?? null, s.connectedAt ?? null, s.endedAt, s.renewals,
      s.refusal ?? null, s.refusedAt ?? null]));
    return this.both('session', stored, known, []);
  }

  // Each row: when, who, what, whose and with what result. Of some nobody knows.
  async audit() {
    const rows = await this.programs.sql("SELECT at, actor, action, session, result FROM audit WHERE action <> 'create'");
    return this.both('audit row', rows.map((row) => JSON.stringify(Object.values(row))),
      this.model.audit.map((row) => JSON.stringify(row)), this.model.maybe.map((row) => JSON.stringify(row)));
  }

  async calls() {
    const rows = await this.programs.sql('SELECT at, reason, session FROM ended_call');
    return this.both('ended call', rows.map((row) => JSON.stringify(Object.values(row))),
      [...this.model.endedCalls.values()].map(({ at, reason, session }) => JSON.stringify([at, reason, session?.id ?? null])), []);
  }

  both(what, stored, known, maybe) {
    return [...without(without(stored, known), maybe).map((row) => `${what} not expected: ${row}`),
      ...without(known, stored).map((row) => `${what} not there: ${row}`)];
  }

  async erased() {
    const rows = await this.programs.sql(`SELECT id FROM session WHERE ${ERASED.map((column) => `${column} IS NOT NULL`).join(' OR ')}`);
    return rows.map(({ id }) => `not erased: session ${id}`);
  }

  // How many sealed records, each begins like every token, still stand in what is unused
  // of the pages of an SQLite file: it moves rows without wiping where they were.
  remains() {
    const file = this.programs.url.slice('sqlite:'.length);
    return [file, `${file}-wal`].filter((name) => fs.existsSync(name))
      .reduce((n, name) => n + fs.readFileSync(name, 'latin1').split('eyJhbGciOi').length - 1, 0);
  }

  // No code was accepted on two calls, and none was given twice while it lived.
  once() {
    const found = [];
    const accepted = this.model.audit.filter(([, , action, , result]) => action === 'verify' && result === 'accepted').map((row) => row[3]);
    if (new Set(accepted).size !== accepted.length) found.push('a session was accepted twice');
    for (const s of this.model.sessions.values()) if (!s.endedAt || !s.why) found.push(`no cause: session ${s.id}`);
    return found;
  }

  // ---- what is printed ----

  print() {
    const ends = new Map();
    for (const s of this.model.sessions.values()) {
      const row = `${s.state}\t${s.endReason ?? '-'}\t${s.why ?? 'not ended'}`;
      ends.set(row, (ends.get(row) ?? 0) + 1);
    }
    this.table('How sessions ended', 'state\treason\twhy\tsessions', ends);
    this.table('What was answered', 'program\tanswer\twhy\ttimes', this.world.table);
    const waits = new Map([...this.world.waits].map(([why, all]) => {
      all.sort((a, b) => a - b);
      return [`${why}\t${all.length}\t${all[Math.floor(all.length / 2)]}\t${all[Math.floor(all.length * 0.95)]}`, all.at(-1)];
    }));
    this.table('Who waited, in seconds of that day', 'for\ttimes\tmedian\t95 %\tlongest', waits);
    if (this.programs.url.startsWith('sqlite:')) console.log(`Sealed records in unused parts of pages: ${this.remains()}`);
  }

  table(title, head, rows) {
    const lines = [head, ...[...rows].sort(([a], [b]) => a.localeCompare(b)).map(([row, n]) => `${row}\t${n}`)]
      .map((line) => line.split('\t'));
    const width = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)) + 2);
    console.log(`\n${title}`);
    for (const line of lines) console.log(line.map((cell, i) => cell.padEnd(width[i])).join('').trimEnd());
  }
}
