/* What every page of the console needs: words for errors, the number of those who wait, requests with the CSRF token.
 *
 * Pages are drawn by the server and changed by htmx; what has a state of its own is an Alpine component, registered by
 * the page's own script on `alpine:init`. Nothing that comes from a person is ever parsed as HTML here.
 */
(function () {
  "use strict";

  const SHOWN = 8000; // milliseconds a word stays
  const csrf = () => document.body.dataset.csrf || "";

  /** Say something at the edge of the page; `bad` stays until it is dismissed. */
  function toast(words, bad) {
    const all = document.getElementById("toasts");
    if (!all || !words) return;
    const line = document.createElement("p");
    line.className = bad ? "toast bad" : "toast";
    line.append(words);
    const close = document.createElement("button");
    close.type = "button";
    close.className = "plain";
    close.setAttribute("aria-label", "关闭提示");
    close.textContent = "×";
    close.addEventListener("click", () => line.remove());
    line.append(close);
    all.append(line);
    while (all.children.length > 3) all.firstElementChild.remove();
    if (!bad) setTimeout(() => line.remove(), SHOWN);
  }

  /** The Chinese words of a failed response, problem+json or plain. */
  function wordsOf(status, type, body) {
    if (/json/.test(type || "")) {
      try {
        return JSON.parse(body).detail;
      } catch (error) {
        // none that we can read
      }
    }
    if (/^text\/plain/.test(type || "") && body) return body;
    return status ? "操作没有完成，请稍后再试。" : "连接已中断，请检查网络后再试。";
  }

  /** Ask the API, with JSON or a file; the JSON answer (null for none), or an Error with Chinese words and the status. */
  async function api(method, path, body) {
    const headers = { Accept: "application/json", "X-CSRF-Token": csrf() };
    const file = body instanceof Blob;
    if (body !== undefined) headers["Content-Type"] = file ? "application/octet-stream" : "application/json";
    let response, text;
    try {
      response = await fetch(path, { method, headers, body: body === undefined || file ? body : JSON.stringify(body) });
      text = await response.text();
    } catch (error) {
      throw Object.assign(new Error(wordsOf(0)), { status: 0 });
    }
    if (response.status === 401) toLogin();
    if (!response.ok) {
      const words = wordsOf(response.status, response.headers.get("Content-Type"), text);
      throw Object.assign(new Error(words), { status: response.status });
    }
    return text ? JSON.parse(text) : null;
  }

  function toLogin() {
    location.assign("/console/login?next=" + encodeURIComponent(location.pathname + location.search));
  }

  /* Whoever logs out or in does so on all pages of this browser: each asks anew who that is. */
  function followLogin() {
    const { me, csrf: token } = document.body.dataset;
    if (!token || !window.BroadcastChannel) return;
    const others = new BroadcastChannel("console:login");
    others.onmessage = async ({ data }) => {
      if (data === "out") forget();
      const now = await api("GET", "/api/staff/me").catch(() => null); // nobody: that led to the login
      if (!now) return;
      if (now.name !== me) location.reload(); // what stands here was for somebody else
      document.body.dataset.csrf = now.csrf;
      document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRF-Token": now.csrf }));
    };
    if (/\/console\/login(\?|$)/.test(document.referrer)) others.postMessage("in");
    document.addEventListener("htmx:afterRequest", ({ detail }) => {
      if (detail.pathInfo.requestPath !== "/console/logout" || detail.xhr.status !== 200) return;
      others.postMessage("out");
      forget();
    });
  }

  /** Drafts are for who comes back, not for who logs in next. */
  function forget() {
    try {
      Object.keys(sessionStorage).filter((key) => key.startsWith("draft:")).forEach((key) => sessionStorage.removeItem(key));
    } catch (error) {
      // storage is shut off: nothing was kept
    }
  }

  /** Listen to server-sent events; `heard` maps their kinds to functions of the data. EventSource reconnects by itself,
   * except where it was refused: then it is tried again while somebody is logged in. */
  function listen(path, heard) {
    let source, timer, stopped = false;
    const open = () => {
      source = new EventSource(path);
      Object.keys(heard).forEach((kind) => source.addEventListener(kind, (event) => {
        document.body.classList.remove("offline");
        heard[kind](JSON.parse(event.data), event.lastEventId);
      }));
      source.onerror = () => {
        document.body.classList.add("offline");
        if (source.readyState !== EventSource.CLOSED) return;
        api("GET", "/api/staff/me").catch(() => {}).then(() => {
          if (!stopped) timer = setTimeout(open, 5000);
        });
      };
    };
    open();
    return () => {
      stopped = true;
      clearTimeout(timer);
      source.close();
    };
  }

  /* How many wait, on every page. Who wants the whole queue hears `console:queue` on the document. */
  function followQueue() {
    const count = document.getElementById("waiting-count");
    if (!count) return;
    const title = document.title;
    listenTogether((queue) => {
      const waiting = queue.total;
      count.textContent = waiting;
      count.hidden = !waiting;
      document.title = (waiting ? "（" + waiting + "）" : "") + title;
      document.dispatchEvent(new CustomEvent("console:queue", { detail: queue }));
    });
  }

  /** Listen to the queue over the connection that all pages share, or over one's own where a browser cannot share. */
  function listenTogether(heard) {
    if (!window.SharedWorker) {
      listen("/api/staff/events", { queue: heard });
      return;
    }
    const { port } = new SharedWorker("/static/console/queue-worker.js");
    port.onmessage = ({ data }) => {
      document.body.classList.toggle("offline", Boolean(data.lost));
      if (data.refused) api("GET", "/api/staff/me").catch(() => {});
      if (data.queue) heard(data.queue);
    };
    port.postMessage("hello");
    addEventListener("pagehide", () => port.postMessage("bye"));
    addEventListener("pageshow", (event) => { if (event.persisted) port.postMessage("hello"); });
  }

  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (!xhr.getResponseHeader("HX-Redirect")) {
      toast(wordsOf(xhr.status, xhr.getResponseHeader("Content-Type"), xhr.responseText), true);
    }
  });
  document.addEventListener("htmx:sendError", () => toast(wordsOf(0), true));
  document.addEventListener("htmx:timeout", () => toast(wordsOf(0), true));
  /* The server says something with the header HX-Trigger: {"toast": "words"}. */
  document.addEventListener("toast", ({ detail }) => toast(detail.value, false));

  /* What takes the place of what had the focus gets it, where it stands on the screen. */
  document.addEventListener("htmx:afterSettle", () => {
    const heir = document.querySelector("[data-focus]");
    if (!heir) return;
    heir.removeAttribute("data-focus");
    if (!document.activeElement || document.activeElement === document.body) heir.focus({ preventScroll: true });
  });

  /* A menu closes with Escape and when something else is pressed. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.me[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.me[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  window.desk = { api, listen, toast };
  followLogin();
  document.addEventListener("DOMContentLoaded", followQueue); // when the page's own scripts hear it too
})();
