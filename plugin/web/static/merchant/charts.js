// Draws every canvas[data-chart]: {kind, labels, series: [{name, values}], stacked}. The words come from the server.
(() => {
  "use strict";
  // Told apart by people who see few colours, on white.
  const COLOURS = ["#1f5f5b", "#e08a2e", "#3b6fb6", "#9a5ea8", "#c2453f", "#7a7f3a"];

  function draw() {
    const waiting = [...document.querySelectorAll("canvas[data-chart]:not([data-drawn])")];
    if (!waiting.length) return;
    if (!window.Chart) { setTimeout(draw, 50); return; }
    for (const canvas of waiting) {
      canvas.dataset.drawn = "yes";
      const given = JSON.parse(canvas.dataset.chart);
      const line = given.kind === "line";
      new window.Chart(canvas, {
        type: line ? "line" : "bar",
        data: {
          labels: given.labels,
          datasets: given.series.map((one, index) => ({
            label: one.name, data: one.values, backgroundColor: COLOURS[index % COLOURS.length],
            borderColor: COLOURS[index % COLOURS.length], borderWidth: line ? 2 : 0, pointRadius: line ? 2 : 0, tension: 0,
          })),
        },
        options: {
          animation: false, responsive: true, maintainAspectRatio: false,
          interaction: { mode: "index", intersect: false },
          scales: {
            x: { stacked: !line, grid: { display: false }, ticks: { maxRotation: 0, autoSkip: true, autoSkipPadding: 12 } },
            y: { stacked: !line, beginAtZero: true, ticks: { precision: 0 } },
          },
          plugins: { legend: { position: "bottom", labels: { boxWidth: 12, boxHeight: 12 } } },
        },
      });
    }
  }

  draw();
  document.addEventListener("htmx:afterSettle", draw);
})();
