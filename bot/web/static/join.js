/* Goes on with a conversation in the web chat: the code behind # is exchanged for it, and kept where the widget looks.
 *
 * Only once the button is pressed: whoever looks at an address beforehand, as chat programs do, must not use it up.
 * An answer that was lost on its way can be asked for again: the code stays good for the key that was sent with it.
 * This browser keeps the key for as long as it holds the conversation, and no longer: others may use the computer.
 * The conversation goes on on QQ until the server is told that it is held here. Where another one is, nothing is done
 * until the visitor has chosen between the two.
 */
(() => {
  const PREFIX = "online-chat:" + location.origin + "/:"; // this and the next as the widget's memory has them
  const LONGEST = 7 * 24 * 60 * 60 * 1000; // milliseconds
  const PATIENCE = 20000; // milliseconds until a request counts as failed
  const CHOICE =
    "这个浏览器里还有另一个网页会话，两个会话只能显示一个。如果打开 QQ 里的会话，原来的网页会话仍保留在工作人员那里，" +
    "但这个浏览器不再显示它。也可以先继续原来的网页会话，这个链接在有效期内还能再打开。";

  const button = document.getElementById("join");
  const said = document.getElementById("said");
  const chat = document.querySelector("a");
  const storage = usable("localStorage") || usable("sessionStorage");
  let chosen = false;

  function usable(name) {
    try {
      const found = window[name];
      found.setItem("online-chat", "");
      found.removeItem("online-chat");
      return found;
    } catch (error) {
      return null;
    }
  }

  function read(name) {
    try {
      return JSON.parse(storage.getItem(PREFIX + name)) || {};
    } catch (error) {
      return {};
    }
  }

  function write(name, value) {
    storage.setItem(PREFIX + name, JSON.stringify(value));
  }

  /** The id of the conversation that this browser holds, or null. */
  function held() {
    const { id, at } = read("conversation");
    return id && Math.abs(Date.now() - at) < LONGEST ? id : null;
  }

  /** What proves that it was this browser that took the code: 128 random bits. */
  function ownKey() {
    const { key, id } = read("join");
    if (key && (!id || id === held())) return key;
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)));
    const made = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    write("join", { key: made });
    return made;
  }

  async function ask(body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const response = await fetch("/api/join", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal: abort.signal,
      });
      return { response, data: await response.json() };
    } finally {
      clearTimeout(timer);
    }
  }

  function refused({ status }, { detail }) {
    if (status === 409) {
      chosen = true;
      said.textContent = CHOICE;
      chat.textContent = "继续原来的网页会话";
      button.textContent = "打开 QQ 里的会话";
      chat.hidden = false;
      return;
    }
    const gone = [400, 404, 422].includes(status);
    said.textContent = (status !== 422 && detail) || "这个链接无效，请联系客服重新获取。";
    button.hidden = gone;
    if (gone) {
      chat.textContent = "打开在线咨询";
      chat.hidden = false;
    }
  }

  async function join() {
    let key;
    try {
      key = ownKey();
    } catch (error) {
      said.textContent = "这个浏览器不允许网页保存信息，无法在这里继续咨询。请关闭无痕浏览，或换一个浏览器打开这个链接。";
      return;
    }
    button.disabled = true;
    said.textContent = "正在打开，请稍候。";
    try {
      const code = location.hash.slice(1);
      const { response, data } = await ask({ code, key, held: chosen ? null : held() });
      if (response.ok) {
        const id = data.conversation_id;
        write("conversation", { id, token: data.conversation_token, at: Date.now() });
        write("join", { key, id });
        await ask({ code, key, held: id }).catch(() => {}); // unheard, it goes on in both places
        location.replace("/");
        return;
      }
      refused(response, data);
    } catch (error) {
      said.textContent = "网络连接失败，请再试一次，链接不会因此作废。";
    }
    button.disabled = false;
  }

  button.addEventListener("click", join);
  addEventListener("hashchange", () => location.reload()); // another link was opened in this tab
})();
