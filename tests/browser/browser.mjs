// A real browser on the site, for the cases: it keeps what goes over the wire and what
// the console says, and looks at each page as people with a narrow screen, a large
// letter or a screen reader meet it.
//
//     const browser = await open();
//     const person = await browser.person({ javaScript: false });
//     await person.page.goto(`${site.web}/nl/start/status`);
//     await look(person, 'start');  // throws when something is not good; a picture too
//     await browser.close();        // throws if anything was said or leaked

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { HtmlValidate, StaticConfigLoader } from 'html-validate';
import { chromium, request as http } from 'playwright-core';
import { fit, pace } from './layout.mjs';
import rules from './rules.mjs';

const { WEB, DESK, DESK_EN, PHONE, ISSUER, CHROMIUM, SCREENSHOTS, IDB_ROOT } = process.env;
export const site = { web: WEB, desk: DESK, phone: PHONE, provider: ISSUER };
// The desk's language is its server's.
export const desks = { nl: DESK, en: DESK_EN ?? DESK };
const ours = [...new Set([WEB, DESK, DESK_EN, PHONE].filter(Boolean))];

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const validator = new HtmlValidate(new StaticConfigLoader(rules));

// The words that the pages use, straight from their language files.
export const texts = Object.fromEntries(['nl', 'en'].map((lang) =>
  [lang, JSON.parse(fs.readFileSync(`${IDB_ROOT}/scripts/text/${lang}.json`, 'utf8'))]));

// ---- people ----

export async function open() {
  const chrome = await chromium.launch({ executablePath: CHROMIUM });
  const open = [];
  let reader;
  const browser = {
    // A browser of its own, with its own cookies. allow: other origins it may talk
    // to; expects: what the console may say, as regular expressions.
    async person({ javaScript = true, agent = null, allow = [], expects = [] } = {}) {
      const context = await chrome.newContext({
        ignoreHTTPSErrors: true, // the certificate is a throw-away one
        javaScriptEnabled: javaScript,
        locale: 'nl-NL',
        ...(agent ? { httpCredentials: { username: agent === true ? 'alice' : agent, password: 'secret' } } : {}),
      });
      const it = { context, javaScript, allow, expects, browser, requests: [], answers: [], said: [],
        refused: new Set(), seen: new Set() };
      context.on('request', (request) => it.requests.push(request));
      context.on('response', (response) => it.answers.push(hear(it, response)));
      context.on('page', (page) => listen(it, page));
      it.page = await context.newPage();
      open.push(it);
      return it;
    },
    // Reads to axe what is shown where no script runs.
    async reader() {
      reader ??= await chrome.newContext({ ignoreHTTPSErrors: true, httpCredentials: { username: 'alice', password: 'secret' } });
      return reader.newPage();
    },
    async close() {
      for (const it of open) await inspect(it);
      await chrome.close();
    },
    async abandon() {
      await chrome.close();
    },
  };
  return browser;
}

function listen(it, page) {
  page.on('console', (message) => {
    const { url } = message.location();
    // The provider's page is not ours; an icon is the organisation's.
    if (url.startsWith(site.provider) || url.endsWith('/favicon.ico')) return;
    if (['error', 'warning'].includes(message.type())) it.said.push({ url, text: message.text() });
  });
  page.on('pageerror', (error) => it.said.push({ url: page.url(), text: error.message }));
  page.on('dialog', (dialog) => {
    it.said.push({ url: page.url(), text: `a dialog: ${dialog.message()}` });
    dialog.dismiss();
  });
}

// Each answer of ours: its cookies, and its HTML to be read later.
async function hear(it, response) {
  if (!ours.includes(new URL(response.url()).origin)) return null;
  // What was left before it had been read is gone.
  const left = (error) => {
    if (!/has been closed/.test(error.message)) throw error;
    return [];
  };
  for (const { name, value } of await response.headersArray().catch(left))
    if (name.toLowerCase() === 'set-cookie') checkCookie(value);
  const type = response.headers()['content-type'] ?? '';
  if (response.status() >= 400) it.refused.add(response.url());
  if (!type.startsWith('text/html') || [204, 303].includes(response.status())) return null;
  return response.text().then((html) => ({ url: response.url(), html }), () => null);
}

const cookie = /^__Host-idb-[a-z]+(-[\w-]+)?=[^;]*; (Max-Age=\d+; )?Path=\/; (Max-Age=\d+; )?Secure; HttpOnly; SameSite=(Lax|Strict)$/;
function checkCookie(text) {
  assert.match(text, cookie);
}

// What went over the wire, what was in it, and what the console said.
async function inspect(it) {
  const known = [...ours, site.provider, ...it.allow];
  for (const request of it.requests) {
    const url = new URL(request.url());
    assert(known.includes(url.origin), `a request to ${request.url()}`);
    const headers = await request.allHeaders();
    // Where it came from is nobody's business beyond the site's name: an address of
    // ours can hold what a login answered. What the provider tells itself is its own.
    if (headers.referer && url.origin !== site.provider)
      assert.equal(headers.referer, `${new URL(headers.referer).origin}/`, `Referer to ${request.url()}`);
    if (request.method() === 'POST' && url.origin === site.web && it.allow.length === 0)
      assert.equal(headers.origin, site.web, `Origin of ${request.url()}`);
  }
  for (const { name } of await it.context.cookies(ours)) assert.match(name, /^__Host-idb-/);
  const pages = (await Promise.all(it.answers)).filter(Boolean);
  for (const html of new Set(pages.map((page) => page.html))) await validate(html);
  // That the browser was given an error page it says itself.
  const said = it.said.filter(({ url, text }) =>
    !(text.startsWith('Failed to load resource: the server responded with a status of') && it.refused.has(url))
    && !it.expects.some((expected) => expected.test(text)));
  assert.deepEqual(said, []);
}

