/* The parts of the panel around the log: head, notices, welcome, and the question before what cannot be taken back. */
import { html, nothing } from "lit/html.js";
import { icon } from "./icon.js";
import { choices, words } from "./message.js";

const iconButton = (name, label, pressed, more = nothing) => html`<button class="icon plain"
  aria-label=${label} title=${label} aria-pressed=${more} @click=${pressed}>${icon(name)}</button>`;

/** Who is there, and what can be done with the conversation. */
export function header(chat) {
  const { talk, notice, page } = chat;
  const { agent } = talk;
  return html`<div class="head">
    <span class="avatar ${agent ? "attended" : ""}" aria-hidden="true">${agent ? Array.from(agent)[0] : icon("bubble")}</span>
    <div class="name"><p class="title" role="heading" aria-level=${page ? "1" : "2"}>${agent || chat.heading}</p>
      <p class="subtitle" role="status">${agent ? "您正在与人工客服对话" : "常见问题自助解答"}</p></div>
    <div class="tools">${agent ? nothing : html`<button class="soft"
        @click=${() => chat.send({ text: "转人工" }, "转人工")}>转人工</button>`}${
      iconButton(notice.on ? "bell" : "mute", "新消息提醒", () => notice.toggle(), String(notice.on))}${
      iconButton("anew", "开始新会话", () => chat.askToRestart())}${
      page ? nothing : iconButton("close", "关闭" + chat.heading, () => chat.hide())}</div></div>`;
}

/** What the visitor is to know at once. */
export function notices({ talk, desk }) {
  return html`${desk.choosable ? chooser(desk) : nothing}
    <p class="notice" role="status" ?hidden=${!desk.refusal}>${desk.refusal}</p>
    <p class="notice offline" role="status" ?hidden=${!talk.offline}>${talk.offline ? "连接已中断，正在重新连接…" : ""}</p>
    <p class="notice" role="status" ?hidden=${!talk.keyword}>${talk.keyword ? "当前为关键词检索，结果可能不够全面" : ""}</p>`;
}

const chooser = (desk) => html`<div class="system"><label for="system">咨询的系统</label>
  <select id="system" autocomplete="off" @change=${(event) => desk.choose(event.target.value)}>
    <option value="" ?selected=${!desk.system}>全部系统</option>
    ${desk.systems.map(({ key, name }) => html`<option value=${key} ?selected=${key === desk.system}>${name}</option>`)}
  </select></div>`;

/** The first bubble: what can be asked here, and what is asked most. */
export function welcome(chat) {
  const { desk } = chat;
  const { portal, hotline } = desk.current;
  const facts = [portal && "系统网址：" + portal, hotline && "客服电话：" + hotline].filter(Boolean).join("\n");
  return html`<div class="bubble"><span class="unseen">助手：</span>
    <p>您好，我是在线咨询助手。请描述您遇到的问题，例如页面上的提示文字；我会用常见问题文档的原文回答您。</p>
    ${desk.open === false && !chat.talk.agent ? html`<p class="note hours">现在是非工作时间${desk.hours ? "，人工服务时间：" + desk.hours : ""}。${
      desk.opens ? "人工客服" + desk.opens + " 上班。" : ""}您可以先自助查询或登记。</p>` : nothing}
    ${facts ? html`<div class="facts">${words(facts)}</div>` : nothing}
    ${desk.asked.length ? html`<p class="lead">大家常问</p>${choices(desk.asked, chat)}` : nothing}</div>`;
}

/** A question to answer before what cannot be taken back. */
export function sheet(chat) {
  const { question, yes, deed } = chat.question || {};
  const close = () => chat.closeModal("sheet");
  return html`<dialog class="sheet" aria-labelledby="question"><p id="question">${question}</p>
    <div class="deeds"><button @click=${close}>取消</button
    ><button class="strong" @click=${() => {
      close();
      deed();
    }}>${yes}</button></div></dialog>`;
}
