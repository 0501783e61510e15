/* What the script tag does: it makes <online-chat> known, and puts one on the page unless the page has its own. */
import { elementFor } from "./element.js";

const NAME = "online-chat";
const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');

function place() {
  if (document.querySelector(NAME)) return;
  const element = document.createElement(NAME);
  Object.assign(element.dataset, script.dataset);
  document.body.append(element);
}

if (script && !customElements.get(NAME)) {
  customElements.define(NAME, elementFor(new URL(".", script.src).href));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", place);
  else place();
}
