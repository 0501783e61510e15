/* Texts of entries and of people: links and telephone numbers in them can be opened and called, and all can be copied.
 *
 * An element of the class `linked` gets its links when it comes onto the page; a script asks for `desk.words(text)`. A
 * button with `data-copy` copies that. Nothing is ever parsed as HTML: what is no link stays text.
 */
(function () {
  "use strict";

  // As the widget has it (src/linkify.js): what staff see as a link is one for visitors as well.
  const LINK = new RegExp(
    "https?://[^\\s<>\"'()\\[\\]{}|\\\\^`\u2018-\u201d\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+" +
      "|400[- ]?\\d{3}[- ]?\\d{4}(?!\\w)|\\(?0\\d{2,3}[)-][ ]?\\d{7,8}(?!\\w)|1[3-9]\\d[- ]?\\d{4}[- ]?\\d{4}(?!\\w)",
    "gi"
  );

  /** The text as nodes: pieces of text, and links. */
  function words(text) {
    const nodes = document.createDocumentFragment();
    let done = 0;
    LINK.lastIndex = 0;
    for (let match; (match = LINK.exec(text)); ) {
      const web = /^h/i.test(match[0]);
      const found = web ? match[0].replace(/[.,;:!?]+$/, "") : match[0];
      LINK.lastIndex = match.index + found.length;
      if (/[\w-]/.test(text.charAt(match.index - 1)) || /:\/\/$/.test(found)) continue;
      const link = document.createElement("a");
      link.href = web ? found : "tel:" + found.replace(/\D/g, "");
      if (web) {
        link.target = "_blank";
        link.rel = "noopener noreferrer";
      }
      link.textContent = found;
      nodes.append(text.slice(done, match.index), link);
      done = LINK.lastIndex;
    }
    nodes.append(text.slice(done));
    return nodes;
  }

  /** Copy a text and say so. Browsers keep their clipboard from pages that come over plain http: then the old way. */
  async function copy(text) {
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else copyByHand(text);
      desk.toast("已复制");
    } catch (error) {
      desk.toast("没能复制，请选中文字后按 Ctrl+C。", true);
    }
  }

  function copyByHand(text) {
    const focused = document.activeElement;
    const area = document.createElement("textarea");
    area.className = "unseen";
    area.value = text;
    // Within an open dialog nothing outside of it can have the focus.
    (document.querySelector("dialog[open]") || document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (focused) focused.focus({ preventScroll: true });
    if (!copied) throw new Error("not copied");
  }

  function link(root) {
    const all = [...root.querySelectorAll(".linked")];
    if (root.matches(".linked")) all.push(root);
    all.forEach((element) => {
      element.classList.remove("linked");
      element.replaceChildren(words(element.textContent));
    });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.dataset.copy);
  });

  Object.assign(window.desk, { words, copy });
  htmx.onLoad(link);
})();
