/* A conversation as it is drawn: messages in the order of their numbers, each once, whoever brings them.
 *
 * Everything in them was written by people or stands in documents: it goes in as text, never as HTML.
 */
(function () {
  "use strict";

  const AT_END = 48; // pixels from the end that still count as reading the newest
  const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
  const dated = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit" });

  /** An element; children are nodes or text, and what is empty is left out. */
  function make(tag, name, ...children) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children.filter(Boolean));
    return element;
  }

  const written = (text) => text && make("p", "words", desk.words(text));

  function time(iso) {
    const at = new Date(iso);
    const element = make("time", "", (dated.format(at) === dated.format(new Date()) ? "" : dated.format(at) + " ") + clock.format(at));
    element.dateTime = iso;
    return element;
  }

  /** An entry that is quoted, with where it stands. */
  function quoted(answer, withWords) {
    const { system, document: name, section, number } = answer.source;
    const place = [system, section, name && name + " 第 " + number + " 条", answer.entry_id].filter(Boolean).join(" · ");
    return make("div", "quoted", make("strong", "", answer.question), withWords && written(answer.answer), make("p", "quiet", place));
  }

  const pictureAt = (id) => "/api/staff/pictures/" + encodeURIComponent(id);

  /** A thumbnail, which opens the whole picture. */
  function picture(id, author) {
    const button = make("button", "thumb");
    button.type = "button";
    button.dataset.picture = id;
    button.dataset.alt = author === "agent" ? "客服发来的图片" : "访客发来的图片";
    button.setAttribute("aria-label", "查看图片");
    const image = document.createElement("img");
    image.alt = "";
    image.loading = "lazy";
    image.src = pictureAt(id);
    button.append(image);
    return button;
  }

  const listed = (title, options) =>
    options.length && make("div", "options", make("p", "quiet", title), make("ul", "", ...options.map((option) => make("li", "", option.label))));

  /** What the bot said, with what it offered and how it came to it. */
  function said(reply, names) {
    const offer = reply.escalation;
    const about = [
      make("span", "tag tag-" + reply.decision, names.decisions[reply.decision] || reply.decision),
      ["answer", "clarify", "reject"].includes(reply.decision) && make("span", "", "置信度 " + Math.round(reply.confidence * 100) + "%"),
      offer && make("span", "", "转人工：" + offer.label + "（" + (names.status[offer.status] || "可申请") + (offer.ticket ? "，" + offer.ticket : "") + "）"),
    ];
    return [
      written(reply.note),
      reply.answer ? quoted(reply.answer, true) : written(reply.text),
      listed("选项：", reply.options),
      listed("相关问题：", reply.related),
      reply.step && written(reply.step.ask),
      make("p", "quiet about", ...about),
    ];
  }

  class Talk {
    /** `log` scrolls; `list` takes the messages; `names` are words for decisions and states. */
    constructor(log, list, names) {
      this.log = log;
      this.list = list;
      this.names = names;
      this.drawn = new Map();
      this.last = 0;
      this.read = 0;
      this.ratings = new Map(); // what the visitor thought of answers, by the messages' ids
      this.qq = null; // how the conversation stands on QQ, if it is held there
      this.pinned = true; // whoever reads the newest goes on doing so, whatever grows
      log.addEventListener("scroll", () => { this.pinned = this.atEnd(); }, { passive: true });
      const grown = new ResizeObserver(() => this.pinned && this.toEnd());
      [log, ...log.children].forEach((each) => grown.observe(each));
    }

    clear() {
      this.list.replaceChildren();
      this.drawn.clear();
      this.last = 0;
      this.pinned = true;
    }

    atEnd() {
      return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < AT_END;
    }

    toEnd() {
      this.pinned = true;
      this.log.scrollTop = this.log.scrollHeight;
    }

    /** Draw a message where it belongs; false if it is there already. */
    draw(message) {
      if (this.drawn.has(message.sequence)) return false;
      const item = this.item(message);
      item.dataset.sequence = message.sequence;
      item.dataset.id = message.message_id;
      let before = this.list.lastElementChild; // nearly always it is the latest
      while (before && Number(before.dataset.sequence) > message.sequence) before = before.previousElementSibling;
      this.list.insertBefore(item, before ? before.nextElementSibling : this.list.firstElementChild);
      this.drawn.set(message.sequence, item);
      this.last = Math.max(this.last, message.sequence);
      this.tick(item, message.sequence);
      this.deliver(item, message.sequence);
      this.show(item);
      return true;
    }

    item(message) {
      const who = { visitor: "访客", bot: "机器人", agent: message.agent || "客服" }[message.author];
      const told = message.author === "bot" && !message.reply;
      return make(
        "li", "message " + (told ? "told" : message.author),
        make("p", "quiet who", told ? "" : who, " ", message.created_at && time(message.created_at), make("span", "mark")),
        message.picture && picture(message.picture, message.author),
        ...(message.reply ? said(message.reply, this.names) : [written(message.text)]),
        message.answer && quoted(message.answer, true)
      );
    }

    /** The visitor has read up to a message. */
    readUpTo(sequence) {
      this.read = sequence;
      this.drawn.forEach((item, each) => this.tick(item, each));
    }

    tick(item, sequence) {
      if (!item.classList.contains("agent")) return;
      const unread = this.qq ? "" : "未读"; // QQ does not say what was read there
      item.querySelector(".mark").textContent = sequence <= this.read ? "已读" : unread;
    }

    /** How the conversation stands on QQ. */
    stands(qq) {
      this.qq = qq;
      this.drawn.forEach((item, sequence) => this.deliver(item, sequence));
    }

    /** Say of a message that it did not arrive, where it did not; touched only where that changes, for it is read out. */
    deliver(item, sequence) {
      const delivery = this.qq && this.qq.undelivered.find((each) => each.sequence === sequence);
      const { state, reason } = delivery || {};
      const words = { sending: "发送中", held: "其余部分待访客回复“继续”", failed: "未送达" }[state] || "";
      const text = words + (reason ? "：" + reason : "");
      const shown = item.querySelector(".delivery");
      if ((shown ? shown.textContent : "") === text) return;
      if (shown) shown.remove();
      if (text) item.append(make("p", "delivery " + (state === "failed" ? "trouble" : "quiet"), text));
    }

    /** What the visitor thought of answers. */
    rated(feedback) {
      this.ratings = new Map(feedback.map((each) => [each.message_id, each]));
      this.drawn.forEach((item) => this.show(item));
    }

    show(item) {
      const rating = this.ratings.get(item.dataset.id);
      const shown = item.querySelector(".rating");
      if (shown) shown.remove();
      if (!rating) return;
      const tag = make("span", "tag tag-" + (rating.helpful ? "answer" : "reject"), rating.helpful ? "有帮助" : "没帮助");
      item.append(make("p", "quiet rating", "访客评价：", tag, rating.reason && " " + rating.reason));
    }
  }

  Object.assign(window.desk, { make, pictureAt, Talk });
})();
