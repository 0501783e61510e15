/* Line drawings, 24 by 24, in the colour of the text. */
import { html } from "lit/html.js";

const BELL = "M6 10a6 6 0 0 1 12 0c0 5 2 6.5 2 6.5H4S6 15 6 10zM10 20a2 2 0 0 0 4 0";
const PATHS = {
  bubble: "M5 4h14a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3h-7l-5 4v-4H5a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3zM8 11h.01M12 11h.01M16 11h.01",
  close: "M6 6l12 12M18 6 6 18",
  bell: BELL,
  mute: BELL + "M4 3l16 18",
  anew: "M12 5v14M5 12h14",
  picture: "M6 4h12a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3zM8 9h.01M4 17l5-4 3.5 3 3-2.5 4.5 4",
  send: "M4.5 12 3 4.5 21 12 3 19.5zM4.5 12H12",
};

export const icon = (name) => html`<svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor"
  stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
