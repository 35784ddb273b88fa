// A login provider that misbehaves on demand. It listens on 127.0.0.1, and each case
// of cases.mjs is a provider of its own there, http://127.0.0.1:PORT/CASE:
//
//     node provider.mjs DIR GROUP
//
// Whether it misbehaves is asked anew at each request: not while DIR/CASE.honest is
// there. Then it is an ordinary provider, which also checks what those check: who the
// client is, the redirect URI, PKCE, that a code is used once.
//
// DIR/ready         its address, once it listens
// DIR/methods.json  for idb.json: a method for each case of GROUP
// DIR/keys          their secrets, for the web zone's key directory
// DIR/CASE.log      each request as a line of JSON: at, method, headers, body, assertion
// DIR/CASE.secrets  what it said or was told that nobody else may see, a line each
//
import { randomBytes, verify } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { groups } from './cases.mjs';
import { atHash, b64, jwe, keys, privateJwk, publicJwk, sha, signature } from './signing.mjs';

const [dir, group] = process.argv.slice(2);
const cases = groups[group];
const DISCOVERY = '.well-known/openid-configuration';
let home; // our address

// ---- one case ----

const write = (name, text) => fs.writeFileSync(`${dir}/${name}`, text, { mode: 0o600 });
const read = (request) => new Promise((done) => {
  let body = '';
  request.on('data', (bytes) => { body += bytes; }).on('end', () => done(body));
});
const json = (value, status = 200) => ({ status, type: 'application/json', body: JSON.stringify(value) });
const refusal = (error, status = 400) => json({ error, error_description: 'geheim-omschrijving' }, status);
const decoded = (text) => decodeURIComponent(text.replaceAll('+', ' '));

class Case {
  constructor(name) {
    this.name = name;
    this.issuer = `${home}/${name}`;
    this.lies = cases[name];
    this.now = () => Math.floor(Date.now() / 1000);
    this.codes = new Map();
    this.pushed = new Map();
    this.assertions = new Set();
    this.nonces = [];
    this.secret = this.lies.secret ?? randomBytes(24).toString('base64');
    this.method = {
      label: { nl: 'Inlog', en: 'Login' },
      issuer: this.issuer,
      client_id: `id-bellen:${name}`,
      client_auth: 'client_secret_basic',
      id_token_alg: 'RS256',
      claims: { bsn: 'bsn', name: 'name' },
      level: { claim: 'acr', values: { 'urn:rp:low': 'low', 'urn:rp:medium': 'substantial', 'urn:rp:high': 'high' } },
      ...this.lies.method,
    };
  }

  isHonest() { return fs.existsSync(`${dir}/${this.name}.honest`); }

  // What becomes of value at that step: the case changes it, or gives another.
  step(name, value) {
    const change = this.lies[name];
    return change && !this.isHonest() ? change(value, this) ?? value : value;
  }

  keep(...values) {
    const text = values.flat().filter((v) => v !== undefined && v !== null)
      .map((v) => (typeof v === 'string' ? v : JSON.stringify(v)).trim())
      .filter((v) => v.length > 5 && !/[\n\0]/.test(v));
    if (text.length) fs.appendFileSync(`${dir}/${this.name}.secrets`, `${text.join('\n')}\n`);
  }

  keepToken(token) { this.keep(token, token.split('.').filter((part) => part !== '')); }

  // ---- what it answers ----

