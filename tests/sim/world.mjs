// What people can do: each is asked of a program and of the model, and both must say the
// same. What is about the same session, call or number waits for what was begun before; all
// else happens at once.

import { checkDigit, stamp } from './model.mjs';
import { jar, logIn } from './login.mjs';

const ATTESTOR = 'front-office';
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

// Where an answer differs from what was expected; undefined where it does not.
function differs(expected, got, path = 'answer') {
  if (expected === null || typeof expected !== 'object')
    return expected === got ? undefined : `${path} is ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`;
  if (got === null || typeof got !== 'object') return `${path} is ${JSON.stringify(got)}`;
  if (Array.isArray(expected) && expected.length !== got.length) return `${path} has ${got.length} members, not ${expected.length}`;
  for (const name of Object.keys(expected)) {
    const found = differs(expected[name], got[name], `${path}.${name}`);
    if (found) return found;
  }
  return undefined;
}

export class World {
  constructor(programs, model, time, provider, chance) {
    Object.assign(this, { programs, model, time, provider, chance });
    this.verifies = 0;
    this.held = new Set();
    this.doing = 0;
    this.queue = [];
    this.table = new Map(); // how often what was answered, and why
    this.waits = new Map(); // who waited for what, in seconds
    this.calls = 0;
  }

  // ---- one thing after another ----

  // Waits until nobody has what an action is about. One about 'everything' is alone, and one
  // about 'verify' is the only verify: near its limit the order of wrong codes matters.
  async take(action) {
    for (;;) {
      const subjects = action.subjects().filter(Boolean);
      const wanted = [...subjects, ...(action.waits ?? [])];
      const alone = (subjects.includes('everything') && this.doing > 0) || (subjects.includes('verify') && this.verifies > 0);
      if (!alone && !this.held.has('everything') && !wanted.some((s) => this.held.has(s))) {
        for (const subject of subjects) this.held.add(subject);
        this.doing++;
        this.verifies += action.verifies ?? 0;
        return subjects;
      }
      await new Promise((done) => { this.queue.push(done); });
    }
  }

  release(action, subjects) {
    for (const subject of subjects) this.held.delete(subject);
    this.doing--;
    this.verifies -= action.verifies ?? 0;
    for (const done of this.queue.splice(0)) done();
  }

  async do(action) {
    const subjects = await this.take(action);
    const expected = this.predict(action);
    const got = await action.run();
    this.compare(action, expected, got);
    action.after?.(got.answer);
    this.release(action, subjects);
    return got.answer;
  }

  // Several at the very same moment. Which was first the answers tell: order() gives it,
  // and that order must explain them all. Where they would not tell, told() is false, and it
  // is one after the other.
  async together(actions, order, told = () => true) {
    const all = { verifies: actions.length, subjects: () => actions.flatMap((action) => action.subjects()) };
    const subjects = await this.take(all);
    const got = [];
    if (told()) got.push(...await Promise.all(actions.map((action) => action.run())));
    else for (const action of actions) got.push(await action.run());
    const answers = got.map((g) => g.answer);
    for (const i of order(answers)) this.compare(actions[i], this.meanwhile(this.predict(actions[i]), answers[i]), got[i]);
    this.release(all, subjects);
    return answers;
  }

  // Where writers do not queue, a look that had found the call says so when it ends just
  // then; why, the next look tells.
  meanwhile(expected, { error }) {
    return error === 'call_ended' && expected.answer.result === 'ended'
      ? { exit: 1, answer: { error }, cause: 'it ended in that very moment' } : expected;
  }

  predict(action) {
    action.past = action.about();
    return action.predict();
  }

  // ---- comparing ----

  note(action, text) {
    for (const one of new Set([...action.past, ...action.about()])) one.history.push(`${stamp(this.time.now)} ${action.what} ${text}`);
  }

