// What people do on the site, for the cases.

import assert from 'node:assert/strict';
import { desks, site, texts } from './browser.mjs';

export const button = (page, name) => page.getByRole('button', { name, exact: false });
export const link = (page, name) => page.getByRole('link', { name });
export const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
export const dds = (page) => page.locator('section[aria-labelledby=data] dd').evaluateAll((all) =>
  // A number in groups is there twice, to be seen and to be heard.
  all.map((dd) => (dd.querySelector('[aria-hidden]')?.textContent.replace(/ /g, '') ?? dd.textContent)));

// Where a text has something to fill in: its beginning.
export const begin = (text) => text.replace(/\{.*/, '');

// ---- the resident ----

export async function start(it, lang, purpose, method, page = it.page) {
  await page.goto(`${site.web}/${lang}/start/${purpose}`);
  await button(page, `${begin(texts[lang].start.login_with)}${method}`).click();
  await page.waitForURL(`${site.provider}/login/**`);
}

// As what: a name that the provider is to claim in place of that person's own.
export async function logIn(page, who, what) {
  if (what) {
    await page.locator('form').evaluate((form, value) => {
      const field = document.createElement('input');
      Object.assign(field, { type: 'hidden', name: 'name', value });
      form.append(field);
    }, what);
  }
  await button(page, `${who}:`).click();
  await page.waitForURL(`${site.web}/callback/**`);
}

export async function arrive(it, lang, purpose, method, who, page = it.page) {
  await start(it, lang, purpose, method, page);
  await logIn(page, who);
}

export async function agree(it, lang, page = it.page) {
  await button(page, texts[lang].consent.yes).click();
  await page.waitForURL(`${site.web}/${lang}/code`);
  return takeCode(page);
}

// All that the page has of the code says the same.
export async function takeCode(page) {
  const shown = await page.locator('#code').textContent();
  const code = shown.replace(/ /g, '');
  assert.match(shown, /^[0-9]{3} [0-9]{3} [0-9]{4}$/);
  const calls = await page.locator('a[href^="tel:"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  assert(calls.length > 0);
  for (const tel of calls) assert.equal(tel, `tel:+31241234567,${code}`);
  return { code, ticket: await page.locator('#ticket').textContent() };
}

// Name, and what a browser makes of how it was set.
export async function ownCookies(it) {
  const all = (await it.context.cookies(site.web)).filter((cookie) => cookie.domain === 'localhost');
  for (const cookie of all)
    assert.deepEqual([cookie.path, cookie.secure, cookie.httpOnly, cookie.sameSite], ['/', true, true, 'Lax']);
  return all.map((cookie) => cookie.name.replace(/(login-).*/, '$1')).sort();
}

// ---- the agent ----

export const callAddress = (call, lang = 'nl') => `${desks[lang]}/desk?line=kcc&call_id=${encodeURIComponent(call)}`;

// ---- the keyboard ----

// The next thing with that name that Tab reaches; its focus can be seen, and no part of
// it is off the screen.
export async function tabTo(page, name) {
  const met = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const on = await page.evaluate(() => {
      const e = document.activeElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      return { text: e.textContent.trim(), id: e.id,
        seen: (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none',
        inside: box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight };
    });
    met.push(on.text.slice(0, 30));
    if (!on.text.startsWith(name)) continue;
    assert(on.seen, `no focus to be seen on ${name}`);
    assert(on.inside, `${name} has the focus and is off the screen`);
    return;
  }
  assert.fail(`Tab does not reach ${name}, but ${met.join('; ')}`);
}

export async function press(page, name) {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}
