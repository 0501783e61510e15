/* Addresses and telephone numbers in a text. Pure. */

// Web addresses end before white space, Chinese text and Chinese punctuation; numbers: 400 lines, landlines, mobiles.
const LINK = new RegExp(
  "https?://[^\\s<>\"'()\\[\\]{}|\\\\^`\u2018-\u201d\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+" +
    "|400[- ]?\\d{3}[- ]?\\d{4}(?!\\w)|\\(?0\\d{2,3}[)-][ ]?\\d{7,8}(?!\\w)|1[3-9]\\d[- ]?\\d{4}[- ]?\\d{4}(?!\\w)",
  "gi"
);

/** The text in pieces: strings, and {text, href, web} for what can be opened or called. */
export function linkify(text) {
  const pieces = [];
  let done = 0;
  LINK.lastIndex = 0;
  for (let match; (match = LINK.exec(text)); ) {
    const web = /^h/i.test(match[0]);
    const found = web ? match[0].replace(/[.,;:!?]+$/, "") : match[0];
    LINK.lastIndex = match.index + found.length;
    if (/[\w-]/.test(text.charAt(match.index - 1)) || /:\/\/$/.test(found)) continue;
    pieces.push(text.slice(done, match.index), { text: found, href: web ? found : "tel:" + found.replace(/\D/g, ""), web });
    done = LINK.lastIndex;
  }
  return pieces.concat(text.slice(done)).filter(Boolean);
}