  compare(action, expected, got) {
    let found = this.difference(action, expected, got);
    // It was asked twice, for the first answer was lost: it may have been done before.
    if (got.vain > 0) {
      const again = found ? action.predict() : null;
      if (!found && expected.row) this.model.maybe.push(expected.row);
      if (again) {
        expected = again;
        found = this.difference(action, again, got);
      }
      this.count('idb-serve', 'killed', 'asked again');
    }
    this.note(action, `${action.request ?? ''} -> ${JSON.stringify(got.answer)}`);
    if (found) this.fail(action, found, expected);
    this.count(action.what.split(' ')[0], got.answer.error ?? got.answer.result ?? got.answer.state ?? 'ok', expected.cause);
  }

  difference(action, expected, got) {
    if (got.exit !== undefined && got.exit !== expected.exit) return `exit ${got.exit}, expected ${expected.exit}: ${got.complaint}`;
    if (got.complaint) return `it complained: ${got.complaint}`;
    const names = new Set(JSON.stringify(got.answer).match(/Inwoner \d+/g) ?? []);
    names.delete(expected.answer.attributes && action.resident?.()?.name);
    if (names.size > 0) return `it shows ${[...names].join()}`;
    return differs(expected.answer, got.answer);
  }

  fail(action, found, expected) {
    const past = action.past.map((one) => [`history of ${one.id ?? 'the call'}:`, ...one.history].join('\n  '));
    throw new Error(`${stamp(this.time.now)} ${action.what}: ${found}\nexpected ${JSON.stringify(expected)}\n${past.join('\n')}`);
  }

  count(what, result, cause) {
    const row = `${what}\t${result}\t${cause}`;
    this.table.set(row, (this.table.get(row) ?? 0) + 1);
  }

  waited(why, seconds) {
    if (!this.waits.has(why)) this.waits.set(why, []);
    this.waits.get(why).push(seconds);
  }

  // ---- what actions share ----

  newCall(caller) { return { id: `c-${++this.calls}`, caller }; }

  about(id, ...sessions) {
    const s = this.model.onCall.get(id);
    return [this.model.call(id), ...new Set([s, ...sessions].filter(Boolean))];
  }

  // What whoever erases overdue sessions is about. While that is done, or while somebody does
  // anything to one of them, nobody else looks for such.
  overdue() {
    const due = this.model.overdue();
    return due.length > 0 ? ['due', ...due.flatMap((s) => [s.id, s.callId])] : [];
  }

  session(s) { return s ? [s.id, s.callId, this.model.isTooLate(s) ? 'due' : null] : []; }

  browser(s) { return { cookies: s.cookies }; }

  // By the kept process of either host; it may be killed just now.
  async phone(door, request) {
    const host = this.programs.nextHost();
    const asked = host.ask(door, request);
    if (this.crashing) {
      this.crashing = false;
      await pause(this.chance.between(0, 3));
      await host.kill();
      await host.start();
    }
    return asked;
  }

  // ---- the telephone ----

  verifying(call, code) {
    const request = { code, call_id: call.id, ...(call.caller ? { caller: call.caller } : {}) };
    const { model } = this;
    const near = () => model.wrongOnes() > model.throttle.total - 20
      && model.wrongOnes() - this.verifies < model.throttle.total;
    const owner = () => model.codes.get(code);
    return {
      what: `verify ${call.id}`,
      verifies: 1,
      request: JSON.stringify(request),
      subjects: () => [call.id, `caller ${call.caller}`, ...this.session(model.onCall.get(call.id)), owner()?.id, near() ? 'verify' : null],
      about: () => this.about(call.id, owner()),
      predict: () => model.verify(call.id, code, call.caller),
      run: () => this.phone('verify', request),
    };
  }

  verify(call, code) { return this.do(this.verifying(call, code)); }

  transfer(from, to) {
    const { model } = this;
    return this.do({
      what: `transfer ${from} to ${to}`,
      subjects: () => [from, to, ...this.session(model.onCall.get(from)), ...this.session(model.onCall.get(to))],
      about: () => [...this.about(from), ...this.about(to)],
      predict: () => model.transfer(from, to),
      run: () => this.phone('transfer', { call_id: from, to_call_id: to }),
    });
  }

