/* What this device keeps: the conversation's id and token for seven days after its last use, so that a visitor who closed
 * the page finds it again; the draft and what could not be sent in the tab alone, until it is closed.
 *
 * All tabs share the one conversation, and each listens to it by itself. Another that is begun in one tab takes its place
 * here; tabs that show the former go on with it until they are loaded again, but keep their hands off what is kept. A tab
 * that shows none takes up the one that another tab begins, so that two tabs do not begin two. Forgetting clears all tabs.
 * Where the device may keep nothing, the tab keeps the conversation; where that may not either, the page does.
 */
const memory = (function () {
  "use strict";

  const LONGEST = 7 * 24 * 60 * 60 * 1000; // milliseconds
  const [CONVERSATION, FORGOTTEN] = ["chat-conversation", "chat-forgotten"];

  /** A storage, or null where it is forbidden or full. */
  function usable(name) {
    try {
      const storage = window[name];
      storage.setItem("chat-probe", "");
      storage.removeItem("chat-probe");
      return storage;
    } catch (error) {
      return null;
    }
  }

  const tab = usable("sessionStorage");
  const device = usable("localStorage") || tab;

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch (error) {
      return null;
    }
  }

  const read = (storage, key) => storage && parse(storage.getItem(key));

  /** Keep a value, null for none. */
  function write(storage, key, value) {
    try {
      if (value === null) storage.removeItem(key);
      else storage.setItem(key, JSON.stringify(value));
    } catch (error) {
      // Storage is forbidden or full: what is said lasts until the page is left.
    }
  }

  /** The conversation {id, token, at: its last use in milliseconds}, or null. */
  function conversation() {
    const found = read(device, CONVERSATION);
    if (found && found.id && Math.abs(Date.now() - found.at) < LONGEST) return found;
    write(device, CONVERSATION, null);
    return null;
  }

  const isKept = (id) => Boolean(id) && (conversation() || {}).id === id;
  const begin = ({ id, token }) => write(device, CONVERSATION, { id, token, at: Date.now() });

  /** A conversation is in use; unless another one took its place it is kept on. */
  function use(now) {
    if (isKept(now.id)) begin(now);
  }

  function end({ id }) {
    if (isKept(id)) write(device, CONVERSATION, null);
  }

  /** Remove whichever conversation is kept, and let the other tabs forget theirs. */
  function forget() {
    write(device, CONVERSATION, null);
    write(device, FORGOTTEN, Date.now());
    write(device, FORGOTTEN, null);
  }

  /** Call `began()` when another tab began a conversation, `forgotten()` when one was told to forget. */
  function watch({ began, forgotten }) {
    window.addEventListener("storage", ({ key, oldValue, newValue }) => {
      if (key === FORGOTTEN && newValue) forgotten();
      if (key === CONVERSATION && newValue && (parse(oldValue) || {}).id !== (parse(newValue) || {}).id) began();
    });
  }

  const [kept, keep] = [(key) => read(tab, key), (key, value) => write(tab, key, value)];
  return { conversation, begin, use, end, forget, watch, kept, keep };
})();
