/* Listening to a conversation, whatever the network does, until told to stop or the conversation is gone.
 *
 * Server-sent events by a streaming fetch, since EventSource cannot send the token's header. Where a connection ended, or
 * stayed mute, without a single event, the messages are asked for at once: can they be had, something on the way holds
 * streams back, and after the second time that is how it goes on, with a new try every few minutes; can they not, the
 * network is away, and the pauses between tries grow. It knows nothing of what the events mean.
 */
import { parser } from "./event.js";

const FIRST_EVENT = 8000; // milliseconds that a stream may be mute at first: the server tells the state at once
const SILENCE = 45000; // without a byte until a connection counts as dead; the server pings every 15 s
const DOUBTFUL = 20000; // the same, when the page comes back from sleep
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const POLL_SHOWN = 4000;
const POLL_HIDDEN = 20000;
const POLLING = 5 * 60 * 1000; // until a stream is tried again
const LONG_HIDDEN = 60000; // then a tab gives its stream up: browsers allow a host six connections over all tabs

const CAN_STREAM = Boolean(window.ReadableStream && window.TextDecoder && "body" in Response.prototype);

/** `ways` are {stream(after, signal): a Response, poll(after): a history, urgent(): whether a hidden tab is to hear at
 * once}. Calls `heard(kind, data)` for every event after number `after`, `troubled(whether)` when the connection comes
 * and goes, and `gone()` once there is no such conversation any more; returns what stops it. */
export function listen(ways, after, { heard, troubled, gone }) {
  let stopped = false, failures = 0, wait = FIRST_WAIT, mute = 0, polling = 0, last = 0;
  let connection = null, resume = null, hiding = false, timer;

  function tell(kind, data) {
    try {
      if (!stopped) heard(kind, data);
    } catch (error) {
      setTimeout(() => { throw error; }); // a fault of the page, none of the connection
    }
  }

  function well() {
    [failures, wait] = [0, FIRST_WAIT];
    troubled(false);
  }

  /** Listen until the connection ends; whether it brought anything. */
  async function connect() {
    const abort = (connection = new AbortController());
    let timer, events = 0;
    const patience = (time) => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), time);
      last = Date.now();
    };
    const feed = parser((kind, data, id) => {
      events += 1;
      mute = 0;
      well();
      if (/^\d+$/.test(id)) after = Number(id);
      tell(kind, JSON.parse(data));
    });
    patience(FIRST_EVENT);
    try {
      const response = await ways.stream(after, abort.signal);
      if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
      const [reader, decoder] = [response.body.getReader(), new TextDecoder()];
      for (let piece; !(piece = await reader.read()).done; ) {
        feed(decoder.decode(piece.value, { stream: true }));
        if (events) patience(SILENCE);
      }
    } catch (problem) {
      leave(problem);
    } finally {
      clearTimeout(timer);
      abort.abort();
      connection = null;
    }
    return events > 0;
  }

  /** Ask for what is new; whether there was an answer. */
  async function poll() {
    try {
      const past = await ways.poll(after);
      past.messages.forEach((message) => {
        after = Math.max(after, message.sequence);
        tell("message", message);
      });
      tell("state", past);
      well();
      return true;
    } catch (problem) {
      leave(problem);
      return false;
    }
  }

  function leave({ status }) {
    if (stopped || (status !== 401 && status !== 404)) return;
    stop();
    gone();
  }

  /** One try; how long to wait for the next. */
  async function attempt() {
    if (CAN_STREAM && Date.now() >= polling && !hiding) {
      const heardSomething = await connect();
      if (stopped || heardSomething) return pause();
      if ((await poll()) && (mute += 1) >= 2) polling = Date.now() + POLLING;
      else return pause();
    } else if (!(await poll())) {
      polling = mute = 0; // the network is away: no reason to doubt streams
      return pause();
    }
    return document.hidden ? POLL_HIDDEN : POLL_SHOWN;
  }

  function pause() {
    failures += 1;
    if (failures > 1) troubled(true); // one break is nothing to speak of
    const now = wait * (0.75 + Math.random() / 2); // not everybody at once after a restart of the server
    wait = Math.min(2 * wait, LONGEST_WAIT);
    return now;
  }

  async function run() {
    while (!stopped) {
      const time = await attempt();
      if (stopped) return;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, time);
        resume = () => { clearTimeout(timer); resolve(); };
      });
      resume = null;
    }
  }

  function wake() {
    clearTimeout(timer);
    hiding = false;
    if (document.hidden) {
      timer = setTimeout(() => {
        hiding = !ways.urgent();
        if (hiding) drop();
      }, LONG_HIDDEN);
      return;
    }
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
    clearTimeout(timer);
    causes.forEach(([target, event, deed]) => target.removeEventListener(event, deed));
    drop();
    if (resume) resume();
  }

  wake();
  run();
  return stop;
}
