/* Draws what Python computed, as selected by the controls. It computes no statistics. */
"use strict";
(() => {
  let page = JSON.parse(document.getElementById("data").textContent);
  const INK = "#333333", FAINT = "#8c8c8c";
  const CONFIG = {
    displaylogo: false,
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], // plotly's default includes uploads of charts
    plotlyServerURL: "",
    toImageButtonOptions: { format: "svg", filename: "layerwise" },
  };
  // plotly interprets HTML in texts
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const count = (n) => n.toLocaleString("en-US");
  const copy = (value) => JSON.parse(JSON.stringify(value));

  /** The state of the controls of a section. */
  function choice(section, study) {
    const all = (name) => [...section.querySelectorAll(`[data-control="${name}"]`)];
    const checked = (name) => all(name).filter((input) => input.checked).map((input) => Number(input.value));
    const at = Number(all("threshold")[0].value), metric = all("metric")[0].value, logy = all("logy")[0];
    logy.disabled = study.linear.includes(metric);
    return {
      target: checked("target")[0] ?? 0, learners: new Set(checked("learner")), dims: checked("dim"),
      metric, logx: checked("logx").length > 0, logy: logy.checked && !logy.disabled, at, threshold: study.thresholds[at],
    };
  }

  /** An axis in the common style; `values` must be visible, `given` are its ticks. */
  function axis(study, title, log, values, given) {
    const made = { ...copy(study.base.axis), type: log ? "log" : "linear", title: { text: title, standoff: 8 } };
    const shown = values.filter((value) => value > 0);
    if (!log || !shown.length) return { ...made, rangemode: "tozero" };
    const [low, high] = [Math.min(...shown), Math.max(...shown)];
    const digits = high / low > 1000 ? [1] : high / low > 30 ? [1, 3] : [1, 2, 5];
    const ticks = given ?? [];
    for (let e = Math.floor(Math.log10(low)); !given && e <= Math.ceil(Math.log10(high)); e++)
      ticks.push(...digits.map((digit) => Number(`${digit}e${e}`)));
    const pad = 0.04 * Math.log10(high / low) + 0.02;
    const range = [Math.log10(low) - pad, Math.log10(high) + pad];
    return { ...made, range, tickvals: ticks, ticktext: ticks.map((n) => (n >= 1e6 ? n.toExponential(0) : count(n))) };
  }

  const PAPER = 660; // width of A4 between its margins, in pixels
  let printing = false;
  const widthOf = (chart) => (printing ? PAPER : chart.clientWidth);

  /** Draw a chart, or a note if it has no curve. */
  function show(section, name, study, traces, layout, height) {
    const chart = section.querySelector(`[data-chart="${name}"]`);
    const width = widthOf(chart);
    const note = { text: "nothing to draw yet", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 };
    const annotations = traces.length ? layout.annotations : [{ ...note, font: { color: FAINT, size: 14 } }];
    const hidden = traces.length ? {} : { xaxis: { visible: false }, yaxis: { visible: false }, shapes: [] };
    Plotly.react(chart, traces, { ...copy(study.base.layout), ...layout, annotations, ...hidden, width, height }, CONFIG);
  }

  /** One panel per selected dimension: medians, quartiles, the threshold and where it is reached. */
  function drawCurves(section, study, chosen) {
    const wide = widthOf(section.querySelector('[data-chart="curves"]'));
    const most = wide < 480 ? 1 : wide < 640 ? 2 : 3;
    const rows = Math.max(1, Math.ceil(chosen.dims.length / most));
    const columns = Math.max(1, Math.ceil(chosen.dims.length / rows));
    const visible = study.traces.filter(({ meta }) => meta.target === chosen.target && meta.metric === chosen.metric &&
      chosen.learners.has(meta.learner) && chosen.dims.includes(meta.dim));
    const risk = chosen.metric === "risk";
    const heights = visible.flatMap((trace) => trace.y).concat(risk && visible.length ? [chosen.threshold] : []);
    const sizes = visible.flatMap((trace) => trace.x);
    const height = rows * (columns > 1 ? 250 : 260) + 82;
    const gapx = columns > 1 ? 16 / wide : 0, gapy = rows > 1 ? 58 / (height - 92) : 0;
    const layout = { margin: { l: 58, r: 12, t: 40, b: 52 }, annotations: [], shapes: [] };
    const traces = [];
    chosen.dims.forEach((dim, i) => {
      const [row, column, id] = [Math.floor(i / columns), i % columns, i ? i + 1 : ""];
      const w = (1 - gapx * (columns - 1)) / columns, h = (1 - gapy * (rows - 1)) / rows;
      const left = column * (w + gapx), bottom = 1 - row * (h + gapy) - h;
      const last = i + columns >= chosen.dims.length;
      layout[`xaxis${id}`] = { ...axis(study, last ? "training samples n" : "", chosen.logx, sizes),
        domain: [left, left + w], anchor: `y${id}`, ...(i && { matches: "x" }) };
      layout[`yaxis${id}`] = { ...axis(study, column ? "" : study.metrics[chosen.metric].split(" (")[0], chosen.logy, heights),
        domain: [bottom, bottom + h], anchor: `x${id}`, ...(i && { matches: "y" }), showticklabels: !column };
      layout.annotations.push({ text: `d = ${count(dim)}`, showarrow: false, xref: `x${id} domain`, x: 0, xanchor: "left",
        yref: `y${id} domain`, y: 1, yanchor: "bottom", font: { size: 13, color: INK } });
      const here = { xaxis: `x${id}`, yaxis: `y${id}` };
      const mine = visible.filter(({ meta }) => meta.dim === dim);
      traces.push(...mine.map((trace) => ({ ...trace, ...here })));
      if (!risk) return;
      layout.shapes.push({ type: "line", xref: `x${id} domain`, x0: 0, x1: 1, yref: `y${id}`, y0: chosen.threshold,
        y1: chosen.threshold, line: { color: INK, width: 1, dash: "dot" } });
      for (const { meta, name } of mine.filter((trace) => !trace.meta.band)) {
        const cell = study.cells[`${meta.target},${meta.learner},${dim}`]?.[chosen.at];
        if (!cell || cell.side) continue;
        traces.push({ ...here, name, x: [cell.at], y: [chosen.threshold], mode: "markers", meta: { star: true, ...meta },
          marker: { symbol: "circle-open", size: 12, color: study.learners[meta.learner].colour, line: { width: 2 } },
          hovertemplate: `<b>%{fullData.name}</b><br>n* = ${cell.text}<br>${cell.interval}<extra></extra>` });
      }
    });
    show(section, "curves", study, traces, layout, height);
  }

  /** n* against d, with intervals, fitted power laws and predicted slopes. */
  function drawGrowth(section, study, chosen) {
    const traces = [], heights = [], dims = study.dims, shown = [...chosen.learners].sort((a, b) => a - b);
    shown.forEach((l, place) => {
      const { colour, symbol, dash, label } = study.learners[l];
      const cells = dims.map((dim) => [dim, study.cells[`${chosen.target},${l},${dim}`]?.[chosen.at]])
        .filter(([, cell]) => cell && cell.at !== null);
      if (!cells.length) return;
      const apart = 1.015 ** (place - (shown.length - 1) / 2);
      heights.push(...cells.flatMap(([, cell]) => [cell.low, cell.high, cell.at]));
      traces.push({
        name: plain(label), x: cells.map(([dim]) => dim * apart), y: cells.map(([, cell]) => cell.at), mode: "markers",
        customdata: cells.map(([dim, cell]) => [dim, cell.text, cell.interval]),
        error_y: { type: "data", symmetric: false, color: colour, thickness: 1.2, width: 0,
          array: cells.map(([, cell]) => cell.high - cell.at), arrayminus: cells.map(([, cell]) => cell.at - cell.low) },
        marker: { color: cells.map(([, cell]) => (cell.side ? "white" : colour)), size: cells.map(([, cell]) => (cell.side ? 11 : 9)),
          symbol: cells.map(([, { side }]) => (side === "right" ? "triangle-up" : side ? "triangle-down" : symbol)),
          opacity: 1, line: { color: cells.map(([, cell]) => (cell.side ? colour : "white")), width: cells.map(([, cell]) => (cell.side ? 1.6 : 1)) } },
        hovertemplate: "<b>%{fullData.name}</b><br>d = %{customdata[0]:,}<br>n* %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
      });
      const fit = study.fits[`${chosen.target},${l}`]?.[chosen.at];
      if (fit?.exponent == null || dims.length < 2) return;
      const ends = [Math.min(...dims), Math.max(...dims)], mean = Math.exp(cells.reduce((sum, [d]) => sum + Math.log(d), 0) / cells.length);
      const line = (k, style) => traces.unshift({ x: ends, y: ends.map((d) => fit.constant * mean ** fit.exponent * (d / mean) ** k),
        mode: "lines", hoverinfo: "skip", line: style });
      line(fit.exponent, { color: colour, width: 1.6, dash });
      if (fit.predicted !== null) line(fit.predicted, { color: FAINT, width: 1, dash: "dash" });
    });
    const layout = { margin: { l: 70, r: 12, t: 30, b: 52 }, annotations: [],
      xaxis: { ...axis(study, "dimension d", true, dims, [...dims]) }, yaxis: axis(study, "samples n*", true, heights) };
    show(section, "growth", study, traces, layout, 360);
  }

  /** Update the texts that depend on the threshold. */
  function write(section, study, chosen) {
    const slider = section.querySelector('[data-control="threshold"]');
    slider.setAttribute("aria-valuetext", `risk ${study.shown[chosen.at]}`);
    for (const place of section.querySelectorAll('[data-shown="threshold"]')) place.textContent = study.shown[chosen.at];
    for (const place of section.querySelectorAll("[data-cell]")) {
      const cell = study.cells[place.dataset.cell]?.[chosen.at];
      const small = document.createElement("small");
      small.textContent = cell?.interval ?? "";
      place.replaceChildren(cell?.text ?? "–", small);
    }
    for (const place of section.querySelectorAll("[data-fit]"))
      place.textContent = study.fits[place.dataset.fit]?.[chosen.at].text ?? "–";
  }

  function draw() {
    for (const study of page.studies) {
      const section = document.getElementById(study.id);
      const chosen = choice(section, study);
      write(section, study, chosen);
      drawCurves(section, study, chosen);
      drawGrowth(section, study, chosen);
    }
  }

  /** Show a new state of the store; the controls keep their state. */
  function update(next) {
    if (next.shape !== page.shape) return location.reload(); // the studies have changed
    next.studies.forEach((study, i) => {
      const section = document.getElementById(study.id), slider = section.querySelector('[data-control="threshold"]');
      const old = page.studies[i].thresholds[Number(slider.value)];
      const off = study.thresholds.map((value) => Math.abs(Math.log(value / old)));
      slider.max = study.thresholds.length - 1;
      slider.value = off.indexOf(Math.min(...off));
      section.querySelector('[data-fragment="status"]').innerHTML = study.fragments.status; // escaped by Jinja2
      section.querySelector('[data-fragment="failures"]').innerHTML = study.fragments.failures;
      section.querySelector("[data-values]").textContent = study.fragments.values;
    });
    document.querySelector("[data-environment]").innerHTML = next.environment;
    page = next;
    draw();
  }

  async function listen() {
    const state = document.getElementById("live");
    try {
      const answer = await fetch(`data.json?since=${page.revision}`, { cache: "no-store" });
      if (answer.status === 200) update(await answer.json());
      else if (answer.status !== 204) throw new Error(await answer.text());
      state.textContent = "live";
    } catch {
      state.textContent = "waiting for the server";
    }
    setTimeout(listen, 2000);
  }

  let later;
  const soon = () => { cancelAnimationFrame(later); later = requestAnimationFrame(draw); };
  document.addEventListener("input", soon);
  document.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("resize", soon);
  for (const when of ["beforeprint", "afterprint"])
    window.addEventListener(when, () => { printing = when === "beforeprint"; draw(); });
  draw();
  if ("live" in document.body.dataset) setTimeout(listen, 1000);
})();
