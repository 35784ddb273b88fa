// What tests/long/browser.bats runs: node flow.mjs CASE. Exit 0 when all of it was so.

import assert from 'node:assert/strict';
import nodeHttp from 'node:http';
import { keyIn, look, open, phone, site, texts } from './browser.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: false });
const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
const dds = (page) => page.locator('section[aria-labelledby=data] dd').allTextContents();

async function start(it, lang, purpose, method, page = it.page) {
  await page.goto(`${site.web}/${lang}/start/${purpose}`);
  await button(page, `${lang === 'nl' ? 'Inloggen met' : 'Log in with'} ${method}`).click();
  await page.waitForURL(`${site.provider}/login/**`);
}

async function arrive(it, lang, purpose, method, who, page = it.page) {
  await start(it, lang, purpose, method, page);
  await button(page, `${who}:`).click();
  await page.waitForURL(`${site.web}/callback/**`);
}

async function agree(it, lang, page = it.page) {
  await button(page, texts[lang].consent.yes).click();
  await page.waitForURL(`${site.web}/${lang}/code`);
  return takeCode(page);
}

async function takeCode(page) {
  const code = (await page.locator('.code').textContent()).replace(/ /g, '');
  assert.equal(await page.locator('a.tel').getAttribute('href'), `tel:+31241234567,${code}`);
  return { code, ticket: await page.locator('.ticket').textContent() };
}

// Name, and what a browser makes of how it was set.
async function ownCookies(it) {
  const all = (await it.context.cookies(site.web)).filter((cookie) => cookie.domain === 'localhost');
  for (const cookie of all) {
    assert.match(cookie.name, /^__Host-idb-/);
    assert.deepEqual([cookie.path, cookie.secure, cookie.httpOnly, cookie.sameSite], ['/', true, true, 'Lax']);
  }
  return all.map((cookie) => cookie.name.replace(/(login-).*/, '$1')).sort();
}

// From the start page until nothing is left; the resident's page keeps up by itself.
async function whole(browser, lang, javaScript) {
  const it = await browser.person({ javaScript });
  const { page } = it;
  const text = texts[lang];
  await page.goto(`${site.web}/${lang}/start/status`);
  assert.equal(await page.locator('html').getAttribute('lang'), lang);
  await look(it);
  await start(it, lang, 'status', 'DigiD');
  assert.deepEqual(await ownCookies(it), ['__Host-idb-login-']);
  await button(page, 'anna:').click();
  await page.waitForURL(`${site.web}/callback/**`);
  await heading(page, text.consent.title);
  assert.deepEqual(await dds(page), ['999990019', 'T. Estpersoon']);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-offer']);
  await look(it);
  const { code } = await agree(it, lang);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-code', '__Host-idb-session']);
  await look(it);

  assert.equal((await keyIn(code, `call-${lang}-${javaScript}`)).result, 'accepted');
  await heading(page, text.called.title);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-session']);
  await look(it);

  const desk = await browser.person({ javaScript, agent: true });
  await desk.page.goto(`${site.desk}/desk`);
  await look(desk);
  await desk.page.getByRole('link', { name: `call-${lang}-${javaScript}` }).click();
  await desk.page.getByText('T. Estpersoon').waitFor();
  assert(!(await desk.page.content()).includes('999990019'));
  await look(desk);
  await button(desk.page, 'Toon Burgerservicenummer').click();
  await desk.page.getByText('999990019').waitFor();
  await look(desk);
  await heading(page, text.called.connected_title);
  await look(it);
  await phone('end', { call_id: `call-${lang}-${javaScript}` });
  await heading(page, text.called.wrap_up_title);
  await look(it);
  await button(desk.page, 'Contact afsluiten').click();
  await desk.page.waitForURL(`${site.desk}/desk`);
  await heading(page, text.ended.done.title);
  await look(it);
}

// The desk's page loads itself again, can be told not to, and to do so again.
async function stopAndGoOn(it) {
  const refresh = it.page.locator('meta[http-equiv=refresh]');
  const text = texts.nl.code;
  await it.page.getByRole('link', { name: text.hold }).click();
  await it.page.waitForURL('**&hold');
  assert.equal(await refresh.count(), 0);
  await look(it);
  await it.page.getByRole('link', { name: text.unhold }).click();
  await refresh.waitFor({ state: 'attached' });
}

// The next thing with that name that Tab reaches; its focus can be seen.
async function tabTo(page, name) {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const on = await page.evaluate(() => {
      const e = document.activeElement;
      return [e.textContent.trim(), getComputedStyle(e).outlineStyle];
    });
    if (!on[0].startsWith(name)) continue;
    assert.notEqual(on[1], 'none', `no focus to be seen on ${name}`);
    return;
  }
  assert.fail(`Tab does not reach ${name}`);
}

