// The whole flow, and every page on the way: cases of tests/long/browser.bats.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { desks, keyIn, look, phone, site, texts } from './browser.mjs';
import { agree, arrive, button, callAddress, dds, heading, link, ownCookies, press, start, tabTo, takeCode } from './steps.mjs';

// From the start page until nothing is left; the resident's page keeps up by itself.
async function whole(browser, lang, javaScript) {
  const it = await browser.person({ javaScript });
  const { page } = it;
  const text = texts[lang];
  const call = `call-${lang}-${javaScript}`;
  await page.goto(`${site.web}/${lang}/start/status`);
  assert.equal(await page.locator('html').getAttribute('lang'), lang);
  await look(it, 'start');
  await start(it, lang, 'status', 'DigiD');
  assert.deepEqual(await ownCookies(it), ['__Host-idb-login-']);
  await button(page, 'anna:').click();
  await page.waitForURL(`${site.web}/callback/**`);
  await heading(page, text.consent.title);
  assert.deepEqual(await dds(page), ['999990019', 'T. Estpersoon']);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-offer']);
  await look(it, 'consent');
  const { code } = await agree(it, lang);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-code', '__Host-idb-session']);
  await look(it, 'code');

  assert.equal((await keyIn(code, call)).result, 'accepted');
  await heading(page, text.called.title);
  assert.deepEqual(await ownCookies(it), ['__Host-idb-session']);
  await look(it, 'called');

  const desk = await browser.person({ javaScript, agent: true });
  await desk.page.goto(`${desks[lang]}/desk`);
  await look(desk, 'desk-calls');
  await link(desk.page, call).click();
  await desk.page.getByText('T. Estpersoon').waitFor();
  assert(!(await desk.page.content()).includes('999990019'));
  await look(desk, 'desk-open');
  await button(desk.page, text.desk.reveal.replace('{label}', lang === 'nl' ? 'Burgerservicenummer' : 'Citizen service number')).click();
  await desk.page.getByText('999990019').waitFor();
  await look(desk, 'desk-revealed');
  await heading(page, text.called.connected_title);
  await look(it, 'connected');
  await phone('end', { call_id: call });
  await heading(page, text.called.wrap_up_title);
  await look(it, 'wrap-up');
  await button(desk.page, text.desk.end).click();
  await desk.page.waitForURL(`${desks[lang]}/desk`);
  await look(desk, 'desk-none');
  await heading(page, text.ended.done.title);
  await look(it, 'done');
}

// Each page that a resident or an agent can meet on the way, and did not above.
async function pages(browser, lang) {
  const text = texts[lang];
  const it = await browser.person();
  const { page } = it;
  const visit = async (path, status, state) => {
    assert.equal((await page.goto(`${site.web}${path}`)).status(), status);
    await look(it, state);
  };
  await visit(`/${lang}/start/appointment`, 200, 'start-closed');
  await visit(`/${lang}/start/nothing`, 404, 'error-unknown-purpose');
  await visit(`/${lang}/code`, 410, 'error-no-cookie');
  await visit('/nowhere', 404, 'error-server');
  await visit('/callback/digid?code=a&state=b', 400);
  await start(it, lang, 'status', 'DigiD');
  await button(page, 'Cancel').click();
  await heading(page, text.errors.login_cancelled.title);
  await look(it, 'error-cancelled');
  await link(page, text.onward.start).click();
  await page.waitForURL(`${site.web}/${lang}/start/status`);
  await arrive(it, lang, 'status', 'DigiD', 'dirk');
  await heading(page, text.errors.level_too_low.title);
  await look(it, 'error-level');
  await arrive(it, lang, 'status', 'DigiD', 'anna');
  await button(page, texts[lang].consent.no).click();
  await heading(page, text.errors.no_consent.title);
  await look(it, 'error-no-consent');

  // New codes until there are no more, and stopped by the resident.
  await arrive(it, lang, 'status', 'DigiD', 'bert');
  await look(it, 'consent-long');
  let { code } = await agree(it, lang);
  for (let left = 3; left > 0; left--) {
    await button(page, text.code.renew).click();
    await page.waitForURL((url) => url.pathname === `/${lang}/code`);
    await page.locator('#code').filter({ hasNotText: code.slice(6) }).waitFor();
    ({ code } = await takeCode(page));
  }
  await page.getByText(text.code.no_renewals).waitFor();
  await look(it, 'code-last');
  await button(page, text.code.stop).click();
  await heading(page, text.ended.cancelled.title);
  await look(it, 'stopped');
  await confirmed(browser, it, lang);
}

