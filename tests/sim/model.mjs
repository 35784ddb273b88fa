// What must come of each request: the manual pages in JavaScript, without a store, keys or
// processes. Each function says what will be answered and does to the model what the
// program must do to the store.
//
//     const { exit, answer, cause } = model.verify('c-1', '4821093471', '+31612345678');
//
// answer has the members that matter; one that is undefined must not be there.

export const LINE = 'kcc';
const DAY = 24 * 3600 * 1000;
const BATCH = 50; // sessions that idb-purge erases in one go
const ALONG = 4; // overdue ones that idb-issue erases as it goes
const MASK = '••••••';
const DAMM = ['0317598642', '7092154863', '4206871359', '1750983426', '6123045978',
  '3674209581', '5869720134', '8945362017', '9438617205', '2581436790'];

export const checkDigit = (digits) => [...digits].reduce((interim, d) => Number(DAMM[interim][d]), 0);
export const stamp = (ms) => new Date(ms).toISOString();
const isNumber = (caller) => /^\+[0-9]{8,15}$/.test(caller ?? '');

// Wrong codes by subject, in a window that slides.
class Counts {
  constructor(window) { this.window = window; this.of = new Map(); }

  add(subject, now) {
    const c = this.of.get(subject);
    if (!c) this.of.set(subject, { since: now, count: 1, before: 0 });
    else if (c.since > now - this.window) c.count++;
    else Object.assign(c, { before: c.since > now - 2 * this.window ? c.count : 0, since: now, count: 1 });
  }

  recent(subject, now) {
    const c = this.of.get(subject);
    const into = c ? c.since - (now - this.window) : 0;
    if (!c || c.since <= now - 2 * this.window) return 0;
    return into > 0 ? c.count + Math.floor((c.before * into) / this.window)
      : Math.floor((c.count * (into + this.window)) / this.window);
  }
}

export class Model {
  constructor(config, time) {
    const { code, session, throttle } = config;
    this.time = time;
    this.digits = code.digits;
    this.valid = code.valid * 1000;
    this.life = session.lifetime * 1000;
    this.wrapUp = session.wrap_up * 1000;
    this.renewTime = session.renew * 1000;
    this.renewals = session.renewals;
    this.throttle = throttle;
    this.purposes = config.purposes;
    this.counts = new Counts(throttle.window * 1000);
    this.codeKeys = 1; // how often there was a new one
    this.sessions = new Map();
    this.codes = new Map(); // every code that was ever given: its session
    this.calls = new Map(); // every call: { wrong, ended: { at, reason, session } }
    this.onCall = new Map(); // the session that the store has for a call
    this.endedCalls = new Map(); // of the last day
    this.audit = []; // [at, actor, action, session, result]
    this.maybe = []; // rows of which nobody knows
  }

  get now() { return this.time.now; }

  record(actor, action, session, result) {
    const row = [this.now, actor, action, session?.id ?? null, result];
    this.audit.push(row);
    return row;
  }

  // ---- sessions ----

  isLive(s) { return !s.endedAt && s.dueAt > this.now && s.expiresAt > this.now; }

  isTooLate(s) { return !s.endedAt && s.dueAt <= this.now; }

  // A session as idb-issue answered it.
  add(me, { session, ticket, code }, { purpose, authTime, expiresAt, actor }) {
    const renewUntil = Math.min(authTime + this.renewTime, expiresAt);
    const s = {
      id: session, ticket, me, purpose, state: 'issued', code, createdAt: this.now, expiresAt, renewUntil,
      confirm: this.purposes[purpose].confirm ?? 'notify', renewals: 0, announced: me.announced,
      codeExpiresAt: Math.min(this.now + this.valid, expiresAt), history: [],
    };
    s.dueAt = Math.max(s.codeExpiresAt, renewUntil);
    this.sessions.set(s.id, s);
    this.codes.set(code, s);
    this.record(actor, 'issue', s, 'ok');
    return s;
  }

  end(s, state, reason, why) {
    if (s.callId) this.endCall(s.callId, reason, s);
    Object.assign(s, { state, endReason: reason, why, endedAt: this.now, wasCode: s.code, code: null, callId: null });
  }

