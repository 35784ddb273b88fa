// Who calls, who answers, and who means no good: each a life of its own in simulated time,
// with chance of its own.

import { checkDigit } from './model.mjs';
import { Chance } from './time.mjs';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const PATIENCE = 4 * MINUTE; // that a caller waits for an agent
const AGENTS = ['alice', 'bob', 'carol', 'dave'];

// Of a hundred who begin on a working day, at what hour.
export const DAY_CURVE = [0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1, 3, 9, 13, 14, 11, 7, 9, 9, 7, 5, 3, 2.5, 1.8, 1.3, 0.8, 0.3, 0.1];

// What residents do, and how many of them.
const WAYS = {
  plain: 36, slips: 6, mistakes: 5, guesses: 2, late: 5, tooLate: 2, renews: 3, spends: 2, hangsUpFirst: 2,
  callsAgain: 4, twoTelephones: 4, twice: 4, another: 2, cancels: 3, never: 5, replaces: 3, forgotten: 1,
  endsOnPage: 3, asksSupport: 2, relayed: 5, coached: 1, deniesWhileOpened: 2, hangsUpWhileOpened: 3, noCode: 2,
  lastMoment: 4, lastWord: 4,
};

// Callers who wait, first come, first served, and agents who wait for them.
class Queue {
  constructor(world) {
    this.world = world;
    this.callers = [];
    this.agents = [];
  }

  // True once an agent takes it, false when the caller has had enough.
  async wait(item, patience) {
    const { time } = this.world;
    const since = time.now;
    if (this.offer(item)) return true;
    const w = time.waiter(patience * 1000);
    this.callers.push({ item, wake: w.wake });
    const taken = await w.promise ?? false;
    this.callers = this.callers.filter((caller) => caller.item !== item);
    this.world.waited(taken ? 'for an agent' : 'for an agent, in vain', (time.now - since) / 1000);
    return taken;
  }

  // To the agent who is free longest, if there is one.
  offer(item) {
    const agent = this.agents.shift();
    return agent ? agent.wake(item) : false;
  }

  // Handed on by an agent.
  put(item) {
    if (!this.offer(item)) this.callers.unshift({ item, wake: () => true });
  }

  // The next caller; null when nobody will come any more.
  async next() {
    for (let first = this.callers.shift(); first; first = this.callers.shift()) if (first.wake(true)) return first.item;
    if (this.closed) return null;
    const w = this.world.time.waiter();
    this.agents.push(w);
    return w.promise;
  }

  close() {
    this.closed = true;
    for (const agent of this.agents.splice(0)) agent.wake(null);
  }
}

export class People {
  constructor(world, seed) {
    Object.assign(this, { world, seed, time: world.time, model: world.model });
    this.queue = new Queue(world);
    this.living = 0;
  }

  // Somebody who begins then.
  begin(at, life) {
    this.living++;
    this.time.start(async () => {
      await this.time.sleep(at);
      await life();
      this.living--;
      if (this.living === 0) this.queue.close();
    });
  }

  // ---- a resident ----

  person(n) {
    const r = new Chance(this.seed, 'resident', n);
    const number = `+316${String(10000000 + n)}`;
    const me = { n, r, name: `Inwoner ${n}`, bsn: bsn(n), byLogin: r.is(0.25), caller: r.is(0.1) ? null : number };
    me.announced = r.is(0.3) ? number : null;
    if (r.is(0.05)) me.caller = `+3120${String(1000000 + n)}`;
    me.purpose = r.weighed({ status: 5, appointment: 3, change: 2 });
    return me;
  }

  resident(n, at) {
    const me = this.person(n);
    const { r } = me;
    const kind = r.weighed(WAYS);
    this.begin(at, async () => {
      await this.getCode(me);
      if (r.is(0.2)) await this.world.status(me.session);
      await this.time.sleep(r.between(20, 240));
      await this[kind](me, r);
    });
  }

  async getCode(me) {
    if (me.byLogin) await this.world.login(me, me.purpose, me.r.between(5, 60));
    else await this.world.issue(me, me.purpose);
  }

