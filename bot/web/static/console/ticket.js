/* A ticket's page: its conversation live, and what is done with it. Writing to the visitor is the composer's. */
document.addEventListener("alpine:init", () => {
  const REST = 10000; // milliseconds that a hidden page goes on listening
  const SHOWN = 5000; // for which the visitor's signal shows

  Alpine.data("ticket", () => ({
    mine: false,
    below: false, // messages came while somebody reads further up
    typing: "",
    number: "",

    get watching() { return !this.mine; },

    init() {
      const root = this.$root;
      this.number = root.dataset.number;
      this.path = "/api/staff/tickets/" + this.number;
      this.mine = Boolean(root.dataset.mine);
      this.talk = new desk.Talk(root.querySelector("#log"), root.querySelector("#messages"), JSON.parse(root.dataset.names));
      this.readSent = 0;
      this.known = 0; // up to which message we have heard all
      this.state = null;
      if (!document.hidden) this.listen();
      root.querySelector("#side").open = matchMedia("(min-width: 64rem)").matches;
      root.addEventListener("click", (event) => {
        const thumb = event.target.closest("[data-picture]");
        if (thumb) this.show(thumb.dataset);
      });
      document.addEventListener("visibilitychange", () => this.rest());
    },

    /* Listening */

    listen() {
      if (this.stop) this.stop();
      this.stop = desk.listen(this.path + "/events?after=" + this.known, {
        state: (state) => this.stands(state),
        message: (message) => {
          this.known = message.sequence; // not that of our own reply, which may come before what was said earlier
          this.heard(message);
        },
        typing: ({ author }) => this.types(author),
      });
    },

    stands(state) {
      const before = this.state;
      this.state = state;
      this.mine = state.owner !== null && state.owner.name === document.body.dataset.me;
      this.talk.stands(state.qq);
      this.talk.readUpTo(state.visitor_read);
      this.talk.rated(state.feedback);
      this.markRead();
      const others = ({ visitor_read: _, staff_read: __, qq, ...rest }) => JSON.stringify([rest, qq && qq.trouble]);
      if (!before) {
        const { history, trouble } = this.$root.dataset;
        const meanwhile = state.history !== Number(history) || ((state.qq && state.qq.trouble) || "") !== trouble;
        if (meanwhile) this.refresh();
        return;
      }
      if (others(before) !== others(state)) this.refresh();
      if (before.masked === state.masked) return;
      this.known = 0;
      this.talk.clear(); // what was sent so far was hidden, or has to be from now on
      this.listen();
    },

    /** A browser has few connections to one host: a page that nobody looks at soon gives its own back. */
    rest() {
      clearTimeout(this.restTimer);
      if (document.hidden) {
        this.restTimer = setTimeout(() => {
          if (this.stop) this.stop();
          this.stop = null;
        }, REST);
      } else if (!this.stop) this.listen();
      else this.markRead();
    },

    heard(message) {
      if (message.client_message_id) this.$dispatch("reply:arrived", message.client_message_id);
      if (!this.talk.draw(message)) return;
      if (!this.talk.pinned) this.below = true;
      if (message.author === "visitor") {
        this.typing = "";
        this.suggest();
      }
      this.markRead();
    },

    types(author) {
      this.typing = author === "visitor" ? "访客正在输入…" : "客服正在输入…";
      clearTimeout(this.typingTimer);
      this.typingTimer = setTimeout(() => { this.typing = ""; }, SHOWN);
    },

    scrolled() {
      if (!this.talk.atEnd()) return;
      this.below = false;
      this.markRead();
    },

    newest() {
      this.talk.toEnd();
      this.write();
    },

    write() {
      if (this.mine) document.getElementById("reply").focus();
    },

    /** Tell the visitor how far we have read, while the end is before our eyes. */
    markRead() {
      if (!this.mine || document.hidden || !this.talk.pinned) return;
      clearTimeout(this.readTimer);
      this.readTimer = setTimeout(() => {
        const sequence = this.talk.last;
        if (!this.mine || document.hidden || sequence <= Math.max(this.readSent, this.state ? this.state.staff_read : 0)) return;
        this.readSent = sequence;
        desk.api("POST", this.path + "/read", { sequence }).catch(() => { this.readSent = 0; });
      }, 200);
    },

    /** Draw anew what stands around the conversation. */
    refresh() {
      clearTimeout(this.refreshTimer);
      this.refreshTimer = setTimeout(() => {
        htmx.ajax("GET", location.pathname, { source: "#ticket-side", target: "#ticket-side", swap: "innerHTML" });
      }, 50);
    },

    suggest() {
      clearTimeout(this.suggestTimer);
      this.suggestTimer = setTimeout(() => { if (this.mine) htmx.trigger("#suggestions", "suggest"); }, 150);
    },

    /* Deeds */

    async take() {
      try {
        await desk.api("POST", this.path + "/take");
        this.mine = true;
        this.$nextTick(() => this.write());
      } catch (error) {
        desk.toast(error.message, true);
      }
      this.refresh();
    },

    /** The part of the page that writes to the visitor. */
    composer() {
      return Alpine.$data(this.$root.querySelector(".composer"));
    },

    ask(event) {
      const dialog = this.$root.querySelector("#ask-" + event.currentTarget.dataset.ask);
      dialog.querySelector(".bad").hidden = true;
      dialog.querySelectorAll(".unsent").forEach((each) => { each.hidden = !this.mine || !this.composer().unsent(); });
      const owner = this.state && this.state.owner && this.state.owner.name;
      dialog.querySelectorAll("option").forEach((each) => { each.hidden = each.disabled = Boolean(owner) && each.value === owner; });
      dialog.showModal();
    },

    async submit(event) {
      const form = event.target;
      const deed = form.dataset.deed;
      const button = form.querySelector("button.strong");
      button.disabled = true;
      try {
        if (deed !== "note" && this.mine && !(await this.replied(form.closest("dialog")))) return;
        await desk.api("POST", this.path + "/" + deed, Object.fromEntries(new FormData(form)));
        form.reset();
        this.closeDialogs();
        if (deed !== "note") this.$root.querySelector("#ticket-title").focus();
        desk.toast("已完成");
      } catch (error) {
        const trouble = form.querySelector(".bad");
        trouble.textContent = error.message;
        trouble.hidden = false;
      } finally {
        button.disabled = false;
      }
      this.refresh();
    },

    /** Whether a deed may go on: what was sent before it has arrived, and its dialog was not left meanwhile. */
    async replied(dialog) {
      const left = new Promise((resolve) => dialog.addEventListener("close", () => resolve("left"), { once: true }));
      const delivered = await Promise.race([left, this.composer().delivered()]);
      if (!delivered) throw new Error("还有回复没有发出，请先取消，把它重发或删除后再继续。");
      return delivered !== "left";
    },

    closeDialogs() {
      this.$root.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    },

    show({ picture, alt }) {
      const dialog = this.$root.querySelector("#picture");
      Object.assign(dialog.querySelector("img"), { src: desk.pictureAt(picture), alt });
      dialog.showModal();
    },
  }));
});
