// A real browser on the site, for flow.mjs: it keeps what goes over the wire and
// what the console says, and looks at each page as people with a narrow screen or
// a screen reader meet it.
//
//     const browser = await open();
//     const person = await browser.person({ javaScript: false });
//     await person.page.goto(`${site.web}/nl/start/status`);
//     await browser.close();        // throws if anything was said or leaked

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, request as http } from 'playwright-core';

const { WEB, DESK, PHONE, ISSUER, CHROMIUM } = process.env;
export const site = { web: WEB, desk: DESK, phone: PHONE, provider: ISSUER };

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export async function open() {
  const chrome = await chromium.launch({ executablePath: CHROMIUM });
  const open = [];
  return {
    // A browser of its own, with its own cookies. allow: other origins it may talk
    // to; quiet: false where it is asked for what it may not have.
    async person({ javaScript = true, agent = false, allow = [], quiet = true } = {}) {
      const context = await chrome.newContext({
        ignoreHTTPSErrors: true, // the certificate is a throw-away one
        javaScriptEnabled: javaScript,
        locale: 'nl-NL',
        ...(agent ? { httpCredentials: { username: 'alice', password: 'secret' } } : {}),
      });
      const it = { context, javaScript, quiet, allow, requests: [], said: [], seen: new Set() };
      context.on('request', (request) => it.requests.push(request));
      context.on('page', (page) => listen(it, page));
      it.page = await context.newPage();
      open.push(it);
      return it;
    },
    async close() {
      for (const it of open) await inspect(it);
      await chrome.close();
    },
    async abandon() {
      await chrome.close();
    },
  };
}

function listen(it, page) {
  page.on('console', (message) => {
    // The provider's page is not ours.
    if (message.location().url.startsWith(site.provider)) return;
    if (['error', 'warning'].includes(message.type())) it.said.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => it.said.push(`${page.url()}: ${error.message}`));
}

// What went over the wire, and what the console said.
async function inspect(it) {
  const known = [...Object.values(site), ...it.allow];
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
  if (it.quiet) assert.deepEqual(it.said, []);
}

// This page as it stands: no sideways scrolling at 320 pixels, and, where scripts run,
// nothing that axe finds against WCAG 2.2 AA.
export async function look(it, page = it.page) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  // It may load itself again in the middle.
  for (let left = 3; ; left--) {
    try {
      await lookOnce(it, page);
      break;
    } catch (error) {
      if (left === 0 || error instanceof assert.AssertionError) throw error;
    }
  }
  await page.setViewportSize(size);
}

async function lookOnce(it, page) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')]
    .filter((e) => e.getBoundingClientRect().right > 320.5).map((e) => e.outerHTML.slice(0, 80))]);
  assert.deepEqual(wide, [320], `at 320 pixels ${page.url()} is as wide as`);
  it.seen.add(await page.title());
  if (!it.javaScript) return;
  // A page that loads itself again is allowed only where the person can stop it
  // (WCAG 2.2.1), which axe cannot know; stopped, it must have nothing at all.
  const stops = (await page.locator('main a[href$="hold"]').count()) > 0;
  const rules = { 'target-size': { enabled: true }, ...(stops ? { 'meta-refresh': { enabled: false } } : {}) };
  const { violations } = await page.evaluate(`${axe}; axe.run({
    runOnly: ${JSON.stringify(standards)}, rules: ${JSON.stringify(rules)} })`);
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], page.url());
}

// The telephone exchange.
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

// The words that the pages use, straight from their language files.
export const texts = Object.fromEntries(['nl', 'en'].map((lang) =>
  [lang, JSON.parse(fs.readFileSync(`${process.env.IDB_ROOT}/scripts/text/${lang}.json`, 'utf8'))]));
