// What runs inside a page, to see whether it fits.

// The page fits a screen so wide: it does not scroll sideways; no text is beyond the
// screen, cut off or over other text; what is tapped is at least 24 pixels high and wide,
// but for links within a sentence (WCAG 2.5.8). Returns what is wrong.
export function fit(width) {
  const wrong = [];
  const show = (e) => e.outerHTML.slice(0, 120);
  const hidden = '.idb-visually-hidden, .utrecht-skip-link, noscript';
  const isSeen = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !e.closest(hidden);

  if (document.documentElement.scrollWidth > width) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);

  const cuts = (e, rect) => {
    const { overflowX, overflowY } = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    return (overflowX !== 'visible' && (rect.left < box.left - 1 || rect.right > box.right + 1))
      || (overflowY !== 'visible' && (rect.top < box.top - 1 || rect.bottom > box.bottom + 1));
  };
  const lines = [];
  const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = all.nextNode(); text; text = all.nextNode()) {
    const on = text.parentElement;
    if (!text.data.trim() || !isSeen(on)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      if (rect.left < -0.5 || rect.right > width + 0.5) wrong.push(`beyond the screen: ${show(on)}`);
      for (let e = on; e && e !== document.documentElement; e = e.parentElement)
        if (cuts(e, rect)) wrong.push(`cut off by ${show(e)}: ${text.data.trim().slice(0, 60)}`);
      if (on.matches('a[href^="tel:"]') && /^[+0-9][0-9 ]+$/.test(text.data) && range.getClientRects().length > 1
        && document.adoptedStyleSheets.length === 0)
        wrong.push(`a number on two lines: ${text.data}`);
      lines.push({ rect, on, text: text.data.trim().slice(0, 40) });
    }
  }
  // Lines of text may touch; letters may not lie over each other.
  for (let i = 0; i < lines.length; i++) {
    for (let j = i + 1; j < lines.length; j++) {
      const a = lines[i].rect, b = lines[j].rect;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > Math.min(a.height, b.height) / 2) wrong.push(`one over the other: ${lines[i].text} / ${lines[j].text}`);
    }
  }

  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')) {
    if (!isSeen(e)) continue;
    const box = e.getBoundingClientRect();
    const inSentence = getComputedStyle(e).display === 'inline'
      && e.parentElement.textContent.trim().length > e.textContent.trim().length;
    if (!inSentence && (box.width < 24 || box.height < 24)) wrong.push(`too small to tap, ${box.width} by ${box.height}: ${show(e)}`);
    if (box.left < -0.5 || box.right > width + 0.5) wrong.push(`beyond the screen: ${show(e)}`);
  }
  return wrong;
}

// The space that people may give text (WCAG 1.4.12), on or off. A sheet that a script
// makes is not what the policy forbids.
export function pace(on) {
  if (!on) {
    document.adoptedStyleSheets = [];
    return;
  }
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
    p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}
