// What each provider of provider.mjs does wrong. A case is an object of steps; each
// gets what an honest provider would say and the provider (c), and changes it or
// gives another:
//
//     metadata discovery    the metadata; the whole HTTP answer, as of all below
//     callback              the parameters with which the browser goes back
//     pushed                the answer to a pushed request (with par: true)
//     tokens answer         the token endpoint's object; its HTTP answer
//     claims key header     of the ID token; key is { alg, key, kid }
//     headerText payload    the header's and the claims' JSON, before it is encoded
//     input signature       what is signed; its signature
//     encrypt               { alg, enc, key … } of the encryption; {} for none
//     jwks jwksAnswer       the list of keys; the HTTP answer
//     userinfo userinfoAlg userinfoClaims userinfoEncrypt userinfoAnswer
//     userinfo-key userinfo-header
//     instead               { endpoint: (c) => the HTTP answer }, without doing anything
//
// method holds what idb.json says of it beside the ordinary, secret another secret.
// A case without steps is honest at all times.

import { atHash, b64, keys, publicJwk, sha } from './signing.mjs';

const set = (more) => (value) => ({ ...value, ...more });
const without = (...names) => (value) => Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const using = (f) => (value, c) => ({ ...value, ...f(value, c) });
const giving = (value) => () => value;
const swapCase = (text) => text.replace(/[a-z]/gi, (x) => (x === x.toLowerCase() ? x.toUpperCase() : x.toLowerCase()));

// ---- what idb-oidc-start asks, and the metadata ----

const to = (c, path) => `${c.issuer}/elsewhere/${path}`;
const redirect = (status, path) => (c) => ({ status, location: to(c, path), body: '' });
const WELL_KNOWN = '.well-known/openid-configuration';

const request = {
  honest: {},
  second: {},
  pushed: { par: true },
  'pushed-ok': { par: true, pushed: set({ status: 200 }) },
  'pushed-refused': { par: true, pushed: giving({ status: 400, type: 'application/json', body: '{"error":"invalid_request"}' }) },
  'pushed-nothing': { par: true, pushed: set({ body: '{"expires_in":60}' }) },
  'pushed-elsewhere': { par: true, pushed: (v, c) => redirect(307, 'par')(c) },
  'discovery-issuer-mismatch': { metadata: using((m) => ({ issuer: m.issuer.replace('mismatch', 'another') })) },
  'issuer-slash': { metadata: using((m) => ({ issuer: `${m.issuer}/` })) },
  'issuer-case': { metadata: using((m) => ({ issuer: m.issuer.toUpperCase() })) },
  'issuer-absent': { metadata: without('issuer') },
  'endpoint-http-authorization': { metadata: set({ authorization_endpoint: 'http://login.example.org/authorize' }) },
  'endpoint-http-token': { metadata: set({ token_endpoint: 'http://login.example.org/token' }) },
  'endpoint-http-jwks': { metadata: set({ jwks_uri: 'http://login.example.org/jwks' }) },
  'endpoint-http-userinfo': { metadata: set({ userinfo_endpoint: 'http://login.example.org/userinfo' }) },
  'endpoint-absent-authorization': { metadata: without('authorization_endpoint') },
  'endpoint-absent-token': { metadata: without('token_endpoint') },
  'endpoint-absent-jwks': { metadata: without('jwks_uri') },
  'metadata-html': { discovery: set({ type: 'text/html', body: '<html>' }) },
  'metadata-not-json': { discovery: using((v) => ({ body: v.body.slice(0, -1) })) },
  'metadata-twice': { discovery: using((v) => ({ body: v.body.replace('{', '{"issuer":"https://login.example.org",') })) },
  'metadata-large': { metadata: set({ filler: 'x'.repeat(66000) }) },
  'metadata-elsewhere': { instead: { [WELL_KNOWN]: redirect(302, 'discovery') } },
};

// ---- the callback ----

const query = (change) => ({
  callback: (p, c) => {
    const changed = change(p, c);
    return typeof changed === 'string' ? changed : p;
  },
});
const error = (word, change = () => {}) => query((p, c) => {
  p.delete('code');
  p.set('error', word);
  p.set('error_description', 'geheim-omschrijving <script>');
  p.set('error_uri', 'https://geheim-omschrijving.example/');
  change(p, c);
});

