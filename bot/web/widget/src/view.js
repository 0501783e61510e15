/* The log as it is drawn, and where the visitor is in it: what is new comes into view, unless the visitor reads something
 * else. Each message keeps its own node, whatever comes before it: what is typed into it or focused there stays.
 */

import { render } from "lit/html.js";
import { message } from "./message.js";
import { welcome } from "./panel.js";

const NEAR = 120; // pixels from the end

export class View {
  constructor(chat) {
    this.chat = chat;
    this.newer = false; // there is something new below
    this.wanted = null; // what to bring into view once it is drawn
    this.head = { kind: "bot welcome", key: 0, sequence: 0 };
  }

  get node() {
    return this.chat.root.querySelector(".scroller");
  }

  /** Whether the visitor looks at the end of the log; who reads further up is not to be moved. */
  following() {
    const { node } = this;
    return !node || node.scrollHeight - node.scrollTop - node.clientHeight < NEAR;
  }

  /** Bring an item (null, or taken back: the last one) and what follows into view: down to the end, but never past its
   * own beginning. */
  reveal(item, atOnce = false) {
    this.wanted = { item: this.chat.log.items.includes(item) && item, atOnce };
    this.chat.changed();
  }

  toEnd() {
    this.wanted = { end: true };
    this.chat.changed();
  }

  /** Take something into the log and bring it into view, unless the visitor reads something else. */
  showNew(taking) {
    const follow = this.following();
    const item = taking();
    if (!item || this.chat.talk.busy) return item; // what is on its way will be shown with its reply
    if (follow) this.reveal(item);
    else this.newer = true;
    return item;
  }

  /** Draw the log into its place, then do what is wanted. */
  draw() {
    const { node, wanted, chat } = this;
    if (!node) return;
    const log = node.firstElementChild;
    const nodes = [this.head].concat(chat.log.items).map((item) => {
      item.node = item.node || document.createElement("div");
      item.node.className = "message " + item.kind;
      item.node.dataset.key = item.key;
      if (item.sequence === undefined) item.node.removeAttribute("data-sequence");
      else item.node.dataset.sequence = item.sequence;
      render(item === this.head ? welcome(chat) : message(item, chat), item.node);
      return item.node;
    });
    Array.from(log.children).forEach((old) => nodes.includes(old) || old.remove());
    nodes.forEach((now, n) => log.children[n] === now || log.insertBefore(now, log.children[n] || null));
    if (!wanted || !node.clientHeight) return;
    this.wanted = null;
    const smooth = !wanted.atOnce && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const target = wanted.item ? wanted.item.node : log.lastElementChild;
    if (wanted.end || !target) node.scrollTop = node.scrollHeight;
    else {
      const own = wanted.item && wanted.item.kind === "visitor"; // a long one is not to hide its reply
      const past = own ? Math.max(0, target.offsetHeight - node.clientHeight / 3) : 0;
      node.scrollTo({ top: target.offsetTop + past - 16, behavior: smooth ? "smooth" : "auto" });
    }
    if (!chat.log.items.length) node.scrollTop = 0;
  }

  moved() {
    if (this.newer && this.following()) {
      this.newer = false;
      this.chat.changed();
    }
    this.readLater();
  }

  readLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellRead(), 600);
  }

  tellRead() {
    const { node, chat } = this;
    if (!node || !chat.visible || !chat.talk.id) return;
    const bottom = node.scrollTop + node.clientHeight;
    const seen = Array.from(node.querySelectorAll("[data-sequence]")).reverse().find((item) => item.offsetTop < bottom);
    chat.talk.tellRead(seen ? Number(seen.dataset.sequence) : 0);
  }
}
