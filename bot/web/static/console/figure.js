/* Draws charts from the tables beside them, in the colours of the page.
 *
 * <canvas data-chart="bar|line|across" data-table="id of what holds the table" data-stacked>
 * A column whose head has data-colour is drawn; the first column names the rows. A row with data-now is marked.
 */
(function () {
  "use strict";

  const drawn = new Map();

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  /** The names of the rows, the columns that are drawn with their numbers, the row that is marked, and whether there
   * are several columns of numbers: then it has to be said which ones are drawn. */
  function read(table) {
    const heads = Array.from(table.querySelectorAll("thead th"));
    const rows = Array.from(table.querySelectorAll("tbody tr"));
    const number = (cell) => Number(cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim());
    const names = rows.map((row) => row.cells[0].textContent.trim());
    const days = names.every((name) => /^\d{4}-\d\d-\d\d$/.test(name)) && names.every((name) => name.slice(0, 4) === names[0].slice(0, 4));
    return {
      names: days ? names.map((name) => name.slice(5)) : names,
      several: heads.filter((head) => head.classList.contains("number")).length > 1,
      marked: rows.findIndex((row) => row.hasAttribute("data-now")),
      series: heads.flatMap((head, at) => (head.dataset.colour ? [{
        title: head.textContent.trim(),
        colour: head.dataset.colour,
        numbers: rows.map((row) => number(row.cells[at])),
      }] : [])),
    };
  }

  function options(canvas, across, several) {
    const stacked = canvas.hasAttribute("data-stacked");
    const line = { color: colour("line") }, ticks = { color: colour("quiet") };
    const names = { stacked, grid: { display: false }, border: line, ticks: { ...ticks, maxRotation: 0, autoSkip: !across, autoSkipPadding: 12 } };
    const numbers = { stacked, beginAtZero: true, grid: line, border: { display: false }, ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 12, precision: canvas.dataset.chart === "line" ? undefined : 0 } };
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: across ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: across ? "y" : "x" },
      scales: across ? { x: numbers, y: names } : { x: names, y: numbers },
      plugins: {
        legend: { display: several, position: "bottom", labels: { color: colour("ink"), boxWidth: 12, boxHeight: 12 } },
        tooltip: { backgroundColor: colour("ink"), titleColor: colour("card"), bodyColor: colour("card"), footerColor: colour("card") },
      },
    };
  }

  function draw(canvas) {
    const table = document.getElementById(canvas.dataset.table);
    if (!table || !window.Chart) return;
    const found = read(table), across = canvas.dataset.chart === "across", line = canvas.dataset.chart === "line";
    const style = getComputedStyle(document.body);
    window.Chart.defaults.font.family = style.fontFamily;
    const datasets = found.series.map((series) => ({
      label: series.title,
      data: series.numbers,
      borderColor: colour(series.colour),
      backgroundColor: colour(series.colour),
      borderWidth: line ? 2 : 0,
      tension: 0,
      pointRadius: found.names.map((_, at) => (at === found.marked ? 5 : 2)),
      maxBarThickness: 28,
    }));
    if (drawn.has(canvas)) drawn.get(canvas).destroy();
    drawn.set(canvas, new window.Chart(canvas, {
      type: line ? "line" : "bar",
      data: { labels: found.names, datasets },
      options: options(canvas, across, found.several),
    }));
  }

  function drawAll() {
    drawn.forEach((chart, canvas) => {
      if (canvas.isConnected) return;
      chart.destroy();
      drawn.delete(canvas);
    });
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
  }

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
