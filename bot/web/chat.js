/* The plain chat page: sends what a visitor says to POST /api/chat and draws the replies.
 *
 * Nothing that comes from a person or a server is ever parsed as HTML: the log is built of nodes and text. The page keeps
 * the conversation's id and token in sessionStorage, so that a reload shows it again and a closed tab forgets it. It does
 * not listen for messages that arrive on their own (a person's answers): those are shown after a reload.
 */
(function () {
  "use strict";

  const LONGEST = 2000; // characters, as the server counts them
  const COUNT_FROM = 1800;
  const SUGGEST_FROM = 2;
  const SUGGEST_UP_TO = 60;
  const PAUSE = 150; // milliseconds without a key before suggestions are asked for
  const EXAMPLES = 4;
  const PATIENCE = 20000; // milliseconds until a request counts as failed
  const KEPT = "chat-conversation";
  const STATUS = {
    collecting: "请补充受理所需的信息",
    waiting: "已登记，等待工作人员处理",
    assigned: "工作人员正在处理",
    resolved: "已处理完毕",
    closed: "受理已结束",
  };

  const at = (id) => document.getElementById(id);
  const [log, scroller, field, suggestions] = ["log", "scroller", "text", "suggestions"].map(at);
  let conversation = remembered(); // {id, token}; empty until the first reply
  let era = 0; // counts conversations, so that a late reply is not drawn into the next one
  let busy = false;
  let known = []; // systems
  let forget = false; // the system was taken back: the conversation is to forget it
  let ready = Promise.resolve();

  /* Nodes */

  function element(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function button(label, properties, pressed, ...children) {
    const node = element("button", Object.assign({ type: "button" }, properties), label, ...children);
    node.addEventListener("click", pressed);
    return node;
  }

  // Web addresses end before white space, Chinese text and Chinese punctuation; numbers: 400 lines, landlines, mobiles.
  const LINK = new RegExp(
    "https?://[^\\s<>\"'()\\[\\]{}|\\\\^`\u2018-\u201d\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+" +
      "|400[- ]?\\d{3}[- ]?\\d{4}(?!\\w)|\\(?0\\d{2,3}[)-][ ]?\\d{7,8}(?!\\w)|1[3-9]\\d[- ]?\\d{4}[- ]?\\d{4}(?!\\w)",
    "gi"
  );

  /** The same text as nodes, with addresses and telephone numbers as links. */
  function linkified(text) {
    const nodes = [];
    let done = 0;
    for (let match; (match = LINK.exec(text)); ) {
      const web = /^h/i.test(match[0]);
      const found = web ? match[0].replace(/[.,;:!?]+$/, "") : match[0];
      LINK.lastIndex = match.index + found.length;
      if (/[\w-]/.test(text.charAt(match.index - 1)) || /:\/\/$/.test(found)) continue;
      const link = element("a", { textContent: found, href: web ? found : "tel:" + found.replace(/\D/g, "") });
      if (web) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
      nodes.push(text.slice(done, match.index), link);
      done = LINK.lastIndex;
    }
    return nodes.concat(text.slice(done));
  }

  /* Drawing */

  function draw(author, who, ...parts) {
    const speaker = element("span", { className: "unseen", textContent: who });
    const message = element("div", { className: "message " + author });
    message.append(element("div", { className: "bubble" }, speaker, ...parts));
    log.append(message);
    return message;
  }

  const words = (text, nodes) => element("p", { className: "words" }, ...(nodes || linkified(text)));
  const drawVisitor = (text) => draw("visitor", "您：", words(text, [text]));
  const drawAside = (text) => log.append(element("p", { className: "message aside", textContent: text }));

  function drawReply(reply) {
    const answer = reply.answer;
    const parts = [];
    if (answer) parts.push(element("h2", { className: "question", textContent: answer.question }), words(answer.answer));
    if (reply.text && !(answer && answer.answer === reply.text)) parts.push(words(reply.text));
    if (answer) parts.push(element("p", { className: "source", textContent: "来源：" + sourceLine(answer.source) }));
    if (reply.options.length) parts.push(choices(reply.options));
    if (reply.escalation) parts.push(escalation(reply.escalation));
    const message = draw("bot", "助手：", ...parts);
    if (reply.related.length) message.firstChild.append(...related(reply.related));
    at("keyword-notice").hidden = reply.search !== "keyword";
    return message;
  }

  /** 职业病危害项目申报系统 常见问题 · 企业用户 · 第 9 条 */
  function sourceLine(source) {
    const { system, document: name } = source;
    const place = name.startsWith(system) ? name : [system, name].filter(Boolean).join(" ");
    return [place, source.section, source.number && "第 " + source.number + " 条"].filter(Boolean).join(" · ");
  }

  const choose = (option) => () => send({ choose: option.entry_id }, option.label);
  const optionButton = (option) => button("", {}, choose(option), ...labelled(option.label));
  const choices = (options) => element("div", { className: "choices" }, ...options.map(optionButton));

  /** A label with its lead, such as 【系统 · 用户】, set apart. */
  function labelled(label) {
    const [, lead, rest] = /^(【[^】]+】)?([^]*)$/.exec(label);
    return lead ? [element("small", { textContent: lead }), rest] : [label];
  }

  function related(options) {
    const items = options.map((option) => element("li", {}, optionButton(option)));
    const lead = element("p", { className: "lead", textContent: "相关问题" });
    return [lead, element("ul", { className: "related" }, ...items)];
  }

  function escalation(state) {
    if (state.status === "offered") {
      const offer = button(state.label, { className: "strong" }, () => {
        if (send({ accept: state.reason }, state.label)) focusField();
      });
      offer.dataset.accept = state.reason;
      return element("p", {}, offer);
    }
    document.querySelectorAll("[data-accept]").forEach((offer) => {
      if (offer.dataset.accept !== state.reason) return;
      Object.assign(offer, { disabled: true, textContent: state.label + "（已登记）" });
    });
    const number = state.ticket === null ? "" : "，受理编号 " + state.ticket;
    return element("p", { className: "status", textContent: (STATUS[state.status] || state.label) + number });
  }

  /** Bring a message and what follows into view: down to the end, but never past the message's own beginning. */
  function show(message, atOnce) {
    const smooth = !atOnce && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.scrollTo({ top: message.offsetTop - 16, behavior: smooth ? "smooth" : "auto" });
  }

  /* The server */

  function failure(status, detail, wait) {
    return Object.assign(new Error(detail || "request failed"), { status, detail, wait });
  }

  /** The JSON answer; otherwise a failure {status (0: no answer to be had), detail for the visitor, seconds to wait}. */
  async function request(path, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (conversation.token) headers.Authorization = "Bearer " + conversation.token;
    let response, data;
    try {
      const method = body ? "POST" : "GET";
      response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: abort.signal });
      data = await response.json();
    } catch (error) {
      throw failure(response && !response.ok ? response.status : 0);
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw failure(response.status, data.detail, Number(response.headers.get("Retry-After")));
    return data;
  }

  async function post(message) {
    const { id } = conversation;
    try {
      return await request("/api/chat", Object.assign({ conversation_id: id }, message));
    } catch (problem) {
      if (!id || !unknown(problem) || !(await isLost()) || id !== conversation.id) throw problem;
      remember({});
      drawAside("之前的会话已失效，已为您开始新的会话。");
      return request("/api/chat", message);
    }
  }

  /** Whether the conversation itself is gone; the server says 404 to an entry that is gone, too. */
  const isLost = () => transcript().then(() => false, unknown);
  const unknown = (problem) => problem.status === 401 || problem.status === 404;
  const transcript = () => request("/api/chat/" + encodeURIComponent(conversation.id));

  function remembered() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) || {};
    } catch (error) {
      return {};
    }
  }

  function remember(now) {
    conversation = now;
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(now));
    } catch (error) {
      // Storage is forbidden: the conversation lasts until the page is left.
    }
  }

  /* Sending */

  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_");
  }

  /** Draw and send a message, unless another one is on its way; returns whether it did. */
  function send(content, shown) {
    if (busy) return false;
    closeSuggestions();
    deliver({ id: randomId(), content, node: drawVisitor(shown) });
    return true;
  }

  async function deliver(message) {
    const mine = era;
    setBusy(true);
    at("typing").hidden = false;
    show(message.node);
    try {
      await ready;
      const system = at("system").value || (forget ? "" : undefined);
      const reply = await post(Object.assign({ client_message_id: message.id, system }, message.content));
      if (mine !== era) return;
      forget = false;
      if (reply.conversation_token) remember({ id: reply.conversation_id, token: reply.conversation_token });
      drawReply(reply);
    } catch (problem) {
      if (mine === era) drawTrouble(message, problem);
      if (problem.status === undefined) throw problem; // a fault of this page: let the console have it
    } finally {
      if (mine === era) setBusy(false);
      show(message.node);
    }
  }

  function setBusy(now) {
    busy = now;
    if (!now) at("typing").hidden = true;
    refreshComposer();
  }

  /** Say below a message why it was not taken, and offer what helps. */
  function drawTrouble(message, problem) {
    const trouble = element("div", { className: "trouble" });
    message.node.classList.add("failed");
    message.node.append(trouble);
    const { status, detail, wait } = problem;
    if (detail) trouble.append(element("span", { textContent: detail }));
    if (status === 429) retryAfter(wait || 5, trouble, message);
    else if (status === 0 || status >= 500) trouble.append(retry(detail ? "点击重试" : "发送失败，点击重试", message));
    else if (!detail) trouble.append("这条消息未能发送，请修改后重新发送。");
    if ([400, 413, 422].includes(status) && message.content.text && !field.value) fill(message.content.text);
  }

  function retry(label, message) {
    return button(label, {}, () => {
      if (busy) return;
      message.node.classList.remove("failed");
      message.node.querySelector(".trouble").remove();
      log.append(message.node);
      focusField();
      deliver(message);
    });
  }

  function retryAfter(seconds, trouble, message) {
    const left = element("span", { textContent: seconds + " 秒后可重试", ariaLive: "off" });
    trouble.append(left);
    const timer = setInterval(() => {
      seconds -= 1;
      left.textContent = seconds + " 秒后可重试";
      if (seconds > 0) return;
      clearInterval(timer);
      left.replaceWith(retry("点击重试", message));
    }, 1000);
  }

  /* The composer */

  const typed = () => field.value.trim();
  const lengthOf = (text) => Array.from(text).length;

  function refreshComposer() {
    const length = lengthOf(typed());
    const over = length - LONGEST;
    field.style.height = "auto";
    field.style.height = field.scrollHeight + 2 + "px";
    at("send").disabled = busy || length === 0 || over > 0;
    at("counter").textContent = over > 0 ? "已超出 " + over + " 字" : length > COUNT_FROM ? length + " / " + LONGEST : "";
    at("counter").classList.toggle("over", over > 0);
    field.setAttribute("aria-invalid", String(over > 0));
  }

  function fill(text) {
    field.value = text;
    refreshComposer();
  }

  function submit() {
    const text = typed();
    if (!text || lengthOf(text) > LONGEST || !send({ text }, text)) return;
    fill("");
  }

  /** Back to the composer, but without calling up a phone's keyboard. */
  function focusField() {
    if (matchMedia("(pointer: fine)").matches) field.focus();
  }

  function pressed(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const open = !suggestions.hidden;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      moveSuggestion(event.key === "ArrowDown" ? 1 : -1);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      closeSuggestions();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const active = suggestions.querySelector("[aria-selected=true]");
      if (open && active) active.click();
      else submit();
    }
  }

  /* Suggestions: a list that the text field controls; the field keeps the focus throughout */

  let pause, asked = 0;

  function typing(event) {
    refreshComposer();
    closeSuggestions();
    const text = typed();
    if (event.isComposing || text.length < SUGGEST_FROM || text.length > SUGGEST_UP_TO) return;
    pause = setTimeout(() => suggest(text), PAUSE);
  }

  async function suggest(text) {
    const mine = ++asked;
    const system = at("system").value;
    const query = "?q=" + encodeURIComponent(text) + (system && "&system=" + encodeURIComponent(system));
    try {
      const found = (await request("/api/suggest" + query)).suggestions;
      if (mine === asked && found.length && document.activeElement === field) openSuggestions(found);
    } catch (problem) {
      // The page works without suggestions.
    }
  }

  function openSuggestions(found) {
    const items = found.map((option, n) => {
      const item = element("li", { id: "suggestion-" + n }, ...labelled(option.label));
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.addEventListener("mousedown", (event) => event.preventDefault());
      item.addEventListener("click", () => choose(option)() && fill(""));
      return item;
    });
    suggestions.append(...items);
    suggestions.hidden = false;
    at("suggestion-count").textContent = "有 " + items.length + " 条建议，可按上下方向键选择";
  }

  function closeSuggestions() {
    clearTimeout(pause);
    asked += 1;
    suggestions.hidden = true;
    suggestions.textContent = at("suggestion-count").textContent = "";
    field.removeAttribute("aria-activedescendant");
  }

  /** Move by one; between the last and the first there is a place where none is selected. */
  function moveSuggestion(step) {
    const items = Array.from(suggestions.children);
    const places = items.length + 1;
    const now = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const next = items[((now + 1 + step + places) % places) - 1];
    items.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
    field.removeAttribute("aria-activedescendant");
    if (!next) return;
    field.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  }

  /* Systems: the page's address says which one is asked about */

  async function loadSystems() {
    const select = at("system");
    const wanted = new URLSearchParams(location.search).get("system");
    known = (await request("/api/systems")).systems;
    select.append(...known.map((system) => element("option", { value: system.key, textContent: system.name })));
    if (known.some((system) => system.key === wanted)) select.value = wanted;
    at("system-choice").hidden = known.length < 2;
    showSystem();
  }

  function chooseSystem() {
    const address = new URL(location.href);
    if (at("system").value) address.searchParams.set("system", at("system").value);
    else address.searchParams.delete("system");
    forget = !at("system").value;
    history.replaceState(null, "", address);
    closeSuggestions();
    showSystem();
  }

  /** Show the chosen system's contact line and example questions. */
  function showSystem() {
    const key = at("system").value;
    const { portal, hotline } = known.find((system) => system.key === key) || {};
    const facts = [portal && "系统网址：" + portal, hotline && "客服电话：" + hotline].filter(Boolean);
    at("contact").textContent = "";
    at("contact").append(...facts.map((fact) => element("span", {}, ...linkified(fact))));
    at("contact").hidden = !facts.length;
    const shown = key ? known.filter((system) => system.key === key) : known;
    const each = Math.ceil(EXAMPLES / (shown.length || 1));
    const examples = [].concat(...shown.map((system) => system.examples.slice(0, each)));
    at("examples").hidden = !examples.length;
    at("examples").replaceChild(choices(examples), at("examples").querySelector(".choices"));
  }

  /* Beginning, again and anew */

  async function restore() {
    if (!conversation.id) return;
    const mine = era;
    setBusy(true);
    log.setAttribute("aria-busy", "true");
    try {
      const { messages } = await transcript();
      if (mine === era) messages.forEach(drawStored);
    } catch (problem) {
      if (mine !== era) return;
      if (unknown(problem)) return remember({});
      drawAside("暂时无法显示之前的对话，请稍后刷新页面。");
    } finally {
      log.removeAttribute("aria-busy");
      if (mine === era) setBusy(false);
      show(log.lastElementChild, true);
    }
  }

  function drawStored({ author, text, reply }) {
    if (author === "visitor") drawVisitor(text);
    else if (author === "agent") draw("agent", "人工客服：", words(text));
    else if (reply) drawReply(reply);
    else draw("bot", "助手：", words(text));
  }

  function askToRestart() {
    at("leave").returnValue = ""; // Escape leaves it as it is
    at("leave").showModal();
  }

  function restart() {
    era += 1;
    remember({});
    while (log.lastElementChild.id !== "welcome") log.lastElementChild.remove();
    at("keyword-notice").hidden = true;
    setBusy(false);
    focusField();
  }

  function start() {
    at("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    field.addEventListener("keydown", pressed);
    field.addEventListener("input", typing);
    field.addEventListener("compositionend", typing);
    field.addEventListener("blur", closeSuggestions);
    window.addEventListener("resize", refreshComposer);
    at("system").addEventListener("change", chooseSystem);
    at("human").addEventListener("click", () => send({ text: "转人工" }, "转人工"));
    at("restart").addEventListener("click", () => (log.children.length > 1 ? askToRestart() : restart()));
    at("leave").addEventListener("close", () => at("leave").returnValue === "yes" && restart());
    ready = loadSystems().catch(() => {}); // without the list all systems are asked
    restore();
    refreshComposer();
    focusField();
  }

  start();
})();
