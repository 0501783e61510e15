/* Desktop notices, on every page: of new tickets, of what visitors write to oneself and of what colleagues hand on.
 *
 * Wanted or not is kept for this device. The browser is asked for its permission only when the bell is pressed, and a
 * notice comes only while the page is hidden. It holds nothing that a visitor has written.
 */
(function () {
  "use strict";

  const KEY = "console:bell";
  const bell = document.getElementById("bell");
  if (!bell || !("Notification" in window)) return;

  const allowed = () => Notification.permission === "granted";
  const wanted = () => {
    try {
      return localStorage.getItem(KEY) === "on" && allowed();
    } catch (error) {
      return false; // storage is shut off
    }
  };
  let waiting = null; // numbers that waited when we last heard
  let unread = new Map(); // of our own conversations, by ticket
  let owners = new Map(); // who had a ticket, by its number

  function draw() {
    bell.hidden = false;
    bell.setAttribute("aria-pressed", String(wanted()));
    bell.title = wanted() ? "页面不在前台时，有新工单或新消息会提醒您" : "点击后，页面不在前台时也能收到提醒";
  }

  function keep(on) {
    try {
      localStorage.setItem(KEY, on ? "on" : "off");
    } catch (error) {
      // storage is shut off: nothing can be kept
    }
    draw();
  }

  bell.addEventListener("click", async () => {
    if (wanted()) {
      keep(false);
      desk.toast("桌面提醒已关闭");
      return;
    }
    if (!allowed()) await Notification.requestPermission();
    keep(allowed());
    if (allowed()) desk.toast("桌面提醒已开启，仅对这台设备有效");
    else desk.toast("浏览器没有允许发送通知。请在浏览器的网站设置中允许通知后再试；通知需要 https 地址。", true);
  });

  function notify(item, title) {
    if (!wanted() || !document.hidden) return;
    let notice;
    try {
      // One tag for a ticket: several open pages make one notice.
      notice = new Notification(title, { body: item.label + "，受理编号 " + item.number, tag: "ticket-" + item.number });
    } catch (error) {
      return; // browsers of phones have permissions, but leave notices to service workers
    }
    notice.onclick = () => {
      const page = "/console/tickets/" + item.number;
      window.focus();
      if (document.body.dataset.here === "queue") location.assign(page);
      else window.open(page); // what is written on other pages may not be kept
      notice.close();
    };
  }

  document.addEventListener("console:queue", ({ detail: queue }) => {
    const { me } = document.body.dataset;
    const mine = queue.assigned.filter((item) => item.assignee && item.assignee.name === me);
    if (waiting) {
      queue.waiting.filter((item) => !waiting.has(item.number)).forEach((item) => notify(item, "新的工单"));
      mine.forEach((item) => {
        if (owners.has(item.number) && owners.get(item.number) !== me) notify(item, "同事转交给您");
        else if (item.unread > (unread.get(item.number) || 0)) notify(item, "访客有新消息");
      });
    }
    waiting = new Set(queue.waiting.map((item) => item.number));
    unread = new Map(mine.map((item) => [item.number, item.unread]));
    owners = new Map(queue.assigned.map((item) => [item.number, item.assignee && item.assignee.name]));
    const count = mine.reduce((sum, item) => sum + item.unread, 0);
    if (count) document.title = "【" + count + " 条新消息】" + document.title;
  });

  draw();
})();
