/* Pages of the knowledge base: the dialog that asks before what weighs much, editing in place, growing text fields. */
(function () {
  "use strict";

  const ask = () => document.getElementById("ask");

  /* What htmx puts into the dialog opens it; so do words that lie ready in a template. */
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target.id === "ask-body" && !ask().open) ask().showModal();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-ask], [data-close]");
    if (!button) return;
    if (button.dataset.ask) {
      const words = document.querySelector(`template[data-words="${button.dataset.ask}"]`);
      const body = document.getElementById("ask-body");
      body.replaceChildren(words.content.cloneNode(true));
      window.htmx.process(body);
      ask().showModal();
    } else {
      ask().close();
    }
  });

  document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    if (successful && elt.matches("[data-reload]")) location.reload();
  });
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-send]")) target.form.submit();
  });

  document.addEventListener("alpine:init", () => {
    /* A phrase, shown or being edited. */
    window.Alpine.data("phrase", () => ({
      opened: false,
      get closed() {
        return !this.opened;
      },
      open() {
        this.opened = true;
        this.$nextTick(() => this.$root.querySelector("[name=after]").focus());
      },
      close() {
        this.opened = false;
        this.$nextTick(() => this.$root.querySelector(".deeds button").focus());
      },
    }));

    /* A field for many lines, as high as they are. */
    window.Alpine.data("lines", () => ({
      grow() {
        this.$el.rows = Math.min(12, Math.max(2, this.$el.value.split("\n").length));
      },
    }));
  });
})();