const callback = {
  honest: {},
  'other-browser': {},
  'other-method': {},
  'two-methods': {},
  expired: {},
  'used-twice': {},
  glue: query((p, c) => p.set('iss', `${c.issuer}/`)),
  'state-missing': query((p) => p.delete('state')),
  'state-empty': query((p) => p.set('state', '')),
  'state-wrong': query((p) => p.set('state', b64(sha(256, 'another')))),
  'state-case': query((p) => p.set('state', swapCase(p.get('state')))),
  'state-twice': query((p) => p.append('state', p.get('state'))),
  'state-twice-last': query((p) => `state=geheim-omschrijving&${p}`),
  'code-twice': query((p) => p.append('code', 'geheim-omschrijving')),
  'code-twice-first': query((p) => `code=geheim-omschrijving&${p}`),
  'iss-twice': query((p) => p.append('iss', p.get('iss'))),
  'iss-twice-first': query((p) => `iss=https://login.example.org&${p}`),
  'iss-other': query((p) => p.set('iss', 'https://login.example.org')),
  'iss-slash': query((p, c) => p.set('iss', `${c.issuer}/`)),
  'iss-case': query((p, c) => p.set('iss', c.issuer.replace('http', 'HTTP'))),
  'iss-empty': query((p) => p.set('iss', '')),
  'iss-absent': query((p) => p.delete('iss')),
  'iss-not-announced': { ...query((p) => p.delete('iss')), metadata: without('authorization_response_iss_parameter_supported') },
  'error-iss-other': error('access_denied', (p) => p.set('iss', 'https://login.example.org')),
  'error-iss-absent': error('access_denied', (p) => p.delete('iss')),
  'access-denied': error('access_denied'),
  'server-error': error('server_error'),
  'code-and-error': query((p) => p.set('error', 'access_denied')),
  'code-and-empty-error': query((p) => p.set('error', '')),
  'code-empty': query((p) => p.set('code', '')),
  'code-absent': query((p) => p.delete('code')),
};

// ---- the token endpoint and the key set ----

const basicId = 'id bellen:+%é/1';
const long = (v) => v.body.replace('{', `{"filler":"${'x'.repeat(66000)}",`);

const token = {
  honest: {},
  'client-secret-basic': { method: { client_id: basicId }, secret: 'geheim:+% =&/\\"' },
  'client-secret-post': { method: { client_auth: 'client_secret_post', client_id: basicId }, secret: 'geheim:+% =&/\\"' },
  'assertion-token-endpoint': { method: { client_auth: 'private_key_jwt', assertion_audience: 'token_endpoint' } },
  'assertion-issuer': { method: { client_auth: 'private_key_jwt', assertion_audience: 'issuer' } },
  'redirect-302': { instead: { token: redirect(302, 'token') } },
  'redirect-307': { instead: { token: redirect(307, 'token') } },
  'redirect-308': { instead: { token: redirect(308, 'token') } },
  'status-201': { answer: set({ status: 201 }) },
  'status-206': { answer: set({ status: 206 }) },
  'status-400': { answer: set({ status: 400 }) },
  'status-401': { answer: set({ status: 401 }) },
  'status-500': { answer: set({ status: 500 }) },
  'not-json-type': { answer: set({ type: 'text/html' }) },
  'no-type': { answer: set({ type: undefined }) },
  'not-json': { answer: using((v) => ({ body: v.body.slice(0, -1) })) },
  'not-object': { answer: using((v) => ({ body: `[${v.body}]` })) },
  'not-utf8': { answer: using((v) => ({ body: Buffer.from(v.body.replace('{', '{"x":"\xe9",'), 'latin1') })) },
  'member-twice': { answer: using((v) => ({ body: v.body.replace('{', '{"id_token":"x.y.z",') })) },
  'over-64k': { answer: using((v) => ({ body: long(v) })) },
  'over-64k-chunked': { answer: using((v) => ({ body: long(v), chunked: true })) },
  'over-64k-headers': { answer: set({ headers: { 'X-Filler': 'x'.repeat(66000) } }) },
  slow: { answer: set({ drip: 20000 }) },
  'token-type-dpop': { tokens: set({ token_type: 'DPoP' }) },
  'token-type-mac': { tokens: set({ token_type: 'Bearer2' }) },
  'token-type-absent': { tokens: without('token_type') },
  'token-type-case': { tokens: set({ token_type: 'bEaReR' }) },
  'id-token-absent': { tokens: without('id_token') },
  'id-token-null': { tokens: set({ id_token: null }) },
  'access-token-absent': { tokens: without('access_token') },
  'access-token-line': { tokens: using((v) => ({ access_token: `${v.access_token}\r\nX-Y: z` })) },
  'jwks-redirect': { instead: { jwks: redirect(302, 'jwks') } },
  'jwks-status': { jwksAnswer: set({ status: 404 }) },
  'jwks-not-json': { jwksAnswer: using((v) => ({ body: v.body.slice(0, -1) })) },
  'jwks-type': { jwksAnswer: set({ type: 'text/html' }) },
  'jwks-object': { jwksAnswer: set({ body: '{"keys":{}}' }) },
  'jwks-over-64k': { jwksAnswer: using((v) => ({ body: long(v), chunked: true })) },
  'jwks-empty': { jwks: giving([]) },
};