  ending(call, agent) {
    const { model } = this;
    const request = { call_id: call.id };
    return {
      what: `end ${call.id}${agent ? ` by ${agent}` : ''}`,
      subjects: () => [call.id, ...this.session(model.onCall.get(call.id))],
      about: () => this.about(call.id),
      predict: () => model.endOfCall(call.id, agent),
      run: () => (agent ? this.programs.run('idb-end', request, { args: ['--zone=desk'], ...this.as(agent) })
        : this.phone('end', request)),
    };
  }

  hangUp(call) { return this.do(this.ending(call)); }

  close(call, agent) { return this.do(this.ending(call, agent)); }

  // ---- the desk ----

  as(agent) { return { env: { AUTH_TYPE: 'test', REMOTE_USER: agent } }; }

  looking(call, agent, how = {}) {
    const { model } = this;
    return {
      what: `lookup ${call.id} by ${agent}`,
      request: JSON.stringify(how),
      subjects: () => [call.id, ...this.session(model.onCall.get(call.id))],
      about: () => this.about(call.id),
      resident: () => model.onCall.get(call.id)?.me,
      predict: () => model.lookup(call.id, agent, how),
      run: () => this.programs.run('idb-lookup', { call_id: call.id, ...how }, this.as(agent)),
    };
  }

  lookup(call, agent, how) { return this.do(this.looking(call, agent, how)); }

  support(s, agent) {
    return this.do({
      what: `ticket ${s.ticket} by ${agent}`,
      subjects: () => [s.id],
      about: () => [s],
      predict: () => this.model.ticket(s, agent),
      run: () => this.programs.run('idb-lookup', { ticket: s.ticket }, this.as(agent)),
    });
  }

  // ---- the resident ----

  // A code for somebody at the counter, or by telephone to one.
  issue(me, purpose) {
    const attributes = Object.fromEntries(this.model.purposes[purpose].attributes.map((name) => [name, me[name]]));
    const request = { purpose, attributes, auth: { method: 'counter', level: 'substantial' }, ...this.announced(me) };
    const how = { purpose, authTime: this.time.now, expiresAt: this.time.now + this.model.life, actor: `attest:${ATTESTOR}` };
    return this.issuing(me, how, () => this.programs.run('idb-issue', request, { args: [`--attest=${ATTESTOR}`] }));
  }

  // By a login; agreeing takes so many seconds. A session that the browser had is replaced.
  async login(me, purpose, seconds) {
    const before = me.session;
    const { offer, cookies } = await logIn(this.programs, this.provider, me, purpose, before?.cookies);
    const how = { purpose, authTime: this.time.now, expiresAt: this.time.now + this.model.life, actor: 'resident' };
    await this.time.sleep(seconds);
    const request = { offer, consent: true, cookies, ...this.announced(me) };
    return this.issuing(me, how, () => this.programs.run('idb-issue', request), before);
  }

  announced(me) { return me.announced ? { caller: me.announced } : {}; }

  // Overdue sessions go along with it.
  async issuing(me, how, run, before) {
    const { model } = this;
    let tied = [];
    await this.do({
      what: `issue ${how.purpose}`,
      subjects: () => [...this.overdue(), ...this.session(before)],
      waits: ['due'],
      about: () => (before ? [before] : []),
      predict: () => {
        if (before) model.replace(before);
        tied = model.expireAlong();
        return { exit: 0, answer: { number: '+31241234567' }, cause: before ? 'in a browser that had one' : how.actor };
      },
      run: async () => {
        const got = await run();
        if (tied.length > 0) await this.whichExpired(tied);
        return got;
      },
      after: (answer) => this.begun(me, answer, how),
    });
    return me.session;
  }

  async whichExpired(tied) {
    const ids = tied.map((s) => `'${s.id}'`).join();
    for (const { id } of await this.programs.sql(`SELECT id FROM session WHERE ended_at IS NOT NULL AND id IN (${ids})`))
      this.model.expire(this.model.sessions.get(id));
  }

