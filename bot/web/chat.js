/* The plain chat page: sends what a visitor says to POST /api/chat, and draws the replies and what else happens.
 *
 * Nothing that comes from a person or a server is ever parsed as HTML: the log is built of nodes and text. What a later
 * visit finds again is memory.js's. A message may come several times (as a reply, as an event, from the history): it is
 * drawn once, in the place of its sequence number.
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
  const UPLOAD_PATIENCE = 90000;
  const TYPING_EVERY = 3000; // how often a person is told that the visitor types
  const TYPING_SHOWN = 5000;
  const LARGEST_PICTURE = 8 * 1024 * 1024;
  const PICTURE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"];
  const [DRAFT, OUTBOX] = ["chat-draft", "chat-outbox"];
  const { kept, keep } = memory;
  const TITLE = document.title;
  const NOBODY = { agent: null, tickets: [], visitor_read: 0 };
  const REASONS = ["与问题无关", "看不明白", "按步骤做了仍未解决", "其他"];
  const STATUS = {
    collecting: "请补充受理所需的信息",
    waiting: "已登记，等待工作人员处理",
    assigned: "工作人员正在处理",
    resolved: "已处理完毕",
    closed: "受理已结束",
  };

  const at = (id) => document.getElementById(id);
  const [log, scroller, field, suggestions] = ["log", "scroller", "text", "suggestions"].map(at);
  const subtitle = at("subtitle").textContent;
  let conversation = memory.conversation() || {}; // {id, token}; empty until the first reply
  let outbox = kept(OUTBOX) || []; // [{id, content, shown}]: sent, but not known to have arrived
  const sent = new Map(); // by client message id: the messages this page sent
  const drawn = new Set(); // the ids of the messages that are shown
  let state = NOBODY; // who talks with the visitor, as the server last said
  const tickets = new Map(); // by number
  let attached = null; // the picture that goes with the next message
  let era = 0; // counts conversations, so that a late reply is not drawn into the next one
  let busy = false;
  let known = []; // systems
  let forget = false; // the system was taken back: the conversation is to forget it
  let ready = Promise.resolve();
  let agreed = () => {}; // what the dialog asks about

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

  function drawAside(...parts) {
    const aside = element("p", { className: "message aside" }, ...parts);
    log.append(aside);
    return aside;
  }

  const words = (text, nodes) => element("p", { className: "words" }, ...(nodes || linkified(text)));

  /** What the visitor said; the picture is a file, or the id of one that the server has. */
  function drawVisitor(text, picture) {
    const parts = picture ? [thumbnail(picture)] : [];
    const message = draw("visitor", "您：", ...parts.concat(text ? words(text, [text]) : []));
    message.classList.toggle("pictured", Boolean(picture));
    return message;
  }

  function drawAgent({ agent, text, answer }) {
    const parts = text ? [words(text)] : [];
    if (answer) parts.push(element("div", { className: "quote" }, ...entry(answer)));
    return draw("agent", (agent || "人工客服") + "：", ...parts);
  }

  function drawReply(reply, messageId) {
    const answer = reply.answer;
    const parts = answer ? entry(answer) : [];
    if (reply.note) parts.unshift(element("p", { className: "note" }, ...linkified(reply.note)));
    if (reply.text && !(answer && answer.answer === reply.text)) parts.push(words(reply.text));
    if (reply.options.length) parts.push(choices(reply.options));
    if (reply.escalation) parts.push(...escalation(reply.escalation));
    const message = draw("bot", "助手：", ...parts);
    message.classList.add("reply");
    if (reply.related.length) message.firstChild.append(...related(reply.related));
    if (reply.step) message.firstChild.append(step(reply.step));
    if (reply.decision === "answer" && answer) message.append(feedback(messageId));
    at("keyword-notice").hidden = reply.search !== "keyword";
    return message;
  }

  const entry = (answer) => [
    element("h2", { className: "question", textContent: answer.question }),
    words(answer.answer),
    element("p", { className: "source", textContent: "来源：" + sourceLine(answer.source) }),
  ];

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

  function escalation({ reason, label, status, ticket }) {
    if (status === "offered") {
      const offer = button(label, { className: "strong" }, () => {
        if (send({ accept: reason }, label)) focusField();
      });
      Object.assign(offer.dataset, { accept: reason, label });
      return [element("p", {}, offer)];
    }
    if (ticket !== null) {
      tickets.set(ticket, Object.assign({}, tickets.get(ticket), { number: ticket, reason, label, status }));
    }
    if (status === "collecting" || status === "closed") return [];
    const line = element("p", { className: "status", textContent: STATUS[status] || label });
    if (ticket !== null) line.dataset.ticket = ticket;
    return [line];
  }

  /** What a form asks next. The buttons are there as long as nothing else was asked. */
  function step({ ask, kinds, choices: offered, left }) {
    const picture = kinds.includes("image");
    const buttons = offered.map((choice, n) => {
      const className = n === 0 && offered.length > 1 ? "strong" : "";
      return button(choice, { className }, () => send({ text: choice }, choice) && focusField());
    });
    if (picture) buttons.unshift(button("选择图片", { className: "strong" }, () => at("file").click()));
    const parts = [words(ask)];
    if (left > 1) parts.push(element("p", { className: "lead", textContent: "还有 " + left + " 项待填写" }));
    const deeds = element("div", { className: "deeds" }, ...buttons);
    if (picture) deeds.dataset.picture = "";
    return element("div", { className: "step" }, ...parts, deeds);
  }

  /** Whether an answer helped; kept by the server, shown until the page is left. */
  function feedback(messageId) {
    const line = element("div", { className: "feedback" });
    const tell = async (helpful, reason) => {
      await request(here("/feedback"), { message_id: messageId, helpful, reason });
      line.textContent = "";
      line.append(element("span", { textContent: "感谢您的反馈！" }));
    };
    const attempt = (deed) => () => deed().catch((problem) => {
      Array.from(line.querySelectorAll(".bad")).forEach((old) => old.remove());
      line.append(element("span", { className: "bad", textContent: problem.detail || "暂时未能提交，请稍后再试。" }));
    });
    const reasons = () => {
      const buttons = REASONS.map((reason) => button(reason, {}, attempt(() => tell(false, reason))));
      line.append(element("span", { textContent: "请问是什么原因？" }), ...buttons);
      buttons[0].focus();
      line.scrollIntoView({ block: "nearest" });
    };
    line.append(
      button("有帮助", {}, attempt(() => tell(true, ""))),
      button("没帮助", {}, attempt(() => tell(false, "").then(reasons)))
    );
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", "这条回答有帮助吗");
    return line;
  }

  /** Stars for a request that has ended. */
  function rating({ number, label }) {
    let stars = 0;
    const name = "stars-" + number;
    const choices = [1, 2, 3, 4, 5].map((value) => {
      const star = element("input", { type: "radio", name, className: "unseen" });
      star.setAttribute("aria-label", value + " 星");
      star.addEventListener("change", () => {
        stars = value;
        choices.forEach((choice, n) => choice.classList.toggle("lit", n < stars));
        submit.disabled = false;
      });
      return element("label", { title: value + " 星" }, star, "★");
    });
    const comment = element("textarea", { rows: 2, maxLength: 500, placeholder: "其他意见（可不填）" });
    comment.setAttribute("aria-label", "其他意见");
    const trouble = element("p", { className: "bad", hidden: true });
    const submit = button("提交评价", { className: "strong", disabled: true }, async () => {
      submit.disabled = true;
      try {
        await request(here("/rating"), { ticket: number, stars, comment: comment.value.trim() });
        form.remove();
        show(drawAside("感谢您的评价！"));
      } catch (problem) {
        Object.assign(trouble, { hidden: false, textContent: problem.detail || "暂时未能提交，请稍后再试。" });
        submit.disabled = false;
      }
    });
    const legend = element("legend", { textContent: "请为本次服务评分（" + label + "，受理编号 " + number + "）" });
    const ends = element("p", { className: "lead", textContent: "1 星非常不满意，5 星非常满意" });
    const row = element("div", { className: "stars" }, ...choices);
    const set = element("fieldset", {}, legend, row, ends, comment, trouble, submit);
    const form = element("div", { className: "message rating" }, set);
    form.dataset.rating = number;
    log.append(form);
    return form;
  }

  /** Bring a message and what follows into view: down to the end, but never past the message's own beginning. */
  function show(message, atOnce) {
    const smooth = !atOnce && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.scrollTo({ top: message.offsetTop - 16, behavior: smooth ? "smooth" : "auto" });
  }

  /** Whether the visitor looks at the end of the log; who reads further up is not to be moved. */
  const following = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;

  /* Messages in their order, and how things stand */

  /** Put a message where its number belongs. What has no number stays where it is. */
  function place(node, sequence) {
    let next = null, before = log.lastElementChild;
    for (; before; before = before.previousElementSibling) {
      const other = before === node ? NaN : Number(before.dataset.sequence || NaN);
      if (other < sequence) break;
      if (other > sequence) next = before;
    }
    const follows = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
    if ((before && !follows(before, node)) || (next && !follows(node, next))) log.insertBefore(node, next);
    node.dataset.sequence = sequence;
  }

  /** Show a message of the conversation; returns its node if it was not there yet. */
  function receive(message) {
    const { message_id: id, sequence, author, text, reply } = message;
    if (drawn.has(id)) return null;
    drawn.add(id);
    const mine = author === "visitor" && sent.get(message.client_message_id);
    if (mine) {
      arrived(mine, sequence, text);
      return null;
    }
    const node =
      author === "visitor" ? drawVisitor(text, message.picture)
      : author === "agent" ? drawAgent(message)
      : reply ? drawReply(reply, id)
      : drawAside(text);
    place(node, sequence);
    if (author === "agent") at("peer").hidden = true;
    return node;
  }

  /** A message of this page is on the server, in its words: it hides passwords. */
  function arrived(message, sequence, text) {
    const { node } = message;
    outbox = outbox.filter((other) => other.id !== message.id);
    keep(OUTBOX, outbox);
    message.arrived = true;
    node.classList.remove("failed");
    Array.from(node.querySelectorAll(".trouble, progress")).forEach((old) => old.remove());
    if (text) node.querySelector(".words").textContent = text;
    place(node, sequence);
  }

  function setState(now) {
    state = now;
    now.tickets.forEach((ticket) => tickets.set(ticket.number, ticket));
    at("subtitle").textContent = now.agent ? "人工客服“" + now.agent + "”正在为您服务" : subtitle;
    at("subtitle").classList.toggle("attended", Boolean(now.agent));
    at("human").hidden = Boolean(now.agent);
    if (!now.agent) at("peer").hidden = true;
    showUnread();
    refresh();
  }

  function refresh() {
    refreshTickets();
    refreshSteps();
  }

  /** Offers, status lines and requests for a rating as the tickets stand. */
  function refreshTickets() {
    const open = { collecting: "（登记中）", waiting: "（已登记）", assigned: "（已登记）" };
    const all = Array.from(tickets.values());
    document.querySelectorAll("[data-accept]").forEach((offer) => {
      const { accept, label } = offer.dataset;
      const ticket = all.find(({ reason, status }) => reason === accept && open[status]);
      Object.assign(offer, { disabled: Boolean(ticket), textContent: label + (ticket ? open[ticket.status] : "") });
    });
    document.querySelectorAll("[data-ticket]").forEach((line) => {
      const { number, label, status } = tickets.get(Number(line.dataset.ticket)) || {};
      if (number) line.textContent = (STATUS[status] || label) + "，受理编号 " + number;
    });
    all.forEach((ticket) => {
      const shown = log.querySelector('[data-rating="' + ticket.number + '"]');
      const due = ticket.status === "resolved" && ticket.stars === null;
      if (due && !shown) showNew(() => rating(ticket));
      else if (!due && shown) shown.remove();
    });
  }

  /** Only the last question of a form can be answered by its buttons, and none while a person talks. */
  function refreshSteps() {
    const replies = log.querySelectorAll(".reply");
    const last = state.agent ? null : replies[replies.length - 1];
    log.querySelectorAll(".step > :not(.words)").forEach((part) => (part.hidden = !last || !last.contains(part)));
    at("picture").classList.toggle("strong", Boolean(last && last.querySelector("[data-picture]")));
  }

  /* Live: what happens without the visitor's doing */

  let stop = null; // ends listening
  let unread = []; // the numbers of the messages that came while the page was hidden or closed

  function listen(after) {
    if (stop) stop();
    stop = listenTo(here("/events"), conversation.token, after, {
      heard,
      troubled: (whether) => (at("offline-notice").hidden = !whether),
      gone: () => {
        abandon();
        const anew = button("开始新会话", {}, restart);
        show(drawAside("此会话已失效，无法继续。", anew));
      },
    });
  }

  function heard(kind, data) {
    if (kind === "state") setState(data);
    else if (kind === "typing") agentTypes();
    else if (kind === "message") {
      const node = showNew(() => receive(data));
      if (node) refresh();
      if (node && document.hidden && data.author !== "visitor") unread.push(data.sequence);
      showUnread();
    }
    readLater();
  }

  /** Draw something and bring it into view, unless the visitor reads something else. */
  function showNew(drawing) {
    const follow = following();
    const node = drawing();
    if (!node || busy) return node; // what is on its way will be shown with its reply
    if (follow) show(node);
    else at("newer").hidden = false;
    return node;
  }

  /** Count in the title what was not seen yet, in this tab or in another. */
  function showUnread() {
    unread = unread.filter((sequence) => sequence > Math.max(state.visitor_read, readTold));
    document.title = (unread.length ? "（" + unread.length + "）" : "") + TITLE;
  }

  let typingTimer, typingTold = 0, readTimer, readTold = 0;

  function agentTypes() {
    const line = (state.agent || "客服") + "正在输入…";
    const follow = following();
    if (at("peer").textContent !== line) at("peer").textContent = line;
    at("peer").hidden = false;
    if (follow) scroller.scrollTop = scroller.scrollHeight;
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => (at("peer").hidden = true), TYPING_SHOWN);
  }

  function tellTyping() {
    if (!state.agent || !typed() || Date.now() - typingTold < TYPING_EVERY) return;
    typingTold = Date.now();
    request(here("/typing"), {}).catch(() => {}); // nothing is lost with it
  }

  function readLater() {
    clearTimeout(readTimer);
    readTimer = setTimeout(tellRead, 600);
  }

  function tellRead() {
    if (document.hidden || !conversation.id) return;
    memory.use(conversation);
    const bottom = scroller.scrollTop + scroller.clientHeight;
    const seen = Array.from(log.querySelectorAll("[data-sequence]")).reverse().find((node) => node.offsetTop < bottom);
    const sequence = Number(seen.dataset.sequence);
    if (sequence <= Math.max(state.visitor_read, readTold)) return;
    readTold = sequence;
    showUnread();
    request(here("/read"), { sequence }).catch(() => (readTold = 0));
  }

  /* Pictures */

  const urls = new Set(); // of the pictures that are shown

  function pictureUrl(blob) {
    const url = URL.createObjectURL(blob);
    urls.add(url);
    return url;
  }

  function thumbnail(picture) {
    const image = element("img", { alt: "您发送的图片", width: 160, height: 160 });
    const open = button("", { className: "thumbnail", title: "查看大图" }, () => {
      if (image.src) enlarge(image.src);
      else load();
    }, image);
    const load = async () => {
      open.classList.remove("failed");
      try {
        const response = await fetch(here("/pictures/" + encodeURIComponent(picture)), { headers: bearer() });
        if (!response.ok) throw failure(response.status);
        image.src = pictureUrl(await response.blob());
      } catch (problem) {
        open.classList.add("failed"); // the style sheet says so; a press tries again
      }
    };
    if (picture instanceof File) image.src = pictureUrl(picture);
    else load();
    return open;
  }

  function enlarge(url) {
    at("viewer-picture").src = url;
    at("viewer").showModal();
  }

  /** Take a picture into the composer, if it can be one. */
  function attach(files) {
    const file = files[0];
    const refusal =
      files.length > 1 ? "一次只能发送一张图片。"
      : file.type && !PICTURE_TYPES.includes(file.type) ? "只能发送 PNG、JPEG、WebP、GIF 或 BMP 格式的图片。"
      : file.size > LARGEST_PICTURE ? "图片不能超过 8 MB，请裁剪或压缩后再发送。"
      : file.size === 0 ? "这个文件是空的，请重新选择图片。"
      : "";
    if (!refusal) setAttached(file);
    at("picture-hint").textContent = refusal;
    refreshComposer();
    focusField();
  }

  function setAttached(file) {
    const follow = following();
    if (attached) URL.revokeObjectURL(at("preview").src);
    attached = file;
    at("attached").hidden = !file;
    at("picture-hint").textContent = "";
    if (file) at("preview").src = URL.createObjectURL(file);
    else at("preview").removeAttribute("src");
    refreshComposer();
    if (follow) scroller.scrollTop = scroller.scrollHeight; // the composer took room from the log
  }

  /** Send a picture up, showing how far it is; its id. */
  function upload(message) {
    const bar = element("progress", { max: 1, value: 0 });
    bar.setAttribute("aria-label", "正在上传图片");
    message.node.append(bar);
    return new Promise((resolve, reject) => {
      const sending = (message.sending = new XMLHttpRequest());
      sending.open("POST", here("/pictures"));
      sending.timeout = UPLOAD_PATIENCE;
      sending.setRequestHeader("Authorization", bearer().Authorization);
      sending.setRequestHeader("Content-Type", message.file.type || "application/octet-stream");
      sending.upload.onprogress = (event) => event.lengthComputable && (bar.value = event.loaded / event.total);
      sending.onloadend = () => {
        bar.remove();
        let data = null;
        try {
          data = JSON.parse(sending.responseText);
        } catch (error) {
          // no answer, or not this server's
        }
        const { status } = sending;
        const wait = Number(sending.getResponseHeader("Retry-After"));
        if (status === 201 && data) resolve(data.picture_id);
        else reject(failure(status < 400 ? 0 : status, data && data.detail, wait));
      };
      sending.send(message.file);
    });
  }

  /* The server */

  function failure(status, detail, wait) {
    return Object.assign(new Error(detail || "request failed"), { status, detail, wait });
  }

  /** The JSON answer; otherwise a failure {status (0: no answer to be had), detail for the visitor, seconds to wait}. */
  async function request(path, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    const headers = Object.assign({ Accept: "application/json" }, bearer());
    if (body) headers["Content-Type"] = "application/json";
    let response, data;
    try {
      const method = body ? "POST" : "GET";
      response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: abort.signal });
      data = response.status === 204 ? null : await response.json();
    } catch (error) {
      throw failure(response && !response.ok ? response.status : 0);
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw failure(response.status, data.detail, Number(response.headers.get("Retry-After")));
    return data;
  }

  const bearer = () => (conversation.token ? { Authorization: "Bearer " + conversation.token } : {});
  const here = (path) => "/api/conversations/" + encodeURIComponent(conversation.id) + path;

  /** Begin a conversation without a word, for a picture that comes first. */
  async function begin() {
    const mine = era;
    const begun = await request("/api/conversations", { system: at("system").value || null });
    if (mine !== era) return;
    remember({ id: begun.conversation_id, token: begun.conversation_token });
    listen(0);
  }

  async function post(message) {
    const { id } = conversation;
    const mine = era;
    try {
      return await request("/api/chat", Object.assign({ conversation_id: id }, message));
    } catch (problem) {
      if (!id || !unknown(problem) || (id === conversation.id && !(await isLost())) || mine !== era) throw problem;
      if (id === conversation.id) {
        abandon();
        drawAside("之前的会话已失效，已为您开始新的会话。");
      }
      return request("/api/chat", message);
    }
  }

  /** Whether the conversation itself is gone; the server says 404 to an entry that is gone, too. */
  const isLost = () => transcript().then(() => false, unknown);
  const unknown = (problem) => problem.status === 401 || problem.status === 404;
  const transcript = () => request("/api/chat/" + encodeURIComponent(conversation.id));

  function remember(now) {
    conversation = now;
    memory.begin(now);
  }

  /** The conversation is over: what is shown of it stays, but belongs to no order any more. */
  function abandon() {
    if (stop) stop();
    stop = null;
    memory.end(conversation);
    conversation = {};
    drawn.clear();
    tickets.clear();
    readTold = 0;
    unread = [];
    log.querySelectorAll("[data-sequence]:not(#welcome)").forEach((node) => delete node.dataset.sequence);
    log.querySelectorAll(".rating, .feedback, .step > :not(.words)").forEach((node) => node.remove());
    log.querySelectorAll("[data-ticket]").forEach((line) => delete line.dataset.ticket);
    at("offline-notice").hidden = true;
    setState(NOBODY);
  }

  /* Sending */

  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_");
  }

  /** Draw and send a message, unless another one is on its way: false, or a promise that it was tried. */
  function send(content, shown, file) {
    if (busy) return false;
    closeSuggestions();
    return deliver(prepare({ id: randomId(), content, shown }, file));
  }

  /** Draw a message and keep it until it has arrived. */
  function prepare({ id, content, shown }, file) {
    const message = { id, content, shown, file, node: drawVisitor(shown, file || content.picture) };
    sent.set(id, message);
    outbox = outbox.filter((other) => other.id !== id);
    if (shown || content.picture) outbox.push({ id, content, shown }); // a picture not sent up yet cannot be kept
    keep(OUTBOX, outbox);
    return message;
  }

  async function deliver(message) {
    const mine = era;
    setBusy(true);
    at("typing").hidden = Boolean(state.agent || message.file);
    show(message.node);
    try {
      await ready;
      if (message.file && !message.content.picture) {
        if (!conversation.id) await begin();
        if (mine !== era) return;
        const picture = await upload(message);
        if (mine !== era) return;
        message.content.picture = picture;
        const { id, content, shown } = message;
        outbox = outbox.filter((other) => other.id !== id).concat({ id, content, shown });
        keep(OUTBOX, outbox);
        at("typing").hidden = Boolean(state.agent);
      }
      const system = at("system").value || (forget ? "" : undefined);
      const reply = await post(Object.assign({ client_message_id: message.id, system }, message.content));
      if (mine !== era) return;
      forget = false;
      if (reply.conversation_token) {
        remember({ id: reply.conversation_id, token: reply.conversation_token });
        log.querySelectorAll(".aside button").forEach((anew) => anew.remove());
        listen(0);
      }
      const silent = reply.decision === "silent";
      arrived(message, reply.sequence - (silent ? 0 : 1)); // a reply comes right after its message
      if (!silent) receive(Object.assign({ author: "bot", reply }, reply));
      else if (reply.note) drawAside(reply.note);
      refresh();
    } catch (problem) {
      if (mine === era && !message.arrived) drawTrouble(message, problem);
      if (problem.status === undefined) throw problem; // a fault of this page: let the console have it
    } finally {
      if (mine === era) {
        setBusy(false);
        show(message.node);
        readLater();
      }
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
    else if (status === 0 || status === 408 || status >= 500) {
      if (!detail) trouble.append(element("span", { textContent: "发送失败" }));
      trouble.append(retry(message));
    } else {
      if (!detail) trouble.append("这条消息未能发送，请修改后重新发送。");
      outbox = outbox.filter((other) => other.id !== message.id);
      keep(OUTBOX, outbox);
      if (message.content.text && !field.value) fill(message.content.text);
    }
  }

  function retry(message) {
    return button("重发", {}, () => {
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
      left.replaceWith(retry(message));
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
    at("send").disabled = busy || (length === 0 && !attached) || over > 0;
    keep(DRAFT, field.value);
    at("counter").textContent = over > 0 ? "已超出 " + over + " 字" : length > COUNT_FROM ? length + " / " + LONGEST : "";
    at("counter").classList.toggle("over", over > 0);
    field.setAttribute("aria-invalid", String(over > 0));
  }

  function fill(text) {
    field.value = text;
    refreshComposer();
  }

  function submit() {
    if (at("send").disabled) return;
    const [text, file] = [typed(), attached];
    fill("");
    if (file) {
      setAttached(null);
      send(text ? { text } : {}, text, file);
    } else send({ text }, text);
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
    tellTyping();
    const text = typed();
    if (state.agent || log.querySelector(".step > .deeds:not([hidden])")) return; // no entry is looked for
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
    const mine = era;
    let last = 0;
    setBusy(true);
    log.setAttribute("aria-busy", "true");
    try {
      if (conversation.id) {
        const past = await transcript();
        if (mine !== era) return;
        past.messages.forEach((message) => {
          outbox = outbox.filter(({ id }) => id !== message.client_message_id);
          receive(message);
          last = message.sequence;
          if (message.author === "agent") unread.push(last); // the title counts those that are not read
        });
        setState(past);
      }
    } catch (problem) {
      if (mine !== era) return;
      if (problem.status === undefined) throw problem;
      if (unknown(problem)) {
        abandon();
        drawAside("之前的会话已失效，请重新描述您的问题。");
      } // otherwise the messages come as events, as soon as they can
    } finally {
      log.removeAttribute("aria-busy");
      if (mine === era) {
        keep(OUTBOX, outbox);
        outbox.map((message) => prepare(message)).forEach((message) => drawTrouble(message, failure(0)));
        if (conversation.id) listen(last);
        setBusy(false);
        show(log.lastElementChild, true);
        readLater();
      }
    }
  }

  /** Do something that cannot be taken back, once the visitor has agreed to it. */
  function askWhether(question, yes, deed) {
    at("leave-question").textContent = question;
    at("leave-yes").textContent = yes;
    agreed = deed;
    at("leave").returnValue = ""; // Escape leaves it as it is
    at("leave").showModal();
  }

  function askToRestart() {
    if (log.children.length === 1) restart();
    else askWhether("开始新会话后，当前对话将不再显示。是否继续？", "开始新会话", restart);
  }

  function askToForget() {
    const question = "清除后，本机不再保留当前对话和未发送的内容，也无法再查看之后的回复。是否继续？";
    askWhether(question, "清除记录", () => {
      memory.forget();
      forgetHere();
    });
  }

  /** Leave nothing of the conversation on a computer that others use. */
  function forgetHere() {
    restart();
    fill("");
    closeSuggestions();
    ["viewer", "leave"].forEach((dialog) => at(dialog).close());
    drawAside("已清除本机记录。");
  }

  /** Another tab began a conversation: one that has none takes it up. */
  function takeUp() {
    if (conversation.id || busy || log.querySelector(".visitor")) return;
    conversation = memory.conversation() || {};
    restore();
  }

  function restart() {
    era += 1;
    sent.forEach(({ sending }) => sending && sending.abort());
    sent.clear();
    abandon();
    keep(OUTBOX, (outbox = []));
    while (log.lastElementChild.id !== "welcome") log.lastElementChild.remove();
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls.clear();
    setAttached(null);
    at("keyword-notice").hidden = at("newer").hidden = true;
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
    at("restart").addEventListener("click", askToRestart);
    at("forget").addEventListener("click", askToForget);
    at("leave").addEventListener("close", () => at("leave").returnValue === "yes" && agreed());
    memory.watch({ began: takeUp, forgotten: forgetHere });
    at("newer").addEventListener("click", () => {
      at("newer").hidden = true;
      show(log.lastElementChild);
      focusField();
    });
    scroller.addEventListener("scroll", () => {
      if (following()) at("newer").hidden = true;
      readLater();
    });
    document.addEventListener("visibilitychange", readLater);
    startPictures();
    ready = loadSystems().catch(() => {}); // without the list all systems are asked
    field.value = kept(DRAFT) || "";
    restore();
    refreshComposer();
    focusField();
  }

  function startPictures() {
    at("picture").addEventListener("click", () => at("file").click());
    at("detach").addEventListener("click", () => {
      setAttached(null);
      focusField();
    });
    at("file").addEventListener("change", () => {
      if (at("file").files.length) attach(at("file").files);
      at("file").value = ""; // so that the same file can be chosen again
    });
    field.addEventListener("paste", (event) => {
      const { files } = event.clipboardData;
      if (!files.length || event.clipboardData.getData("text/plain")) return; // of a copied table the text is meant
      event.preventDefault();
      attach(files);
    });
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      at("composer").classList.add("target");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) at("composer").classList.remove("target");
    });
    document.addEventListener("drop", (event) => {
      at("composer").classList.remove("target");
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      if (event.dataTransfer.files.length) attach(event.dataTransfer.files);
    });
    at("viewer").addEventListener("click", () => at("viewer").close());
    at("viewer").addEventListener("close", () => at("viewer-picture").removeAttribute("src"));
  }

  start();
})();
