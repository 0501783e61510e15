/* The form that assigns a group of questions: leaving it gives the focus back to the button that opened it. */
document.addEventListener("alpine:init", () => {
  "use strict";

  window.Alpine.data("settle", () => ({
    leave() {
      const card = this.$root.closest("article");
      const empty = document.createElement("div");
      empty.className = "settle";
      empty.hidden = true;
      this.$root.replaceWith(empty);
      card.querySelector(".deeds button").focus();
    },
    /* Enter in the search looks at what is found in place of sending the form. */
    keep() {
      const first = this.$root.querySelector(".found input, .targets input");
      if (first) first.focus();
    },
  }));
});