  // Calls, keys these codes in one after the other until one is accepted, and talks.
  async call(me, codes, caller = me.caller) {
    const call = this.world.newCall(caller);
    await this.time.sleep(me.r.between(5, 20));
    for (const code of codes) {
      const { result } = await this.world.verify(call, typeof code === 'function' ? await code(call) : code);
      if (result === 'accepted') return this.talk(me, call);
      if (['throttled', 'call_ended', 'call_bound'].includes(result)) break;
      await this.time.sleep(me.r.between(6, 20));
    }
    await this.world.hangUp(call);
    return 'not accepted';
  }

  // Waits for an agent; what happens while they talk is whim().
  async talk(me, call, { whim, confirms = true, patience = PATIENCE } = {}) {
    const item = { me, call, r: me.r, confirms: confirms ? () => this.says(me, call, true, 'the resident said yes') : null };
    if (!await this.queue.wait(item, me.r.is(0.06) ? me.r.between(5, 40) : patience + me.r.between(0, 200))) {
      await this.world.hangUp(call);
      return 'not answered';
    }
    item.over ??= this.time.waiter();
    item.whim = whim;
    await item.over.promise;
    return 'done';
  }

  says(me, call, yes, why) { return this.world.confirm(me.session, yes, why); }

  plain(me) { return this.call(me, [me.session.code]); }

  slips(me) {
    const { code } = me.session;
    return this.call(me, [slip(code), code.slice(0, -1), code]);
  }

  mistakes(me, r) { return this.call(me, [...Array(r.between(1, 2))].map(() => guess(r, me.session.code)).concat(me.session.code)); }

  // Reads badly: four times wrong, and once more.
  async guesses(me, r) {
    await this.call(me, [...Array(3)].map(() => guess(r, me.session.code)).concat(me.session.code));
    await this.time.sleep(30);
    return this.call(me, [me.session.code]);
  }

  // After ten minutes: a new code while on the telephone.
  async late(me, r) {
    await this.time.sleep(10 * MINUTE + r.between(0, 5 * MINUTE));
    const { code } = me.session;
    return this.call(me, [code, async () => (await this.world.renew(me.session)).code ?? code]);
  }

  async tooLate(me, r) {
    await this.time.sleep(31 * MINUTE + r.between(0, 60));
    await this.world.renew(me.session);
    await this.call(me, [me.session.code ?? me.session.wasCode]);
  }

  async renews(me, r) {
    const old = me.session.code;
    await this.world.renew(me.session);
    await this.time.sleep(r.between(0, 300));
    return this.call(me, r.is(0.5) ? [old, me.session.code] : [me.session.code]);
  }

  async spends(me, r) {
    for (let i = 0; i < 4; i++) {
      await this.world.renew(me.session);
      await this.time.sleep(r.between(5, 60));
    }
    await this.world.status(me.session);
    return this.call(me, [me.session.code]);
  }

  // Of two calls the first is hung up before a code.
  async hangsUpFirst(me) {
    await this.world.hangUp(this.world.newCall(me.caller));
    await this.time.sleep(20);
    return this.call(me, [me.session.code]);
  }

  // Loses the line after the code, so that all is erased, and calls again: with the same
  // code, in vain, and with a new one.
  async callsAgain(me) {
    const { code } = me.session;
    const first = this.world.newCall(me.caller);
    await this.world.verify(first, code);
    await this.time.sleep(5);
    await this.world.hangUp(first);
    await this.time.sleep(30);
    await this.call(me, [code]);
    await this.world.renew(me.session);
    await this.getCode(me);
    await this.time.sleep(10);
    return this.call(me, [me.session.code]);
  }

  // Keys the code in on two telephones in the same moment.
  async twoTelephones(me) {
    const calls = [this.world.newCall(me.caller), this.world.newCall(`+3170${1000000 + me.n}`)];
    const answers = await this.world.together(calls.map((call) => this.world.verifying(call, me.session.code)),
      (a) => (a[1].result === 'accepted' ? [1, 0] : [0, 1]));
    const won = answers.findIndex(({ result }) => result === 'accepted');
    await this.world.hangUp(calls[won === 0 ? 1 : 0]);
    return won === -1 ? this.world.hangUp(calls[1]) : this.talk(me, calls[won]);
  }