async function press(page, name) {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

const cases = {
  async 'dutch'(browser) { await whole(browser, 'nl', true); },
  async 'english'(browser) { await whole(browser, 'en', true); },
  async 'dutch-plain'(browser) { await whole(browser, 'nl', false); },
  async 'english-plain'(browser) { await whole(browser, 'en', false); },

  // Each page that a resident or an agent can meet.
  async 'pages'(browser) {
    for (const lang of ['nl', 'en']) {
      const text = texts[lang];
      const it = await browser.person({ quiet: false });
      const { page } = it;
      const visit = async (path, status) => {
        assert.equal((await page.goto(`${site.web}${path}`)).status(), status);
        await look(it);
      };
      await visit(`/${lang}/start/appointment`, 200);
      await visit(`/${lang}/start/nothing`, 404);
      await visit(`/${lang}/code`, 410);
      await visit('/nowhere', 404);
      await visit('/callback/digid?code=a&state=b', 400);
      await start(it, lang, 'status', 'DigiD');
      await button(page, 'Cancel').click();
      await heading(page, text.errors.login_cancelled.title);
      await look(it);
      await page.getByRole('link', { name: text.onward.start }).click();
      await page.waitForURL(`${site.web}/${lang}/start/status`);
      await arrive(it, lang, 'status', 'DigiD', 'dirk');
      await heading(page, text.errors.level_too_low.title);
      await look(it);
      await arrive(it, lang, 'status', 'DigiD', 'anna');
      await button(page, texts[lang].consent.no).click();
      await heading(page, text.errors.no_consent.title);
      await look(it);

      // Stopped by the resident, with and without loading itself again.
      await arrive(it, lang, 'status', 'DigiD', 'bert');
      await agree(it, lang);
      await page.getByRole('link', { name: text.code.hold }).click();
      await page.waitForURL('**/code?hold');
      assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
      await look(it);
      await button(page, text.code.renew).click();
      await page.waitForURL(`${site.web}/${lang}/code`);
      await button(page, text.code.stop).click();
      await heading(page, text.ended.cancelled.title);
      await look(it);

      // Confirmed on the page, and not me.
      await arrive(it, lang, 'change', 'DigiD', 'anna');
      const { code, ticket } = await agree(it, lang);
      await look(it);
      await keyIn(code, `pages-${lang}`, 'withheld');
      await heading(page, text.called.ask_title);
      await look(it);
      const desk = await browser.person({ agent: true, quiet: false });
      await desk.page.goto(`${site.desk}/desk?line=kcc&call_id=pages-${lang}`);
      await heading(desk.page, texts.nl.desk.unconfirmed.title);
      await look(desk);
      await stopAndGoOn(desk);
      await button(page, text.called.yes).click();
      await page.getByText(text.called.confirmed).waitFor();
      await look(it);
      // The agent's page has seen it, and opened the call, by itself.
      await desk.page.getByText('T. Estpersoon').waitFor();
      await look(desk);
      await button(page, text.called.not_me).click();
      await heading(page, text.ended.not_me.title);
      await look(it);
      await desk.page.goto(`${site.desk}/desk?line=kcc&call_id=pages-${lang}`);
      await heading(desk.page, texts.nl.desk.not_me.title);
      await look(desk);
      await desk.page.goto(`${site.desk}/desk?line=kcc&call_id=nobody-${lang}`);
      await heading(desk.page, texts.nl.desk.waiting.title);
      await look(desk);
      await stopAndGoOn(desk);
      await desk.page.goto(`${site.desk}/desk/ticket`);
      await look(desk);
      await desk.page.getByLabel(texts.nl.desk.ticket.label).fill(ticket);
      await button(desk.page, texts.nl.desk.ticket.find).click();
      await heading(desk.page, texts.nl.desk.ticket.case);
      await look(desk);
      console.log(`# ${lang}: ${it.seen.size + desk.seen.size} different pages`);
    }
  },

  async 'keyboard'(browser) {
    const it = await browser.person();
    const { page } = it;
    await page.goto(`${site.web}/nl/start/status`);
    await press(page, 'English');
    await page.waitForURL(`${site.web}/en/start/status`);
    await press(page, 'Log in with Broker');
    await page.waitForURL(`${site.provider}/login/**`);
    await press(page, 'anna:');
    await page.waitForURL(`${site.web}/callback/**`);
    await press(page, 'Yes,');
    await page.waitForURL(`${site.web}/en/code`);
    await press(page, texts.en.code.hold);
    await page.waitForURL('**/code?hold');
    await press(page, 'New code');
    await page.waitForURL(`${site.web}/en/code`);
    const { code } = await takeCode(page);
    await keyIn(code, 'keyboard-1');
    await heading(page, texts.en.called.title);
    const desk = await browser.person({ agent: true });
    await desk.page.goto(`${site.desk}/desk`);
    await press(desk.page, 'Open gesprek keyboard-1');
    await desk.page.getByText('T. Estpersoon').waitFor();
    await press(desk.page, 'Toon Burgerservicenummer');
    await desk.page.getByText('999990019').waitFor();
    await heading(page, texts.en.called.connected_title);
    await press(page, 'Stop and erase');
    await heading(page, texts.en.ended.resident.title);
    await press(desk.page, 'Contact afsluiten');
    await desk.page.waitForURL(`${site.desk}/desk`);
  },

  // Back to the question, forward, loaded again, and a second click.
  async 'back'(browser) {
    const it = await browser.person({ quiet: false });
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const first = await agree(it, 'nl');
    await page.goBack();
    // Nothing of it was kept by the browser: the login's answer is asked for again, and spent.
    await heading(page, texts.nl.errors.login_mixed.title);
    await page.goForward();
    await heading(page, /toets uw code in/);
    assert.deepEqual(await takeCode(page), first);
    await page.reload();
    assert.deepEqual(await takeCode(page), first);
    assert.equal((await keyIn(first.code, 'back-1')).result, 'accepted');

    // Two clicks, the second before the first is answered.
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    await button(page, texts.nl.consent.yes).dblclick();
    await page.waitForURL(`${site.web}/nl/code`);
    await page.waitForLoadState();
    if ((await page.locator('.code').count()) === 0) {
      // The cookie of the first answer came last: the page says so, and helps.
      await button(page, texts.nl.code.renew).click();
      await page.locator('.code').waitFor();
    }
    const { code } = await takeCode(page);
    assert.equal((await keyIn(code, 'back-2')).result, 'accepted');
  },

  async 'tabs'(browser) {
    const it = await browser.person({ quiet: false });
    const { page } = it;
    const other = await it.context.newPage();
    await start(it, 'nl', 'status', 'DigiD');
    await start(it, 'en', 'appointment', 'Broker', other);
    assert.deepEqual(await ownCookies(it), ['__Host-idb-login-', '__Host-idb-login-']);
    await button(other, 'bert:').click();
    await heading(other, texts.en.consent.title);
    assert.deepEqual(await dds(other), ['Bért "B." <Ø> Büyük']);
    await button(page, 'anna:').click();
    await heading(page, texts.nl.consent.title);
    const { code } = await agree(it, 'nl');
    await button(other, texts.en.consent.yes).click();
    await heading(other, texts.en.errors.other_browser.title);
    assert.equal((await keyIn(code, 'tabs-1')).result, 'accepted');
  },

  // A form on another site, with an offer that is good: the browser says where it
  // stood and keeps the cookies to itself.
  async 'cross-site'(browser) {
    let offer = '';
    const evil = nodeHttp.createServer((request, answer) => {
      answer.setHeader('Content-Type', 'text/html');
      answer.end(`<!doctype html><html lang="en"><title>x</title><form method="post" action="${site.web}/nl/consent">
        <input type="hidden" name="offer" value="${offer}"><button name="consent" value="yes">Win</button></form>
        <form method="post" action="${site.web}/nl/stop"><button>Stop</button></form>`);
    });
    await new Promise((ready) => evil.listen(0, '127.0.0.1', ready));
    const origin = `http://127.0.0.1:${evil.address().port}`;
    const it = await browser.person({ allow: [origin], quiet: false });
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    offer = await page.locator('input[name=offer]').getAttribute('value');
    const other = await it.context.newPage();
    const posted = async (name, path) => {
      await other.goto(origin);
      const [request] = await Promise.all([
        other.waitForRequest(`${site.web}${path}`), button(other, name).click()]);
      const headers = await request.allHeaders();
      assert.deepEqual([headers.origin, headers.cookie], [origin, undefined]);
      await heading(other, texts.nl.errors.cross_site.title);
      assert.equal((await request.response()).status(), 403);
    };
    await posted('Win', '/nl/consent');
    const { code } = await agree(it, 'nl');
    await posted('Stop', '/nl/stop');
    await page.reload();
    assert.equal((await takeCode(page)).code, code);
    evil.close();
  },
};

const browser = await open();
try {
  await cases[process.argv[2]](browser);
  await browser.close();
} catch (error) {
  console.error(error);
  await browser.abandon();
  process.exit(1);
}