  begun(me, answer, how) {
    const s = this.model.add(me, answer, how);
    if (answer.code.length !== this.model.digits || checkDigit(answer.code) !== 0
      || answer.code_expires_at !== stamp(s.codeExpiresAt)) throw new Error(`not a code, or not so long: ${JSON.stringify(answer)}`);
    s.cookies = jar('', answer.cookies);
    s.history.push(`${stamp(this.time.now)} issued to ${me.name}, ${how.actor}, code ${answer.code}`);
    me.session = s;
  }

  ofBrowser(what, s, predict, program, more = {}) {
    return {
      what,
      subjects: () => this.session(s),
      about: () => [s],
      predict,
      run: () => this.programs.run(program, { ...this.browser(s), ...more }),
    };
  }

  status(s) { return this.do(this.ofBrowser('status', s, () => this.model.status(s), 'idb-status')); }

  saying(s, yes, why) {
    return this.ofBrowser(`confirm ${yes}`, s, () => this.model.confirm(s, yes, why), 'idb-confirm', { confirm: yes });
  }

  confirm(s, yes, why) { return this.do(this.saying(s, yes, why)); }

  endByResident(s) { return this.do(this.ofBrowser('end by the resident', s, () => this.model.endByResident(s), 'idb-end')); }

  renew(s) {
    return this.do({
      ...this.ofBrowser('renew', s, () => this.model.renew(s), 'idb-renew'),
      after: (answer) => {
        if (!answer.code) return;
        this.model.newCode(s, answer.code);
        s.cookies = jar(s.cookies, answer.cookies);
      },
    });
  }

  // ---- the house ----

  purge() {
    return this.do({
      what: 'purge',
      subjects: () => ['purge', ...this.overdue()],
      waits: ['due'],
      about: () => [],
      predict: () => this.model.purge(),
      run: async () => {
        const got = await this.programs.run('idb-purge');
        // A reader was in the way; what is erased is, and the next one empties the log.
        if (got.exit !== 75 || !got.answer.pending_erasure) return got;
        this.count('purge', 'pending_erasure', 'a reader was in the way');
        return { exit: 0, answer: { ...got.answer, pending_erasure: false }, complaint: '' };
      },
    });
  }

  stats() {
    const everything = { subjects: () => ['everything'], about: () => [] };
    return this.do({
      ...everything,
      what: 'stats',
      predict: () => this.model.stats(),
      run: async () => {
        const got = await this.programs.run('idb-stats');
        const { answer } = got;
        // What is 0 the model does not name; what may have been done twice may be counted.
        for (const [name, length] of [['hour', 3600000], ['day', 24 * 3600000]]) {
          for (const counts of ['codes', 'reasons', 'states'])
            for (const [word, n] of Object.entries(answer[name][counts])) if (n === 0) delete answer[name][counts][word];
          this.settle(answer[name].codes, this.time.now - length);
        }
        return got;
      },
    });
  }

  // Rows of which nobody knows may be among those that were counted since then.
  settle(codes, from) {
    const known = this.model.period(from).codes;
    for (const [at, , action, , result] of this.model.maybe)
      if (action === 'verify' && at > from && codes[result] > (known[result] ?? 0)) codes[result]--;
    for (const result of Object.keys(codes)) if (codes[result] === 0) delete codes[result];
  }

  rotate() {
    return this.do({
      what: 'rotate',
      subjects: () => ['everything'],
      about: () => [],
      predict: () => {
        this.model.codeKeys++;
        return { exit: 0, answer: { rotated: ['browser', 'code', 'bind', 'issue', 'seal'], error: undefined }, cause: 'new keys' };
      },
      run: () => this.programs.run('idb-keys', null, { args: ['rotate'] }),
    });
  }

  // The next that the telephone asks finds its host going down, and asks again.
  crash() { this.crashing = true; }

  // The server of the store, where there is one, by whoever keeps it.
  restartStore() {
    return this.do({
      what: 'store',
      subjects: () => ['everything'],
      about: () => [],
      predict: () => ({ exit: 0, answer: { state: 'restarted' }, cause: 'its host restarted' }),
      run: () => this.programs.restartStore(),
    });
  }
}
