/* <online-chat>: the launcher and its panel on somebody's page, or with mode="page" a page of its own.
 *
 * Attributes: data-system (the key of the system that the page is about), data-color (#rrggbb), data-position (left or
 * right), data-title. The style comes by <link> from the widget's host; until it is there nothing is shown.
 */
import { html, nothing, render } from "lit/html.js";
import { Api } from "./api.js";
import { theme } from "./color.js";
import { Composer } from "./composer.js";
import { Delivery } from "./delivery.js";
import { Desk } from "./desk.js";
import { Frame } from "./frame.js";
import { icon } from "./icon.js";
import { Log } from "./log.js";
import { Memory } from "./memory.js";
import { Notice } from "./notice.js";
import { Gallery } from "./picture.js";
import { View } from "./view.js";
import { Suggestion } from "./suggestion.js";
import { Talk } from "./talk.js";
import { header, notices, sheet } from "./panel.js";

const STYLE_AGAIN = 5000; // milliseconds until a style sheet that did not come is asked for again

/** The element's class, for the widget's host at an address. */
export function elementFor(base) {
  return class OnlineChat extends HTMLElement {
    constructor() {
      super();
      this.open = this.opened = this.styled = this.begun = false;
      this.drawn = null; // a promise while something waits to be drawn
      this.changed = () => (this.drawn = this.drawn || Promise.resolve().then(() => this.draw()));
    }

    /** Whether the chat is the whole page. */
    get page() {
      return this.getAttribute("mode") === "page";
    }

    get heading() {
      return this.dataset.title || "在线咨询";
    }

    /** Whether the visitor can see the conversation. */
    get visible() {
      return (this.page || this.open) && !document.hidden;
    }

    /** Ask for the style; nothing is shown before it is there. */
    dress() {
      this.style.setProperty("display", "none", "important");
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: base + "widget.css" });
      link.onload = () => {
        this.styled = true;
        this.style.removeProperty("display");
        this.changed().then(() => this.page && this.composer.focus());
      };
      link.onerror = () => {
        link.remove();
        setTimeout(() => this.dress(), STYLE_AGAIN);
      };
      this.root.prepend(link);
    }

    connectedCallback() {
      if (!this.root) this.furnish();
      this.causes.forEach(([target, event, deed]) => target.addEventListener(event, deed));
      if (!this.page && this.showPopover) {
        this.setAttribute("popover", "manual"); // above everything, whatever the page's z-index
        this.showPopover();
      }
      if (this.page) this.begin();
      else if (this.talk.id) setTimeout(() => this.isConnected && this.begin()); // for the badge, after the page's own work
    }

    disconnectedCallback() {
      this.causes.forEach(([target, event, deed]) => target.removeEventListener(event, deed));
      this.talk.leave();
      this.begun = false;
    }

    furnish() {
      this.root = this.attachShadow({ mode: "open" });
      this.dress();
      this.api = new Api(base);
      this.memory = new Memory(base);
      this.log = new Log();
      this.talk = new Talk(this);
      this.delivery = new Delivery(this);
      this.desk = new Desk(this);
      this.view = new View(this);
      this.gallery = new Gallery(this);
      this.suggestion = new Suggestion(this);
      this.composer = new Composer(this);
      this.notice = new Notice(this);
      this.frame = new Frame(this);
      this.pageTitle = document.title;
      const watch = this.memory.watcher({ began: () => this.takeUp(), forgotten: () => this.forgetHere() });
      const look = () => this.view.readLater();
      const drag = this.composer.dragged.bind(this.composer);
      this.causes = this.frame.causes.concat(
        [[window, "storage", watch], [document, "visibilitychange", look]],
        ["dragover", "dragleave", "drop"].map((event) => [this, event, drag])
      );
      const colors = theme(this.dataset.color);
      Object.keys(colors).forEach((name) => this.style.setProperty(name, colors[name]));
    }

    /** Take up what was said before, and listen. */
    begin() {
      if (this.begun) return;
      this.begun = true;
      this.log.items = [];
      this.talk.drawn.clear();
      this.delivery.begin();
      if (this.page || this.open) this.desk.load();
      this.talk.restore();
    }

    takeUp() {
      if (!this.begun) this.talk.held = this.memory.conversation() || {};
      if (this.begun) this.talk.takeUp();
      else this.begin();
    }

    /* What the visitor does */

    show() {
      if (this.page || this.open) return;
      this.open = this.opened = true;
      if (this.begun) this.desk.load();
      this.begin();
      this.frame.fit();
      this.view.reveal(null, true);
      this.view.readLater();
      this.changed().then(() => {
        const fine = matchMedia("(pointer: fine)").matches;
        this.root.querySelector(fine ? "#text" : ".panel").focus();
      });
    }

    hide() {
      this.open = false;
      this.suggestion.close();
      this.changed().then(() => this.root.querySelector(".launcher").focus());
    }

    /** Say something by a press. While another message is on its way that is half of a double click, and false, unless
     * it was `typed` and is another text. */
    send(content, text, typed) {
      const last = this.log.last(({ kind }) => kind === "visitor");
      if (this.talk.busy && !(typed && (!last || last.text !== text))) return false;
      this.composer.focus();
      this.delivery.send(content, text).then(this.changed).then(() => {
        const { asking } = this.talk;
        const free = this.root.activeElement === this.composer.field && !this.composer.text;
        if (asking && free && matchMedia("(pointer: fine)").matches) this.focusIn(asking, ".fill input");
      });
      return true;
    }

    choose(option, typed) {
      return this.send({ choose: option.entry_id }, option.label, typed);
    }

    restart() {
      this.delivery.clear();
      this.talk.restart();
      this.gallery.clear();
      this.composer.setFile(null);
      this.view.newer = false;
      this.composer.focus();
    }

    /** Leave nothing of the conversation on a computer that others use. */
    forgetHere() {
      this.restart();
      this.composer.fill("");
      ["viewer", "sheet"].forEach((name) => this.closeModal(name));
      this.talk.say("已清除本机记录。");
    }

    /** Do something that cannot be taken back, once the visitor has agreed to it. */
    ask(question, yes, deed) {
      this.question = { question, yes, deed };
      this.modal("sheet");
    }

    askToRestart() {
      if (!this.log.items.length) this.restart();
      else this.ask("开始新会话后，当前对话将不再显示。是否继续？", "开始新会话", () => this.restart());
    }

    askToForget() {
      const question = "清除后，本机不再保留当前对话和未发送的内容，也无法再查看之后的回复。是否继续？";
      this.ask(question, "清除记录", () => {
        this.memory.forget();
        this.forgetHere();
      });
    }

    /* Windows above the panel */

    async modal(name) {
      await this.changed();
      const dialog = this.root.querySelector("." + name);
      if (dialog.showModal) dialog.showModal();
      else dialog.setAttribute("open", "");
    }

    closeModal(name) {
      const dialog = this.root.querySelector("." + name);
      if (!dialog || !dialog.hasAttribute("open")) return;
      if (dialog.close) dialog.close();
      else dialog.removeAttribute("open");
    }

    async focusIn(item, what) {
      await this.changed();
      const found = item.node && item.node.querySelector(what);
      if (!found) return;
      found.focus();
      found.scrollIntoView({ block: "nearest" });
    }

    /* Drawing */

    pressed(event) {
      event.stopPropagation(); // a page's shortcuts are not meant
      if (event.defaultPrevented || event.isComposing || this.root.querySelector("dialog[open]")) return;
      if (event.key === "Escape" && !this.page) this.hide();
      else this.frame.trap(event);
    }

    draw() {
      this.drawn = null;
      if (!this.styled) return;
      const { root } = this;
      render(html`${this.page ? nothing : this.launcher()}${this.page || this.opened ? this.panel() : nothing}`, root);
      this.view.draw();
      this.composer.draw();
      const { length } = this.talk.unread;
      if (this.page) document.title = (length ? "（" + length + "）" : "") + this.pageTitle;
    }

    launcher() {
      const { length } = this.talk.unread;
      const label = "打开" + this.heading + (length ? "，" + length + " 条未读消息" : "");
      return html`<div class="corner ${this.dataset.position === "left" ? "left" : ""}" role="region"
        aria-label=${this.heading} ?hidden=${this.open}><button class="launcher" aria-haspopup="dialog"
        aria-label=${label} title=${label} @click=${() => this.show()}>${icon("bubble")}${
          length ? html`<span class="badge" aria-hidden="true">${length > 99 ? "99+" : length}</span>` : nothing}</button></div>`;
    }

    panel() {
      const { composer, talk, view, page, frame } = this;
      const still = (event) => event.stopPropagation();
      return html`<div class="panel ${page ? "page" : this.dataset.position === "left" ? "left" : ""}" tabindex="-1"
        role=${page ? "main" : "dialog"} aria-label=${this.heading} ?hidden=${!page && !this.open}
        aria-modal=${!page && frame.phone ? "true" : nothing}
        @keydown=${(event) => this.pressed(event)} @keyup=${still} @keypress=${still}>
        ${header(this)}${notices(this)}
        <div class="scroller" role="region" tabindex="0" aria-label="对话" @scroll=${() => view.moved()}>
          <div class="log" role="log" aria-live="polite" aria-label="对话记录" aria-busy=${String(talk.restoring)}
            ></div>
          <div class="message bot" id="typing" ?hidden=${!talk.typing}><div class="bubble dots" role="status"
            >${talk.typing ? html`<span class="unseen">正在查找答案</span>` : nothing}<i></i><i></i><i></i></div></div>
          <p class="peer" role="status">${talk.peer ? (talk.agent || "客服") + "正在输入…" : ""}</p>
          <div class="below"><button class="strong" ?hidden=${!view.newer} @click=${() => {
            view.newer = false;
            view.reveal(null);
            composer.focus();
          }}>有新消息 ↓</button></div>
        </div>
        ${composer.template()}${sheet(this)}${this.gallery.template()}
      </div>`;
    }
  };
}
