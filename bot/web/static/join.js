/* Goes on with a conversation in the web chat: the code behind # is exchanged for it, and kept where the widget looks.
 *
 * Only once the button is pressed: whoever looks at an address beforehand, as chat programs do, must not use it up.
 */
(() => {
  const button = document.getElementById("join");
  const said = document.getElementById("said");
  const anew = document.querySelector("a");

  async function join() {
    button.disabled = true;
    let response, data;
    try {
      response = await fetch("/api/join", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ code: location.hash.slice(1) }),
      });
      data = await response.json();
    } catch (error) {
      said.textContent = "网络连接失败，请稍后再试。";
      button.disabled = false;
      return;
    }
    if (!response.ok) {
      const gone = [400, 404, 422].includes(response.status);
      said.textContent = (response.status !== 422 && data.detail) || "这个链接无效，请联系客服重新获取。";
      button.hidden = gone;
      button.disabled = false;
      anew.hidden = !gone;
      return;
    }
    const kept = { id: data.conversation_id, token: data.conversation_token, at: Date.now() };
    const key = "online-chat:" + location.origin + "/:conversation";
    try {
      localStorage.setItem(key, JSON.stringify(kept));
    } catch (error) {
      sessionStorage.setItem(key, JSON.stringify(kept));
    }
    location.replace("/");
  }

  button.addEventListener("click", join);
})();
