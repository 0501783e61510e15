/* The queue's own deed: take a ticket with one click, and go to its conversation. */
(function () {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-take]");
    if (!button) return;
    button.disabled = true;
    const number = button.dataset.take;
    desk.api("POST", "/api/staff/tickets/" + number + "/take").then(
      () => location.assign("/console/tickets/" + number),
      (error) => {
        button.disabled = false;
        desk.toast(error.message, true);
        htmx.trigger("#queue-filter", "refresh");
      }
    );
  });
})();
