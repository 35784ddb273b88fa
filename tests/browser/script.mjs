// What scripts/look/idb.js does, and what goes without it: cases of
// tests/long/browser-script.bats.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { desks, keyIn, look, phone, site, texts } from './browser.mjs';
import { agree, arrive, begin, button, callAddress, heading, link, logIn, takeCode } from './steps.mjs';

const text = texts.nl;

// Marks this page, so that a reload would show, and keeps what is said to who cannot see.
async function watch(page) {
  await page.evaluate(() => {
    window.same = true;
    window.saidAloud = [];
    const said = document.getElementById('said');
    if (said.getAttribute('role') !== 'status') throw new Error('no status');
    new MutationObserver(() => window.saidAloud.push(said.textContent)).observe(said, { childList: true, characterData: true, subtree: true });
  });
}

const isSame = (page) => page.evaluate(() => window.same === true);
const lastSaid = (page) => page.evaluate(() => window.saidAloud.at(-1) ?? '');
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());

const posts = (it, path) => it.requests.filter((r) => r.method() === 'POST' && new URL(r.url()).pathname === path).length;

// Four times the page looks whether it is still true, each by one more of what is asked.
async function lookFour(page, asked) {
  for (let before = asked(), i = 0; i < 4; i++) {
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    while (asked() === before) await page.waitForTimeout(100);
    before = asked();
    await page.waitForTimeout(1000);
  }
}

// What a camera reads of an element.
async function scan(locator) {
  const file = `${process.env.HOME}/qr.png`;
  await locator.screenshot({ path: file });
  return execFileSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).trim();
}

