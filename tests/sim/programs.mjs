// The programs, as those who use them do: one process for a request, and for the telephone
// two hosts, each with an idb-serve that is kept, killed and started again. And the store, as
// its owner reads it.

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { promisify } from 'node:util';

const AT_ONCE = 6;
const HOSTS = 2;
const DOORS = ['verify', 'transfer', 'end'];
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

export class Programs {
  constructor({ build, dir, clock }) {
    this.build = build;
    this.dir = dir;
    this.url = JSON.parse(fs.readFileSync(process.env.IDB_CONFIG)).store.url;
    this.env = {
      PATH: process.env.PATH, IDB_CONFIG: process.env.IDB_CONFIG,
      CLOCK_FILE: `${dir}/clock`, LD_PRELOAD: clock,
    };
    this.hand = fs.openSync(this.env.CLOCK_FILE, 'w');
    this.running = 0;
    this.line = [];
    this.count = {}; // how often each was asked
    this.hosts = Array.from({ length: HOSTS }, (_, n) => new Host(this, n));
    this.turn = 0;
  }

  setClock(ms) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    fs.writeSync(this.hand, bytes, 0, 8, 0);
  }

  // ---- one process ----

  async run(name, request, { args = [], env = {} } = {}) {
    while (this.running >= AT_ONCE) await new Promise((done) => { this.line.push(done); });
    this.running++;
    this.count[name] = (this.count[name] ?? 0) + 1;
    try {
      return await this.process(name, request, args, env);
    } finally {
      this.running--;
      this.line.shift()?.();
    }
  }

  process(name, request, args, env) {
    return new Promise((done, failed) => {
      const child = spawn(`${this.build}/${name}`, args, { env: { ...this.env, ...env } });
      const said = { out: '', err: '' };
      child.stdout.on('data', (bytes) => { said.out += bytes; });
      child.stderr.on('data', (bytes) => { said.err += bytes; });
      child.on('error', failed);
      child.stdin.on('error', () => {});
      child.on('close', (exit, signal) => {
        try {
          done({ exit: exit ?? signal, answer: JSON.parse(said.out || 'null'), complaint: said.err });
        } catch {
          failed(new Error(`${name}: not JSON: ${said.out}`));
        }
      });
      child.stdin.end(request ? `${JSON.stringify(request)}\n` : '');
    });
  }

  // ---- the telephone's ----

  async start() { for (const host of this.hosts) await host.start(); }

  async stop(signal) { for (const host of this.hosts) await host.kill(signal); }

  nextHost() { return this.hosts[this.turn++ % HOSTS]; }

  // ---- the store ----

  // By $RESTART, which stops the server as a crash would, and starts it.
  async restartStore() {
    await promisify(execFile)(process.env.RESTART);
    return { exit: 0, answer: { state: 'restarted' }, complaint: '' };
  }

  // Rows as objects.
  async sql(text) {
    const sqlite = this.url.startsWith('sqlite:');
    const [program, args] = sqlite
      ? ['sqlite3', ['-json', '-cmd', '.timeout 5000', this.url.slice('sqlite:'.length), text]]
      : ['psql', ['-XAtq', '-d', this.url, '-c', 'SET search_path = idb',
        '-c', `SELECT COALESCE(json_agg(t), '[]') FROM (${text}) t`]];
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 30 });
    return JSON.parse(stdout || '[]');
  }
}

// One host of the telephone's: a socket for each of what its idb-serve does.
class Host {
  constructor(programs, n) {
    Object.assign(this, { programs, n, dir: programs.dir });
    this.idle = Object.fromEntries(DOORS.map((door) => [door, []]));
  }

  path(door) { return `${this.dir}/${door}-${this.n}`; }

  async start() {
    const { env, build } = this.programs;
    const handed = Object.keys(env).flatMap((name) => ['-E', name]);
    const sockets = DOORS.flatMap((door) => ['-l', this.path(door)]);
    const log = fs.openSync(`${this.path('serve')}.log`, 'a');
    for (const door of DOORS) fs.rmSync(this.path(door), { force: true });
    this.child = spawn('systemd-socket-activate',
      [...sockets, `--fdname=${DOORS.join(':')}`, ...handed, `${build}/idb-serve`, '--connections=64'],
      { env, stdio: ['ignore', log, log] });
    this.ended = new Promise((done) => { this.child.on('exit', done); });
    fs.closeSync(log);
  }

  async kill(signal = 'SIGKILL') {
    this.child?.kill(signal);
    await this.ended;
  }

  // One that answers; whoever starts idb-serve anew may take a while.
  async connect(door) {
    for (let tries = 0; tries < 500; tries++) {
      const connection = await new Promise((done) => {
        const socket = net.connect(this.path(door), () => done(new Connection(socket)));
        socket.on('error', () => done(null));
      });
      if (connection) return connection;
      await pause(20);
    }
    throw new Error(`nobody answers at ${this.path(door)}`);
  }

  // The answer, and how often it was asked for in vain before: then nobody knows whether
  // that was done.
  async ask(door, request) {
    const { count } = this.programs;
    count[`idb-serve ${door}`] = (count[`idb-serve ${door}`] ?? 0) + 1;
    for (let vain = 0; ; vain++) {
      const idle = this.idle[door].filter((connection) => !connection.closed);
      const connection = idle.pop() ?? await this.connect(door);
      this.idle[door] = idle;
      const answer = await connection.ask(request);
      if (answer !== null) {
        this.idle[door].push(connection);
        return { answer: JSON.parse(answer), vain };
      }
    }
  }
}

// Lines there and back.
class Connection {
  constructor(socket) {
    this.socket = socket;
    this.rest = '';
    socket.removeAllListeners('error').on('error', () => {}).on('close', () => {
      this.closed = true;
      this.done?.(null);
    }).on('data', (bytes) => {
      this.rest += bytes;
      const end = this.rest.indexOf('\n');
      if (end === -1) return;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + 1);
      this.done(line);
    });
  }

  ask(request) {
    return new Promise((done) => {
      this.done = done;
      this.socket.write(`${JSON.stringify(request)}\n`);
    });
  }
}
