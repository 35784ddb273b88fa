// A login provider to test and to show with: npm's oidc-provider, some clients,
// some people. Started by scripts/provider:
//
//     node provider.mjs DIR PORT ISSUER [--tls CERT KEY] [--home URL] [--desk URL] [--par]
//
// DIR/clients.json (secrets are made once, then kept): for each method what idb.json says of
// it, and the secret or the private key that stands in the key directory:
//
//     {"digid":{"method":{"issuer":…},"secret":"…"},"eidas":{"method":{…},"jwk":{…}}}
//
// Methods:
//     digid   client_secret_basic      ID token RS256   levels of DigiD
//     eidas   private_key_jwt, ES256   ID token ES256   levels of eIDAS
//     broker  private_key_jwt, PS256   ID token PS256   levels of eIDAS
//     nlgov   private_key_jwt, RS256   ID token RS256   levels of DigiD; userinfo signed,
//             ID token encrypted, RSA-OAEP with A256GCM
//     post    client_secret_post       ID token RS256   levels of DigiD; userinfo signed,
//             both encrypted, RSA-OAEP-256 with A128CBC-HS256
//     mtls    tls_client_auth          ID token ES256   levels of eIDAS; with --tls alone;
//             ID token encrypted, ECDH-ES with A256GCM
//
// People, by the name that they type (no password):
//     anna    substantial   BSN 999990019, T. Estpersoon
//     bert    high          BSN 999990020 as brokers write it, s00000000:999990020
//     carla   substantial   has no BSN
//     dirk    low           BSN 999990032
//     emil    substantial   a BSN that fails the elfproef
//     fleur   no level at all
//
// --par: takes pushed authorization requests, and no others.
// --home URL: whose redirect URIs, https://www.example.org without it; URL/callback/METHOD.
// --desk URL: one more client, for who works there, back to URL/desk/login; what its web
// server needs stands in DIR/desk.json: {"client_id":"…","secret":"…"}.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider, { interactionPolicy } from 'oidc-provider';

const [dir, port, issuer, ...options] = process.argv.slice(2);
const option = (name, n = 1) => {
  const at = options.indexOf(name);
  return at < 0 ? undefined : n === 1 ? options[at + 1] : options.slice(at + 1, at + 1 + n);
};
const tls = option('--tls', 2);
const par = options.includes('--par');
const home = (option('--home') ?? 'https://www.example.org').replace(/\/+$/, '');

const desk = option('--desk')?.replace(/\/+$/, '');

const people = {
  anna: { level: 'substantial', bsn: '999990019', name: 'T. Estpersoon', postal_code: '6511 PP' },
  bert: { level: 'high', bsn: 's00000000:999990020', name: 'Bért "B." <Ø> Büyük', postal_code: '1011 AB' },
  carla: { level: 'substantial', name: 'C. Zonder' },
  dirk: { level: 'low', bsn: '999990032', name: 'D. Laag' },
  emil: { level: 'substantial', bsn: '999990018', name: 'E. Fout' },
  fleur: { bsn: '999990044', name: 'F. Niets' },
};

const classes = 'urn:oasis:names:tc:SAML:2.0:ac:classes:';
const vocabularies = {
  digid: {
    low: `${classes}PasswordProtectedTransport`,
    substantial: `${classes}MobileTwoFactorContract`,
    high: `${classes}SmartcardPKI`,
  },
  eidas: {
    low: 'http://eidas.europa.eu/LoA/low',
    substantial: 'http://eidas.europa.eu/LoA/substantial',
    high: 'http://eidas.europa.eu/LoA/high',
  },
};

const methods = {
  digid: { auth: 'client_secret_basic', idToken: 'RS256', levels: 'digid', label: { nl: 'DigiD', en: 'DigiD' } },
  eidas: { auth: 'private_key_jwt', alg: 'ES256', idToken: 'ES256', levels: 'eidas', label: { nl: 'Europese inlog (eIDAS)', en: 'European login (eIDAS)' } },
  broker: { auth: 'private_key_jwt', alg: 'PS256', idToken: 'PS256', levels: 'eidas', label: { nl: 'Makelaar', en: 'Broker' } },
  post: { auth: 'client_secret_post', idToken: 'RS256', userinfo: 'RS256', encryption: ['RSA-OAEP-256', 'A128CBC-HS256'], both: true, levels: 'digid', label: { nl: 'Inlog', en: 'Login' } },
  ...(tls && { mtls: { auth: 'tls_client_auth', idToken: 'ES256', encryption: ['ECDH-ES', 'A256GCM'], levels: 'eidas', label: { nl: 'Certificaat', en: 'Certificate' } } }),
  nlgov: { auth: 'private_key_jwt', alg: 'RS256', idToken: 'RS256', userinfo: 'RS256', encryption: ['RSA-OAEP', 'A256GCM'], levels: 'digid', label: { nl: 'Inlog Overheid', en: 'Government login' } },
};