  overdue() {
    return [...this.sessions.values()].filter((s) => this.isTooLate(s)).sort((a, b) => a.dueAt - b.dueAt);
  }

  expire(s) {
    const over = s.state === 'wrap_up';
    this.end(s, over ? 'done' : 'expired', over ? 'wrap_up' : 'expired',
      over ? 'the agent let the time to finish run out'
        : s.calledAt ? 'the call lasted longer than a session may' : 'nobody called');
  }

  // Those that idb-issue erases as it goes. Where two are due at the same moment and only
  // one is taken the store decides which: those are handed back.
  expireAlong() {
    const due = this.overdue();
    const last = due[ALONG - 1]?.dueAt;
    const tied = due.length > ALONG && due[ALONG].dueAt === last ? due.filter((s) => s.dueAt === last) : [];
    for (const s of due.slice(0, ALONG)) if (!tied.includes(s)) this.expire(s);
    return tied;
  }

  // ---- calls ----

  call(id) {
    if (!this.calls.has(id)) this.calls.set(id, { wrong: 0, history: [] });
    return this.calls.get(id);
  }

  endCall(id, reason, session) {
    const call = this.call(id);
    if (session && this.onCall.get(id) === session) this.onCall.delete(id);
    if (call.ended) return;
    call.ended = { at: this.now, reason, session };
    this.endedCalls.set(id, call.ended);
  }

  // The session that a call has, if that is alive.
  byCall(id) {
    const s = this.onCall.get(id);
    return s && this.isLive(s) ? s : null;
  }

  // ---- the throttle ----

  subject(caller, key, day) { return `${isNumber(caller) ? caller : 'withheld'}/${key}/${day}`; }

  needsPage(caller) {
    return this.wrongBy(caller) >= this.throttle.per_caller || this.wrongOnes() >= this.throttle.total;
  }

  wrongOnes() { return this.counts.recent('all', this.now); }

  // Under every key and day that still count.
  wrongBy(caller) {
    const today = Math.floor(this.now / DAY);
    let n = 0;
    for (let key = 1; key <= this.codeKeys; key++)
      for (const day of [today, today - 1]) n += this.counts.recent(this.subject(caller, key, day), this.now);
    return n;
  }

  // ---- the telephone ----

  verify(id, code, caller) {
    const call = this.call(id);
    const left = Math.max(0, this.throttle.per_call - call.wrong);
    const page = this.needsPage(caller);
    const mistyped = code.length !== this.digits || checkDigit(code) !== 0;
    const s = mistyped ? null : this.codes.get(code);
    const says = (result, cause, of, n = left) => {
      const row = this.record(`line:${LINE}`, 'verify', of, result);
      return { exit: 1, answer: { result, session: undefined, attempts_left: n }, cause, row };
    };
    if (s?.code === code && s.state === 'issued' && s.codeExpiresAt > this.now && s.expiresAt > this.now
      && !call.ended && !this.onCall.has(id) && left > 0) return this.accept(s, id, caller, page, left);
    const other = this.byCall(id);
    if (other?.state === 'wrap_up') return says('call_ended', 'the caller had hung up');
    if (other && other.code === code) return this.accepted(other, left, 'the same code once more');
    if (other) return says('call_bound', 'the call has the session of another code');
    if (call.ended || this.onCall.has(id)) return says('call_ended', 'the call was over');
    if (left === 0) return says('throttled', 'three wrong codes on this call');
    if (mistyped) return says('mistyped', 'a slip of the finger');
    return this.wrong(id, code, caller, says);
  }

  accept(s, id, caller, page, left) {
    Object.assign(s, {
      state: 'called', callId: id, calledAt: this.now, dueAt: s.expiresAt,
      last2: isNumber(caller) ? caller.slice(-2) : 'withheld',
      hint: !s.announced ? 'unknown' : !isNumber(caller) ? 'withheld' : s.announced === caller ? 'match' : 'differs',
    });
    if (page) s.confirm = 'page';
    this.onCall.set(id, s);
    this.record(`line:${LINE}`, 'verify', s, 'accepted');
    return this.accepted(s, left, page ? 'in time, while many guess' : 'in time');
  }

