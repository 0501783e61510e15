/* Where the visitor types, attaches a picture, and sends. */
import { html, nothing } from "lit/html.js";
import { icon } from "./icon.js";
import { TYPES, refusal } from "./picture.js";

const LONGEST = 2000; // characters, as the server counts them
const COUNT_FROM = 1800;
const DRAFT = "draft";

export class Composer {
  constructor(chat) {
    this.chat = chat;
    this.text = chat.memory.kept(DRAFT) || "";
    this.file = null; // the picture that goes with the next message
    this.hint = ""; // why a file cannot
    this.target = false; // a file is held over the window
  }

  get field() {
    return this.chat.root.querySelector("#text");
  }

  get over() {
    return Array.from(this.text.trim()).length - LONGEST;
  }

  get sendable() {
    return Boolean(this.text.trim() || this.file) && this.over <= 0;
  }

  fill(text) {
    this.text = text;
    this.hint = "";
    this.chat.memory.keep(DRAFT, text || null);
    this.chat.changed();
  }

  submit() {
    if (!this.sendable) return;
    const { file, chat } = this;
    const text = this.text.trim();
    this.fill("");
    if (file) this.setFile(null);
    chat.delivery.send(text ? { text } : {}, text, file);
  }

  /** Back to the field, but without calling up a phone's keyboard. */
  focus() {
    if (this.field && matchMedia("(pointer: fine)").matches) this.field.focus();
  }

  /* Keys */

  typed(event) {
    this.fill(event.target.value);
    if (this.text.trim()) this.chat.talk.tellTyping();
    this.chat.suggestion.typed(this.text.trim(), event.isComposing);
  }

  pressed(event) {
    if (event.isComposing || event.keyCode === 229) return; // Safari ends a composition before its Enter: 229 tells
    const { suggestion } = this.chat;
    const { key } = event;
    if (suggestion.open && (key === "ArrowDown" || key === "ArrowUp")) suggestion.move(key === "ArrowDown" ? 1 : -1);
    else if (suggestion.open && key === "Escape") suggestion.close();
    else if (key === "Enter" && !event.shiftKey) suggestion.take() || this.submit();
    else return;
    event.preventDefault();
  }

  /* Pictures */

  pick() {
    this.chat.root.querySelector("#file").click();
  }

  picked(event) {
    const files = Array.from(event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
    if (files.length) this.attach(files);
  }

  /** Take a picture into the composer, if it can be one. */
  attach(files) {
    const hint = refusal(files);
    if (!hint) this.setFile(files[0]);
    this.hint = hint;
    this.chat.changed();
    this.focus();
  }

  setFile(file) {
    if (this.chat.view.following()) this.chat.view.toEnd(); // the composer takes room from the log
    this.file = file;
    this.hint = "";
    this.chat.changed();
  }

  pasted(event) {
    const { files } = event.clipboardData;
    if (!files.length || event.clipboardData.getData("text/plain")) return; // of a copied table the text is meant
    event.preventDefault();
    this.attach(Array.from(files));
  }

  /** Heard at the element itself: what happens between parts of the widget does not get there. */
  dragged(event) {
    if (!event.dataTransfer || !Array.from(event.dataTransfer.types).includes("Files")) return;
    if (event.type !== "dragleave") event.preventDefault();
    this.target = event.type === "dragover";
    if (event.type === "drop" && event.dataTransfer.files.length) this.attach(Array.from(event.dataTransfer.files));
    this.chat.changed();
  }

  /** The field's text, and its height to fit. */
  draw() {
    const { field } = this;
    if (!field) return;
    if (field.value !== this.text) field.value = this.text;
    if (!field.scrollHeight) return;
    field.style.height = "auto";
    field.style.height = field.scrollHeight + 2 + "px";
  }

  template() {
    const { chat, file, over } = this;
    const { talk, suggestion } = chat;
    const length = over + LONGEST;
    const asking = talk.asking && talk.asking.reply.step;
    const submit = (event) => {
      event.preventDefault();
      this.submit();
    };
    return html`<form class="composer ${this.target ? "target" : ""}" autocomplete="off" @submit=${submit}>
      ${suggestion.template()}
      ${file ? html`<div class="attached"><img alt="待发送的图片" width="56" height="56" src=${chat.gallery.url(file)}>
        <button type="button" class="plain" @click=${() => { this.setFile(null); this.focus(); }}>移除图片</button></div>` : nothing}
      <p class="bad" role="alert">${this.hint}</p>
      <input type="file" id="file" accept=${TYPES.join()} hidden @change=${this.picked.bind(this)}>
      <div class="row">
        <button type="button" id="picture" class="icon ${asking && asking.kinds.includes("image") ? "strong" : ""}"
          aria-label="发送图片" title="发送图片（也可以粘贴或拖到这里）" @click=${() => this.pick()}>${icon("picture")}</button>
        <label class="unseen" for="text">您的问题</label>
        <textarea id="text" rows="1" enterkeyhint="send" spellcheck="false" aria-autocomplete="list"
          aria-controls="suggestions" aria-describedby="counter"
          aria-activedescendant=${suggestion.activeId} aria-invalid=${String(over > 0)}
          placeholder=${asking && asking.kinds.includes("text") ? "请填写" + asking.label : "请描述您遇到的问题"}
          @input=${this.typed.bind(this)} @compositionend=${this.typed.bind(this)} @keydown=${this.pressed.bind(this)}
          @paste=${this.pasted.bind(this)} @blur=${() => suggestion.close()}></textarea>
        <button class="strong send" id="send" aria-label="发送" ?disabled=${!this.sendable}>${icon("send")}</button>
      </div>
      <div class="foot">
        <p>请勿发送密码、验证码等敏感信息</p>
        <p class="counter ${over > 0 ? "over" : ""}" id="counter">${
          over > 0 ? "已超出 " + over + " 字" : length > COUNT_FROM ? length + " / " + LONGEST : ""}</p>
        <button type="button" class="plain" title="为便于您稍后查看回复，本机保留对话 7 天"
          @click=${() => chat.askToForget()}>公共电脑？清除本机记录</button>
      </div></form>`;
  }
}
