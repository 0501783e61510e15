/* Builds widget.js and widget.css, which are committed: users of the project need no Node.
 *
 * The target is Chromium 69 (ES2018). Lit looks at `globalThis` for what the engine can do and leaves its versions
 * there; it gets src/scope.js in its place, so that nothing is left on the host page's window.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

/** Leave the indentation of templates out, and the lines between their tags. */
const tight = {
  name: "tight",
  setup: ({ onLoad }) =>
    onLoad({ filter: /widget\/src\/.*\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/([>}])\n\s+(<|\$\{)/g, "$1$2").replace(/\n\s+/g, "\n"),
    })),
};

/** Names of the widget's own, made short, as are Lit's (_$…): none may stand on the wire or belong to the DOM. */
const OWN = `
  talk changed composer delivery following era causes reveal arrived desk asking tellTyping offline suggestion
  receive tellRead keyword unread busy focusIn begun setFile remember forgetHere notice abandon
  setBusy filterUnread showNew wantsContact held askToForget transcript gallery agentTypes dragged takeUp
  refresh keepForm countDown askToRestart isLost furnish dress setState prepare sendUp holds styled settle
  choosable chat memory begin passing unknown view root readLater trouble device pressed toEnd opened replied
  retry typed sendable here typingTimer pageTitle refusal restoring readTold typingTold hearReply drawn
  outbox newer fixed noted restart fault faults queue activeId closeModal deliver narrow prefix serial shared sound
  thumbnail troubled urgent heard peer wanted heading kept hint
  ready over fit frame typing urls enlarge picked pasted ring turn drop client progress attach anew modal forget
  filled feedback wait asked active found last
`;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = process.argv[2] || here("../static");

await build({
  absWorkingDir: here("."),
  entryPoints: ["src/widget.js", "src/widget.css"],
  entryNames: "[name]",
  outdir: out,
  plugins: [tight],
  bundle: true,
  minify: true,
  logLimit: 5,
  charset: "utf8",
  format: "iife",
  target: ["es2018", "chrome69"],
  inject: ["src/scope.js"],
  mangleProps: new RegExp("^(?:_\\$.*|" + OWN.trim().split(/\s+/).join("|") + ")$"),
  define: { globalThis: "scope" },
  legalComments: "none",
  banner: { js: "/*! online-chat, MIT; contains Lit, (c) Google LLC, BSD-3-Clause */" },
  logLevel: "warning",
});

// What esbuild leaves: functions of one use, variables that could be collapsed.
const script = out + "/widget.js";
const { code } = await minify(await readFile(script, "utf8"), { ecma: 2018, compress: { passes: 3 }, format: { comments: /^!/ } });
await writeFile(script, code + "\n");
