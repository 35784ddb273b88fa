// A function for a contact-flow platform: the flow invokes it with its own event and
// gets a flat object of strings back. No dependencies: Node 20 or newer.
//
//   { Details: { ContactData: { ContactId, CustomerEndpoint: { Address } },
//                Parameters: { event, code, language, refused, silent } } }
//
// event is start, code (code is what was keyed in, empty for nothing) or end; refused
// and silent are what the last answer had. The answer:
//
//   { next, result, purpose, queue, say, language, refused, silent }
//
// next is ask (say, then let a code be keyed in), queue (say, then transfer to queue),
// hangup (say first) or nothing; say is text to speak. A caller is never lost: whatever
// fails, next is queue. Only an end that failed throws, so that the platform sees it.
//
// Settings, of the environment: IDB_URL, the phone zone's address; IDB_TOKEN_FILE, where
// the platform mounts the secret, or else IDB_TOKEN; IDB_QUEUE, of callers who are not
// identified (kcc); IDB_PROMPTS, the folder of nl.txt and en.txt (beside this file).

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ALL_MS = 7000; // the platform gives up after 8 s
const TRY_MS = 3000; // idb waits 2 s for its store, at most
const PAUSE_MS = 500;
const ROUNDS = 3;

const settings = process.env;

function prompts(language) {
  const folder = settings.IDB_PROMPTS ?? dirname(fileURLToPath(import.meta.url));
  try {
    const lines = readFileSync(join(folder, `${language}.txt`), 'utf8').split('\n');
    return new Map(lines.map((line) => /^([a-z-]+): (.*)$/.exec(line)?.slice(1)).filter(Boolean));
  } catch (error) {
    console.error('idb: no prompts:', error.message);
    return new Map();
  }
}

// Read each time: a new token needs no new deployment.
function token() {
  return settings.IDB_TOKEN_FILE ? readFileSync(settings.IDB_TOKEN_FILE, 'utf8').trim() : settings.IDB_TOKEN;
}

async function once(path, body, ms) {
  const answer = await fetch(new URL(path, settings.IDB_URL), {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token()}`, ...(body && { 'content-type': 'application/json' }) },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(ms),
  });
  const json = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(json.error), { status: answer.status });
  return json;
}

// The identical request again, while there is time: idb answers it as the first time. A
// refusal of HTTP itself stays one, and so does a certificate that is not trusted.
async function call(path, request) {
  const end = Date.now() + ALL_MS;
  const body = request && JSON.stringify(request);
  for (;;) {
    try {
      return await once(path, body, Math.min(TRY_MS, end - Date.now()));
    } catch (error) {
      const reason = error.cause?.code ?? '';
      const final = error.status ? ![429, 502, 503, 504].includes(error.status) : /CERT|SIGNATURE/.test(reason);
      // Neither body nor answer: a code stands in no log.
      console.error('idb:', path, error.status ?? error.name, error.status ? error.message : reason);
      if (final || Date.now() + PAUSE_MS + 100 > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const count = (value) => (/^[0-9]$/.test(value ?? '') ? Number(value) : 0);

// What became of a code; the same prompts as idb-agi(1), and as often.
function judge(answer, refused) {
  const { result, purpose, queue } = answer;
  if (result === 'accepted') return { next: 'queue', result, purpose, queue, say: ['accepted'] };
  const prompt = { call_bound: 'used', call_ended: 'expired' }[result] ?? result;
  const again = answer.attempts_left > 0 && refused < ROUNDS && result !== 'call_ended';
  return again ? { next: 'ask', result, say: [prompt, 'again'] } : { result, say: [prompt, 'no-more', 'to-queue'] };
}

async function ask(contact, event, code, counters) {
  if (event === 'code' && code) {
    counters.refused += 1;
    const request = { code: code.replace(/[^0-9]/g, '*').slice(0, 64), call_id: contact.ContactId };
    const caller = contact.CustomerEndpoint?.Address;
    if (/^\+[0-9]{8,15}$/.test(caller ?? '')) request.caller = caller;
    return judge(await call('/verify', request), counters.refused);
  }
  if (event === 'code') counters.silent += 1;
  const health = await call('/health');
  if (health.line === 'closed') return { next: 'hangup', result: 'closed', say: ['closed'] };
  if (health.line !== 'open') throw new Error('the line is neither open nor closed');
  if (event !== 'code') return { next: 'ask', result: 'open', say: ['welcome', 'enter'] };
  if (counters.silent < ROUNDS) return { next: 'ask', result: 'silent', say: ['again'] };
  return { result: 'silent', say: ['no-more', 'to-queue'] };
}

async function act(contact, parameters, counters) {
  if (parameters.event === 'end') {
    const { result } = await call('/end', { call_id: contact.ContactId });
    return { next: 'nothing', result, say: [] };
  }
  try {
    return await ask(contact, parameters.event, parameters.code, counters);
  } catch {
    return { result: 'unavailable', say: ['unavailable'] };
  }
}

export async function handler(event) {
  const contact = event.Details?.ContactData;
  const parameters = event.Details?.Parameters ?? {};
  const language = parameters.language === 'en' ? 'en' : 'nl';
  const counters = { refused: count(parameters.refused), silent: count(parameters.silent) };
  const done = await act(contact, parameters, counters);
  const texts = prompts(language);
  return {
    next: done.next ?? 'queue',
    result: done.result,
    purpose: done.purpose ?? '',
    queue: done.queue ?? (settings.IDB_QUEUE || 'kcc'),
    say: done.say.map((name) => texts.get(name) ?? '').join(' '),
    language,
    refused: String(counters.refused),
    silent: String(counters.silent),
  };
}