export async function validate(html) {
  const { results } = await validator.validateString(html);
  assert.deepEqual(results.flatMap((result) => result.messages.map((m) =>
    `${m.ruleId}: ${m.message}: ${html.split('\n')[m.line - 1].slice(Math.max(0, m.column - 40), m.column + 80)}`)), []);
}

// ---- looking ----

// What a wide screen of 1280 shows at 200 % is 640 wide.
const widths = [320, 400, 640, 768, 1280];
const pictured = { resident: [320, 1280], desk: [400, 1280] };

// This page as it stands: nothing wider than the screen, cut off or too small to tap, at
// any width; nothing that axe finds; nothing kept in the browser. state names its picture.
export async function look(it, state = null, page = it.page, at = widths) {
  const size = page.viewportSize();
  await held(page, async () => {
    // It may have been about to become another when it was held.
    for (let left = 3; ; left--) {
      try {
        await lookOnce(it, state, page, at);
        break;
      } catch (error) {
        if (left === 0 || error instanceof assert.AssertionError) throw error;
      }
    }
  });
  await page.setViewportSize(size);
}

// A page that loads itself again stays as it is meanwhile, for an answer without content
// changes nothing; afterwards it is loaded, where it would have been.
async function held(page, whatever) {
  let missed = false;
  const hold = (route) => {
    const request = route.request();
    if (!request.isNavigationRequest() || request.frame() !== page.mainFrame()) return route.fallback();
    missed = true;
    return route.fulfill({ status: 204 });
  };
  await page.route('**/*', hold);
  try {
    await whatever();
  } finally {
    await page.unroute('**/*', hold);
  }
  if (missed) await page.reload();
}

async function lookOnce(it, state, page, at) {
  await page.waitForLoadState(); // its look too
  it.seen.add(await page.title());
  const isDesk = Object.values(desks).includes(new URL(page.url()).origin);
  const seen = pictured[isDesk ? 'desk' : 'resident'];
  for (const width of at) {
    await page.setViewportSize({ width, height: width < 700 ? 740 : 900 });
    assert.deepEqual(await page.evaluate(fit, width), [], `at ${width} pixels ${page.url()}`);
    if (seen.includes(width)) {
      await listenTo(it, page);
      if (state && it.javaScript) await picture(page, state, width);
    }
    if (width === 320) await spaced(page);
  }
  assert.deepEqual(await page.evaluate(() => {
    try { return [localStorage.length, sessionStorage.length]; } catch { return [0, 0]; }
  }), [0, 0]);
}

// With the space between lines, words and letters that people may ask for (WCAG 1.4.12).
async function spaced(page) {
  await page.evaluate(pace, true);
  assert.deepEqual(await page.evaluate(fit, 320), [], `with more space at 320 pixels ${page.url()}`);
  await page.evaluate(pace, false);
}

async function listenTo(it, page) {
  if (it.javaScript) return axeOn(page);
  // Where no script runs axe does not either: what stands there now is read elsewhere.
  const html = (await page.content()).replace(/<\/?noscript>/g, '').replace(/<script [^>]*><\/script>/g, '');
  // A page that loads itself again must be one that can be stopped (WCAG 2.2.1), or be
  // about to go on by itself at once.
  const refresh = /<meta http-equiv="refresh" content="(\d+)/.exec(html);
  if (refresh && refresh[1] !== '0') assert.match(html, /<main[^]*href="[^"]*hold"[^]*<\/main>/);
  const reader = await it.browser.reader();
  await reader.setViewportSize(page.viewportSize());
  await reader.route(page.url(), (route) => route.fulfill({
    contentType: 'text/html; charset=utf-8', body: html.replace(/<meta http-equiv="refresh"[^>]*>/, '') }));
  await reader.goto(page.url());
  await axeOn(reader);
  await reader.close();
}

async function axeOn(page) {
  const { violations } = await page.evaluate(`${axe}; axe.run({
    runOnly: ${JSON.stringify(standards)}, resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })`);
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], page.url());
}

async function picture(page, state, width) {
  if (!SCREENSHOTS) return;
  const lang = await page.evaluate(() => document.documentElement.lang);
  await page.screenshot({ path: `${SCREENSHOTS}/${state}-${lang}-${width}.png`, fullPage: true });
}

// ---- the telephone exchange ----

export async function phone(path, data) {
  const exchange = await http.newContext({
    ignoreHTTPSErrors: true,
    httpCredentials: { username: 'pbx', password: 'secret', send: 'always' },
  });
  const answer = await exchange.post(`${site.phone}/${path}`, { data });
  assert.equal(answer.status(), 200, await answer.text());
  const body = await answer.json();
  await exchange.dispose();
  return body;
}

export const keyIn = (code, call, caller = '+31612345678') => phone('verify', { code, call_id: call, caller });
