/* A sound and a desktop notice for a person's message that comes unseen: off, until the visitor wants it. */

const BELL = "bell";
const DENIED = "浏览器没有允许桌面通知，有新消息时只会响提示音。";

export class Notice {
  constructor(chat) {
    this.chat = chat;
    this.on = Boolean(chat.memory.noted(BELL));
    this.audio = null;
  }

  /** Pressed: only now the browser is asked. */
  async toggle() {
    const { chat } = this;
    this.on = !this.on;
    chat.memory.note(BELL, this.on || null);
    chat.changed();
    if (!this.on) return;
    this.sound();
    const asked = window.Notification && Notification.permission === "default" && Notification.requestPermission();
    if (asked) await asked.catch(() => {});
    if (this.on && !(window.Notification && Notification.permission === "granted")) {
      if (!chat.log.last(({ text }) => text === DENIED)) chat.view.showNew(() => chat.talk.say(DENIED));
      chat.changed();
    }
  }

  /** Let the visitor know; of several tabs only one does. */
  ring({ message_id: id }) {
    const { memory, heading } = this.chat;
    if (!this.on || memory.noted("rung") === id) return;
    memory.note("rung", id);
    this.sound();
    try {
      if (Notification.permission !== "granted") return;
      const notice = new Notification(heading, { body: "人工客服发来了新消息", tag: "online-chat" });
      notice.onclick = () => {
        window.focus();
        this.chat.show();
        notice.close();
      };
    } catch (error) {
      // No such thing here, or only for service workers.
    }
  }

  /** Two soft tones. */
  sound() {
    const Audio = window.AudioContext || window.webkitAudioContext;
    if (!Audio) return;
    const audio = (this.audio = this.audio || new Audio());
    if (audio.state === "suspended") audio.resume().catch(() => {});
    [660, 880].forEach((tone, n) => {
      const [source, volume, at] = [audio.createOscillator(), audio.createGain(), audio.currentTime + n * 0.14];
      source.frequency.value = tone;
      volume.gain.setValueAtTime(0.08, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
      source.connect(volume);
      volume.connect(audio.destination);
      source.start(at);
      source.stop(at + 0.3);
    });
  }
}
