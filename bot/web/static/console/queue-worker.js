/* The queue, heard once for all pages of this browser: a SharedWorker.
 *
 * Over HTTP/1.1 a browser has six connections to one host. Were each page to keep one for the queue, a few conversations
 * side by side would leave none to work with.
 */
"use strict";

const AGAIN = 5000; // milliseconds after a refusal
const pages = new Set();
let source = null;
let last = null;

function tell(what) {
  pages.forEach((page) => page.postMessage(what));
}

function listen() {
  if (source && source.readyState !== EventSource.CLOSED) return;
  source = new EventSource("/api/staff/events");
  source.addEventListener("queue", (event) => {
    last = JSON.parse(event.data);
    tell({ queue: last });
  });
  source.onerror = () => {
    last = null;
    const refused = source.readyState === EventSource.CLOSED;
    tell({ lost: true, refused }); // a page finds out whether somebody is logged in yet
    if (refused) setTimeout(() => { if (pages.size) listen(); }, AGAIN);
  };
}

onconnect = ({ ports: [page] }) => {
  page.onmessage = ({ data }) => {
    if (data === "bye") pages.delete(page);
    else {
      pages.add(page);
      listen();
      if (last) page.postMessage({ queue: last });
    }
  };
};
