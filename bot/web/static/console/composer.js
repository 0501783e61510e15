/* Writing to the visitor, within a ticket's page: texts, entries quoted word for word, pictures, replies kept ready.
 *
 * What was written is kept until the server has it: the draft and what could not be sent stay over a reload, and what is
 * sent again carries the same id, so that the visitor gets it once. A picture stays once it has been sent up.
 */
document.addEventListener("alpine:init", () => {
  const PATIENCE = 15000; // milliseconds before a message counts as not sent
  const UPLOAD_PATIENCE = 90000; // and before a picture does
  const SIGNAL = 3000; // between two signals that we type
  const LONGEST = 2000; // characters of a text
  const NEARLY = 200; // characters left from which on they are counted
  const SLASH = /^[/／、]/;
  const LOST = "图片没有上传完，页面重新打开后需要重新选择。请删除这条消息后再发一次。";

  /** A random id, also on pages that came over plain http. */
  function randomId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const patiently = (promise, patience = PATIENCE) => {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("服务器没有回应，请检查网络。")), patience));
    return Promise.race([promise, late]);
  };

  /* Of the ticket around it, it knows `number`, `path`, `mine`, `talk`, `heard` and `refresh`. */
  Alpine.data("composer", () => ({
    ...desk.attachment,
    told: "",
    left: "",
    quote: null,
    outbox: [],
    sending: false,
    sent: null, // a promise: all that is on its way now has come to its end
    failed: "", // why the first of the outbox could not be sent
    signalled: 0,
    canned: null, // null until they have been fetched
    offered: [],
    offering: false, // while the text is what replies are searched by, and not for the visitor
    declined: false, // after Escape it is for the visitor all the same
    pointed: -1,
    kept: "", // under which name the draft is kept

    get quoteTitle() { return this.quote ? this.quote.title : ""; },
    get quoteAnswer() { return this.quote ? this.quote.answer : ""; },

    /** Whether something was written that nobody has sent. */
    unsent() {
      return Boolean(this.$refs.reply.value.trim() || this.quote || this.file);
    },

    /** Whether the visitor has everything that was sent, once nothing is on its way any more. */
    async delivered() {
      await this.sent;
      return !this.outbox.length;
    },

    init() {
      this.kept = "draft:" + document.body.dataset.me + ":" + this.number;
      this.restore();
    },

    arrived({ detail }) {
      this.drop(detail);
    },

    shortcut(event) {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k" || !this.mine) return;
      event.preventDefault();
      this.openSearch();
    },

    /* Entries to quote */

    openSearch() {
      const dialog = document.getElementById("finder");
      if (!dialog.open) dialog.showModal();
      if (!dialog.querySelector(".hit")) htmx.trigger("#search-form", "look");
      const field = dialog.querySelector("#search-field");
      field.focus();
      field.select();
    },

    picked({ detail }) {
      document.getElementById("finder").close();
      this.quoteEntry(detail);
    },

    quoteSuggested(event) {
      const button = event.target.closest("[data-entry]");
      if (button) this.quoteEntry({ id: button.dataset.entry, title: button.dataset.title, answer: button.dataset.answer });
    },

    quoteEntry(entry) {
      this.quote = entry;
      this.keep();
      this.$nextTick(() => this.$refs.reply.focus());
    },

    unquote() {
      this.quote = null;
      this.keep();
      this.$refs.reply.focus();
    },

    /* Writing */

    typed(event) {
      this.keep();
      this.hint = "";
      const text = this.$refs.reply.value;
      this.left = text.length > LONGEST - NEARLY ? "还可输入 " + (LONGEST - text.length) + " 字" : "";
      if (!event.isComposing) this.offer();
      if (!this.mine || !text || Date.now() - this.signalled < SIGNAL) return;
      this.signalled = Date.now();
      desk.api("POST", this.path + "/typing").catch(() => {});
    },

    key(event) {
      if (event.isComposing || event.keyCode === 229) return;
      if (this.offering && this.cannedKey(event)) return;
      if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        this.send();
      }
    },

    send() {
      const text = this.$refs.reply.value.trim();
      if (!text && !this.quote && !this.file) return;
      if (SLASH.test(text) && !this.declined) { // half a search is not for the visitor
        this.$refs.reply.focus();
        this.offer();
        return;
      }
      this.outbox.push({ id: randomId(), text, quote: this.quote, picture: "", pictured: Boolean(this.file), ...this.takeFile() });
      this.$refs.reply.value = "";
      this.quote = null;
      this.left = "";
      this.declined = false;
      this.keep();
      this.drawOutbox();
      this.pump();
      this.talk.toEnd();
      this.$refs.reply.focus();
    },

    pump() {
      if (!this.sending) this.sent = this.sendAll();
    },

    /** Send what waits, one after the other, so that nothing overtakes. */
    async sendAll() {
      this.sending = true;
      this.failed = "";
      while (this.outbox.length && !this.failed) {
        const next = this.outbox[0];
        this.drawOutbox();
        try {
          if (next.pictured && !next.picture) await this.sendUp(next);
          const { id, text, quote, picture } = next;
          const body = { text, entry_id: quote ? quote.id : null, picture_id: picture || null, client_message_id: id };
          const message = await patiently(desk.api("POST", this.path + "/reply", body));
          this.heard(message);
          this.drop(next.id);
        } catch (error) {
          if (!this.outbox.includes(next)) continue; // it had arrived all the same
          this.failed = error.message;
          if (error.status) this.refresh();
        }
      }
      this.sending = false;
      this.drawOutbox();
    },

    /** Send the picture of a message up, so that the message can name it. */
    async sendUp(message) {
      if (!message.file) throw new Error(LOST);
      const kept = await patiently(desk.api("POST", this.path + "/pictures", message.file), UPLOAD_PATIENCE);
      message.picture = kept.picture_id;
      this.keep();
      this.drawOutbox();
    },

    /** The server has this message, or nobody wants it sent any more. */
    drop(id) {
      const dropped = this.outbox.find((each) => each.id === id);
      if (!dropped) return;
      URL.revokeObjectURL(dropped.preview);
      this.outbox = this.outbox.filter((each) => each.id !== id);
      this.keep();
      this.drawOutbox();
    },

    drawOutbox() {
      const { make } = desk;
      this.told = this.failed && this.outbox.length ? "消息没有发出：" + this.failed : "";
      const items = this.outbox.map((each) => {
        const item = make(
          "li", "message agent pending" + (this.failed ? " failed" : ""),
          make("p", "quiet who", this.failed ? "未发出" : each.pictured && !each.picture ? "正在上传图片…" : "发送中…"),
          this.pictureOf(each),
          each.text && make("p", "words", each.text),
          each.quote && make("div", "quoted", make("strong", "", each.quote.title), make("p", "words clipped", each.quote.answer))
        );
        if (this.failed) {
          const deed = (words, done) => {
            const button = make("button", "", words);
            button.type = "button";
            button.addEventListener("click", done);
            return button;
          };
          item.append(make("p", "trouble", this.failed));
          item.append(make("div", "deeds", deed("重发", () => this.pump()), deed("删除", () => this.drop(each.id))));
        }
        return item;
      });
      document.getElementById("outbox").replaceChildren(...items);
    },

    /** What a message shows of its picture: the file, or what the server has of it; nothing of one that was lost. */
    pictureOf({ preview, picture }) {
      if (!preview && !picture) return null;
      const image = desk.make("img", "sending");
      image.alt = "待发送的图片";
      image.src = preview || desk.pictureAt(picture);
      return image;
    },

    /* The draft, kept for this tab; files cannot be */

    keep() {
      const outbox = this.outbox.map(({ id, text, quote, picture, pictured }) => ({ id, text, quote, picture, pictured }));
      const draft = { text: this.$refs.reply.value, quote: this.quote, outbox };
      try {
        if (draft.text || draft.quote || draft.outbox.length) sessionStorage.setItem(this.kept, JSON.stringify(draft));
        else sessionStorage.removeItem(this.kept);
      } catch (error) {
        // storage is shut off or full: nothing is kept
      }
    },

    restore() {
      let draft = null;
      try {
        draft = JSON.parse(sessionStorage.getItem(this.kept));
      } catch (error) {
        // storage is shut off
      }
      if (!draft) return;
      this.$refs.reply.value = draft.text;
      this.quote = draft.quote;
      this.outbox = draft.outbox;
      if (this.outbox.length) {
        const [{ pictured, picture }] = this.outbox;
        this.failed = pictured && !picture ? LOST : "页面重新打开前没有收到确认。";
        this.drawOutbox();
      }
    },

    /* Replies kept ready: `/` at the beginning searches them, and what Chinese input methods make of that key */

    offer() {
      const searched = SLASH.test(this.$refs.reply.value);
      if (!searched) this.declined = false;
      if (!searched || this.declined) {
        this.stopOffering();
        return;
      }
      if (!this.offering) this.fetchCanned(); // somebody may have changed them meanwhile
      this.offering = true;
      this.drawCanned();
    },

    async fetchCanned() {
      try {
        this.canned = (await desk.api("GET", "/api/staff/canned")).canned;
      } catch (error) {
        desk.toast(error.message, true);
        this.canned = this.canned || [];
      }
      if (this.offering) this.drawCanned();
    },

    drawCanned() {
      const wanted = this.$refs.reply.value.slice(1).trim().toLowerCase();
      const fits = (this.canned || []).filter((each) => (each.title + "\n" + each.text).toLowerCase().includes(wanted));
      fits.sort((one, other) => other.title.toLowerCase().includes(wanted) - one.title.toLowerCase().includes(wanted));
      this.offered = fits.slice(0, 20);
      const none = this.canned ? "没有符合的常用语。按 Esc 或点这里，就可以作为文字发送。" : "正在读取常用语…";
      this.told = this.offered.length ? this.offered.length + " 条常用语" : none;
      const items = this.offered.map((each) => desk.make("li", "", desk.make("strong", "", each.title), desk.make("span", "quiet", each.text)));
      if (!items.length) items.push(desk.make("li", "", desk.make("span", "quiet", none)));
      items.forEach((item, n) => {
        item.id = "canned-" + n;
        item.setAttribute("role", "option");
      });
      this.$root.querySelector("#canned").replaceChildren(...items);
      this.pointAt(this.offered.length ? 0 : -1);
    },

    pointAt(n) {
      this.pointed = n;
      this.$root.querySelectorAll("#canned [role=option]").forEach((item, at) => {
        item.setAttribute("aria-selected", String(at === n));
        if (at === n) item.scrollIntoView({ block: "nearest" });
      });
      if (n < 0) this.$refs.reply.removeAttribute("aria-activedescendant");
      else this.$refs.reply.setAttribute("aria-activedescendant", "canned-" + n);
    },

    cannedKey(event) {
      const count = this.offered.length;
      if (event.key === "Escape") this.decline();
      else if (event.key === "Enter" && !event.shiftKey && !count) this.told = ""; // what is searched by is not sent
      else if (!count) return false;
      else if (event.key === "ArrowDown") this.pointAt((this.pointed + 1) % count);
      else if (event.key === "ArrowUp") this.pointAt((this.pointed + count - 1) % count);
      else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") this.useCanned(this.pointed);
      else return false;
      event.preventDefault();
      return true;
    },

    useCanned(n) {
      this.$refs.reply.value = this.offered[n].text;
      this.decline();
      this.keep();
    },

    pickCanned(event) {
      const item = event.target.closest("[role=option]");
      if (item && !this.offered.length) this.decline();
      else if (item) this.useCanned([...item.parentElement.children].indexOf(item));
    },

    openCanned() {
      const area = this.$refs.reply;
      area.value = area.value || "/";
      area.focus();
      this.declined = false;
      if (SLASH.test(area.value)) this.offer();
      else desk.toast("请先清空输入框，再选常用语。");
    },

    decline() {
      this.declined = true;
      this.stopOffering();
    },

    stopOffering() {
      this.offering = false;
      this.pointAt(-1);
    },
  }));
});