  accepted(s, left, cause) {
    return { exit: 0, answer: { result: 'accepted', session: s.id, purpose: s.purpose, attempts_left: left }, cause };
  }

  wrong(id, code, caller, says) {
    const call = this.call(id);
    const was = this.codes.get(code);
    const hit = was?.code === code && this.isLive(was) ? was : null;
    const result = !hit ? 'wrong' : hit.state === 'issued' ? 'expired' : 'used';
    const cause = hit?.state === 'issued' ? 'called too late' : hit ? 'another call has it'
      : !was ? 'nobody was given that code' : was.endedAt ? 'its session had ended'
        : was.code === code ? 'its session was past its time' : 'a newer code has taken its place';
    this.counts.add('all', this.now);
    this.counts.add(this.subject(caller, this.codeKeys, Math.floor(this.now / DAY)), this.now);
    call.wrong++;
    if (hit) Object.assign(hit, { refusal: result, refusedAt: this.now });
    // How many are left tells whether it was counted, so its row is sure.
    return { ...says(result, cause, hit, Math.max(0, this.throttle.per_call - call.wrong)), row: undefined };
  }

  transfer(from, to) {
    const s = this.byCall(from);
    const { ended } = this.call(from);
    const line = `line:${LINE}`;
    const moved = (of, cause) => ({ exit: 0, answer: { result: 'transferred', session: of.id, purpose: of.purpose }, cause });
    const refused = (of, error, cause) => {
      const row = this.record(line, 'transfer', of, error);
      return { exit: 1, answer: { error }, cause, row };
    };
    if (s && s.state !== 'wrap_up' && !this.call(to).ended && !this.onCall.has(to)) {
      this.endCall(from, 'transferred', s);
      s.callId = to;
      this.onCall.set(to, s);
      this.record(line, 'transfer', s, 'ok');
      return moved(s, 'to another agent');
    }
    if (ended?.session && this.byCall(to) === ended.session) return moved(ended.session, 'once more');
    if (ended || s?.state === 'wrap_up') return refused(ended?.session, 'call_ended', 'the call was over');
    if (!s) return refused(null, 'unknown_call', 'nobody is identified on it');
    return refused(s, 'call_in_use', 'the other call had been used');
  }

  // By the telephone, or by an agent.
  endOfCall(id, agent) {
    const s = this.byCall(id);
    const actor = agent ? `agent:${agent}` : `line:${LINE}`;
    const reason = agent ? 'ended' : 'hung_up';
    if (s && !agent && ['connected', 'wrap_up'].includes(s.state)) {
      if (s.state === 'connected') {
        Object.assign(s, { state: 'wrap_up', dueAt: Math.min(s.expiresAt, this.now + this.wrapUp) });
        this.record(actor, 'end', s, 'wrap_up');
      }
      return { exit: 0, answer: { result: 'wrap_up', session: s.id, wrap_up_until: stamp(s.dueAt) }, cause: 'an agent has it open' };
    }
    if (!s) {
      this.endCall(id, reason, null);
      return { exit: 0, answer: { result: 'ended', session: undefined }, cause: 'no session on it' };
    }
    this.end(s, 'done', reason, agent ? 'the agent was done' : 'hung up before an agent opened it');
    this.record(actor, 'end', s, reason);
    return { exit: 0, answer: { result: 'ended', session: s.id }, cause: s.why };
  }

  // ---- the desk ----

  describe(s, result) {
    return {
      result, session: s.id, ticket: s.ticket, state: s.state, line: LINE, call_id: s.callId,
      confirm: s.confirm, confirmed: s.confirmed ?? false, caller: s.last2, number_hint: s.hint,
      called_at: stamp(s.calledAt), connected_at: s.connectedAt && stamp(s.connectedAt), attributes: undefined,
    };
  }

