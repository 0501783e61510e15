/* The conversation with the server: how it stands, what comes without the visitor's doing, what was read. */
import { Failure } from "./api.js";
import { listen } from "./stream.js";

const NOBODY = { agent: null, tickets: [], visitor_read: 0, staff_read: 0 };
const TYPING_EVERY = 3000; // milliseconds: how often a person is told that the visitor types
const TYPING_SHOWN = 5000;

export class Talk {
  constructor(chat) {
    this.chat = chat;
    this.held = chat.memory.conversation() || {}; // {id, token}; empty until the first reply
    this.state = NOBODY; // who talks with the visitor, as the server last said
    this.tickets = new Map(); // by number
    this.drawn = new Set(); // the ids of the messages that are shown
    this.era = 0; // counts conversations, so that a late reply is not drawn into the next one
    this.unread = []; // the numbers of the messages that came unseen
    this.readTold = 0;
    this.typingTold = 0;
    this.busy = this.restoring = this.typing = this.offline = this.keyword = false;
    this.stop = null; // ends listening
  }

  get id() {
    return this.held.id;
  }

  get agent() {
    return this.state.agent;
  }

  /** What the form that is being filled in asks for: the last reply's step, unless a person talks. */
  get asking() {
    const last = this.agent ? null : this.chat.log.last(({ kind, reply }) => kind === "bot" && reply);
    return last && last.reply.step ? last : null;
  }

  here(path) {
    return "api/conversations/" + encodeURIComponent(this.id) + path;
  }

  /** Ask the server, as whoever holds the conversation. */
  request(path, body) {
    return this.chat.api.request(path, { body, token: this.held.token });
  }

  transcript(after) {
    return this.request("api/chat/" + encodeURIComponent(this.id) + (after === undefined ? "" : "?after=" + after));
  }

  /** Whether the conversation itself is gone; the server says 404 to an entry that is gone, too. */
  isLost() {
    return this.transcript().then(() => false, (problem) => problem.unknown);
  }

  /* Beginning, again and anew */

  remember(now) {
    this.held = now;
    this.chat.memory.begin(now);
    this.chat.log.items.forEach((item) => (item.anew = false));
    this.listen(0);
  }

  /** Do what begins a conversation, unless there is one: tabs take turns, and the next takes up what the first began. */
  first(deed) {
    const { memory } = this.chat;
    const turn = () => {
      const kept = !this.id && !this.era && memory.conversation(); // an era: the visitor wanted another
      if (kept) this.remember(kept);
      return deed();
    };
    return this.id || !memory.shared || !navigator.locks ? turn() : navigator.locks.request("online-chat", turn);
  }

  /** Begin a conversation without a word, for a picture that comes first. */
  async begin() {
    const { era } = this;
    if (this.id) return;
    const begun = await this.request("api/conversations", { system: this.chat.desk.system || null });
    if (era === this.era) this.remember({ id: begun.conversation_id, token: begun.conversation_token });
  }

  /** Show what was said before, here or in another tab. */
  async restore() {
    const { chat, era } = this;
    let last = 0;
    this.restoring = Boolean(this.id);
    this.setBusy(true);
    try {
      if (this.id) {
        const past = await this.transcript();
        if (era !== this.era) return;
        past.messages.forEach((message) => {
          chat.delivery.drop(message.client_message_id);
          this.receive(message);
          last = message.sequence;
          if (message.author === "agent") this.unread.push(last);
        });
        this.setState(past);
      }
    } catch (problem) {
      if (era !== this.era) return;
      if (!(problem instanceof Failure)) throw problem;
      if (problem.unknown) {
        this.abandon();
        this.say("之前的会话已失效，请重新描述您的问题。");
      } // otherwise the messages come as events, as soon as they can
    } finally {
      if (era === this.era) {
        chat.delivery.resume();
        if (this.id) this.listen(last);
        this.restoring = false;
        this.setBusy(false);
        chat.view.reveal(null, true);
        chat.view.readLater();
      }
    }
  }

  /** Another tab began a conversation: one that has none takes it up. */
  takeUp() {
    if (this.id || this.busy || this.chat.log.last(({ kind }) => kind === "visitor")) return;
    this.held = this.chat.memory.conversation() || {};
    this.restore();
  }

  /** The conversation is over: what is shown of it stays, but belongs to no order any more. */
  abandon() {
    const { chat } = this;
    this.leave();
    chat.memory.end(this.held);
    this.held = {};
    this.drawn.clear();
    this.tickets.clear();
    this.readTold = 0;
    this.unread = [];
    this.offline = false;
    chat.log.items.forEach((item) => Object.assign(item, { sequence: undefined, over: true }));
    chat.log.items = chat.log.items.filter(({ kind }) => kind !== "rating" && kind !== "contact");
    this.setState(NOBODY);
  }

  /** Forget the conversation and clear the log. */
  restart() {
    this.era += 1;
    this.abandon();
    this.chat.log.items = [];
    this.keyword = false;
    this.setBusy(false);
  }

