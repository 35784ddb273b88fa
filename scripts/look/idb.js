/*
 * Makes the pages of ID Bellen pleasant; without it they work as well. It keeps
 * nothing, and sends nothing but what a reload would.
 *
 *     <main data-follow="5">      the page, or the address data-follow-at, is fetched
 *                                 again every so many seconds; when
 *                                 <main> has changed it is replaced, and what stands in
 *                                 its data-say is said to who cannot see it
 *     <main data-follow-state="address">
 *                                 that is fetched first, and the page only where it is
 *                                 not what it was when the page was fetched last
 *     <… data-go="address">       in such a new <main>: there is where to go on
 *     <div id data-keep>          stays as it is when <main> is replaced by one that has
 *                                 such an element too
 *     <button data-copy="id">     shown, and copies that element's text; says data-done
 *
 * A form that was sent is not sent twice.
 */
(function () {
  "use strict";

  var again = 5000; // a second submit within so many ms is a slip of the finger
  var shown, state, timer, tries = 0, busy = false, seconds = 0;

  function main(doc) {
    return doc.querySelector("main");
  }

  // What is compared: <noscript> holds text here, and elements in a fetched page; what
  // is kept counts for nothing.
  function content(doc) {
    var copy = main(doc).cloneNode(true);
    copy.querySelectorAll("noscript").forEach(function (n) { n.remove(); });
    copy.querySelectorAll("[data-keep]").forEach(function (k) { k.textContent = ""; });
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
    root.querySelectorAll("[data-copy]").forEach(function (b) { b.hidden = false; });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // ---- forms ----

  document.addEventListener("submit", function (event) {
    var form = event.target, now = Date.now();
    if (now - (form.dataset.sent || 0) < again) event.preventDefault();
    else form.dataset.sent = now;
  });

  // From the history a page comes back as it was left: its forms may be sent again, and
  // what it shows may be over.
  addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach(function (f) { delete f.dataset.sent; });
    look();
  });

  // ---- following ----

  // What has the focus, so that the same thing has it in the new page.
  function mark() {
    var on = document.activeElement;
    if (!on || !main(document).contains(on)) return null;
    return { id: on.id, tag: on.tagName, name: on.name, value: on.value, text: on.textContent };
  }

  function restore(was) {
    var to;
    if (!was) return;
    to = was.id && document.getElementById(was.id);
    if (!to) {
      to = Array.from(main(document).getElementsByTagName(was.tag)).find(function (e) {
        return e.name === was.name && e.value === was.value && e.textContent === was.text;
      });
    }
    (to || main(document)).focus({ preventScroll: Boolean(to) });
  }

  function replace(doc) {
    var was = mark(), now = main(doc), old = main(document), kept = {}, go, told;
    old.querySelectorAll("[data-keep]").forEach(function (k) { kept[k.id] = k; });
    old.innerHTML = now.innerHTML;
    old.querySelectorAll("[data-keep]").forEach(function (k) {
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
    return fetch(address, { cache: "no-store", credentials: "same-origin" }).then(function (answer) {
      // Too many requests (429) says nothing of this page: others behind the same address.
      if (answer.status >= 500 || answer.status === 429) throw new Error(answer.status);
      return answer;
    });
  }

  function page() {
    return get(main(document).dataset.followAt || location.href.split("#")[0]).then(take);
  }

  // What the page is made from is there before the page: what comes between them is seen
  // the next time.
  function lookAtState(address) {
    return get(address).then(function (answer) { return answer.ok ? answer.text() : null; })
      .then(function (text) {
        if (text !== null && text === state) return lost(false);
        state = text;
        return page();
      });
  }

  function take(answer) {
    var html = (answer.headers.get("Content-Type") || "").indexOf("text/html") === 0;
    if (!html) throw new Error("no page");
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

  function look() {
    if (busy || !seconds) return;
    busy = true;
    clearTimeout(timer);
    (main(document).dataset.followState ? lookAtState(main(document).dataset.followState) : page())
      .catch(function () {
        state = null;
        lost(true);
      })
      .then(function () {
        busy = false;
        if (seconds) timer = setTimeout(look, seconds * 1000);
      });
  }

  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) look();
  });

  if (!main(document)) return;
  seconds = Number(main(document).dataset.follow) || 0;
  shown = content(document);
  ready(document);
  if (seconds) timer = setTimeout(look, seconds * 1000);
})();