// ---- the ID token: signature and header ----

const key = (alg, name, kid) => ({ key: (how, c) => ({ alg, key: typeof name === 'function' ? name(c) : keys[name], kid }) });
const pem = (k) => k.publicKey.export({ type: 'spki', format: 'pem' });
const pad = (text) => `${text}${'='.repeat(4 - (text.length % 4))}`;
const parts = (change) => (text) => change(...text.split('.'));
const doubled = (text, member) => text.replace('{', `{${member},`);
// The last character's unused bits, set.
const loose = (text) => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + letters[letters.indexOf(text.at(-1)) + 1];
};

const signature = {
  base: {},
  'idtoken-sig-rs256': {},
  'idtoken-sig-ps256': { method: { id_token_alg: 'PS256' } },
  'idtoken-sig-es256': { method: { id_token_alg: 'ES256' } },
  'invalid-sig-rs256': key('RS256', 'r2', 'r1'),
  'invalid-sig-es256': { method: { id_token_alg: 'ES256' }, ...key('ES256', 'e2', 'e1') },
  'invalid-sig-ps256': { method: { id_token_alg: 'PS256' }, ...key('PS256', 'r2', 'r1') },
  'invalid-sig-hs256-public-key': key('HS256', () => pem(keys.r1), 'r1'),
  'invalid-sig-hs256-secret': key('HS256', (c) => c.secret, 'r1'),
  'hs256-said-rs256': { ...key('HS256', () => pem(keys.r1), 'r1'), header: set({ alg: 'RS256' }) },
  'idtoken-sig-none': key('none', undefined, 'r1'),
  'none-in-capitals': { ...key('none', undefined, 'r1'), header: set({ alg: 'NONE' }) },
  'signature-empty': { signature: giving('') },
  'signature-cut': { signature: (s) => s.slice(0, -4) },
  'alg-rs384': key('RS384', 'r1'),
  'alg-rs512': key('RS512', 'r1'),
  'alg-ps256': key('PS256', 'r1'),
  'alg-es256': key('ES256', 'e1'),
  'alg-absent': { header: without('alg') },
  'alg-case': { header: set({ alg: 'rs256' }) },
  'kid-absent-single-jwks': { header: without('kid'), jwks: () => [publicJwk(keys.r1)] },
  'kid-absent-multiple-jwks': { header: without('kid'), jwks: () => [publicJwk(keys.r1), publicJwk(keys.r2)] },
  'kid-absent-one-fits': { header: without('kid'), jwks: () => [publicJwk(keys.r1), publicJwk(keys.e1)] },
  'kid-absent-one-for-encryption': { header: without('kid'), jwks: () => [publicJwk(keys.r1), publicJwk(keys.r2, { use: 'enc' })] },
  'kid-unknown': { header: set({ kid: 'unknown' }) },
  'kid-number': { header: set({ kid: 1 }) },
  'kid-case': { header: set({ kid: 'R1' }) },
  'kid-of-another-type': { header: set({ kid: 'e1' }) },
  'kid-twice': { jwks: () => [publicJwk(keys.r2, { kid: 'r1' }), publicJwk(keys.r1)] },
  'signing-key-rotation': { ...key('RS256', 'r2'), jwks: () => [publicJwk(keys.r2), publicJwk(keys.e2)] },
  'key-gone': { ...key('RS256', 'r1'), jwks: () => [publicJwk(keys.r2)] },
  'key-weak': { ...key('RS256', 'weak'), jwks: () => [publicJwk(keys.weak)] },
  'key-for-encryption': { jwks: () => [publicJwk(keys.r1, { use: 'enc' })] },
  'key-of-another-alg': { jwks: () => [publicJwk(keys.r1, { alg: 'PS256' })] },
  'key-ops-sign': { jwks: () => [publicJwk(keys.r1, { use: undefined, key_ops: ['sign'] })] },
  'typ-access-token': { header: set({ typ: 'at+jwt' }) },
  'typ-logout': { header: set({ typ: 'logout+jwt' }) },
  'typ-number': { header: set({ typ: 1 }) },
  'typ-absent': { header: without('typ') },
  'header-crit': { header: set({ crit: ['x'], x: 1 }) },
  'header-crit-empty': { header: set({ crit: [] }) },
  'header-b64': { header: set({ b64: false, crit: ['b64'] }) },
  'header-jwk': { header: () => ({ alg: 'RS256', kid: 'r1', jwk: publicJwk(keys.r1) }) },
  'header-jwk-other': { ...key('RS256', 'r2', 'r1'), header: set({ jwk: publicJwk({ ...keys.r2, kid: 'r1' }) }) },
  'header-jku': { header: using((h, c) => ({ jku: to(c, 'jwks') })) },
  'header-jku-other': { ...key('RS256', 'r2'), header: using((h, c) => ({ jku: to(c, 'jwks') })) },
  'header-x5u': { header: using((h, c) => ({ x5u: to(c, 'jwks') })) },
  'header-x5c': { header: set({ x5c: ['MIIB'] }) },
  'header-twice': { headerText: (text) => doubled(text, '"alg":"none"') },
  'header-twice-same': { headerText: (text) => doubled(text, '"kid":"r1"') },
  'header-array': { headerText: giving('["RS256"]') },
  'header-large': { header: set({ filler: 'x'.repeat(4000) }) },
  'payload-twice': { payload: (text) => doubled(text, '"sub":"iemand-anders"') },
  'payload-twice-same': { payload: (text) => doubled(text, '"sub":"onderwerp-4711"') },
  'payload-array': { payload: (text) => `[${text}]` },
  'payload-more': { payload: (text) => `${text}{}` },
  'padding-header': { input: parts((h, p) => `${pad(h)}.${p}`) },
  'padding-payload': { input: parts((h, p) => `${h}.${pad(p)}`) },
  'padding-signature': { signature: pad },
  'signature-loose-bits': { signature: loose },
  'segments-two': { input: parts((h) => h) },
  'segments-four': { signature: (s) => `${s}.${s}` },
};