  leave() {
    if (this.stop) this.stop();
    this.stop = null;
  }

  /** What the visitor is told beside the conversation. */
  say(text, anew = false) {
    return this.chat.log.add({ kind: "aside", text, anew });
  }

  setBusy(now) {
    this.busy = now;
    if (!now) this.typing = false;
    this.chat.changed();
    if (!now) this.chat.delivery.next();
  }

  /* Messages, and how things stand */

  /** Take a message of the conversation into the log; returns its item if it was not there yet. */
  receive(message) {
    const { message_id: id, sequence, author, reply } = message;
    if (this.drawn.has(id)) return null;
    this.drawn.add(id);
    const { delivery, log } = this.chat;
    const mine = author === "visitor" && delivery.sent.get(message.client_message_id);
    if (mine) {
      delivery.arrived(mine, sequence, message.text);
      return null;
    }
    const item = log.add(Object.assign({}, message, { kind: author === "bot" && !reply ? "aside" : author, id }));
    delete item.sequence; // until it has its place
    log.place(item, sequence);
    if (reply) this.hearReply(reply);
    if (author === "agent") this.peer = false;
    return item;
  }

  hearReply({ search, escalation }) {
    this.keyword = search === "keyword";
    if (!escalation || escalation.ticket === null) return;
    const { reason, label, status, ticket: number } = escalation;
    this.tickets.set(number, Object.assign({}, this.tickets.get(number), { number, reason, label, status }));
  }

  setState(now) {
    const waited = (state) => state.tickets.some(({ status }) => status === "waiting");
    const handedIn = waited(now) && !waited(this.state);
    this.state = now;
    now.tickets.forEach((ticket) => this.tickets.set(ticket.number, ticket));
    if (!now.agent) this.peer = false;
    this.filterUnread();
    this.refresh();
    if (handedIn) this.chat.desk.load(); // is anybody there?
  }

  /** Requests for a rating and for a number to call, as the tickets stand. */
  refresh() {
    const { desk } = this.chat;
    this.tickets.forEach((ticket) => {
      this.keepForm("rating", ticket, ticket.status === "resolved" && ticket.stars === null);
      this.keepForm("contact", ticket, ticket.status === "waiting" && !this.agent && desk.wantsContact(ticket.number));
    });
    this.chat.changed();
  }

  keepForm(kind, { number, label }, due) {
    const { log, view } = this.chat;
    const shown = log.last((item) => item.kind === kind && item.number === number);
    if (due && !shown) view.showNew(() => log.add({ kind, number, label, values: {}, faults: {} }));
    else if (!due && shown && !shown.done) log.remove(shown);
  }

  /* Live */

  listen(after) {
    this.leave();
    const { chat } = this;
    const { id, token } = this.held;
    const events = this.here("/events");
    const stream = (last, signal) => {
      const headers = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = String(last);
      return chat.api.fetch(events, { token, headers, cache: "no-store", signal });
    };
    const poll = (last) => chat.api.request("api/chat/" + encodeURIComponent(id) + "?after=" + last, { token });
    this.stop = listen({ stream, poll, urgent: () => chat.notice.on }, after, {
      heard: (kind, data) => this.heard(kind, data),
      troubled: (whether) => {
        if (this.offline !== whether) chat.changed();
        this.offline = whether;
      },
      gone: () => {
        this.abandon();
        chat.view.reveal(this.say("此会话已失效，无法继续。", true));
      },
    });
  }

  heard(kind, data) {
    const { chat } = this;
    if (kind === "state") this.setState(data);
    else if (kind === "typing") this.agentTypes();
    else if (kind === "message") {
      const item = chat.view.showNew(() => this.receive(data));
      if (item && !chat.visible && data.author !== "visitor") {
        this.unread.push(data.sequence);
        if (data.author === "agent") chat.notice.ring(data);
      }
      if (item) this.refresh();
      this.filterUnread();
    }
    chat.view.readLater();
  }

  /** Leave what was seen, in this tab or in another, out of the count. */
  filterUnread() {
    this.unread = this.unread.filter((sequence) => sequence > Math.max(this.state.visitor_read, this.readTold));
    this.chat.changed();
  }

  agentTypes() {
    const { chat } = this;
    if (chat.view.following()) chat.view.toEnd();
    this.peer = true;
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => {
      this.peer = false;
      chat.changed();
    }, TYPING_SHOWN);
    chat.changed();
  }

  /** Let a person know that the visitor types. */
  tellTyping() {
    if (!this.agent || Date.now() - this.typingTold < TYPING_EVERY) return;
    this.typingTold = Date.now();
    this.request(this.here("/typing"), {}).catch(() => {}); // nothing is lost with it
  }

  /** The visitor has seen everything up to a number. */
  tellRead(sequence) {
    this.chat.memory.use(this.held);
    if (!sequence || sequence <= Math.max(this.state.visitor_read, this.readTold)) return;
    this.readTold = sequence;
    this.filterUnread();
    this.request(this.here("/read"), { sequence }).catch(() => (this.readTold = 0));
  }
}
