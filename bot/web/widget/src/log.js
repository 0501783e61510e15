/* The messages that are shown, in their order. Pure.
 *
 * A message may come several times (as a reply, as an event, from the history): it is shown once, in the place of its
 * sequence number. What has no number (yet) stays where it was put.
 */
export class Log {
  constructor() {
    this.items = [];
    this.serial = 0;
  }

  /** Put something at the end. */
  add(item) {
    item.key = ++this.serial;
    this.items.push(item);
    return item;
  }

  remove(item) {
    this.items = this.items.filter((other) => other !== item);
  }

  /** Move something to the end. */
  renew(item) {
    this.remove(item);
    this.items.push(item);
  }

  /** Put an item where its number belongs. */
  place(item, sequence) {
    const { items } = this;
    const at = items.indexOf(item);
    if (at < 0) return; // it is of an earlier load of the log
    let before = -1, next = -1;
    for (let n = items.length - 1; n >= 0 && before < 0; n -= 1) {
      const other = n === at ? NaN : items[n].sequence;
      if (other < sequence) before = n;
      else if (other > sequence) next = n;
    }
    if (before > at || (next >= 0 && next < at)) {
      const following = items[next];
      items.splice(at, 1);
      items.splice(following ? items.indexOf(following) : items.length, 0, item);
    }
    item.sequence = sequence;
  }

  /** The last item for which something holds. */
  last(test) {
    return this.items.slice().reverse().find(test);
  }
}
