/* Search with the keyboard alone: ↓ and ↑ move from the field to the hits and back, Enter copies or inserts the words.
 *
 * The hits are drawn by the server for one text; Enter waits for those of the text that stands in the field. What is
 * picked beside a conversation goes out as the event `entry:picked`.
 */
document.addEventListener("alpine:init", () => {
  const PAUSE = 120; // milliseconds without a key before we look

  Alpine.data("search", () => ({
    told: "",
    timer: 0,
    due: null, // the deed that waits for the hits
    inserts: false,
    field: null,
    system: null,
    hits: null,
    slash: null,

    init() {
      this.inserts = Boolean(this.$root.dataset.insert);
      this.field = this.$root.querySelector("#search-field");
      this.system = this.$root.querySelector("#search-system");
      this.hits = this.$root.querySelector("#hits");
      this.hits.addEventListener("htmx:afterSettle", () => this.drawn());
      this.$root.addEventListener("htmx:afterRequest", ({ detail }) => {
        if (detail.failed) this.due = null;
      });
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
      if (event.isComposing) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), PAUSE);
    },

    look() {
      clearTimeout(this.timer);
      this.keep();
      htmx.trigger("#search-form", "look");
    },

    submit() {}, // Enter is dealt with as a key

    /** Whether the hits are those of what stands in the field. */
    fresh() {
      const drawn = this.hits.querySelector("[data-query]");
      return drawn && drawn.dataset.query === this.field.value && drawn.dataset.system === this.system.value;
    },

    drawn() {
      if (!this.fresh()) return; // another text has been typed meanwhile, and is on its way
      this.clip();
      this.mark();
      const count = this.hits.querySelector("[data-query]").dataset.count;
      this.told = !this.field.value.trim() ? "" : count === "0" ? "没有接近的条目" : "找到 " + count + " 条";
      const due = this.due;
      this.due = null;
      if (due) this.act(this.best(), due);
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
      const cards = this.cards();
      const at = cards.indexOf(event.target.closest(".hit, summary"));
      const inField = event.target === this.field;
      if (event.key === "ArrowDown" && (inField || at >= 0)) this.go(event, cards[at + 1]);
      else if (event.key === "ArrowUp" && at >= 0) this.go(event, at ? cards[at - 1] : this.field);
      else if (event.target.tagName === "SUMMARY" && event.key !== "Escape") return; // its keys unfold it
      else if (event.key === "Enter" && (inField || event.target === cards[at])) this.enter(event, cards[at]);
      else if (event.key === "Escape" && !this.inserts && (this.field.value || at >= 0)) this.clear(event);
      else if (event.key.length === 1 && event.target === cards[at] && event.key !== " " && event.key !== "/") {
        this.field.focus(); // what is typed goes on there
      }
    },

    go(event, to) {
      event.preventDefault();
      if (!to) return;
      to.focus();
      if (to !== this.field) to.scrollIntoView({ block: "nearest" });
    },

    enter(event, card) {
      event.preventDefault();
      const deed = this.inserts ? "insert" : event.shiftKey ? "open" : "copy";
      if (card || this.fresh()) this.act(card || this.best(), deed);
      else {
        this.due = deed;
        this.look();
      }
    },

    clear(event) {
      event.preventDefault();
      this.field.value = "";
      this.field.focus();
      this.look();
    },

    press(event) {
      const button = event.target.closest("[data-deed]");
      if (button && button.tagName === "BUTTON") this.act(button.closest(".hit"), button.dataset.deed);
    },

    act(card, deed) {
      if (!card) return;
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
