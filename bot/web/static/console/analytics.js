/* Whoever sets a date means days of their own. */
(function () {
  "use strict";

  document.addEventListener("input", ({ target }) => {
    const own = document.getElementById("days-own");
    if (own && target.matches("#from, #to")) own.checked = true;
  });
})();
