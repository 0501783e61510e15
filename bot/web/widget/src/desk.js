/* The help desk: which systems it answers for, what is asked most, and whether anybody is there now. */

const SYSTEM = "system";
const AGAIN = 10000; // milliseconds until a desk that could not be asked is asked again

/** Nothing, where the server says no; what is the network's doing is still to be told. */
function refused(problem) {
  if (problem.passing) throw problem;
}

export class Desk {
  constructor(chat) {
    this.chat = chat;
    this.fixed = chat.dataset.system || ""; // the page is about this system
    const named = chat.page && new URL(location.href).searchParams.get(SYSTEM);
    this.system = this.fixed || named || chat.memory.kept(SYSTEM) || "";
    this.forget = false; // the system was taken back: the conversation is to forget it
    this.systems = [];
    this.asked = []; // what is asked most
    this.open = this.hours = this.opens = null; // open: null as long as nobody knows
    this.refusal = ""; // why pages of this site may not ask, in words for the visitor
    this.ready = Promise.resolve();
    this.turn = 0;
  }

  /** The system that is asked about, or an empty object. */
  get current() {
    return this.systems.find(({ key }) => key === this.system) || {};
  }

  /** Whether the visitor is to say which system it is about. */
  get choosable() {
    return !this.fixed && this.systems.length > 1;
  }

  /** Until it is known how things stand all systems are asked, and nobody is said to be away. */
  load() {
    clearTimeout(this.timer);
    return (this.ready = this.fetch().catch(({ passing, status, detail }) => {
      if (status === 403) this.refusal = detail;
      if (passing && this.chat.isConnected) this.timer = setTimeout(() => this.load(), AGAIN);
      this.chat.changed();
    }));
  }

  async fetch() {
    const { chat } = this;
    const mine = (this.turn += 1);
    const about = (key) => chat.api.request("api/widget" + (key && "?system=" + encodeURIComponent(key)));
    let found = this.fixed && (await about(this.fixed).catch(refused)); // a page may name what is not there (any more)
    if (!found) {
      found = await about("");
      this.fixed = found.system || ""; // the page's site may be bound to one
      if (!found.systems.some(({ key }) => key === this.system)) this.system = this.fixed;
      this.systems = found.systems;
      if (this.system) found = await about(this.system);
    } else this.systems = found.systems;
    if (mine !== this.turn) return;
    if (chat.log.items.length && chat.view.following()) chat.view.reveal(null, true); // the welcome above is to grow
    Object.assign(this, { refusal: "", asked: found.most_asked, open: found.open, hours: found.hours, opens: found.opens });
    chat.talk.refresh();
  }

  choose(key) {
    const { chat } = this;
    this.system = key;
    this.forget = !key;
    chat.memory.keep(SYSTEM, key || null);
    if (chat.page) {
      const address = new URL(location.href);
      if (key) address.searchParams.set(SYSTEM, key);
      else address.searchParams.delete(SYSTEM);
      history.replaceState(null, "", address);
    }
    chat.suggestion.close();
    this.load();
  }

  /** Whether a visitor whose request waits is to leave a number: nobody is there, and none was asked for before. */
  wantsContact(number) {
    const left = this.chat.memory.noted("contacts") || [];
    const { log } = this.chat;
    const phoned = log.last(({ reply }) => reply && reply.step && reply.step.kinds.includes("phone"));
    return this.open === false && !phoned && !left.includes(number);
  }

  /** Do not ask for a number to call about this ticket again. */
  settle(number) {
    const { memory } = this.chat;
    memory.note("contacts", (memory.noted("contacts") || []).concat(number).slice(-20));
  }
}
