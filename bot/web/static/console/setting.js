/* What the settings need beside htmx: a question before what cannot be undone, sliders with numbers, copying a key. */
(function () {
  "use strict";

  /* A button with data-confirm asks first. */
  document.addEventListener("htmx:confirm", (event) => {
    const words = event.target.dataset && event.target.dataset.confirm;
    if (!words) return;
    event.preventDefault();
    const dialog = document.getElementById("sure");
    document.getElementById("sure-words").textContent = words;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "yes") event.detail.issueRequest(true);
    }, { once: true });
    dialog.showModal();
  });

  /* A slider and its number are the same value. */
  document.addEventListener("input", ({ target }) => {
    if (target.dataset.twin) {
      document.getElementById(target.dataset.twin).value = target.value;
    } else if (target.type === "number") {
      const twin = document.querySelector('[data-twin="' + target.id + '"]');
      if (twin) twin.value = target.value;
    }
  });

  document.addEventListener("click", ({ target }) => {
    const id = target.dataset && target.dataset.copy;
    if (!id) return;
    const words = document.getElementById(id).textContent;
    navigator.clipboard.writeText(words).then(
      () => window.desk.toast("已复制。"),
      () => window.desk.toast("没有复制成功，请选中后手动复制。", true),
    );
  });

  /* When the panel was replaced under the focus, go on at its beginning. */
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (target.id !== "panel" || (document.activeElement && document.activeElement !== document.body)) return;
    const heading = target.querySelector("[data-focus]") || target.querySelector("h2");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus();
  });
})();