// ---- the ID token: encryption ----

const sealed = { id_token_encryption: { alg: 'RSA-OAEP', enc: 'A256GCM' } };
const sealing = (steps) => ({ method: sealed, ...steps });

const encryption = {
  encrypted: sealing({}),
  'encrypted-oaep-256': { method: { id_token_encryption: { alg: 'RSA-OAEP-256', enc: 'A128CBC-HS256' } } },
  'jwe-plain': sealing({ encrypt: giving({}) }),
  'jwe-other-key': sealing({ encrypt: (how) => ({ ...how, key: keys.other }) }),
  'jwe-rsa1-5': sealing({ encrypt: set({ alg: 'RSA1_5' }) }),
  'jwe-rsa-oaep-256': sealing({ encrypt: set({ alg: 'RSA-OAEP-256' }) }),
  'jwe-dir': sealing({ encrypt: set({ alg: 'dir' }) }),
  'jwe-cbc': sealing({ encrypt: set({ enc: 'A128CBC-HS256' }) }),
  'jwe-zip': sealing({ encrypt: set({ zip: true, header: { zip: 'DEF' } }) }),
  'jwe-crit': sealing({ encrypt: set({ header: { crit: ['x'], x: 1 } }) }),
  'jwe-kid': sealing({ encrypt: set({ header: { kid: 'another' } }) }),
  'jwe-cty': sealing({ encrypt: set({ header: { cty: 'text/plain' } }) }),
  'jwe-tag': sealing({ encrypt: set({ tag: (tag) => { const t = Buffer.from(tag); t[15] ^= 1; return t; } }) }),
  'jwe-tag-short': sealing({ encrypt: set({ tag: (tag) => tag.subarray(0, 12) }) }),
  'jwe-tag-empty': sealing({ encrypt: set({ tag: () => Buffer.alloc(0) }) }),
  'jwe-unsigned': sealing(key('none', undefined, 'r1')),
  'jwe-wrongly-signed': sealing(key('RS256', 'r2', 'r1')),
  'jwe-unexpected': { encrypt: () => ({ alg: 'RSA-OAEP', enc: 'A256GCM', key: keys.enc }) },
};