  discovery() {
    return json(this.step('metadata', {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.method.id_token_alg],
      authorization_response_iss_parameter_supported: true,
      ...(this.lies.par ? { pushed_authorization_request_endpoint: `${this.issuer}/par` } : {}),
    }));
  }

  // Why an authentication request is refused; undefined when it is in order.
  wrongWith(query) {
    const wanted = {
      response_type: 'code', client_id: this.method.client_id, code_challenge_method: 'S256',
      redirect_uri: `https://www.example.org/callback/${this.name}`, prompt: 'login',
    };
    const differs = Object.keys(wanted).find((name) => query.get(name) !== wanted[name]);
    if (differs) return `${differs} is ${query.get(differs)}`;
    if (!query.get('scope')?.split(' ').includes('openid')) return 'scope lacks openid';
    return ['state', 'nonce', 'code_challenge'].find((name) => !query.get(name));
  }

  authorize(query) {
    const request = this.lies.par ? this.pushed.get(query.get('request_uri')) : query;
    const wrong = request ? this.wrongWith(request) : 'no such request_uri';
    if (wrong) return refusal(wrong);
    const code = b64(randomBytes(24));
    this.keep(code, request.get('state'), request.get('nonce'), request.get('code_challenge'), 'geheim-omschrijving');
    this.codes.set(code, request);
    this.nonces.push(request.get('nonce'));
    const back = new URLSearchParams({ code, state: request.get('state'), iss: this.issuer });
    const changed = this.step('callback', back);
    return { status: 302, location: `${request.get('redirect_uri')}?${changed}`, body: '' };
  }

  par(body) {
    const form = new URLSearchParams(body);
    const wrong = this.wrongWith(form);
    if (wrong) return refusal(wrong);
    const uri = `urn:ietf:params:oauth:request_uri:${b64(randomBytes(12))}`;
    this.pushed.set(uri, form);
    return this.step('pushed', json({ request_uri: uri, expires_in: 60 }, 201));
  }

  // The client says who it is in one way, the one it registered.
  isClient(request, form) {
    const [scheme, given] = (request.headers.authorization ?? ' ').split(' ');
    const ways = [scheme !== '', form.has('client_secret'), form.has('client_assertion')];
    if (ways.filter(Boolean).length !== 1) return false;
    switch (this.method.client_auth) {
      case 'client_secret_basic': {
        const [id, secret] = Buffer.from(given, 'base64').toString().split(':').map(decoded);
        return scheme === 'Basic' && id === this.method.client_id && secret === this.secret;
      }
      case 'client_secret_post':
        return form.get('client_id') === this.method.client_id && form.get('client_secret') === this.secret;
      default:
        return this.isAssertion(form.get('client_assertion') ?? '', form.get('client_assertion_type'));
    }
  }

  isAssertion(assertion, type) {
    const [header, payload, signed] = assertion.split('.');
    if (type !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' || !signed) return false;
    const claims = JSON.parse(Buffer.from(payload, 'base64url'));
    const audience = this.method.assertion_audience === 'issuer' ? this.issuer : `${this.issuer}/token`;
    const good = verify('sha256', `${header}.${payload}`,
      { key: keys.client.publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signed, 'base64url'))
      && claims.iss === this.method.client_id && claims.sub === claims.iss && claims.aud === audience
      && claims.exp > this.now() && claims.exp <= this.now() + 61 && !this.assertions.has(claims.jti);
    this.assertions.add(claims.jti);
    return good;
  }

  token(request, body) {
    const form = new URLSearchParams(body);
    const granted = this.codes.get(form.get('code'));
    this.keep(form.get('code_verifier'), form.get('client_assertion'), this.secret);
    this.codes.delete(form.get('code'));
    if (request.method !== 'POST' || !this.isClient(request, form)) return refusal('invalid_client', 401);
    if (!granted || form.get('grant_type') !== 'authorization_code'
      || form.get('redirect_uri') !== granted.get('redirect_uri')
      || !/^[A-Za-z0-9._~-]{43,128}$/.test(form.get('code_verifier') ?? '')
      || b64(sha(256, form.get('code_verifier'))) !== granted.get('code_challenge')) return refusal('invalid_grant');
    const access = b64(randomBytes(24));
    this.access = access;
    const tokens = { access_token: access, token_type: 'Bearer', expires_in: 60, id_token: this.idToken(granted, access) };
    this.keep(access);
    this.keepToken(tokens.id_token);
    return this.step('answer', json(this.step('tokens', tokens)));
  }

  idToken(granted, access) {
    const claims = {
      iss: this.issuer, sub: 'onderwerp-4711', aud: this.method.client_id, exp: this.now() + 300, iat: this.now(),
      auth_time: this.now(), nonce: granted.get('nonce'), acr: 'urn:rp:medium', at_hash: atHash(256, access),
    };
    const token = this.signed(this.step('claims', claims), this.method.id_token_alg, '');
    return this.sealed(token, this.method.id_token_encryption, 'encrypt');
  }

  // The steps of signing: key, header, headerText, payload, input, signature; those of
  // userinfo have its name before theirs.
  signed(claims, alg, prefix) {
    this.keep(Object.values(claims).filter((value) => ![this.issuer, this.method.client_id].includes(value)));
    const how = this.step(`${prefix}key`, { alg, key: alg.startsWith('ES') ? keys.e1 : keys.r1 });
    const header = this.step(`${prefix}header`, { alg: how.alg, typ: 'JWT', kid: how.kid ?? how.key.kid });
    const text = this.step('headerText', JSON.stringify(header));
    const payload = this.step('payload', JSON.stringify(claims));
    const input = this.step('input', `${b64(text)}.${b64(payload)}`);
    return `${input}.${this.step('signature', b64(signature(how.alg, how.key, input)))}`;
  }

  sealed(token, rule, step) {
    const how = this.step(step, rule && { ...rule, key: keys.enc, cek: sha(256, this.secret) });
    return how?.alg ? jwe(token, how) : token;
  }

  jwks() {
    return this.step('jwksAnswer', json({ keys: this.step('jwks', [publicJwk(keys.r1), publicJwk(keys.e1)]) }));
  }

  userinfo(request) {
    if (request.headers.authorization !== `Bearer ${this.access}`) return refusal('invalid_token', 401);
    const claims = this.step('userinfo', { sub: 'onderwerp-4711', bsn: '999990019', name: 'T. Estpersoon' });
    const alg = this.step('userinfoAlg', this.method.userinfo_alg);
    this.keep(Object.values(claims));
    if (!alg || alg === 'plain') return this.step('userinfoAnswer', json(claims));
    const all = this.step('userinfoClaims', { iss: this.issuer, aud: this.method.client_id, ...claims });
    const token = this.sealed(this.signed(all, alg, 'userinfo-'), this.method.userinfo_encryption, 'userinfoEncrypt');
    return this.step('userinfoAnswer', { status: 200, type: 'application/jwt', body: token });
  }

  async answer(at, request, query) {
    const body = await read(request);
    const assertion = new URLSearchParams(body).get('client_assertion');
    fs.appendFileSync(`${dir}/${this.name}.log`, `${JSON.stringify({
      at, method: request.method, headers: request.headers, body,
      ...(assertion ? { assertion: JSON.parse(Buffer.from(assertion.split('.')[1], 'base64url')) } : {}),
    })}\n`);
    const instead = this.isHonest() ? undefined : this.lies.instead?.[at];
    if (instead) return instead(this);
    switch (at) {
      case DISCOVERY: return this.step('discovery', this.discovery());
      case 'authorize': return this.authorize(query);
      case 'par': return this.isClient(request, new URLSearchParams(body)) ? this.par(body) : refusal('invalid_client', 401);
      case 'token': case 'elsewhere/token': return this.token(request, body);
      case 'jwks': return this.jwks();
      case 'elsewhere/jwks': return json({ keys: [publicJwk(keys.r1), publicJwk(keys.r2)] });
      case 'userinfo': case 'elsewhere/userinfo': return this.userinfo(request);
      case 'elsewhere/discovery': return this.discovery();
      default: return { status: 404, body: '' };
    }
  }
}