  attributes(s, reveal) {
    return this.purposes[s.purpose].attributes.map((name) => (name === 'bsn' && !reveal.includes('bsn')
      ? { name, value: MASK, masked: true } : { name, value: s.me[name], masked: false }));
  }

  lookup(id, agent, { peek = false, reveal = [] } = {}) {
    const s = this.byCall(id);
    const { ended } = this.call(id);
    if (!s && !ended) return { exit: 1, answer: { error: 'unknown_call' }, cause: 'nobody is identified on it' };
    if (!s) {
      return {
        exit: 1, answer: { result: 'ended', reason: ended.reason, warning: ended.reason === 'not_me' ? 'not_me' : undefined },
        cause: `it had ended: ${ended.reason}`,
      };
    }
    if (peek) return { exit: 0, answer: this.describe(s, 'peek'), cause: 'a look without opening' };
    if (reveal.length > 0 && s.state === 'called') return { exit: 1, answer: { error: 'not_open' }, cause: 'not opened yet' };
    if (s.confirm === 'page' && !s.confirmed) {
      this.record(`agent:${agent}`, 'open', s, 'unconfirmed');
      return {
        exit: 1, answer: this.describe(s, 'unconfirmed'),
        cause: this.purposes[s.purpose].confirm === 'page' ? 'the purpose asks for a yes' : 'many guess, so a yes is asked for',
      };
    }
    if (s.state === 'called') s.state = 'connected';
    s.connectedAt ??= this.now;
    this.record(`agent:${agent}`, reveal.length > 0 ? 'reveal' : 'open', s, 'ok');
    return { exit: 0, answer: { ...this.describe(s, 'open'), attributes: this.attributes(s, reveal) }, cause: reveal.length > 0 ? 'a value shown' : 'opened' };
  }

  ticket(s, agent) {
    const live = this.isLive(s);
    this.record(`agent:${agent}`, 'ticket', s, 'ok');
    return {
      exit: 0, cause: 'support',
      answer: {
        result: 'ticket', session: s.id, state: live || s.endedAt ? s.state : 'expired', reason: s.endReason,
        code_valid: live && s.state === 'issued' && s.codeExpiresAt > this.now,
        refusal: s.refusal, refused_at: s.refusedAt && stamp(s.refusedAt), ended_at: s.endedAt && stamp(s.endedAt),
      },
    };
  }

  // ---- the resident's page ----

  status(s) {
    const live = this.isLive(s);
    const issued = live && s.state === 'issued';
    return {
      exit: 0, cause: 'the page',
      answer: {
        state: live || s.endedAt ? s.state : 'expired', ticket: s.ticket, reason: s.endReason,
        confirm: s.confirm, confirmed: !s.endedAt && (s.confirmed ?? false),
        code: issued && s.codeExpiresAt > this.now ? s.code : undefined,
        code_valid: issued ? s.codeExpiresAt > this.now : undefined,
        renewals_left: issued ? (s.renewUntil > this.now ? this.renewals - s.renewals : 0) : undefined,
        call: s.calledAt ? { at: stamp(s.calledAt), ...(live ? { caller: s.last2 } : {}) } : undefined,
        expires_at: live ? stamp(s.expiresAt) : undefined,
      },
    };
  }

  // The new code is told with newCode().
  renew(s) {
    const refused = (error, cause) => ({ exit: 1, answer: { error }, cause });
    if (s.state === 'issued' && s.expiresAt > this.now && s.renewUntil > this.now && s.renewals < this.renewals) {
      s.renewals++;
      s.codeExpiresAt = Math.min(s.renewUntil, this.now + this.valid);
      this.record('resident', 'renew', s, 'ok');
      return { exit: 0, answer: { session: s.id, code_expires_at: stamp(s.codeExpiresAt) }, cause: 'a new code' };
    }
    if (s.state !== 'issued') return refused('not_issued', s.endedAt ? 'the session had ended' : 'the code had been used');
    if (s.renewals >= this.renewals) return refused('renewals_spent', 'asked for too often');
    return refused('too_late', 'the login was too long ago');
  }