// ---- the ID token: claims ----

const claim = (name, value) => ({ claims: set({ [name]: value }) });
const from = (name, f) => ({ claims: using((claims, c) => ({ [name]: f(c, claims[name]) })) });
const absent = (name) => ({ claims: without(name) });
const ahead = (name, seconds) => from(name, (c) => c.now() + seconds);

const claims = {
  'invalid-iss': claim('iss', 'https://login.example.org'),
  'iss-slash': from('iss', (c, iss) => `${iss}/`),
  'iss-case': from('iss', (c, iss) => iss.toUpperCase()),
  'iss-absent': absent('iss'),
  'iss-list': from('iss', (c, iss) => [iss]),
  'invalid-aud': claim('aud', 'een-andere-client'),
  'missing-aud': absent('aud'),
  'aud-extra': from('aud', (c, aud) => [aud, 'een-andere-client']),
  'aud-extra-azp': { claims: using((v) => ({ aud: [v.aud, 'een-andere-client'], azp: v.aud })) },
  'aud-empty-list': claim('aud', []),
  'aud-list': from('aud', (c, aud) => [aud]),
  'aud-case': from('aud', (c, aud) => aud.toUpperCase()),
  'aud-part': from('aud', (c, aud) => `${aud} een-andere-client`),
  'azp-other': claim('azp', 'een-andere-client'),
  'azp-list': from('azp', (c) => [c.method.client_id]),
  'azp-ours': from('azp', (c) => c.method.client_id),
  'exp-absent': absent('exp'),
  'exp-61s-past': ahead('exp', -61),
  'exp-50s-past': ahead('exp', -50),
  'exp-text': from('exp', (c, exp) => `${exp}`),
  'exp-negative': claim('exp', -1),
  'exp-true': claim('exp', true),
  'exp-real': from('exp', (c, exp) => exp + 0.5),
  'missing-iat': absent('iat'),
  'iat-70s-ahead': ahead('iat', 70),
  'iat-50s-ahead': ahead('iat', 50),
  'iat-old': ahead('iat', -601),
  'iat-older': ahead('iat', -585),
  'iat-text': from('iat', (c, iat) => `${iat}`),
  'iat-real': from('iat', (c, iat) => iat - 1.5),
  'nbf-70s-ahead': ahead('nbf', 70),
  'nbf-50s-ahead': ahead('nbf', 50),
  'nbf-text': from('nbf', (c) => `${c.now()}`),
  'auth-time-absent': absent('auth_time'),
  'auth-time-ahead': ahead('auth_time', 70),
  'auth-time-old': ahead('auth_time', -90),
  'nonce-invalid': claim('nonce', b64(sha(256, 'another'))),
  'nonce-number': claim('nonce', 1),
  'nonce-list': from('nonce', (c, nonce) => [nonce]),
  'nonce-of-the-login-before': from('nonce', (c) => c.nonces.at(-2)),
  'missing-sub': absent('sub'),
  'sub-empty': claim('sub', ''),
  'sub-number': claim('sub', 4711),
  'sub-long': claim('sub', 'x'.repeat(256)),
  'at-hash-wrong': claim('at_hash', atHash(256, 'another')),
  'at-hash-case': from('at_hash', (c, hash) => swapCase(hash)),
  'at-hash-absent': absent('at_hash'),
};

// ---- userinfo, level, BSN ----

