/* How messages look. Nothing that comes from a person or a server is ever parsed as HTML: only text and links. */
import { html, nothing } from "lit/html.js";
import { linkify } from "./linkify.js";
import { stepForm, ratingForm, contactForm } from "./form.js";

const REASONS = ["与问题无关", "看不明白", "按步骤做了仍未解决", "其他"];
const ITEM = /^\s*(?:\d{1,2}(?:[.．]\d{1,2})*[.．、)）](?!\d)|[(（][\d一二三四五六七八九十]{1,3}[)）]|[①-⑳•·●-])/;
const STATUS = {
  collecting: "请补充受理所需的信息",
  waiting: "已登记，等待工作人员处理",
  assigned: "工作人员正在处理",
  resolved: "已处理完毕",
  closed: "受理已结束",
};
const TAKEN = { collecting: "（登记中）", waiting: "（已登记）", assigned: "（已登记）" };

/** A message of any kind. */
export function message(item, chat) {
  return { visitor, bot, agent, aside, rating: ratingForm, contact: contactForm }[item.kind](item, chat);
}

const piece = ({ text, href, web }) =>
  web ? html`<a href=${href} target="_blank" rel="noopener noreferrer">${text}</a>` : html`<a href=${href}>${text}</a>`;

const linked = (text) => linkify(text).map((part) => (part.text ? piece(part) : part));

/** A text word for word, its lines kept; what is an item of a list hangs from its number. */
export function words(text, id = nothing) {
  const lines = text.match(/[^\n]*\n|[^\n]+/g) || [];
  return html`<p class="words" id=${id}>${lines.map(
    (line) => html`<span class=${ITEM.test(line) ? "item" : "line"}>${linked(line)}</span>`
  )}</p>`;
}

function visitor(item, chat) {
  const { text, trouble, progress } = item;
  const picture = item.file || item.picture;
  const read = item.sequence && item.sequence <= chat.talk.state.staff_read;
  return html`<div class="bubble ${picture ? "pictured" : ""}"><span class="unseen">您：</span>${
      picture ? chat.gallery.thumbnail(picture, "您发送的图片") : nothing}${text ? html`<p class="words">${text}</p>` : nothing}</div>
    ${progress === undefined ? nothing : html`<div class="progress">
      <progress max="1" .value=${progress} aria-label="正在上传图片"></progress>
      <button class="plain" @click=${() => chat.delivery.cancel(item)}>取消上传</button></div>`}
    ${read ? html`<p class="read">已读</p>` : nothing}
    ${trouble ? html`<div class="trouble"><span>${trouble.detail}</span>${
      trouble.retry ? html`<button class="plain" @click=${() => chat.delivery.retry(item)}>重发</button>`
      : trouble.wait ? html`<span aria-live="off">${trouble.wait} 秒后可重试</span>` : nothing}</div>` : nothing}`;
}

function agent({ agent: name, text, answer, picture }, chat) {
  return html`<div class="bubble"><p class="speaker">${name || "人工客服"}<span class="unseen">：</span></p>${
    picture ? chat.gallery.thumbnail(picture, "客服发来的图片") : nothing}${
    text ? words(text) : nothing}${answer ? html`<div class="quote">${entry(answer)}</div>` : nothing}</div>`;
}

function aside({ text, anew }, chat) {
  const restart = () => chat.restart();
  return html`<p>${linked(text)}</p>${anew ? html`<button @click=${restart}>开始新会话</button>` : nothing}`;
}

function bot(item, chat) {
  const { reply } = item;
  const { answer, text, note, options, related, step } = reply;
  return html`<div class="bubble"><span class="unseen">助手：</span>
      ${note ? html`<p class="note">${linked(note)}</p>` : nothing}
      ${answer ? entry(answer) : nothing}
      ${text && !(answer && answer.answer === text) ? words(text, "words-" + item.key) : nothing}
      ${options.length ? choices(options, chat) : nothing}
      ${escalation(reply.escalation, item, chat)}
      ${related.length ? html`<p class="lead">相关问题</p>
        <ul class="related">${related.map((option) => html`<li>${choice(option, chat)}</li>`)}</ul>` : nothing}
      ${step ? stepForm(item, chat) : nothing}</div>
    ${reply.decision === "answer" && answer && !item.over ? feedback(item, chat) : nothing}`;
}

const entry = (answer) => html`<p class="question" role="heading" aria-level="3">${answer.question}</p>
  ${words(answer.answer)}<p class="source">来源：${sourceLine(answer.source)}</p>`;

/** 职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条 */
function sourceLine(source) {
  const { system, document: name } = source;
  const place = name.startsWith(system) ? name : [system, name].filter(Boolean).join(" ");
  return [place, source.section, source.number && "第 " + source.number + " 条"].filter(Boolean).join(" · ");
}

/** A label with its lead, such as 【系统 · 用户】, set apart. */
export function labelled(label) {
  const [, lead, rest] = /^(【[^】]+】)?([^]*)$/.exec(label);
  return lead ? html`<small>${lead}</small>${rest}` : label;
}

const choice = (option, chat) =>
  html`<button @click=${() => chat.choose(option)}>${labelled(option.label)}</button>`;

/** Entries to choose from, as buttons. */
export const choices = (options, chat) =>
  html`<div class="choices">${options.map((option) => choice(option, chat))}</div>`;

/** The offer of a person, or how the request stands. */
function escalation(offer, item, chat) {
  if (!offer) return nothing;
  const { reason, label, status, ticket } = offer;
  if (status === "offered") {
    const taken = Array.from(chat.talk.tickets.values()).find((other) => other.reason === reason && TAKEN[other.status]);
    const accept = () => chat.send({ accept: reason }, label);
    return html`<p><button class="strong" ?disabled=${taken} @click=${accept}
      >${label}${taken ? TAKEN[taken.status] : ""}</button></p>`;
  }
  if (status === "collecting" || status === "closed") return nothing;
  if (ticket === null) return html`<p class="status">${STATUS[status] || label}</p>`;
  const now = (!item.over && chat.talk.tickets.get(ticket)) || offer;
  return html`<p class="status">${STATUS[now.status] || label}，受理编号 ${ticket}</p>`;
}

/** Whether an answer helped; kept by the server, shown until the page is left. */
function feedback(item, chat) {
  const tell = async (helpful, reason, next) => {
    try {
      await chat.talk.request(chat.talk.here("/feedback"), { message_id: item.id, helpful, reason });
      item.feedback = next;
      item.fault = "";
    } catch (problem) {
      item.fault = problem.detail || "暂时未能提交，请稍后再试。";
    }
    chat.changed();
    if (item.feedback === "why") chat.focusIn(item, ".feedback button");
  };
  const reasons = REASONS.map(
    (reason) => html`<button @click=${() => tell(false, reason, "thanks")}>${reason}</button>`
  );
  return html`<div class="feedback" role="group" aria-label="这条回答有帮助吗">${
    item.feedback === "thanks" ? html`<span>感谢您的反馈！</span>`
    : item.feedback === "why" ? html`<span>请问是什么原因？</span>${reasons}`
    : html`<button @click=${() => tell(true, "", "thanks")}>有帮助</button
        ><button @click=${() => tell(false, "", "why")}>没帮助</button>`
  }${item.fault ? html`<span class="bad">${item.fault}</span>` : nothing}</div>`;
}
