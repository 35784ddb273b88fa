// Simulated time, and chance from a seed.
//
// The clock stands still while anybody does anything, and then goes on to the next thing
// that anybody waits for: what happens in one second happens at once, and the programs see
// just the millisecond that the model sees.

export class Time {
  // show(ms) tells the programs.
  constructor(now, show) {
    this.show = show;
    this.waiting = []; // a heap, by when and then by who came first
    this.count = 0;
    this.busy = 0;
    this.move(now);
  }

  move(now) {
    this.now = now;
    this.show(now);
  }

  // Begins something of its own.
  start(life) {
    this.busy++;
    life().then(() => this.rest(), (error) => this.fail(error));
  }

  // Until wake(value) is called, which says whether it was the first to do so, or ms have
  // passed: undefined.
  waiter(ms = Infinity) {
    const w = {};
    w.promise = new Promise((done) => {
      w.wake = (value) => {
        if (w.awake) return false;
        w.awake = true;
        this.busy++;
        done(value);
        return true;
      };
    });
    if (ms !== Infinity) this.push({ at: this.now + ms, number: this.count++, wake: () => w.wake() });
    this.rest();
    return w;
  }

  sleep(seconds) { return this.waiter(Math.max(0, Math.round(seconds)) * 1000).promise; }

  rest() {
    this.busy--;
    if (this.busy === 0) this.quiet?.();
  }

  fail(error) {
    this.error ??= error;
    this.quiet?.();
  }

  // Until nobody waits for anything any more.
  async run() {
    while (!this.error) {
      if (this.busy > 0) await new Promise((done) => { this.quiet = done; });
      this.quiet = undefined;
      if (this.busy > 0) continue;
      if (this.error || this.waiting.length === 0) break;
      const { at } = this.waiting[0];
      if (at > this.now) this.move(at);
      while (this.waiting.length > 0 && this.waiting[0].at <= at) this.pop().wake();
    }
    if (this.error) throw this.error;
  }

  before(a, b) {
    const [x, y] = [this.waiting[a], this.waiting[b]];
    return x.at < y.at || (x.at === y.at && x.number < y.number);
  }

  swap(a, b) { [this.waiting[a], this.waiting[b]] = [this.waiting[b], this.waiting[a]]; }

  push(event) {
    let i = this.waiting.push(event) - 1;
    for (let up = (i - 1) >> 1; i > 0 && this.before(i, up); up = (i - 1) >> 1) {
      this.swap(i, up);
      i = up;
    }
  }

  pop() {
    const first = this.waiting[0];
    const last = this.waiting.pop();
    if (this.waiting.length > 0) this.waiting[0] = last;
    for (let i = 0, least = 0; ; i = least) {
      for (const down of [2 * i + 1, 2 * i + 2])
        if (down < this.waiting.length && this.before(down, least)) least = down;
      if (least === i) return first;
      this.swap(i, least);
    }
  }
}

// Chance of its own for each who needs it, so that none depends on who was first.
export class Chance {
  constructor(...seed) {
    this.state = 2166136261;
    for (const c of seed.join('/')) this.state = Math.imul(this.state ^ c.charCodeAt(0), 16777619);
  }

  // At least 0 and less than 1 (mulberry32).
  unit() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  is(share) { return this.unit() < share; }

  between(least, most) { return least + Math.floor(this.unit() * (most - least + 1)); }

  about(mean) { return Math.ceil(-mean * Math.log(1 - this.unit())); }

  pick(list) { return list[this.between(0, list.length - 1)]; }

  // One of the names of an object of weights.
  weighed(weights) {
    let left = this.unit() * Object.values(weights).reduce((a, b) => a + b);
    return Object.keys(weights).find((name) => { left -= weights[name]; return left < 0; })
      ?? Object.keys(weights)[0];
  }
}
