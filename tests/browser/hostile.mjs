// Browsers, people and sites that mean harm: cases of tests/long/browser-hostile.bats.

import assert from 'node:assert/strict';
import nodeHttp from 'node:http';
import { desks, keyIn, site, texts } from './browser.mjs';
import { agree, arrive, button, callAddress, heading, logIn, start, takeCode } from './steps.mjs';

const text = texts.nl;
// What would be markup, were it not text.
const markup = process.env.HOSTILE;

// The page shows it as text, and is none the worse for it.
async function harmless(page, shown = true) {
  assert.deepEqual(await page.evaluate(() => [typeof window.owned, document.querySelectorAll('img, script:not([src])').length]),
    ['undefined', 0], page.url());
  if (shown) assert((await page.locator('body').innerText()).includes(markup), `${page.url()} does not show it`);
}

// A site of somebody else's; body is asked for anew each time.
async function evil(body) {
  const server = nodeHttp.createServer((request, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(`<!doctype html><html lang="en"><title>x</title>${body()}`);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

const fill = (page, name, value) => page.locator(`input[name=${name}]`).first().evaluate((e, v) => { e.value = v; }, value);

export default {
  // In a claim, and in every name and label of the configuration (HOSTILE of the instance).
  async 'markup'(browser) {
    const it = await browser.person();
    const { page } = it;
    await page.goto(`${site.web}/nl/start/status`);
    await harmless(page);
    await button(page, 'Inloggen met').first().click();
    await page.waitForURL(`${site.provider}/login/**`);
    await logIn(page, 'anna', markup);
    await harmless(page);
    assert.equal(await page.locator('section[aria-labelledby=data] dd').nth(1).innerText(), markup);
    const { code, ticket } = await agree(it, 'nl');
    await harmless(page);
    const call = `<script>window.owned=1</script>"'>&#39;`;
    assert.equal((await keyIn(code, call, '"><script>window.owned=1</script>')).result, 'accepted');
    await heading(page, text.called.title);
    await harmless(page);
    const desk = await browser.person({ agent: true });
    await desk.page.goto(`${desks.nl}/desk`);
    await harmless(desk.page);
    await desk.page.goto(callAddress(call));
    await desk.page.getByText(markup).first().waitFor();
    await harmless(desk.page);
    assert((await desk.page.locator('main').innerText()).includes(call));
    await button(desk.page, text.desk.reveal.split(' ')[0]).click();
    await desk.page.getByText('999990019').waitFor();
    await harmless(desk.page);
    await desk.page.goto(`${desks.nl}/desk/ticket?ticket=${ticket}`);
    await harmless(desk.page);
  },

  // In every field and address that anybody can fill in.
  async 'fields'(browser) {
    const it = await browser.person();
    const { page } = it;
    const code = encodeURIComponent(markup);
    const visit = async (path) => {
      await page.goto(`${site.web}${path}`);
      await harmless(page, false);
    };
    for (const lang of ['nl', 'en']) {
      await visit(`/${lang}/start/${code}`);
      await visit(`/${lang}/start/status/${code}?${code}`);
      await visit(`/${lang}/code?${code}`);
      await visit(`/${lang}/invite?c=${code}`);
    }
    await visit(`/i?c=${code}`);
    await visit(`/callback/${code}?code=${code}&state=${code}`);
    await visit(`/callback/digid?error=access_denied&error_description=${code}&state=${code}`);
    await visit('/i');
    await page.getByRole('textbox').fill(markup.slice(0, 60));
    await button(page, text.invite.go).click();
    await harmless(page, false);
    await page.goto(`${site.web}/nl/start/status`);
    for (const [name, value] of [['purpose', markup], ['method', markup]]) {
      await page.goto(`${site.web}/nl/start/status`);
      await page.locator('form').first().evaluate((form, [n, v]) => {
        for (const e of form.querySelectorAll(`[name="${n}"]`)) e.value = v;
      }, [name, value]);
      await button(page, 'Inloggen met').first().click();
      await page.waitForURL(`${site.web}/nl/login`);
      await harmless(page, false);
    }

    const desk = await browser.person({ agent: true });
    const open = async (path) => {
      await desk.page.goto(`${desks.nl}${path}`);
      await harmless(desk.page, false);
    };
    await open(`/desk?line=${code}&call_id=${code}`);
    await open(`/desk?line=kcc&call_id=${encodeURIComponent('<script>window.owned=1</script>')}`);
    await open(`/desk?line=kcc&call_id=x&follow=${code}`);
    await open(`/desk/ticket?ticket=${code}`);
  },

  // A question's form, changed, from somebody else, and sent again.
  async 'forms'(browser) {
    const one = await browser.person();
    await arrive(one, 'nl', 'status', 'DigiD', 'anna');
    const offer = await one.page.locator('input[name=offer]').inputValue();
    // One letter of it.
    const at = Math.floor(offer.length / 2);
    await fill(one.page, 'offer', offer.slice(0, at) + (offer[at] === 'A' ? 'B' : 'A') + offer.slice(at + 1));
    await button(one.page, text.consent.yes).click();
    await heading(one.page, text.errors.login_mixed.title);

    // Whole, in a browser with a login of its own.
    const two = await browser.person();
    await arrive(two, 'nl', 'status', 'DigiD', 'bert');
    const own = await two.page.locator('input[name=offer]').inputValue();
    await fill(two.page, 'offer', offer);
    await button(two.page, text.consent.yes).click();
    await heading(two.page, text.errors.other_browser.title);

    // Sent again from another tab, when it has been called with the code of the first.
    const again = await two.context.newPage();
    await arrive(two, 'nl', 'status', 'DigiD', 'bert');
    const good = await two.page.locator('input[name=offer]').inputValue();
    assert.notEqual(good, own);
    await arrive(two, 'nl', 'change', 'DigiD', 'bert', again);
    const { code } = await agree(two, 'nl', again);
    await keyIn(code, 'forms-1');
    await fill(two.page, 'offer', good);
    await button(two.page, text.consent.yes).click();
    await heading(two.page, text.errors.other_browser.title);
  },

  // Somebody else cannot see, stop, renew or confirm a session; not with a cookie of their
  // own, none, or one made up.
  async 'others'(browser) {
    const one = await browser.person();
    await arrive(one, 'nl', 'change', 'DigiD', 'anna');
    const { code, ticket } = await agree(one, 'nl');
    const two = await browser.person();
    await arrive(two, 'nl', 'change', 'DigiD', 'bert');
    const other = await agree(two, 'nl');
    assert.notEqual(other.code, code);
    await keyIn(code, 'others-1');
    await heading(one.page, text.called.ask_title);

    const post = (it, path, form) => it.context.request.post(`${site.web}${path}`, {
      form, headers: { Origin: site.web }, maxRedirects: 0 });
    // With a session of their own it is that which they stop.
    for (const [path, form] of [['/nl/confirm', { answer: 'yes' }], ['/nl/stop', {}]]) {
      await post(two, path, { ...form, ticket, session: ticket });
      await one.page.reload();
      await heading(one.page, text.called.ask_title);
    }
    await two.page.goto(`${site.web}/nl/code`);
    await heading(two.page, text.ended.cancelled.title);
    assert(!(await two.page.content()).includes(ticket));

    const none = await browser.person();
    const made = await browser.person();
    const mine = (await one.context.cookies(site.web)).find((cookie) => cookie.name === '__Host-idb-session');
    const wrong = (mine.value[20] === 'A' ? 'B' : 'A');
    await made.context.addCookies([{ ...mine, value: mine.value.slice(0, 20) + wrong + mine.value.slice(21) }]);
    for (const it of [none, made]) {
      for (const [path, form] of [['/nl/stop', {}], ['/nl/renew', {}], ['/nl/confirm', { answer: 'yes' }]]) {
        const answer = await post(it, path, form);
        assert([400, 410].includes(answer.status()), `${path}: ${answer.status()}`);
      }
      await it.page.goto(`${site.web}/nl/code`);
      assert.equal(await it.page.locator('#code').count(), 0);
    }
    await one.page.reload();
    await heading(one.page, text.called.ask_title);
    await button(one.page, text.called.yes).click();
    await one.page.getByText(text.called.confirmed).waitFor();
  },

  // The desk's forms are the agent's own, in this browser.
  async 'desk-forms'(browser) {
    const it = await browser.person();
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    const { code } = await agree(it, 'nl');
    await keyIn(code, 'desk-forms-1');
    const alice = await browser.person({ agent: 'alice' });
    const mallory = await browser.person({ agent: 'mallory' });
    await mallory.page.goto(callAddress('desk-forms-1'));
    const hers = await mallory.page.locator('input[name=form_token]').first().inputValue();
    const { page } = alice;
    const reveal = text.desk.reveal.replace('{label}', 'Burgerservicenummer');
    for (const [name, token] of [[reveal, hers], [reveal, ''], [reveal, null], [text.desk.end, hers], [text.desk.hand_over, null]]) {
      await page.goto(callAddress('desk-forms-1'));
      await button(page, name).waitFor();
      await page.locator('input[name=form_token]').evaluateAll((all, value) => {
        for (const e of all) if (value === null) e.remove(); else e.value = value;
      }, token);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST'), button(page, name).click()]);
      assert.equal(answer.status(), 403);
      await page.getByText('bad_form_token').waitFor();
      assert(!(await page.content()).includes('999990019'));
    }
    // And with all that belongs to it, it does.
    await page.goto(callAddress('desk-forms-1'));
    await button(page, reveal).click();
    await page.getByText('999990019').waitFor();
  },

  // A form on another site, with an offer that is good: the browser says where it
  // stood and keeps the cookies to itself.
  async 'cross-site'(browser) {
    let offer = '';
    const other = await evil(() => `<form method="post" action="${site.web}/nl/consent">
        <input type="hidden" name="offer" value="${offer}"><button name="consent" value="yes">Win</button></form>
        <form method="post" action="${site.web}/nl/stop"><button>Stop</button></form>
        <form method="post" action="${desks.nl}/desk/end"><input type="hidden" name="line" value="kcc">
        <input type="hidden" name="call_id" value="cross-1"><button>End</button></form>`);
    const it = await browser.person({ allow: [other.origin] });
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    offer = await it.page.locator('input[name=offer]').inputValue();
    const posted = async (who, origin, name, path, title) => {
      const page = await who.context.newPage();
      await page.goto(other.origin);
      const [request] = await Promise.all([page.waitForRequest(`${origin}${path}`), button(page, name).click()]);
      const headers = await request.allHeaders();
      assert.deepEqual([headers.origin, headers.cookie], [other.origin, undefined]);
      await heading(page, title);
      assert.equal((await request.response()).status(), 403);
    };
    await posted(it, site.web, 'Win', '/nl/consent', text.errors.cross_site.title);
    const { code } = await agree(it, 'nl');
    await posted(it, site.web, 'Stop', '/nl/stop', text.errors.cross_site.title);
    await it.page.reload();
    assert.equal((await takeCode(it.page)).code, code);
    await keyIn(code, 'cross-1');
    const desk = await browser.person({ agent: true, allow: [other.origin] });
    await desk.page.goto(callAddress('cross-1'));
    await desk.page.getByText('T. Estpersoon').waitFor();
    await posted(desk, desks.nl, 'End', '/desk/end', text.errors.cross_site.title);
    await desk.page.reload();
    await desk.page.getByText('T. Estpersoon').waitFor();
    other.close();
  },

  // In nobody's frame, where a click could be led astray.
  async 'framed'(browser) {
    let address;
    const other = await evil(() => `<iframe src="${address}"></iframe>`);
    // Nor does it get a cookie there.
    const expects = [/frame-ancestors/, /status of 410/];
    const it = await browser.person({ allow: [other.origin], expects });
    const desk = await browser.person({ agent: true, allow: [other.origin], expects });
    await arrive(it, 'nl', 'status', 'DigiD', 'anna');
    await agree(it, 'nl');
    for (const [who, where] of [[it, `${site.web}/nl/code`], [it, `${site.web}/nl/start/status`],
      [it, `${site.web}/i`], [desk, `${desks.nl}/desk`], [desk, `${desks.nl}/desk/ticket`]]) {
      const page = await who.context.newPage();
      // A browser that would log an agent in within a frame as well.
      if (who === desk) await page.setExtraHTTPHeaders({ Authorization: `Basic ${btoa('alice:secret')}` });
      address = where;
      await page.goto(other.origin);
      // The browser's own page stands there, or none.
      assert.equal(await page.frames()[1].evaluate(() => document.querySelectorAll('main').length), 0, where);
      assert.match(page.frames()[1].url(), /^chrome-error:/, where);
    }
    other.close();
  },
};
