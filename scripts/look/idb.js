/*
 * Makes the pages of ID Bellen pleasant; without it they work as well. It stores
 * nothing, and sends nothing of its own.
 *
 * <main data-follow="5">: fetched again every so many seconds, from data-follow-at or
 *   the page's address; replaced when it has changed, and its data-say said to who cannot
 *   see. While data-follow-state answers the same, on one day, no page is fetched
 * <… data-go="address"> in a new <main>: where to go on
 * <div id data-keep>: stays where a new <main> has one too
 * <button data-copy="id">: shown, copies that element's text, says data-done
 *
 * A form that was sent is not sent twice.
 */
(function () {
  "use strict";

  var again = 5000; // a second submit within so many ms is a slip of the finger
  var shown, state, timer, tries = 0, busy = false, seconds = 0;

  function main(doc) {
    return (doc || document).querySelector("main");
  }

  function each(root, what, act) {
    root.querySelectorAll(what).forEach(act);
  }

  // What is compared: <noscript> holds text here, and elements in a fetched page.
  function content(doc) {
    var copy = main(doc).cloneNode(true);
    each(copy, "noscript", function (n) { n.remove(); });
    each(copy, "[data-keep]", function (k) { k.textContent = ""; });
    return copy.innerHTML;
  }

  function say(text) {
    var said = document.getElementById("said");
    if (said) said.textContent = text;
  }

  // ---- copying ----

  function copy(button) {
    var from = document.getElementById(button.dataset.copy);
    var label = button.textContent;
    if (!from) return;
    navigator.clipboard.writeText(from.textContent.trim()).then(function () {
      if (label === button.dataset.done) return;
      button.textContent = button.dataset.done;
      say(button.dataset.done);
      setTimeout(function () { button.textContent = label; }, 2000);
    }, function () { getSelection().selectAllChildren(from); });
  }

  function ready(root) {
    if (!navigator.clipboard) return;
    each(root, "[data-copy]", function (b) { b.hidden = false; });
  }

  addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // ---- forms ----

  addEventListener("submit", function (event) {
    var form = event.target, now = Date.now();
    if (now - (form.dataset.sent || 0) < again) event.preventDefault();
    else form.dataset.sent = now;
  });

  // From the history a page comes back as it was left.
  addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    each(document, "form[data-sent]", function (f) { delete f.dataset.sent; });
    look();
  });

  // ---- following ----

  // What has the focus, so that the same thing has it in the new page.
  function mark() {
    var on = document.activeElement;
    if (!on || !main().contains(on)) return null;
    return { id: on.id, tag: on.tagName, name: on.name, value: on.value, text: on.textContent };
  }

  function restore(was) {
    var to;
    if (!was) return;
    to = was.id && document.getElementById(was.id);
    if (!to) {
      to = Array.from(main().getElementsByTagName(was.tag)).find(function (e) {
        return e.name === was.name && e.value === was.value && e.textContent === was.text;
      });
    }
    (to || main()).focus({ preventScroll: Boolean(to) });
  }

  function replace(doc) {
    var was = mark(), now = main(doc), old = main(), kept = {}, go, told;
    each(old, "[data-keep]", function (k) { kept[k.id] = k; });
    old.innerHTML = now.innerHTML;
    each(old, "[data-keep]", function (k) {
      if (kept[k.id]) k.replaceWith(kept[k.id]);
    });
    ["follow", "followAt", "followState"].forEach(function (name) {
      if (now.dataset[name]) old.dataset[name] = now.dataset[name];
      else delete old.dataset[name];
    });
    document.title = doc.title;
    seconds = Number(now.dataset.follow) || 0;
    ready(old);
    restore(was);
    told = Array.from(old.querySelectorAll("h1, [data-say] p"));
    say(told.map(function (e) { return e.textContent.trim().replace(/([^.?!])$/, "$1."); }).join(" "));
    go = old.querySelector("[data-go]");
    if (go) location.replace(go.dataset.go);
  }

  function lost(is) {
    var notice = document.getElementById("lost");
    tries = is ? tries + 1 : 0;
    if (notice) notice.hidden = tries < 3;
  }

  function get(address) {
    return fetch(address, { cache: "no-store" }).then(function (answer) {
      // Too many requests (429) says nothing of this page: others behind the same address.
      if (answer.status >= 500 || answer.status === 429) throw new Error(answer.status);
      return answer;
    });
  }

  function take(answer) {
    return answer.text().then(function (text) {
      var doc = new DOMParser().parseFromString(text, "text/html"), next;
      if (!main(doc)) throw new Error("no page");
      next = content(doc);
      lost(false);
      if (next === shown) return;
      shown = next;
      replace(doc);
    });
  }

  // Before the page what it is made from: what comes between them is seen the next time.
  function follow() {
    var data = main().dataset, page = data.followAt || location.href.split("#")[0];
    if (!data.followState) return get(page).then(take);
    return get(data.followState).then(function (answer) {
      return answer.ok && answer.text();
    }).then(function (text) {
      var was = state;
      state = text && text + new Date().toDateString();
      return state && state === was ? lost(false) : get(page).then(take);
    });
  }

  function look() {
    if (busy || !seconds) return;
    busy = true;
    clearTimeout(timer);
    follow().catch(function () {
      state = null;
      lost(true);
    }).then(function () {
      busy = false;
      if (seconds) timer = setTimeout(look, seconds * 1000);
    });
  }

  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) look();
  });

  if (!main()) return;
  seconds = Number(main().dataset.follow) || 0;
  shown = content();
  ready(document);
  if (seconds) timer = setTimeout(look, seconds * 1000);
})();