// ---- HTTP ----

// An answer: status, type, location, headers, body; or drip: so many bytes, each
// half a second after the one before.
async function send(response, { status, type, location, headers, body, drip, chunked }) {
  response.writeHead(status, {
    'Cache-Control': 'no-store', ...(type && { 'Content-Type': type }), ...(location && { Location: location }),
    ...(chunked || drip ? {} : { 'Content-Length': Buffer.byteLength(body) }), ...headers,
  });
  if (drip) {
    response.write('{');
    const timer = setInterval(() => response.write(' '), 500);
    response.on('close', () => clearInterval(timer));
    setTimeout(() => response.end(body.slice(1)), drip);
  } else response.end(body);
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, home);
  const [, name, ...rest] = url.pathname.split('/');
  const found = all[name];
  try {
    await send(response, found ? await found.answer(rest.join('/'), request, url.searchParams) : { status: 404, body: '' });
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});

let all = {};
server.listen(0, '127.0.0.1', () => {
  home = `http://127.0.0.1:${server.address().port}`;
  all = Object.fromEntries(Object.keys(cases).map((name) => [name, new Case(name)]));
  fs.mkdirSync(`${dir}/keys`, { recursive: true });
  for (const [name, { method, secret }] of Object.entries(all)) {
    if (method.client_auth.startsWith('client_secret')) write(`keys/${name}.secret`, `${secret}\n`);
    else write(`keys/${name}.jwk`, JSON.stringify(privateJwk(keys.client, { alg: 'ES256' })));
    if (method.id_token_encryption || method.userinfo_encryption) {
      write(`keys/${name}.enc.jwk`, JSON.stringify(privateJwk(keys.enc, { use: 'enc' })));
    }
  }
  write('methods.json', JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, c]) => [name, c.method]))));
  write('ready.new', `${home}\n`);
  fs.renameSync(`${dir}/ready.new`, `${dir}/ready`);
});