const person = (more) => ({ userinfo: set(more) });
const signed = (steps) => ({ method: { userinfo_alg: 'RS256' }, ...steps });
const both = (steps) => ({ method: { userinfo_alg: 'RS256', userinfo_encryption: sealed.id_token_encryption }, ...steps });

const userinfo = {
  'scope-userinfo-claims': {},
  'userinfo-invalid-sub': person({ sub: 'iemand-anders' }),
  'sub-absent': { userinfo: without('sub') },
  'sub-case': person({ sub: 'Onderwerp-4711' }),
  'sub-blank': person({ sub: 'onderwerp-4711 ' }),
  'sub-zero': person({ sub: 'onderwerp-4711\0' }),
  'sub-number': person({ sub: 4711 }),
  'signed-ok': signed({}),
  'signed-plain': signed({ userinfoAlg: giving('plain') }),
  'signed-none': signed({ 'userinfo-key': () => ({ alg: 'none', kid: 'r1' }) }),
  'signed-other-alg': signed({ 'userinfo-key': () => ({ alg: 'PS256', key: keys.r1 }) }),
  'signed-wrong-key': signed({ 'userinfo-key': () => ({ alg: 'RS256', key: keys.r2, kid: 'r1' }) }),
  'signed-hs256': signed({ 'userinfo-key': (v, c) => ({ alg: 'HS256', key: c.secret, kid: 'r1' }) }),
  'signed-other-iss': signed({ userinfoClaims: set({ iss: 'https://login.example.org' }) }),
  'signed-no-iss': signed({ userinfoClaims: without('iss') }),
  'signed-other-aud': signed({ userinfoClaims: set({ aud: 'een-andere-client' }) }),
  'signed-more-aud': signed({ userinfoClaims: using((v) => ({ aud: [v.aud, 'een-andere-client'] })) }),
  'signed-no-aud': signed({ userinfoClaims: without('aud') }),
  'signed-other-sub': signed({ userinfoClaims: set({ sub: 'iemand-anders' }) }),
  'signed-json-type': signed({ userinfoAnswer: set({ type: 'application/json' }) }),
  'plain-signed': { userinfoAlg: giving('RS256') },
  'both-ok': both({}),
  'both-not-encrypted': both({ userinfoEncrypt: giving({}) }),
  'both-other-key': both({ userinfoEncrypt: (how) => ({ ...how, key: keys.other }) }),
  'answer-401': { userinfoAnswer: set({ status: 401 }) },
  'answer-html': { userinfoAnswer: set({ type: 'text/html' }) },
  'answer-cut': { userinfoAnswer: using((v) => ({ body: v.body.slice(0, -1) })) },
  'answer-twice': { userinfoAnswer: using((v) => ({ body: v.body.replace('{', '{"sub":"iemand-anders",') })) },
  'answer-large': { userinfoAnswer: using((v) => ({ body: long(v), chunked: true })) },
  'answer-elsewhere': { instead: { userinfo: redirect(302, 'userinfo') } },
  'acr-absent': absent('acr'),
  'acr-unknown': claim('acr', 'urn:rp:unknown'),
  'acr-low': claim('acr', 'urn:rp:low'),
  'acr-high': claim('acr', 'urn:rp:high'),
  'acr-line': claim('acr', 'urn:rp:high\n'),
  'acr-zero': claim('acr', 'urn:rp:high\0'),
  'acr-case': claim('acr', 'URN:RP:HIGH'),
  'acr-level': claim('acr', 'high'),
  'acr-list': claim('acr', ['urn:rp:high']),
  'bsn-elfproef': person({ bsn: '999990018' }),
  'bsn-prefix': person({ bsn: 's00000000:999990020' }),
  'bsn-other-prefix': person({ bsn: 's00000001:999990019' }),
  'bsn-prefix-twice': person({ bsn: 's00000000:s00000000:999990019' }),
  'bsn-prefix-case': person({ bsn: 'S00000000:999990019' }),
  'bsn-prefix-and-wrong': person({ bsn: 's00000000:999990018' }),
  'bsn-eight': person({ bsn: '99999001' }),
  'bsn-ten': person({ bsn: '9999900190' }),
  'bsn-zeros': person({ bsn: '000000000' }),
  'bsn-letters': person({ bsn: '99999001x' }),
  'bsn-line': person({ bsn: '999990019\n' }),
  'bsn-blank': person({ bsn: ' 999990019' }),
  'bsn-list': person({ bsn: ['999990019'] }),
  'bsn-absent': { userinfo: without('bsn') },
};