  newCode(s, code) {
    s.code = code;
    this.codes.set(code, s);
  }

  confirm(s, yes, why) {
    if (!s.calledAt || (yes && !this.isLive(s))) return { exit: 1, answer: { error: 'not_called' }, cause: s.calledAt ? 'the call was over' : 'nobody had called' };
    if (yes) {
      s.confirmed = true;
      this.record('resident', 'confirm', s, 'ok');
      return { exit: 0, answer: { result: 'confirmed' }, cause: why };
    }
    if (!s.endedAt) this.end(s, 'cancelled', 'not_me', why);
    this.record('resident', 'confirm', s, 'not_me');
    return { exit: 0, answer: { result: 'not_me' }, cause: why };
  }

  endByResident(s) {
    if (!s.endedAt) {
      const issued = s.state === 'issued';
      this.end(s, issued ? 'cancelled' : 'done', issued ? 'cancelled' : 'resident',
        issued ? 'the resident changed their mind' : 'the resident ended it on the page');
      this.record('resident', 'end', s, issued ? 'cancelled' : 'done');
    }
    return { exit: 0, answer: { result: 'ended' }, cause: 'by the resident' };
  }

  // The same browser agreed to another.
  replace(s) {
    if (s.endedAt) return;
    this.end(s, 'cancelled', 'replaced', 'the same browser began another');
    this.record('resident', 'end', s, 'replaced');
  }

  // ---- the house ----

  purge() {
    const due = this.overdue();
    const old = [...this.endedCalls].filter(([, ended]) => ended.at <= this.now - DAY);
    let expired = 0;
    for (const s of due) {
      this.expire(s);
      expired += s.endReason === 'expired' ? 1 : 0;
    }
    for (let n = due.length; n > 0; n -= BATCH) this.record('purge', 'purge', null, 'ok');
    for (const [id] of old) {
      this.endedCalls.delete(id);
      delete this.call(id).ended;
    }
    return { exit: 0, answer: { expired, erased: due.length, deleted: { sessions: 0, calls: old.length, attempts: 0, audit: 0, invitations: 0 }, pending_erasure: false }, cause: 'the minute' };
  }

  // The counts of idb-stats of the time after from, and how many more of a result there
  // may be.
  period(from) {
    const p = {
      issued: 0, renewals: 0, renewed: 0, expired_uncalled: 0, codes: {}, reasons: {}, states: {},
      steps: { ended: 0, called: 0, connected: 0, finished: 0 },
    };
    const more = (counts, name) => { counts[name] = (counts[name] ?? 0) + 1; };
    for (const [at, , action, , result] of this.audit)
      if (at > from) {
        if (action === 'verify') more(p.codes, result);
        else if (action === 'issue') p.issued++;
        else if (action === 'renew') p.renewals++;
      }
    for (const s of this.sessions.values())
      if (s.endedAt > from) {
        more(p.states, s.state);
        more(p.reasons, s.endReason);
        p.renewed += s.renewals > 0 ? 1 : 0;
        p.expired_uncalled += s.endReason === 'expired' && !s.calledAt ? 1 : 0;
        p.steps.ended++;
        p.steps.called += s.calledAt ? 1 : 0;
        p.steps.connected += s.connectedAt ? 1 : 0;
        p.steps.finished += s.connectedAt && s.state === 'done' ? 1 : 0;
      }
    return p;
  }

  stats() {
    const live = [...this.sessions.values()].filter((s) => this.isLive(s));
    const issued = live.filter((s) => s.state === 'issued');
    const sessions = Object.fromEntries(['issued', 'called', 'connected', 'wrap_up']
      .map((state) => [state, live.filter((s) => s.state === state).length]));
    return {
      exit: 0, cause: 'the hour',
      answer: {
        at: stamp(this.now), sessions, overdue: this.overdue().length,
        codes: { live: issued.filter((s) => s.codeExpiresAt > this.now).length, wrong: this.wrongOnes() },
        alarms: { forged: 0, twin_code: 0 }, hour: this.period(this.now - 3600000), day: this.period(this.now - DAY),
      },
    };
  }
}
