// Keys, signatures and encryption for provider.mjs, wrong ones too: Node's own
// cryptography and no library, for none makes what is wrong here.

import {
  constants, createCipheriv, createHash, createHmac, generateKeyPairSync, publicEncrypt, randomBytes, sign,
} from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

// ---- keys, the same for every case ----

const makeKey = (kid, type, options) => ({ kid, ...generateKeyPairSync(type, options) });
const rsa = (kid, modulusLength = 2048) => makeKey(kid, 'rsa', { modulusLength });
const ec = (kid) => makeKey(kid, 'ec', { namedCurve: 'P-256' });

export const keys = {
  r1: rsa('r1'), // what signs, and is published, when nothing else is said
  r2: rsa('r2'),
  e1: ec('e1'),
  e2: ec('e2'),
  weak: rsa('weak', 1024),
  enc: rsa('enc'), // the client's
  other: rsa('enc'), // not the client's, of the same name
  client: ec('client'),
};

export const publicJwk = (key, more) => ({
  ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', ...more,
});
export const privateJwk = (key, more) => ({ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, ...more });

// ---- signing and encrypting ----

export const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
export const sha = (bits, text) => createHash(`sha${bits}`).update(text).digest();
export const atHash = (bits, token) => b64(sha(bits, token).subarray(0, bits / 16));

export function signature(alg, key, input) {
  const hash = `sha${alg.slice(2)}`;
  const privateKey = key?.privateKey;
  switch (alg.slice(0, 2)) {
    case 'RS': return sign(hash, input, privateKey);
    case 'PS': return sign(hash, input, {
      key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
    case 'ES': return sign(hash, input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'HS': return createHmac(hash, key).update(input).digest();
    default: return Buffer.alloc(0); // none
  }
}

function encrypted(enc, cek, aad, plain) {
  const gcm = enc.endsWith('GCM');
  const iv = randomBytes(gcm ? 12 : 16);
  const cipher = gcm
    ? createCipheriv('aes-256-gcm', cek, iv).setAAD(Buffer.from(aad))
    : createCipheriv('aes-128-cbc', cek.subarray(16), iv);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  if (gcm) return [iv, text, cipher.getAuthTag()];
  const bits = Buffer.alloc(8); // RFC 7518 section 5.2.2.1
  bits.writeBigUInt64BE(BigInt(aad.length * 8));
  const mac = createHmac('sha256', cek.subarray(0, 16)).update(Buffer.concat([Buffer.from(aad), iv, text, bits]));
  return [iv, text, mac.digest().subarray(0, 16)];
}

// how: alg, enc, key; zip: compressed, header: more of it, tag: what becomes of the tag.
export function jwe(plain, how) {
  const header = b64(JSON.stringify({ alg: how.alg, enc: how.enc, cty: 'JWT', kid: how.key.kid, ...how.header }));
  const cek = how.alg === 'dir' ? how.cek : randomBytes(32);
  const padding = how.alg === 'RSA1_5' ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING;
  const oaepHash = how.alg === 'RSA-OAEP-256' ? 'sha256' : 'sha1';
  const wrapped = how.alg === 'dir' ? '' : publicEncrypt({ key: how.key.publicKey, padding, oaepHash }, cek);
  const [iv, text, tag] = encrypted(how.enc, cek, header, how.zip ? deflateRawSync(plain) : Buffer.from(plain));
  return [header, ...[wrapped, iv, text, how.tag?.(tag) ?? tag].map(b64)].join('.');
}
