/* What this device keeps: the conversation's id and token for seven days after its last use, so that a visitor who closed
 * the page finds it again; the draft and what could not be sent in the tab alone, until it is closed.
 *
 * All tabs share the one conversation, and each listens to it by itself. Another that is begun in one tab takes its place
 * here; tabs that show the former go on with it until they are loaded again, but keep their hands off what is kept. A tab
 * that shows none takes up the one that another tab begins, and before one begins a conversation it looks whether another
 * tab did, each in its turn where the browser has locks: two tabs do not begin two. Forgetting clears all tabs.
 * Where the device may keep nothing, the tab keeps the conversation; where that may not either, the page does.
 *
 * The keys carry the widget's host: on one page's origin several may be at home.
 */

const LONGEST = 7 * 24 * 60 * 60 * 1000; // milliseconds

/** A storage, or null where it is forbidden or full. */
function usable(name) {
  try {
    const storage = window[name];
    storage.setItem("online-chat", "");
    storage.removeItem("online-chat");
    return storage;
  } catch (error) {
    return null;
  }
}

/** As much of a storage as is used here, for as long as the page is shown. */
function passing() {
  const kept = new Map();
  return {
    getItem: (key) => (kept.has(key) ? kept.get(key) : null),
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return null;
  }
}

export class Memory {
  constructor(host) {
    this.prefix = "online-chat:" + host + ":";
    this.tab = usable("sessionStorage") || passing();
    this.device = usable("localStorage") || this.tab;
  }

  /** Whether other tabs see what this one keeps. */
  get shared() {
    return this.device !== this.tab;
  }

  read(storage, key) {
    return parse(storage.getItem(this.prefix + key));
  }

  /** Keep a value, null for none. */
  write(storage, key, value) {
    try {
      if (value === null) storage.removeItem(this.prefix + key);
      else storage.setItem(this.prefix + key, JSON.stringify(value));
    } catch (error) {
      // Full: what is said lasts until the page is left.
    }
  }

  /** What the tab keeps, or with `keep` is to keep. */
  kept(key) {
    return this.read(this.tab, key);
  }

  keep(key, value) {
    this.write(this.tab, key, value);
  }

  /** What the device keeps, or with `note` is to keep, whatever the conversation. */
  noted(key) {
    return this.read(this.device, key);
  }

  note(key, value) {
    this.write(this.device, key, value);
  }

  /** The conversation {id, token, at: its last use in milliseconds}, or null. */
  conversation() {
    const found = this.noted("conversation");
    if (found && found.id && Math.abs(Date.now() - found.at) < LONGEST) return found;
    this.note("conversation", null);
    return null;
  }

  holds(id) {
    return Boolean(id) && (this.conversation() || {}).id === id;
  }

  begin({ id, token }) {
    this.note("conversation", { id, token, at: Date.now() });
  }

  /** A conversation is in use; unless another one took its place it is kept on. */
  use(now) {
    if (this.holds(now.id)) this.begin(now);
  }

  /** "join" is by what the page of that name would get it again. */
  end({ id }) {
    if (this.holds(id)) ["conversation", "join"].forEach((key) => this.note(key, null));
  }

  /** Remove whichever conversation is kept, and let the other tabs forget theirs. */
  forget() {
    ["conversation", "join", "contacts", "rung"].forEach((key) => this.note(key, null));
    this.note("forgotten", Date.now());
    this.note("forgotten", null);
  }

  /** What hears of the other tabs: `began()` when one began a conversation, `forgotten()` when one was told to forget. */
  watcher({ began, forgotten }) {
    const id = (text) => (parse(text) || {}).id;
    return ({ key, oldValue, newValue }) => {
      if (key === this.prefix + "forgotten" && newValue) forgotten();
      if (key === this.prefix + "conversation" && newValue && id(oldValue) !== id(newValue)) began();
    };
  }
}