// Confirmed on the page, and then not me.
async function confirmed(browser, it, lang) {
  const { page } = it;
  const text = texts[lang];
  const call = `pages-${lang}`;
  await arrive(it, lang, 'change', 'DigiD', 'anna');
  const { code, ticket } = await agree(it, lang);
  await look(it, 'code-confirm');
  const desk = await browser.person({ agent: true });
  await desk.page.goto(callAddress(`nobody-${lang}`, lang));
  await heading(desk.page, text.desk.waiting.title);
  await look(desk, 'desk-waiting');
  await keyIn(code, call, 'withheld');
  await heading(page, text.called.ask_title);
  await look(it, 'called-ask');
  await desk.page.goto(callAddress(call, lang));
  await heading(desk.page, text.desk.unconfirmed.title);
  await look(desk, 'desk-unconfirmed');
  await button(page, text.called.yes).click();
  await page.getByText(text.called.confirmed).waitFor();
  // The agent's page opens by itself, and turns into a warning.
  await desk.page.getByText('T. Estpersoon').waitFor();
  await look(it, 'called-confirmed');
  await look(desk, 'desk-confirmed');
  await button(page, text.called.not_me).click();
  await heading(page, text.ended.not_me.title);
  await look(it, 'not-me');
  await heading(desk.page, text.desk.not_me.title);
  await look(desk, 'desk-not-me');
  await desk.page.goto(`${desks[lang]}/desk/ticket`);
  await look(desk, 'desk-ticket');
  await desk.page.getByLabel(text.desk.ticket.label).fill(ticket);
  await button(desk.page, text.desk.ticket.find).click();
  await heading(desk.page, text.desk.ticket.case);
  await look(desk, 'desk-ticket-found');
  await desk.page.getByLabel(text.desk.ticket.label).fill('BCDFGH');
  await button(desk.page, text.desk.ticket.find).click();
  await heading(desk.page, text.desk.ticket.unknown);
  await look(desk, 'desk-ticket-unknown');
}

// The pictures of the README: what is on a screen without scrolling.
async function pictures(browser) {
  const shoot = (page, name) => page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
  const it = await browser.person();
  const { page } = it;
  await page.setViewportSize({ width: 375, height: 760 });
  await page.goto(`${site.web}/nl/start/status`);
  await shoot(page, 'start');
  await arrive(it, 'nl', 'status', 'DigiD', 'anna');
  const { code } = await agree(it, 'nl');
  await shoot(page, 'code');
  await keyIn(code, 'call-1');
  await heading(page, texts.nl.called.title);
  await shoot(page, 'called');
  const desk = await browser.person({ agent: true });
  await desk.page.setViewportSize({ width: 400, height: 760 });
  await desk.page.goto(callAddress('call-1'));
  await desk.page.getByText('T. Estpersoon').waitFor();
  await shoot(desk.page, 'desk');
}

