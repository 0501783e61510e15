/* Listening to a conversation: server-sent events by a streaming fetch, since EventSource cannot send the token's header.
 *
 * `listenTo` goes on until it is told to stop or the conversation is gone. It knows nothing of what the events mean.
 */
const listenTo = (function () {
  "use strict";

  const SILENCE = 45000; // milliseconds without a byte until a connection counts as dead; the server pings every 15 s
  const DOUBTFUL = 20000; // the same, when the page comes back from sleep
  const FIRST_WAIT = 1000;
  const LONGEST_WAIT = 30000;

  /** A function that takes a stream's text piece by piece and calls `dispatch(kind, data, id)` for each event. */
  function parser(dispatch) {
    let rest = "", kind = "", data = [], id = "";
    return (piece) => {
      const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/); // a CR at the very end may be half a CRLF
      rest = lines.pop();
      lines.forEach((line) => {
        const [, name, value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line); // no name: a comment
        if (name === "event") kind = value;
        else if (name === "data") data.push(value);
        else if (name === "id") id = value;
        if (line) return;
        if (data.length) dispatch(kind || "message", data.join("\n"), id);
        [kind, data] = ["", []];
      });
    };
  }

  /** Call `heard(kind, data)` for every event after number `after`, `troubled(whether)` when the connection comes and
   * goes, and `gone()` once there is no such conversation any more; returns what stops it. */
  return function (path, token, after, { heard, troubled, gone }) {
    let stopped = false, failures = 0, wait = FIRST_WAIT, last = 0, connection = null, resume = null;

    async function connect() {
      const abort = (connection = new AbortController());
      let timer;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE);
        last = Date.now();
      };
      const feed = parser((kind, data, id) => {
        if (/^\d+$/.test(id)) after = Number(id);
        try {
          if (!stopped) heard(kind, JSON.parse(data));
        } catch (error) {
          setTimeout(() => { throw error; }); // a fault of the page, none of the connection
        }
      });
      alive();
      try {
        const headers = { Accept: "text/event-stream", Authorization: "Bearer " + token };
        if (after) headers["Last-Event-ID"] = String(after);
        const response = await fetch(path, { headers, cache: "no-store", signal: abort.signal });
        if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
        const [reader, decoder] = [response.body.getReader(), new TextDecoder()];
        for (let piece; !(piece = await reader.read()).done; ) {
          [failures, wait] = [0, FIRST_WAIT];
          troubled(false);
          alive();
          feed(decoder.decode(piece.value, { stream: true }));
        }
      } finally {
        clearTimeout(timer);
        abort.abort();
        connection = null;
      }
    }

    async function run() {
      while (!stopped) {
        try {
          await connect();
        } catch (problem) {
          if (!stopped && (problem.status === 401 || problem.status === 404)) {
            stop();
            gone();
          }
        }
        if (stopped) return;
        failures += 1;
        if (failures > 1) troubled(true); // one break is nothing to speak of
        const jitter = 0.75 + Math.random() / 2; // not everybody at once after a restart of the server
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, wait * jitter);
          resume = () => { clearTimeout(timer); resolve(); };
        });
        resume = null;
        wait = Math.min(2 * wait, LONGEST_WAIT);
      }
    }

    function wake() {
      if (document.hidden) return;
      if (resume) resume();
      else if (connection && Date.now() - last > DOUBTFUL) connection.abort();
    }

    /** A connection that lost its network may not hear of it for minutes. */
    function drop() {
      if (connection) connection.abort();
    }

    const causes = [
      [window, "online", wake],
      [window, "offline", drop],
      [window, "pageshow", wake],
      [document, "visibilitychange", wake],
    ];
    causes.forEach(([target, event, deed]) => target.addEventListener(event, deed));

    function stop() {
      stopped = true;
      causes.forEach(([target, event, deed]) => target.removeEventListener(event, deed));
      drop();
      if (resume) resume();
    }

    run();
    return stop;
  };
})();