  // The telephone system asks twice, in the same moment or later.
  async twice(me, r) {
    const call = this.world.newCall(me.caller);
    const { code } = me.session;
    await this.world.together([1, 2].map(() => this.world.verifying(call, code)), () => [0, 1]);
    await this.time.sleep(r.between(1, 5));
    const { result } = await this.world.verify(call, code);
    return result === 'accepted' ? this.talk(me, call) : this.world.hangUp(call);
  }

  // Keys another good code in on a call that has its session.
  async another(me) {
    const call = this.world.newCall(me.caller);
    const first = me.session;
    await this.world.verify(call, first.code);
    me.byLogin = false;
    await this.getCode(me);
    await this.world.verify(call, me.session.code);
    const second = me.session;
    me.session = first;
    await this.world.endByResident(second);
    return this.talk(me, call);
  }

  async cancels(me, r) {
    const { code } = me.session;
    await this.world.endByResident(me.session);
    if (r.is(0.5)) await this.call(me, [code]);
    await this.world.status(me.session);
    if (r.is(0.5)) await this.world.confirm(me.session, false, 'there was no call');
  }

  async never(me, r) {
    await this.time.sleep(r.between(0, 40 * MINUTE));
    await this.world.status(me.session);
  }

  // Begins again in the same browser, before or after the call.
  async replaces(me, r) {
    me.byLogin = true;
    await this.getCode(me);
    const { code } = me.session;
    await this.getCode(me);
    await this.call(me, [code, me.session.code]);
    if (r.is(0.3)) await this.getCode(me);
  }

  // Nobody hangs up and nobody closes it, until its time is over.
  async forgotten(me) {
    const call = this.world.newCall(me.caller);
    const { result } = await this.world.verify(call, me.session.code);
    await this.time.sleep(60);
    if (result === 'accepted' && me.r.is(0.5)) await this.world.lookup(call, 'alice');
    await this.time.sleep(4 * HOUR);
    await this.world.status(me.session);
    await this.world.lookup(call, 'alice');
    await this.world.hangUp(call);
  }

  endsOnPage(me, r) {
    return this.accepted(me, (call) => this.talk(me, call, {
      whim: async () => {
        await this.time.sleep(r.between(5, 90));
        await this.world.endByResident(me.session);
      },
    }));
  }

  async asksSupport(me, r) {
    await this.world.support(me.session, 'sam');
    await this.time.sleep(r.between(60, 900));
    await this.call(me, [slip(me.session.code), me.session.code]);
    return this.world.support(me.session, 'sam');
  }

  // Keys the code in on a call; then goes on, or hangs up.
  async accepted(me, then, caller = me.caller) {
    const call = this.world.newCall(caller);
    const { result } = await this.world.verify(call, me.session.code);
    return result === 'accepted' ? then(call) : this.world.hangUp(call);
  }

  // Somebody else has the code from them and calls. They see it on their page, mostly.
  relayed(me, r) {
    return this.accepted(me, (call) => this.talk(me, call, {
      confirms: false,
      whim: () => {},
      patience: PATIENCE,
      ...this.noticed(me, r),
    }), relayNumber(me.n));
  }

  noticed(me, r) {
    if (r.is(0.2)) return {};
    const looks = r.between(5, 120);
    this.living++;
    this.time.start(async () => {
      await this.time.sleep(looks);
      await this.world.status(me.session);
      await this.time.sleep(r.between(2, 20));
      await this.world.confirm(me.session, false, 'somebody else had called with their code');
      this.living--;
    });
    return {};
  }

  // Talked into saying yes as well: what nobody can see from outside.
  coached(me) { return this.accepted(me, (call) => this.talk(me, call), relayNumber(me.n)); }

  // Says no just when an agent opens it.
  deniesWhileOpened(me) {
    return this.accepted(me, async (call) => {
      await this.time.sleep(15);
      const { world } = this;
      await world.together([world.looking(call, 'alice'), world.saying(me.session, false, 'somebody else had called with their code')],
        ([looked]) => (isOver(looked) ? [1, 0] : [0, 1]));
      await world.lookup(call, 'alice');
      await world.hangUp(call);
    }, relayNumber(me.n));
  }

  // Has enough just when an agent opens it.
  hangsUpWhileOpened(me) {
    return this.accepted(me, async (call) => {
      await this.time.sleep(15);
      const { world } = this;
      await world.together([world.looking(call, 'bob'), world.ending(call)],
        ([looked]) => (isOver(looked) ? [1, 0] : [0, 1]));
      await this.time.sleep(20);
      await world.lookup(call, 'bob');
      await world.close(call, 'bob');
    });
  }

