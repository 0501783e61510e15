/* Suggestions while typing: a list that the text field controls; the field keeps the focus throughout. */
import { html, nothing } from "lit/html.js";
import { labelled } from "./message.js";

const FROM = 2; // characters
const UP_TO = 60;
const PAUSE = 150; // milliseconds without a key before suggestions are asked for

export class Suggestion {
  constructor(chat) {
    this.chat = chat;
    this.found = [];
    this.active = -1; // which is selected; -1: none
    this.asked = 0;
  }

  get open() {
    return this.found.length > 0;
  }

  get activeId() {
    return this.active < 0 ? nothing : "suggestion-" + this.active;
  }

  /** The visitor typed: look once there is a pause. */
  typed(text, composing) {
    const { talk } = this.chat;
    this.close();
    if (talk.agent || talk.asking || composing || text.length < FROM || text.length > UP_TO) return; // no entry is looked for
    this.pause = setTimeout(() => this.look(text), PAUSE);
  }

  async look(text) {
    const { chat } = this;
    const mine = (this.asked += 1);
    const { system } = chat.desk;
    const query = "?q=" + encodeURIComponent(text) + (system && "&system=" + encodeURIComponent(system));
    try {
      const { suggestions } = await chat.api.request("api/suggest" + query);
      if (mine !== this.asked || chat.root.activeElement !== chat.composer.field) return;
      this.found = suggestions;
      chat.changed();
    } catch (problem) {
      // The chat works without suggestions.
    }
  }

  close() {
    clearTimeout(this.pause);
    this.asked += 1;
    this.active = -1;
    if (!this.open) return;
    this.found = [];
    this.chat.changed();
  }

  /** Move by one; between the last and the first there is a place where none is selected. */
  move(step) {
    const places = this.found.length + 1;
    this.active = ((this.active + 1 + step + places) % places) - 1;
    this.chat.changed().then(() => {
      const item = this.chat.root.querySelector(".suggestions [aria-selected=true]");
      if (item) item.scrollIntoView({ block: "nearest" });
    });
  }

  /** Take the selected one, or the one of that number; whether there is one. */
  take(number = this.active) {
    const option = this.found[number];
    if (option && this.chat.choose(option, true)) this.chat.composer.fill("");
    return Boolean(option);
  }

  template() {
    const { found, active, chat } = this;
    const keep = (event) => event.preventDefault(); // the focus stays in the field
    const item = (option, n) => html`<li id="suggestion-${n}" role="option" aria-selected=${String(n === active)}
      @mousedown=${keep} @click=${() => this.take(n)}>${labelled(option.label)}</li>`;
    return html`<ul class="suggestions" id="suggestions" role="listbox" aria-label="相关问题建议" ?hidden=${!this.open}
      >${found.map(item)}</ul>
      <p class="unseen" role="status">${this.open ? `有 ${found.length} 条建议，可按上下方向键选择` : ""}</p>`;
  }
}
