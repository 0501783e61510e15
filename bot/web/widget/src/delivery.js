/* What the visitor sends: shown at once, kept in the tab until it has arrived, sent again under the same id. One message
 * goes after the other; what was to follow one that did not get through waits for the visitor, too.
 */
import { Failure } from "./api.js";

const OUTBOX = "outbox";

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_");
}

export class Delivery {
  constructor(chat) {
    this.chat = chat;
    this.outbox = chat.memory.kept(OUTBOX) || []; // [{id, content, text}]: sent, but not known to have arrived
    this.sent = new Map(); // by client message id: the items this page sent
    this.queue = []; // items that go once the conversation is free
    this.upload = null; // how to cancel the one that is under way
  }

  /** Show and send a message; a promise that it was tried, or waits. */
  send(content, text, file) {
    this.chat.suggestion.close();
    return this.deliver(this.prepare({ id: randomId(), content, text }, file));
  }

  /** Show a message and keep it until it has arrived. */
  prepare({ id, content, text }, file) {
    const item = this.chat.log.add({ kind: "visitor", client: id, content, text, file, picture: content.picture });
    this.sent.set(id, item);
    if (text || content.picture) this.keep(item); // a picture not sent up yet cannot be kept
    return item;
  }

  keep({ client: id, content, text }) {
    this.outbox = this.outbox.filter((other) => other.id !== id).concat({ id, content, text });
    this.chat.memory.keep(OUTBOX, this.outbox);
  }

  /** A message needs no other try. */
  drop(id) {
    this.outbox = this.outbox.filter((other) => other.id !== id);
    this.chat.memory.keep(OUTBOX, this.outbox);
  }

  /** The page begins with an empty log. */
  begin() {
    this.sent.clear();
    this.queue = [];
  }

  /** Show what an earlier load of the page could not send. */
  resume() {
    this.outbox.forEach((message) => this.sent.has(message.id) || this.trouble(this.prepare(message), new Failure(0)));
  }

  /** The conversation is free: send what waits. */
  next() {
    const item = this.queue.shift();
    if (item) this.deliver(item);
  }

  /** Forget everything that was not sent. */
  clear() {
    if (this.upload) this.upload.cancel();
    this.sent.forEach((item) => clearInterval(item.timer));
    this.begin();
    this.outbox = [];
    this.chat.memory.keep(OUTBOX, []);
  }

  async deliver(item) {
    const { talk, view, desk, log, changed } = this.chat;
    const { era } = talk;
    item.trouble = null;
    log.renew(item);
    view.reveal(item);
    if (talk.busy) {
      this.queue.push(item);
      return;
    }
    talk.setBusy(true);
    talk.typing = !talk.agent && !item.file;
    try {
      await desk.ready;
      if (desk.refusal) throw new Failure(403, { detail: desk.refusal });
      if (item.file && !item.content.picture) {
        await talk.first(() => talk.begin());
        if (era !== talk.era) return;
        item.content.picture = await this.sendUp(item);
        if (era !== talk.era) return;
        this.keep(item);
        talk.typing = !talk.agent;
        changed();
      }
      const system = desk.system || (desk.forget ? "" : undefined);
      await talk.first(async () => {
        if (era !== talk.era) return;
        const reply = await this.post(Object.assign({ client_message_id: item.client, system }, item.content));
        if (era !== talk.era) return;
        desk.forget = false;
        this.replied(item, reply);
      });
    } catch (problem) {
      if (!(problem instanceof Failure)) throw problem; // a fault of this page: let the console have it
      if (era === talk.era && !item.arrived) this.trouble(item, problem);
    } finally {
      if (era === talk.era) {
        view.reveal(item);
        view.readLater();
        talk.setBusy(false);
      }
    }
  }

  replied(item, reply) {
    const { talk, log } = this.chat;
    if (reply.conversation_token) talk.remember({ id: reply.conversation_id, token: reply.conversation_token });
    const silent = reply.decision === "silent";
    this.arrived(item, reply.sequence - (silent ? 0 : 1)); // a reply comes right after its message
    if (!silent) talk.receive(Object.assign({ author: "bot", reply }, reply));
    else if (reply.note) log.add({ kind: "aside", text: reply.note });
    talk.refresh();
  }

  /** A message of this page is on the server, in its words: it hides passwords. */
  arrived(item, sequence, text) {
    this.drop(item.client);
    Object.assign(item, { arrived: true, trouble: null, text: text || item.text });
    this.chat.log.place(item, sequence);
    this.chat.changed();
  }

  async post(message) {
    const { talk } = this.chat;
    const { id, era } = talk;
    try {
      return await talk.request("api/chat", Object.assign({ conversation_id: id }, message));
    } catch (problem) {
      if (!id || !problem.unknown || (id === talk.id && !(await talk.isLost())) || era !== talk.era) throw problem;
      if (id === talk.id) {
        talk.abandon();
        talk.say("之前的会话已失效，已为您开始新的会话。");
      }
      return talk.request("api/chat", message);
    }
  }

  /** Send a picture up; its id. */
  async sendUp(item) {
    const { api, talk, changed } = this.chat;
    const moved = (part) => {
      item.progress = part;
      changed();
    };
    moved(0);
    this.upload = api.upload(talk.here("/pictures"), talk.held.token, item.file, moved);
    try {
      return await this.upload.done;
    } finally {
      this.upload = null;
      moved(undefined);
    }
  }

  /** Take a picture that is being sent up back into the composer, with its words; where that is in use, only these. */
  cancel(item) {
    const { log, composer } = this.chat;
    const { text } = composer;
    item.arrived = true; // whatever becomes of it
    this.upload.cancel();
    this.drop(item.client);
    log.remove(item);
    composer.fill((item.text + "\n" + text).trim());
    if (text || composer.file) composer.focus();
    else composer.attach([item.file]);
  }

  /** Say below a message why it was not taken, and offer what helps. */
  trouble(item, problem) {
    const { composer, log, changed } = this.chat;
    const { status, detail, wait, passing } = problem;
    item.trouble = { detail: detail || (passing || status === 429 ? "发送失败" : "这条消息未能发送，请修改后重新发送。") };
    if (passing) item.trouble.retry = true;
    else if (status === 429) this.countDown(item, wait || 5);
    else {
      this.drop(item.client);
      if (item.content.text && !composer.text) composer.fill(item.content.text);
    }
    log.renew(item);
    if (passing || status === 429) this.queue.splice(0).forEach((other) => this.trouble(other, problem));
    changed();
  }

  countDown(item, seconds) {
    const { trouble } = item;
    trouble.wait = seconds;
    item.timer = setInterval(() => {
      trouble.wait -= 1;
      trouble.retry = trouble.wait <= 0;
      if (trouble.retry) clearInterval(item.timer);
      this.chat.changed();
    }, 1000);
  }

  retry(item) {
    this.chat.composer.focus();
    this.deliver(item);
  }
}
