// Reads a chart's values at a point in time: under the pointer, or by the arrow keys once the chart has the focus.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const chosen = new Map(); // by part, how many steps back; so that it stays when the part is replaced

  const show = (chart, index) => {
    const values = JSON.parse(chart.dataset.values);
    const steps = values[0].length;
    const at = Math.min(Math.max(index, 0), steps - 1);
    const { left, right, top, bottom, last, step } = chart.dataset;
    const x = steps > 1 ? +left + (at * (right - left)) / (steps - 1) : +right;
    const cursor = chart.querySelector(".cursor") || chart.appendChild(document.createElementNS(SVG, "path"));
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("d", `M${x} ${top}V${bottom}`);
    const time = new Date((last - (steps - 1 - at) * step) * 1000).toISOString().slice(11, 19);
    const names = JSON.parse(chart.dataset.names);
    readout(chart).textContent = `${time} UTC: ` + names.map((name, of) => `${name} ${values[of][at]}`).join(", ");
    chosen.set(chart.closest("[data-part]").id, steps - 1 - at);
  };

  const hide = (chart) => {
    chart.querySelector(".cursor")?.remove();
    readout(chart).textContent = "";
    chosen.delete(chart.closest("[data-part]").id);
  };

  const readout = (chart) => {
    const there = chart.parentElement.querySelector(".readout");
    if (there) return there;
    const made = document.createElement("p");
    made.className = "readout";
    made.setAttribute("role", "status");
    chart.after(made);
    return made;
  };

  const prepare = (root) =>
    root.querySelectorAll(".chart").forEach((chart) => {
      const steps = JSON.parse(chart.dataset.values)[0].length;
      const part = chart.closest("[data-part]").id;
      chart.setAttribute("tabindex", "0");
      readout(chart);
      chart.addEventListener("pointermove", (event) => {
        const box = chart.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
        const { left, right } = chart.dataset;
        show(chart, Math.round(((x - left) / (right - left || 1)) * (steps - 1)));
      });
      chart.addEventListener("pointerleave", () => hide(chart));
      // A chart that was replaced loses the focus too: the new one has it, and the reading stays.
      chart.addEventListener("blur", () => queueMicrotask(() => chart.isConnected && hide(chart)));
      chart.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -steps, End: steps }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        show(chart, steps - 1 - (chosen.get(part) ?? 0) + by);
      });
      if (chosen.has(part)) show(chart, steps - 1 - chosen.get(part));
    });

  document.addEventListener("replaced", (event) => prepare(event.target));
  prepare(document);
})();
