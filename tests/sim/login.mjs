// A login provider in which everybody logs in at once, and a browser on its way through it
// to the offer that the resident may agree to.

import { generateKeyPairSync, sign } from 'node:crypto';
import http from 'node:http';

const LEVEL = 'medium';
const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// A Cookie header after the answer's Set-Cookie.
export function jar(header, cookies) {
  const all = new Map((header ?? '').split('; ').filter(Boolean).map((cookie) => [cookie.split('=')[0], cookie]));
  for (const cookie of cookies) {
    const [pair, ...more] = cookie.split('; ');
    if (more.includes('Max-Age=0')) all.delete(pair.split('=')[0]);
    else all.set(pair.split('=')[0], pair);
  }
  return [...all.values()].join('; ');
}

export class Provider {
  // method: its own in the configuration.
  constructor(method, time) {
    this.method = method;
    this.time = time;
    this.granted = new Map(); // by code
    this.key = generateKeyPairSync('rsa', { modulusLength: 2048 });
  }

  listen() {
    this.server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (bytes) => { body += bytes; }).on('end', () => {
        response.setHeader('Content-Type', 'application/json');
        response.setHeader('Connection', 'close');
        response.end(JSON.stringify(this.answer(request.url, body)));
      });
    });
    return new Promise((done) => { this.server.listen(new URL(this.method.issuer).port, '127.0.0.1', done); });
  }

  close() { this.server.close(); }

  answer(path, body) {
    const { issuer } = this.method;
    switch (path) {
      case '/.well-known/openid-configuration':
        return {
          issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
        };
      case '/jwks': return { keys: [{ ...this.key.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] };
      case '/token': return this.tokens(new URLSearchParams(body).get('code'));
      default: return { error: 'invalid_request' };
    }
  }

  tokens(code) {
    const { me, nonce } = this.granted.get(code);
    const seconds = Math.floor(this.time.now / 1000);
    const claims = {
      iss: this.method.issuer, aud: this.method.client_id, sub: me.name, nonce, acr: LEVEL, name: me.name, bsn: me.bsn,
      iat: seconds, auth_time: seconds, exp: seconds + 300,
    };
    const input = `${b64({ alg: 'RS256', kid: 'one' })}.${b64(claims)}`;
    this.granted.delete(code);
    return {
      access_token: b64(`access ${code}`), token_type: 'Bearer', expires_in: 60,
      id_token: `${input}.${sign('sha256', input, this.key.privateKey).toString('base64url')}`,
    };
  }

  // Somebody logs in there: the query they come back with.
  authorize(me, location) {
    const query = new URL(location).searchParams;
    const code = `code-${this.granted.size}-${query.get('state').slice(0, 16)}`;
    this.granted.set(code, { me, nonce: query.get('nonce') });
    return new URLSearchParams({ code, state: query.get('state') }).toString();
  }
}

// { offer, cookies }: what the resident agrees to, and their browser then.
export async function logIn(programs, provider, me, purpose, cookies) {
  const asked = await programs.run('idb-oidc-start', { purpose, method: 'login', ...(cookies ? { cookies } : {}) });
  if (asked.exit !== 0) throw new Error(`idb-oidc-start: ${JSON.stringify(asked)}`);
  const there = jar(cookies, asked.answer.cookies);
  const query = provider.authorize(me, asked.answer.location);
  const back = await programs.run('idb-oidc-callback', { method: 'login', query, cookies: there });
  if (back.exit !== 0 || !JSON.stringify(back.answer.attributes).includes(me.name)) throw new Error(`idb-oidc-callback: ${JSON.stringify(back)}`);
  return { offer: back.answer.offer, cookies: jar(there, back.answer.cookies) };
}