export default {
  pictures,
  async 'dutch'(browser) { await whole(browser, 'nl', true); },
  async 'english'(browser) { await whole(browser, 'en', true); },
  async 'dutch-plain'(browser) { await whole(browser, 'nl', false); },
  async 'english-plain'(browser) { await whole(browser, 'en', false); },
  async 'pages-dutch'(browser) { await pages(browser, 'nl'); },
  async 'pages-english'(browser) { await pages(browser, 'en'); },

  // Pages that take a broken server, a clock or bad luck, as the glue printed them into
  // files of RENDERED: ADDRESS, then headers, an empty line and the page.
  async 'rendered'(browser) {
    const folder = process.env.RENDERED;
    const it = await browser.person();
    const names = fs.readdirSync(folder).sort();
    for (const name of names) {
      const [, address, head, body] = /^(.*)\n([^]*?)\n\n([^]*)$/.exec(fs.readFileSync(`${folder}/${name}`, 'utf8'));
      const headers = Object.fromEntries(head.split('\n').map((line) => /^([^:]+): (.*)$/.exec(line).slice(1)));
      const status = Number(headers.Status.slice(0, 3));
      delete headers.Status;
      const url = `${site.web}${address}`;
      await it.page.route(url, (route) => route.fulfill({ status, headers, body }));
      await it.page.goto(url);
      await look(it, name.replace(/-(nl|en)$/, ''), it.page, [320, 1280]);
      await it.page.unroute(url);
    }
    assert(names.length > 60);
    console.log(`# ${names.length} pages`);
  },

  // An agent's page waits for its call, opens it once, keeps what is on screen while the
  // call goes on, and turns into a warning.
  async 'desk'(browser) {
    const text = texts.nl.desk;
    const desk = await browser.person({ agent: true, quiet: false });
    const { page } = desk;
    const heldBack = await browser.person({ agent: true, javaScript: false, quiet: false });
    for (const { page } of [desk, heldBack]) await page.goto(`${site.desk}/desk?line=kcc&call_id=desk-1`);
    await heading(page, text.waiting.title);

    const it = await browser.person({ quiet: false });
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    await button(it.page, texts.nl.consent.yes).click();
    const tel = await it.page.locator('a[href^="tel:"]').first().getAttribute('href');
    assert.equal((await keyIn(tel.split(',')[1], 'desk-1')).result, 'accepted');

    await page.getByText('T. Estpersoon').waitFor();
    await look(desk);
    await button(page, 'Toon').click();
    await page.getByText('999990019').waitFor();
    assert.equal(new URL(page.url()).search, '');
    await page.getByRole('button', { name: text.hand_over }).focus();
    await phone('end', { call_id: 'desk-1' });
    await page.locator('main').getByText('De beller heeft opgehangen').waitFor();
    assert((await page.locator('main').textContent()).includes('999990019'));
    assert.equal(await page.evaluate('document.activeElement.textContent'), text.hand_over);
    await look(desk);

    // Without script the page stays, and a frame in it looks.
    const frame = heldBack.page.frameLocator('iframe');
    await heldBack.page.getByText('T. Estpersoon').waitFor();
    await frame.getByText('De beller heeft opgehangen').waitFor();

    await button(it.page, texts.nl.called.not_me).click();
    await heading(page, text.not_me.title);
    assert(!/999990019|Estpersoon/.test(await page.content()));
    await look(desk);
    await frame.getByText(text.not_me.strong).waitFor();
  },

  async 'keyboard'(browser) {
    const it = await browser.person();
    const { page } = it;
    await page.goto(`${site.web}/nl/start/status`);
    // First of all past what each page begins with.
    await press(page, texts.nl.page.skip);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.reload();
    await press(page, 'English');
    await page.waitForURL(`${site.web}/en/start/status`);
    await press(page, 'Log in with Broker');
    await page.waitForURL(`${site.provider}/login/**`);
    await press(page, 'anna:');
    await page.waitForURL(`${site.web}/callback/**`);
    await press(page, 'Yes,');
    await page.waitForURL(`${site.web}/en/code`);
    const old = await takeCode(page);
    await press(page, texts.en.code.renew);
    await page.locator('#code').filter({ hasNotText: old.code.slice(6) }).waitFor();
    const { code } = await takeCode(page);
    await tabTo(page, texts.en.code.call);
    await keyIn(code, 'keyboard-1');
    await heading(page, texts.en.called.title);
    const desk = await browser.person({ agent: true });
    await desk.page.goto(`${desks.nl}/desk`);
    await press(desk.page, 'Open gesprek keyboard-1');
    await desk.page.getByText('T. Estpersoon').waitFor();
    await press(desk.page, 'Toon Burgerservicenummer');
    await desk.page.getByText('999990019').waitFor();
    await heading(page, texts.en.called.connected_title);
    await press(page, texts.en.code.stop);
    await heading(page, texts.en.ended.resident.title);
    await press(desk.page, texts.nl.desk.end);
    await desk.page.waitForURL(`${desks.nl}/desk`);
  },

  // Back to the question, forward, and loaded again.
  async 'back'(browser) {
    const it = await browser.person();
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const first = await agree(it, 'nl');
    await page.goBack();
    // Nothing of it was kept by the browser: the login's answer is asked for again, and spent.
    await heading(page, texts.nl.errors.login_mixed.title);
    await look(it, 'error-again');
    await page.goForward();
    await page.locator('#code').waitFor();
    assert.deepEqual(await takeCode(page), first);
    await page.reload();
    assert.deepEqual(await takeCode(page), first);
    assert.equal((await keyIn(first.code, 'back-1')).result, 'accepted');
  },

  async 'tabs'(browser) {
    const it = await browser.person();
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
    await look(it, 'error-other-browser', other);
    assert.equal((await keyIn(code, 'tabs-1')).result, 'accepted');
  },

  // The server's own page for too many requests, from an address that others share.
  async 'limit'(browser) {
    const it = await browser.person({ quiet: false });
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    await button(page, texts.nl.consent.yes).click();
    const code = (await page.locator('#code').textContent()).replace(/ /g, '');
    let refused = 0;
    await page.route('**/nl/code', (route) => {
      refused++;
      return route.fulfill({ status: 429, contentType: 'text/html; charset=utf-8',
        path: `${process.env.IDB_ROOT}/scripts/pages/error.html` });
    });
    await page.locator('#lost').waitFor({ timeout: 30000 });
    assert(refused >= 3);
    assert.equal((await page.locator('#code').textContent()).replace(/ /g, ''), code);
    await page.unroute('**/nl/code');
    assert.equal((await keyIn(code, 'limit-1')).result, 'accepted');
    await heading(page, texts.nl.called.title);
    assert.equal(await page.locator('#lost').isVisible(), false);
  },
};
