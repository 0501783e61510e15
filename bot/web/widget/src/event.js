/* Server-sent events as text. Pure. */

/** A function that takes a stream's text piece by piece and calls `dispatch(kind, data, id)` for each event. */
export function parser(dispatch) {
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
