/* Search with the keyboard alone: ↓ and ↑ move from the field to the hits and back, Enter copies or inserts the words.
 *
 * The hits are drawn by the server for one text; keys that are for hits wait for those of the text that stands in the
 * field. What is picked beside a conversation goes out as the event `entry:picked`.
 */
document.addEventListener("alpine:init", () => {
  const PAUSE = 120; // milliseconds without a key before we look

  Alpine.data("search", () => ({
    told: "",
    timer: 0,
    ahead: [], // keys that wait for the hits
    within: false, // whether the focus stands on a hit while they are replaced
    inserts: false,
    field: null,
    system: null,
    form: null,
    hits: null,
    slash: null,

    init() {
      this.inserts = Boolean(this.$root.dataset.insert);
      this.field = this.$root.querySelector("#search-field");
      this.system = this.$root.querySelector("#search-system");
      this.form = this.$root.querySelector("#search-form");
      this.hits = this.$root.querySelector("#hits");
      this.hits.addEventListener("htmx:beforeSwap", () => { this.within = this.hits.contains(document.activeElement); });
      this.hits.addEventListener("htmx:afterSettle", () => this.drawn());
      this.$root.addEventListener("htmx:afterRequest", ({ detail }) => {
        if (!detail.successful) this.ahead = [];
      });
      const dialog = this.$root.closest("dialog");
      if (dialog) dialog.addEventListener("close", () => { this.ahead = []; });
      this.slash = (event) => {
        const busy = event.target.closest("input, textarea, select, dialog[open]");
        if (event.key !== "/" || this.inserts || busy || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        this.field.focus();
        this.field.select();
      };
      document.addEventListener("keydown", this.slash);
      this.restore();
      this.clip();
      this.mark();
      if (!this.fresh()) addEventListener("load", () => this.look(), { once: true }); // htmx begins after us
    },

    destroy() {
      document.removeEventListener("keydown", this.slash);
    },

    /* What was looked for stands there again after the way back from an entry, and after a reload. */

    kept: "draft:" + document.body.dataset.me + ":search",

    restore() {
      if (this.inserts || this.field.value) return;
      const [visit] = performance.getEntriesByType("navigation");
      try {
        const found = JSON.parse(sessionStorage.getItem(this.kept));
        if (!found || !visit || !["back_forward", "reload"].includes(visit.type)) return;
        this.field.value = found.text;
        this.system.value = found.system;
      } catch (error) {
        // storage is shut off
      }
    },

    keep() {
      if (this.inserts) return;
      try {
        sessionStorage.setItem(this.kept, JSON.stringify({ text: this.field.value, system: this.system.value }));
      } catch (error) {
        // storage is shut off or full
      }
    },

    typed(event) {
      this.ahead = []; // what was pressed was for another text
      if (event.isComposing) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), PAUSE);
    },

    changed() {
      this.ahead = [];
      this.look();
    },

    look() {
      clearTimeout(this.timer);
      this.timer = 0;
      this.keep();
      htmx.trigger(this.form, "look");
    },

    submit() {}, // Enter is dealt with as a key

    /** Whether the hits are those of what stands in the field. */
    fresh() {
      const drawn = this.hits.querySelector("[data-query]");
      return drawn && drawn.dataset.query === this.field.value && drawn.dataset.system === this.system.value;
    },

    drawn() {
      if (this.within && !this.hits.contains(document.activeElement)) this.field.focus(); // its hit is gone
      this.within = false;
      if (!this.fresh()) return; // another text has been typed meanwhile, and is on its way
      this.clip();
      this.mark();
      const count = this.hits.querySelector("[data-query]").dataset.count;
      this.told = !this.field.value.trim() ? "" : count === "0" ? "没有接近的条目" : "找到 " + count + " 条";
      const ahead = this.field.value.trim() ? this.ahead : [];
      this.ahead = [];
      ahead.forEach((key) => this.move(key));
    },

    /** What the arrows go to: the hits, and the line that unfolds those farther away. */
    cards() {
      return [...this.hits.querySelectorAll(".hit, summary")].filter((card) => card.offsetParent);
    },

    /** What Enter in the field picks: the first hit, unless nothing is close. */
    best() {
      const first = this.cards()[0];
      return first && first.matches(".hit:not(.far)") ? first : null;
    },

    mark() {
      this.hits.querySelectorAll(".hit.first").forEach((card) => card.classList.remove("first"));
      const best = this.best();
      if (best) best.classList.add("first");
    },

    /** Offer to unfold only what does not fit. */
    clip() {
      this.hits.querySelectorAll(".hit").forEach((card) => {
        const answer = card.querySelector(".answer");
        const button = card.querySelector("[data-deed=expand]");
        if (button.getAttribute("aria-expanded") === "false") {
          button.hidden = answer.scrollHeight <= answer.clientHeight + 2;
        }
      });
    },

    key(event) {
      if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
      const { key, shiftKey, target } = event;
      const inField = target === this.field;
      const onHit = target.matches(".hit"); // and not on a button in it; the keys of a summary are its own
      const card = target.closest(".hit, summary");
      const up = key === "ArrowUp" && (card || this.ahead.length);
      if ((key === "ArrowDown" && (inField || card)) || up || (key === "Enter" && (inField || onHit))) {
        event.preventDefault();
        if (this.fresh()) this.move({ key, shiftKey });
        else this.wait({ key, shiftKey });
      } else if (key === "Escape" && !this.inserts && (this.field.value || card)) this.clear(event);
      else if (key.length === 1 && onHit && key !== " " && key !== "/") this.field.focus(); // what is typed goes on there
    },

    /** Keep a key until the hits are there; after Enter no other counts. */
    wait(key) {
      if (!this.ahead.some((each) => each.key === "Enter")) this.ahead.push(key);
      if (this.timer || !this.form.classList.contains("htmx-request")) this.look();
    },

    /** Do what a key means to the hits as they stand there. */
    move({ key, shiftKey }) {
      const cards = this.cards();
      const at = cards.indexOf(document.activeElement.closest(".hit, summary"));
      if (key === "ArrowDown") this.go(cards[at + 1]);
      else if (key === "ArrowUp") this.go(at > 0 ? cards[at - 1] : this.field);
      else this.act(at < 0 ? this.best() : cards[at], this.inserts ? "insert" : shiftKey ? "open" : "copy");
    },

    go(to) {
      if (!to) return;
      to.focus();
      if (to !== this.field) to.scrollIntoView({ block: "nearest" });
    },

    clear(event) {
      event.preventDefault();
      this.field.value = "";
      this.field.focus();
      this.changed();
    },

    press(event) {
      const button = event.target.closest("[data-deed]");
      if (button && button.tagName === "BUTTON") this.act(button.closest(".hit"), button.dataset.deed);
    },

    act(card, deed) {
      if (!card || !card.matches(".hit")) return;
      const answer = card.querySelector(".answer");
      if (deed === "copy") desk.copy(answer.textContent);
      else if (deed === "open") location.assign(card.querySelector("[data-deed=open]").href);
      else if (deed === "insert") {
        const detail = { id: card.dataset.entry, title: card.querySelector("h2").textContent, answer: answer.textContent };
        this.$dispatch("entry:picked", detail);
      } else if (deed === "expand") this.expand(card, answer);
    },

    expand(card, answer) {
      const button = card.querySelector("[data-deed=expand]");
      const open = answer.classList.toggle("clipped") === false;
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "收起" : "展开全文";
    },
  }));
});