// ---- bugs others had ----

const nonce = (f) => from('nonce', (c, value) => f(value));

const bugs = {
  cookies: {},
  fixation: {},
  'open-redirect': {},
  headers: {},
  'nonce-absent': absent('nonce'),
  'nonce-empty': claim('nonce', ''),
  'nonce-null': claim('nonce', null),
  'alg-other-rs512': key('RS512', 'r1'),
  'alg-other-es256': key('ES256', 'e1'),
  'alg-other-hs256': key('HS256', () => pem(keys.r1), 'r1'),
  'alg-other-none': key('none', undefined, 'r1'),
  'at-hash-sha512': from('at_hash', (c) => atHash(512, c.access)),
  'at-hash-sha1': from('at_hash', (c) => b64(sha(1, c.access).subarray(0, 10))),
  'at-hash-whole': from('at_hash', (c) => b64(sha(256, c.access))),
  'at-hash-empty': claim('at_hash', ''),
  'at-hash-null': claim('at_hash', null),
  'at-hash-number': claim('at_hash', 0),
  'natural-nonce-zero': nonce((n) => `0${n}`),
  'natural-nonce-case': nonce(swapCase),
  'natural-nonce-blank': nonce((n) => `${n} `),
  'natural-nonce-nul': nonce((n) => `${n}\0`),
  'natural-nonce-more': nonce((n) => `${n}A`),
  'natural-nonce-less': nonce((n) => n.slice(0, -1)),
  'natural-sub': { claims: set({ sub: '10' }), userinfo: set({ sub: '1e1' }) },
  'natural-sub-zero': { claims: set({ sub: '10' }), userinfo: set({ sub: '010' }) },
  'natural-sub-number': { claims: set({ sub: '10' }), userinfo: set({ sub: 10 }) },
  'natural-state-zero': query((p) => p.set('state', `0${p.get('state')}`)),
  'natural-state-case': query((p) => p.set('state', swapCase(p.get('state')))),
  'natural-state-blank': query((p) => p.set('state', `${p.get('state')} `)),
  'natural-state-nul': query((p) => p.set('state', `${p.get('state')}\0`)),
  'natural-iss-blank': query((p, c) => p.set('iss', `${c.issuer} `)),
  'natural-iss-nul': query((p, c) => p.set('iss', `${c.issuer}\0`)),
  'natural-iss-port': query((p, c) => p.set('iss', c.issuer.replace('127.0.0.1:', '127.0.0.1:0'))),
  'natural-id-iss': from('iss', (c) => c.issuer.replace('127.0.0.1:', '127.0.0.1:0')),
  'natural-id-iss-nul': from('iss', (c) => `${c.issuer}\0`),
  'twice-state': query((p) => `state=${b64(sha(256, 'another'))}&${p}`),
  'twice-code': query((p) => `${p}&code=geheim-omschrijving`),
  'twice-iss': query((p) => `iss=https://login.example.org&${p}`),
  'twice-other': query((p) => `${p}&session_state=geheim-een&session_state=geheim-twee`),
  'twice-encoded': query((p) => `${p}&%63ode=geheim-omschrijving`),
  'exp-1e300': claim('exp', 1e300),
  'exp-1e308': { payload: (text) => text.replace(/"exp":\d+/, '"exp":1e999') },
  'exp-2-64': { payload: (text) => text.replace(/"exp":\d+/, '"exp":18446744073709551617') },
  'exp-9e15': claim('exp', 9007199254740991),
  'iat-1e300': claim('iat', 1e300),
  'iat-minus-1e300': claim('iat', -1e300),
  'nbf-minus-1e300': claim('nbf', -1e300),
  'auth-time-1e300': claim('auth_time', 1e300),
  'kid-unknown': { header: set({ kid: 'unknown' }) },
  'headers-none': { answer: set({ type: undefined, headers: {} }) },
  'body-none': { answer: set({ body: '' }) },
};

export const groups = { request, callback, token, signature, encryption, claims, userinfo, bugs };