// ---- keys and clients ----

function makeKey(alg, use) {
  const pair = alg.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...pair.privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), use };
}

function publicHalf({ kty, crv, x, y, n, e, kid, use }) {
  return { kty, crv, x, y, n, e, kid, use };
}

function describeMethod(name) {
  const { auth, alg, idToken, userinfo, encryption, both, levels, label } = methods[name];
  const [encAlg, enc] = encryption ?? [];
  return {
    label,
    issuer,
    client_id: `id-bellen:${name}`,
    client_auth: auth,
    ...(alg ? { client_alg: alg } : undefined),
    id_token_alg: idToken,
    ...(userinfo ? { userinfo_alg: userinfo } : undefined),
    ...(encryption ? { id_token_encryption: { alg: encAlg, enc } } : undefined),
    ...(both ? { userinfo_encryption: { alg: encAlg, enc } } : undefined),
    claims: { bsn: 'bsn', name: 'name' },
    level: {
      claim: 'acr',
      values: Object.fromEntries(Object.entries(vocabularies[levels]).map(([k, v]) => [v, k])),
    },
  };
}

// Both need form-encoding before Basic (RFC 6749 section 2.3.1).
function makeSecret(name) {
  const { auth, alg, encryption } = methods[name];
  if (encryption) return { ...makeAuth(auth, alg), enc: { ...makeKey(encryption[0] === 'ECDH-ES' ? 'ES256' : 'RS256', 'enc') } };
  return makeAuth(auth, alg);
}

function makeAuth(auth, alg) {
  if (auth === 'tls_client_auth') return { pem: fs.readFileSync(`${dir}/client.pem`, 'utf8') };
  return auth.startsWith('client_secret')
    ? { secret: `a%:+&=/ ${randomBytes(24).toString('base64')}` }
    : { jwk: { ...makeKey(alg), alg } };
}

const read = (name) => {
  const file = `${dir}/${name}`;
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
};

function write(name, value) {
  const file = `${dir}/${name}`;
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

const keys = read('keys.json') ?? [makeKey('RS256', 'sig'), makeKey('ES256', 'sig')];
const kept = read('clients.json') ?? {};
const clients = Object.fromEntries(Object.keys(methods).map((name) =>
  [name, { ...(kept[name] ?? makeSecret(name)), method: describeMethod(name) }]));
write('keys.json', keys);
write('clients.json', clients);

function register(name) {
  const { method, secret, pem, jwk, enc } = clients[name];
  const ours = [jwk, enc].filter(Boolean).map(publicHalf);
  const { id_token_encryption: token, userinfo_encryption: info } = method;
  return {
    client_id: method.client_id,
    redirect_uris: [`${home}/callback/${name}`],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: method.client_auth,
    id_token_signed_response_alg: method.id_token_alg,
    ...(token && { id_token_encrypted_response_alg: token.alg, id_token_encrypted_response_enc: token.enc }),
    ...(info && { userinfo_encrypted_response_alg: info.alg, userinfo_encrypted_response_enc: info.enc }),
    ...(ours.length && { jwks: { keys: ours } }),
    ...(method.userinfo_alg && { userinfo_signed_response_alg: method.userinfo_alg }),
    ...(secret
      ? { client_secret: secret }
      : pem ? { tls_client_auth_san_dns: 'client.example.org' } : { token_endpoint_auth_signing_alg: method.client_alg }),
  };
}

const deskClient = desk && { client_id: 'id-bellen-desk', secret: randomBytes(24).toString('hex') };
if (deskClient) write('desk.json', deskClient);

function registerDesk({ client_id, secret: client_secret }) {
  return {
    client_id,
    client_secret,
    redirect_uris: [`${desk}/desk/login`],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
  };
}

// ---- the provider ----

const policy = interactionPolicy.base();
// As real ones do, it logs people in at another level than was asked for.
policy.get('login').checks.remove('essential_acr');
policy.get('login').checks.remove('essential_acrs');

const quiet = { enabled: false };
const provider = new Provider(issuer, {
  clients: [...Object.keys(methods).map(register), ...(deskClient ? [registerDesk(deskClient)] : [])],
  jwks: { keys },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => true },
  responseTypes: ['code'],
  scopes: ['openid'],
  claims: { openid: ['sub'], bsn: null, name: null, address: null, acr: null, auth_time: null },
  acrValues: Object.values(vocabularies).flatMap(Object.values),
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', ...(tls ? ['tls_client_auth'] : [])],
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256'],
    idTokenSigningAlgValues: ['ES256', 'PS256', 'RS256'],
    userinfoSigningAlgValues: ['RS256'],
    idTokenEncryptionAlgValues: ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES'],
    idTokenEncryptionEncValues: ['A256GCM', 'A128CBC-HS256'],
    userinfoEncryptionAlgValues: ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES'],
    userinfoEncryptionEncValues: ['A256GCM', 'A128CBC-HS256'],
  },
  features: {
    claimsParameter: { enabled: true },
    devInteractions: quiet,
    dPoP: quiet,
    encryption: { enabled: true },
    jwtUserinfo: { enabled: true },
    pushedAuthorizationRequests: par ? { enabled: true, requirePushedAuthorizationRequests: true } : quiet,
    ...(tls && {
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_dns'
          && ctx.socket.getPeerX509Certificate().subjectAltName === `DNS:${expected}`,
      },
    }),
    rpInitiatedLogout: quiet,
  },
  interactions: { policy, url: (ctx, interaction) => `/login/${interaction.uid}` },
  ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 600, Session: 600 },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => {
      const { bsn, name, postal_code } = people[id] ?? named.get(id);
      return { sub: id, bsn, name, address: postal_code && { postal_code } };
    },
  }),
  // Whoever logs in agrees to all that was asked for: the question whether the
  // organisation may see it is the organisation's own.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      accountId: ctx.oidc.session.accountId,
      clientId: ctx.oidc.client.clientId,
    });
    grant.addOIDCScope('openid');
    grant.addOIDCClaims(['bsn', 'name', 'address', 'acr', 'auth_time']);
    await grant.save();
    return grant;
  },
});
provider.proxy = true;
provider.on('server_error', (ctx, error) => console.error(error));
for (const event of ['authorization.error', 'grant.error', 'userinfo.error'])
  provider.on(event, (ctx, error) => console.error(event, error.error, error.error_description));