  until(ms) { return this.time.sleep((ms - this.time.now) / 1000); }

  // Keys the code in in its last second, or in the next; and tries whatever there is in the
  // moment in which the session's time is over, whether idb-purge was there or not.
  async lastMoment(me, r) {
    const { world } = this;
    const s = me.session;
    const { code } = s;
    await this.until(s.codeExpiresAt - r.pick([0, 1000]));
    const call = world.newCall(me.caller);
    const { result } = await world.verify(call, code);
    if (result === 'accepted') return this.talk(me, call);
    await this.until(s.dueAt);
    await world.status(s);
    await world.renew(s);
    await world.verify(call, code);
    await world.support(s, 'sam');
    if (r.is(0.5)) await world.endByResident(s);
    return world.hangUp(call);
  }

  // The agent looks again in the last second of the time to finish, and in the next.
  lastWord(me, r) {
    return this.accepted(me, async (call) => {
      const { world } = this;
      await world.lookup(call, 'dave');
      await this.time.sleep(r.between(10, 70));
      await world.hangUp(call);
      if (me.session.state === 'wrap_up') await this.until(me.session.dueAt - 1000);
      await world.lookup(call, 'dave');
      await this.time.sleep(1);
      await world.lookup(call, 'dave');
      await world.verify(call, me.session.code ?? me.session.wasCode);
      await world.transfer(call.id, world.newCall().id);
      await world.confirm(me.session, r.is(0.5), 'a word too late');
      await (r.is(0.5) ? world.close(call, 'dave') : world.hangUp(call));
      await world.status(me.session);
    });
  }

  // Calls without keying anything in, as everybody did before.
  async noCode(me) {
    const call = this.world.newCall(me.caller);
    await this.talk(me, call);
  }

  // ---- agents ----

  agent(n) {
    const name = AGENTS[n % AGENTS.length];
    this.time.start(async () => {
      for (let item = await this.queue.next(); item; item = await this.queue.next()) await this.serve(name, item);
    });
  }

  async serve(agent, item) {
    const { call, r } = item;
    const { world, time } = this;
    item.over ??= time.waiter();
    await time.sleep(r.between(1, 5));
    if (r.is(0.2)) await world.lookup(call, agent, { peek: true });
    if (item.me.purpose !== 'appointment' && r.is(0.05)) await world.lookup(call, agent, { reveal: ['bsn'] });
    const { result } = await this.open(agent, item);
    if (item.whim) this.aside(item);
    if (result === 'open' && item.me.purpose !== 'appointment' && r.is(0.4)) await world.lookup(call, agent, { reveal: ['bsn'] });
    await time.sleep(r.about(150));
    if (r.is(0.12) && await this.handOn(item)) return;
    await this.finish(agent, item);
  }

  // Opens the call; where a yes is asked for, the resident is told to say it.
  async open(agent, item) {
    const asked = this.time.now;
    let seen = await this.world.lookup(item.call, agent);
    for (let tries = 0; tries < 3 && seen.result === 'unconfirmed'; tries++) {
      await this.time.sleep(item.r.between(5, 25));
      if (item.confirms) await item.confirms();
      seen = await this.world.lookup(item.call, agent);
      if (seen.result === 'open') this.world.waited('for a yes on the page', (this.time.now - asked) / 1000);
    }
    return seen;
  }

  aside(item) {
    const { whim } = item;
    item.whim = null;
    this.living++;
    this.time.start(async () => {
      await whim();
      this.living--;
    });
  }

  // To another agent, on a call of another id; sometimes told twice, sometimes wrongly.
  async handOn(item) {
    const { call, r } = item;
    const from = call.id;
    if (r.is(0.1)) await this.world.transfer(from, this.world.lastEnded ?? from.replace('c-', 'x-'));
    const to = this.world.newCall().id;
    const { result } = await this.world.transfer(from, to);
    if (result !== 'transferred') return false;
    if (r.is(0.2)) await this.world.transfer(from, to);
    if (r.is(0.1)) await this.world.transfer(from, this.world.newCall().id);
    call.id = to;
    if (r.is(0.2)) await this.world.lookup({ id: from }, 'alice');
    this.queue.put(item);
    return true;
  }

