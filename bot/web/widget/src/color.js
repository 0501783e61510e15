/* The accent colour: what can be read on it, and a shade of it that can be read on the widget's own grounds. Pure. */

const CONTRAST = 4.6; // a little more than the 4.5 that WCAG AA asks for
const GROUNDS = { light: [233, 240, 250], dark: [29, 43, 63] }; // the least favourable of each scheme

/** #rgb or #rrggbb as three numbers, or null. */
export function parse(text) {
  const found = /^#?([\da-f]{3}|[\da-f]{6})$/i.exec((text || "").trim());
  if (!found) return null;
  const hex = found[1].length === 3 ? found[1].replace(/./g, "$&$&") : found[1];
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function luminance(color) {
  const [r, g, b] = color.map((value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two colours, 1 to 21, as WCAG defines it. */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const css = (color) => "#" + color.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("");

/** A colour, moved towards white or black until it can be read on a ground. */
function readable(color, ground) {
  const end = luminance(ground) > 0.2 ? 0 : 255;
  for (let part = 0; part < 1; part += 0.05) {
    const mixed = color.map((value) => value + (end - value) * part);
    if (contrast(mixed, ground) >= CONTRAST) return mixed;
  }
  return [end, end, end];
}

/** The CSS variables that an accent colour stands for; none for what is no colour. */
export function theme(text) {
  const color = parse(text);
  if (!color) return {};
  const [white, black] = [[255, 255, 255], [0, 0, 0]];
  return {
    "--chat-color": css(color),
    "--chat-on-color": css(contrast(color, white) >= contrast(color, black) ? white : black),
    "--chat-ink": css(readable(color, GROUNDS.light)),
    "--chat-ink-dark": css(readable(color, GROUNDS.dark)),
  };
}