export default {
  // One page, from the code until nothing is left: it never loads again, keeps the focus
  // where it was, and says what has changed.
  async 'follow'(browser) {
    const it = await browser.person();
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await watch(page);
    await button(page, text.code.stop).focus();
    await keyIn(code, 'follow-1');
    await heading(page, text.called.title);
    assert.equal(await page.title(), await page.evaluate((t) => `${t} – Gemeente Voorbeeld`, text.called.title));
    assert((await lastSaid(page)).startsWith(`${text.called.title}. ${text.called.queue}`), await lastSaid(page));
    // What had it is gone: the focus is in what came instead, not at the page's beginning.
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await button(page, text.called.not_me).focus();
    const desk = await browser.person({ agent: true });
    await desk.page.goto(callAddress('follow-1'));
    await heading(page, text.called.connected_title);
    assert((await lastSaid(page)).startsWith(`${text.called.connected_title}. ${text.called.talking}`));
    assert.equal(await focused(page), text.called.not_me);
    await phone('end', { call_id: 'follow-1' });
    await heading(page, text.called.wrap_up_title);
    assert((await lastSaid(page)).startsWith(`${text.called.wrap_up_title}. ${text.called.hung_up}`));
    assert.equal(await focused(page), text.called.not_me);
    await button(desk.page, text.desk.end).click();
    await heading(page, text.ended.done.title);
    assert((await lastSaid(page)).startsWith(`${text.ended.done.title}. ${text.ended.erased}`));
    assert(await isSame(page));
    assert.equal(await page.locator('main').getAttribute('data-follow'), null);
    const asked = it.requests.length;
    await page.waitForTimeout(6000);
    assert.equal(it.requests.length, asked, 'it goes on asking when all is over');
  },

  // The page itself is asked for only when what it is made from has changed.
  async 'cheap'(browser) {
    const it = await browser.person();
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    const asked = (query) => it.requests.filter((r) => r.method() === 'GET'
      && r.resourceType() === 'fetch' && r.url() === `${site.web}/nl/code${query}`).length;
    await lookFour(page, () => asked('?state'));
    assert.equal(asked(''), 1, 'what it is made from was not known at first');
    await keyIn(code, 'cheap-1');
    await heading(page, text.called.title);
    assert.equal(asked(''), 2);
  },

  // So are the agent's: one that waits for its call, the call, and the calls.
  async 'cheap at the desk'(browser) {
    const desk = await browser.person({ agent: true });
    const { page } = desk;
    const asked = (what) => desk.requests.filter((r) => r.resourceType() === 'fetch' && r.url().endsWith(what)).length;
    const four = async (heard) => {
      await lookFour(page, () => asked('&digest=1'));
      assert.equal(asked(heard), 1, `${heard} was not known at first`);
    };
    await page.goto(`${site.desk}/desk?calls`);
    await four('/desk?calls');
    await page.goto(callAddress('cheap-2'));
    await heading(page, text.desk.waiting.title);
    await four('&wait=1');
    const it = await browser.person();
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'cheap-2');
    await page.getByText('T. Estpersoon').waitFor();
    await four('&follow=1');
    await phone('end', { call_id: 'cheap-2' });
    await page.getByRole('main').getByText('De beller heeft opgehangen').waitFor();
    assert.equal(asked('&follow=1'), 2);
    assert(await page.getByText('T. Estpersoon').isVisible());
  },

  // What cannot be reached is said, and taken back.
  async 'lost'(browser) {
    const it = await browser.person();
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await watch(page);
    const lost = page.getByRole('alert').filter({ hasText: text.page.lost });
    const again = () => Promise.all([
      page.waitForResponse(/\/nl\/code/),
      page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))]);
    await page.route(/\/nl\/code/, (route) => route.fulfill({ status: 503, contentType: 'text/plain', body: 'busy' }));
    for (let i = 0; i < 2; i++) await again();
    assert(!(await lost.isVisible()));
    await again();
    await lost.waitFor();
    await look(it, 'code-lost');
    await page.unroute(/\/nl\/code/);
    await again();
    await lost.waitFor({ state: 'hidden' });
    assert.equal((await takeCode(page)).code, code);
    assert(await isSame(page));
  },

  // The agent's page, open, becomes a warning without anybody touching it.
  async 'warned'(browser) {
    const it = await browser.person();
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'warned-1');
    const desk = await browser.person({ agent: true });
    await desk.page.goto(callAddress('warned-1'));
    await desk.page.getByText('T. Estpersoon').waitFor();
    await watch(desk.page);
    await button(it.page, text.called.not_me).click();
    await heading(desk.page, text.desk.not_me.title);
    assert(await isSame(desk.page));
    assert((await lastSaid(desk.page)).startsWith(`${text.desk.not_me.title}. ${text.desk.not_me.strong}`));
    assert(!(await desk.page.content()).includes('Estpersoon'));
    assert.equal(await desk.page.locator('.utrecht-alert--error').count(), 1);
    await look(desk, 'desk-warned');
  },

  // Where no script runs, a part of the page does that.
  async 'warned-plain'(browser) {
    const it = await browser.person({ javaScript: false });
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'warned-2');
    const desk = await browser.person({ agent: true, javaScript: false });
    await desk.page.goto(callAddress('warned-2'));
    await desk.page.getByText('T. Estpersoon').waitFor();
    const state = desk.page.frameLocator('iframe');
    await state.getByText(text.desk.open.yes).waitFor();
    await heading(it.page, text.called.connected_title);
    await button(it.page, text.called.not_me).click();
    await heading(it.page, text.ended.not_me.title);
    await state.getByText(text.desk.not_me.strong).waitFor();
  },

  // A call that is not there yet opens when it comes, on the page that waits for it.
  async 'waits'(browser) {
    const desk = await browser.person({ agent: true });
    await desk.page.goto(callAddress('waits-1'));
    await heading(desk.page, text.desk.waiting.title);
    const it = await browser.person();
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'waits-1');
    await desk.page.getByText('T. Estpersoon').waitFor();
    await heading(it.page, text.called.connected_title);
  },

  // Just the value, and the button says so.
  async 'copy'(browser) {
    const it = await browser.person();
    await arrive(it, 'nl', 'status', 'DigiD', 'bert');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'copy-1');
    const desk = await browser.person({ agent: true });
    await desk.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: desks.nl });
    const { page } = desk;
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    const copy = (label) => page.getByRole('button', { name: text.desk.copy_what.replace('{label}', label) });
    const done = page.locator('[data-copy]').filter({ hasText: text.page.copied });
    await page.goto(callAddress('copy-1'));
    await copy('Naam').click();
    await done.waitFor();
    assert.equal(await copied(), 'Bért "B." <Ø> Büyük');
    await button(page, text.desk.reveal.replace('{label}', 'Burgerservicenummer')).click();
    await page.getByText('999990020').waitFor();
    await copy('Burgerservicenummer').click();
    await done.waitFor();
    assert.equal(await copied(), '999990020');
    await done.waitFor({ state: 'detached' });
  },

  // Nothing to copy with where no script runs.
  async 'copy-plain'(browser) {
    const it = await browser.person({ javaScript: false });
    await arrive(it, 'nl', 'status', 'DigiD', 'bert');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'copy-2');
    const desk = await browser.person({ agent: true, javaScript: false });
    await desk.page.goto(callAddress('copy-2'));
    await desk.page.getByText('Bért').first().waitFor();
    assert((await desk.page.locator('[data-copy]').count()) > 0);
    for (const one of await desk.page.locator('[data-copy]').all()) assert(!(await one.isVisible()));
  },

  // Two clicks are one form, wherever: login, consent, new code, the desk's end.
  async 'twice'(browser) {
    const it = await browser.person();
    const { page } = it;
    await page.goto(`${site.web}/nl/start/status`);
    await button(page, `${begin(text.start.login_with)}DigiD`).dblclick();
    await page.waitForURL(`${site.provider}/login/**`);
    await logIn(page, 'anna');
    await button(page, text.consent.yes).dblclick();
    await page.waitForURL('**/nl/code');
    const first = await takeCode(page);
    await button(page, text.code.renew).dblclick();
    await page.locator('#code').filter({ hasNotText: first.code.slice(6) }).waitFor();
    const { code } = await takeCode(page);
    assert.equal((await keyIn(code, 'twice-1')).result, 'accepted');
    const desk = await browser.person({ agent: true });
    await desk.page.goto(callAddress('twice-1'));
    await button(desk.page, text.desk.end).dblclick();
    await desk.page.waitForURL(`${desks.nl}/desk`);
    assert.deepEqual(['/nl/login', '/nl/consent', '/nl/renew'].map((path) => posts(it, path)), [1, 1, 1]);
    assert.equal(posts(desk, '/desk/end'), 1);
    // From the history the same form may be sent again.
    await page.goto(`${site.web}/nl/start/status`);
    await button(page, `${begin(text.start.login_with)}DigiD`).click();
    await page.waitForURL(`${site.provider}/login/**`);
    await page.goBack();
    await button(page, `${begin(text.start.login_with)}DigiD`).click();
    await page.waitForURL(`${site.provider}/login/**`);
    assert.equal(posts(it, '/nl/login'), 3);
  },

  // Without the script a second click sends the form again; the last code is the one.
  async 'twice-plain'(browser) {
    const it = await browser.person({ javaScript: false });
    const { page } = it;
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    await button(page, text.consent.yes).dblclick();
    await page.waitForURL('**/nl/code');
    await page.waitForLoadState();
    if ((await page.locator('#code').count()) === 0) {
      // The cookie of the first answer came last: the page says so, and helps.
      await button(page, text.code.renew).click();
      await page.locator('#code').waitFor();
    }
    const { code } = await takeCode(page);
    assert.equal((await keyIn(code, 'twice-2')).result, 'accepted');
  },

  // A camera reads from the screen what stands beside it, at every size that shows it.
  async 'qr'(browser) {
    for (const lang of ['nl', 'en']) {
      const it = await browser.person();
      const { page } = it;
      await arrive(it, lang, 'status', 'DigiD', 'anna');
      const { code } = await agree(it, lang);
      const drawn = page.getByRole('img', { name: begin(texts[lang].code.qr) });
      for (const width of [768, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        assert.equal(await scan(drawn), `tel:+31241234567,${code}`);
      }
      // A telephone does not scan itself.
      await page.setViewportSize({ width: 400, height: 900 });
      assert(!(await drawn.isVisible()));
    }
  },

  // INVITATION, what idb-invite answered, and one with its QR code as PNG in INVITATION_PNG.
  async 'invitation'(browser) {
    const invited = JSON.parse(process.env.INVITATION);
    const it = await browser.person();
    const { page } = it;
    const drawing = await it.context.newPage();
    const png = JSON.parse(process.env.INVITATION_PNG);
    fs.writeFileSync(`${process.env.HOME}/invitation.png`, Buffer.from(png.qr_png, 'base64'));
    assert.equal(execFileSync('zbarimg', ['--quiet', '--raw', `${process.env.HOME}/invitation.png`], { encoding: 'utf8' }).trim(),
      png.address_with_code);
    await drawing.setContent(`<div style="width: 12rem; padding: 1rem">${invited.qr_svg}</div>`);
    assert.equal(await scan(drawing.locator('div')), invited.address_with_code);

    // What was scanned only explains; the code is in the form.
    await page.goto(invited.address_with_code);
    await heading(page, text.invite.title);
    assert.equal(await page.getByLabel(text.invite.label).inputValue(), invited.code);
    await look(it, 'invite');
    await link(page, 'English').click();
    await heading(page, texts.en.invite.title);
    await look(it, 'invite');
    await page.goto(invited.address);
    await page.getByLabel(text.invite.label).fill('BCDFG-HJKLM');
    await button(page, text.invite.go).click();
    await heading(page, text.errors.invitation_unknown.title);
    await look(it, 'invite-unknown');
    await page.goto(invited.address);
    await page.getByLabel(text.invite.label).fill(invited.code.toLowerCase().replace('-', ' '));
    await button(page, text.invite.go).click();
    await button(page, `${begin(text.start.login_with)}DigiD`).waitFor();
    await look(it, 'invite-start');
    await button(page, `${begin(text.start.login_with)}DigiD`).click();
    await page.waitForURL(`${site.provider}/login/**`);
    await logIn(page, 'anna');
    await look(it, 'invite-consent');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'invited-1');
    const desk = await browser.person({ agent: true });
    await desk.page.goto(callAddress('invited-1'));
    await desk.page.getByText(invited.reference).waitFor();
    await look(desk, 'desk-invited');
    // It serves once.
    await page.goto(invited.address_with_code);
    await button(page, text.invite.go).click();
    await heading(page, text.errors.invitation_used.title);
    await look(it, 'invite-used');
  },
};
