/* Forms in the log: what a hand-over asks next, a rating at the end, and a number to call when nobody is there. */
import { html, nothing } from "lit/html.js";
import { words } from "./message.js";

/** What helps to type a value of a kind. */
const FIELDS = {
  phone: { mode: "tel", complete: "tel" },
  company: { complete: "organization" },
};
const LATER = "暂时未能提交，请稍后再试。";

/** What a form asks next. Field and buttons are there as long as nothing else was asked. */
export function stepForm(item, chat) {
  const { ask, kinds, choices, left } = item.reply.step;
  const asking = chat.talk.asking === item && !item.over;
  const say = (text) => chat.send({ text }, text);
  const picture = kinds.includes("image");
  const button = (label, n) => html`<button type="button"
    class=${n === 0 && choices.length > 1 ? "strong" : ""} @click=${() => say(label)}>${label}</button>`;
  return html`<div class="step">${words(ask, "ask-" + item.key)}${asking ? html`
    ${left > 1 ? html`<p class="lead">还有 ${left} 项待填写</p>` : nothing}
    ${kinds.some((kind) => kind !== "image" && kind !== "text") ? stepField(item, chat) : nothing}
    ${picture || choices.length ? html`<div class="deeds">
      ${picture ? html`<button type="button" class="strong" @click=${() => chat.composer.pick()}>选择图片</button>` : nothing}
      ${choices.map(button)}</div>` : nothing}` : nothing}</div>`;
}

/** A field for the value; what takes several lines goes into the composer. A value that was refused stands in it once
 * more, with the server's words beside it. */
function stepField(item, chat) {
  const { field, label, kinds, required } = item.reply.step;
  const { mode = "text", complete = "off" } = FIELDS[kinds.find((kind) => FIELDS[kind])] || {};
  const { items } = chat.log;
  const before = items.slice(0, items.indexOf(item)).reverse().find(({ kind }) => kind === "bot");
  const wrong = before && before.filled && before.reply.step.field === field && item.reply.text ? before.filled : "";
  const submit = (event) => {
    event.preventDefault();
    const value = event.target.elements[0].value.trim();
    if (value && chat.send({ text: value }, value, true)) item.filled = value;
  };
  const [id, ask] = ["field-" + item.key, "ask-" + item.key];
  return html`<form class="fill" novalidate @submit=${submit}>
    <label for=${id}>${label}${required ? nothing : "（可不填）"}</label>
    <div class="row"><input id=${id} type=${mode} inputmode=${mode} autocomplete=${complete} maxlength="300" spellcheck="false"
      aria-describedby=${(wrong ? "words-" + item.key + " " : "") + ask} aria-invalid=${String(Boolean(wrong))}
      ?required=${required} .value=${wrong}><button class="strong">提交</button></div></form>`;
}

/** Stars for a request that has ended. */
export function ratingForm(item, chat) {
  const { number, label, values, fault } = item;
  const set = (value) => {
    values.stars = value;
    chat.changed();
  };
  const send = async (event) => {
    event.preventDefault();
    const body = { ticket: number, stars: values.stars, comment: event.target.elements.comment.value.trim() };
    if (!(await submit(item, chat, "/rating", body))) return;
    chat.log.remove(item);
    chat.view.reveal(chat.talk.say("感谢您的评价！"));
  };
  return html`<form class="card" @submit=${send}><fieldset>
    <legend>请为本次服务评分（${label}，受理编号 ${number}）</legend>
    <div class="stars">${[1, 2, 3, 4, 5].map((value) => html`<label
      class=${value <= (values.stars || 0) ? "lit" : ""}><input type="radio" class="unseen" name="stars-${number}"
      aria-label="${value} 星" @change=${() => set(value)}><span aria-hidden="true">★</span></label>`)}</div>
    <p class="lead">1 星非常不满意，5 星非常满意</p>
    <textarea name="comment" rows="2" maxlength="500" placeholder="其他意见（可不填）" aria-label="其他意见"></textarea>
    ${fault ? html`<p class="bad" role="alert">${fault}</p>` : nothing}
    <button class="strong" ?disabled=${!values.stars || item.busy}>提交评价</button></fieldset></form>`;
}

/** Nobody is there: a number to call about a request that waits. */
export function contactForm(item, chat) {
  const { number, fault, faults } = item;
  if (item.done) return html`<p>已收到您的联系方式，工作人员上班后会尽快与您联系（受理编号 ${number}）。</p>`;
  const settle = () => {
    chat.desk.settle(number);
    chat.talk.refresh();
  };
  const send = async (event) => {
    event.preventDefault();
    const { elements } = event.target;
    const body = { ticket: number, phone: elements.phone.value.trim() };
    ["name", "details"].forEach((name) => {
      const value = elements[name].value.trim();
      if (value) body[name] = value;
    });
    item.faults = body.phone ? {} : { phone: "请填写手机号或固定电话。" };
    if (body.phone && (await submit(item, chat, "/contact", body))) {
      item.done = true;
      settle();
    }
    chat.changed();
    chat.focusIn(item, "[aria-invalid=true]");
  };
  const field = (name, label, draw) => {
    const [id, wrong] = [name + "-" + item.key, faults[name]];
    return html`<div class="field"><label for=${id}>${label}</label>
      ${draw(id, wrong ? id + "-fault" : nothing, String(Boolean(wrong)))}
      ${wrong ? html`<p class="bad" id=${id + "-fault"}>${wrong}</p>` : nothing}</div>`;
  };
  return html`<form class="card" novalidate @submit=${send}><fieldset>
    <legend>留下联系电话</legend>
    <p class="lead">现在是非工作时间，工作人员${chat.desk.opens ? chat.desk.opens + " 上班后" : "上班后"}会联系您（受理编号 ${number}）。</p>
    ${field("phone", "联系电话", (id, about, wrong) => html`<input name="phone" id=${id} type="tel" inputmode="tel"
      autocomplete="tel" maxlength="40" required aria-describedby=${about} aria-invalid=${wrong}>`)}
    ${field("name", "称呼（可不填）", (id, about, wrong) => html`<input name="name" id=${id} type="text"
      autocomplete="name" maxlength="40" aria-describedby=${about} aria-invalid=${wrong}>`)}
    ${field("details", "补充说明（可不填）", (id, about, wrong) => html`<textarea name="details" id=${id} rows="2"
      maxlength="500" aria-describedby=${about} aria-invalid=${wrong}></textarea>`)}
    ${fault ? html`<p class="bad" role="alert">${fault}</p>` : nothing}
    <div class="deeds"><button class="strong" ?disabled=${item.busy}>提交</button
      ><button type="button" class="plain" @click=${settle}>不用了</button></div></fieldset></form>`;
}

/** Hand a form in; what the server says against it is shown. */
async function submit(item, chat, path, body) {
  item.busy = true;
  item.fault = "";
  item.faults = {};
  chat.changed();
  try {
    await chat.talk.request(chat.talk.here(path), body);
    return true;
  } catch (problem) {
    item.faults = problem.fields || {};
    item.fault = problem.fields ? "" : problem.detail || LATER;
    return false;
  } finally {
    item.busy = false;
    chat.changed();
  }
}
