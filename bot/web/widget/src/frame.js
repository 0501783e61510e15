/* The panel's place on the screen and in the order of the keyboard: full on a phone, beside the page otherwise. */

const FOCUSABLE = "button, a, input, select, textarea, [tabindex]";
const ZOOMED = 1.05; // more than this is the visitor's own magnification, no keyboard

export class Frame {
  constructor(chat) {
    this.chat = chat;
    this.narrow = matchMedia("(max-width: 480px)");
    this.fit = this.fit.bind(this);
  }

  get phone() {
    return this.narrow.matches;
  }

  /** What is to be heard of while the element is on the page: [target, event, deed]. */
  get causes() {
    const view = window.visualViewport;
    return view ? [[view, "resize", this.fit], [view, "scroll", this.fit]] : [];
  }

  /** Leave a phone's keyboard its part of the screen. */
  fit() {
    const view = window.visualViewport;
    const { style } = this.chat;
    if (!view || view.scale > ZOOMED) return;
    const covered = window.innerHeight - view.height > 1;
    const say = (name, value) => style.setProperty("--visible-" + name, covered ? value + "px" : "");
    say("top", view.offsetTop);
    say("height", view.height);
    this.chat.changed();
  }

  /** On a phone the panel is all there is: Tab goes round in it. */
  trap(event) {
    const { chat } = this;
    if (event.key !== "Tab" || chat.page || !this.phone) return;
    const all = Array.from(event.currentTarget.querySelectorAll(FOCUSABLE));
    const shown = all.filter((node) => node.getClientRects().length && node.tabIndex >= 0 && !node.disabled);
    const [first, last] = [shown[0], shown[shown.length - 1]];
    const { activeElement: now } = chat.root;
    if (event.shiftKey ? now === first || !shown.includes(now) : now === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }
}