// ---- its one page ----

const page = (uid) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test provider</title>
<style>body { font: 1.125rem/1.5 sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem }
button { font: inherit; min-height: 2.75rem; margin: .25rem 0; width: 100% }</style>
<main><h1>Log in at the test provider</h1>
<p>These people do not exist, and have no password.</p>
<form method="post" action="/login/${uid}">
${Object.entries(people).map(([user, { level, bsn }]) =>
    `<button name="user" value="${user}">${user}: ${level ?? 'no level'}${bsn ? '' : ', no BSN'}</button>`).join('\n')}
<button name="cancel" value="yes">Cancel</button>
</form></main></html>
`;

// Somebody with another name, where the form gives one: whatever a claim may hold.
const named = new Map();
function account(user, name) {
  if (!name) return user;
  const id = `${user}-${named.size}`;
  named.set(id, { ...people[user], name });
  return id;
}

async function readForm(req) {
  let body = '';
  for await (const chunk of req) body += chunk;
  return new URLSearchParams(body);
}

function result(form, client) {
  const user = form.get('user');
  if (form.get('cancel')) return { error: 'access_denied', error_description: 'The person pressed <b>cancel</b>' };
  if (form.get('error')) return { error: form.get('error') };
  const [name] = Object.entries(clients).find(([, c]) => c.method.client_id === client) ?? [];
  const acr = name && vocabularies[methods[name].levels][people[user].level];
  // An earlier login, where the form says how many seconds ago.
  const ts = Math.floor(Date.now() / 1000) - Number(form.get('ago') ?? 0);
  return { login: { accountId: account(user, form.get('name')), acr, ts, remember: true } };
}

async function login(req, res) {
  const details = await provider.interactionDetails(req, res);
  const form = req.method === 'POST' ? await readForm(req) : new URLSearchParams();
  if (form.get('cancel') || form.get('error') || people[form.get('user')]) {
    await provider.interactionFinished(req, res, result(form, details.params.client_id), { mergeWithLastSubmission: false });
    return;
  }
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  res.end(page(details.uid));
}

const handle = provider.callback();
// No single sign-on: each login is a new one, so that people can take turns in one
// browser, or in two tabs of it.
function forgetSession(req) {
  const cookies = (req.headers.cookie ?? '').split('; ');
  req.headers.cookie = cookies.filter((cookie) => !cookie.startsWith('_session')).join('; ');
}

function serve(req, res) {
  forgetSession(req);
  if (!/^\/login\/[\w-]+$/.test(req.url)) return handle(req, res);
  return login(req, res).catch((error) => {
    console.error(error.message);
    res.writeHead(400, { 'Content-Type': 'text/plain' });
    res.end('This login is over; begin again.\n');
  });
}

const server = tls
  ? https.createServer({
      cert: fs.readFileSync(tls[0]),
      key: fs.readFileSync(tls[1]),
      requestCert: true,
      rejectUnauthorized: false,
      ca: fs.readFileSync(`${dir}/client.pem`),
    }, serve)
  : http.createServer(serve);
server.listen(Number(port), '127.0.0.1', () => {
  fs.writeFileSync(`${dir}/provider.pid.new`, `${process.pid}\n`);
  fs.renameSync(`${dir}/provider.pid.new`, `${dir}/provider.pid`);
});
process.on('SIGTERM', () => process.exit(0));