  // The end: by the agent, by the caller, or by nobody but the clock.
  async finish(agent, item) {
    const { call, r } = item;
    const { world, time } = this;
    switch (r.weighed({ agent: 5, caller: 4, clock: 2, both: 1 })) {
      case 'agent':
        await world.close(call, agent);
        await time.sleep(r.between(1, 5));
        await world.hangUp(call);
        break;
      case 'caller':
        await world.hangUp(call);
        if (r.is(0.2)) await world.verify(call, item.me.session.code ?? item.me.session.wasCode);
        if (r.is(0.1)) await world.transfer(call.id, world.newCall().id);
        await time.sleep(r.between(10, 200));
        if (r.is(0.3)) await world.lookup(call, agent);
        await world.close(call, agent);
        if (r.is(0.2)) await world.close(call, agent);
        break;
      case 'clock':
        await world.hangUp(call);
        await world.hangUp(call);
        break;
      default:
        await world.together([world.ending(call), world.ending(call, agent)],
          ([phone, desk]) => (phone.session || !desk.session ? [0, 1] : [1, 0]), () => this.model.byCall(call.id));
    }
    world.lastEnded = call.id;
    item.over.wake();
  }

  // ---- fraudsters ----

  // Keys in whatever comes to mind, on so many calls: from one number, or another each time.
  guesser(n, at, { calls, pause, number }) {
    const r = new Chance(this.seed, 'guesser', n);
    this.begin(at, async () => {
      for (let i = 0; i < calls; i++) {
        const call = this.world.newCall(number ?? `+4930${1000000 + n * 1000 + i}`);
        if (r.is(0.3)) await this.guessAtOnce(call, r);
        else await this.guessInTurn(call, r);
        await this.world.hangUp(call);
        await this.time.sleep(r.about(pause));
      }
    });
  }

  async guessInTurn(call, r) {
    for (let tries = 0; tries < 4; tries++) {
      await this.world.verify(call, guess(r, '0000000000'));
      await this.time.sleep(r.between(1, 3));
    }
  }

  // Five in the same moment: the fourth and the fifth are not looked at.
  guessAtOnce(call, r) {
    const left = ({ result, attempts_left: n }) => (result === 'throttled' ? -1 : n);
    return this.world.together([1, 2, 3, 4, 5].map(() => this.world.verifying(call, guess(r, '0000000000'))),
      (answers) => answers.map((_, i) => i).sort((a, b) => left(answers[b]) - left(answers[a])));
  }

  // One wrong code on each of so many calls.
  misdials(n, at, number) {
    this.begin(at, async () => {
      for (let i = 0; i < n; i++) await this.world.verify(this.world.newCall(number), guess(new Chance(this.seed, number, at, i), '0000000000'));
    });
  }

  // As many wrong ones as a limit lets pass, and one more: who calls after the first is
  // asked for nothing, who calls after the second is asked for a yes. from(i) is the number
  // of the ith call, count() how many there are, of the limit.
  brink(n, at, from, count, limit) {
    const me = { ...this.person(n), byLogin: false, purpose: 'status', caller: from(0) };
    this.begin(at, async () => {
      let calls = 0;
      for (const most of [limit - 1, limit]) {
        while (count() < most) await this.world.verify(this.world.newCall(from(calls++)), guess(me.r, '0000000000'));
        await this.getCode(me);
        await this.accepted(me, async (call) => {
          await this.world.lookup(call, 'carol');
          await this.world.hangUp(call);
        });
      }
    });
  }
}

// The nth that passes the test of eleven, of those that are nobody's.
function bsn(n) {
  const digits = String(99000000 + (n % 999999));
  const sum = [...digits].reduce((s, d, i) => s + d * (9 - i), 0);
  return sum % 11 < 10 ? `${digits}${sum % 11}` : bsn(n + 500000);
}

function guess(r, other) {
  const body = [...Array(other.length - 1)].map(() => r.between(0, 9)).join('');
  return `${body}${checkDigit(body)}`;
}

const isOver = ({ result, error }) => result === 'ended' || error === 'call_ended';
const slip = (code) => `${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`;
const relayNumber = (n) => `+4420${1000000 + n}`;
