// Charts as SVG: lines, stacked areas, a heat map. All charts of a stage share one cursor.

const cursor = signal(null); // the step pointed at
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 4"];

function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) || rough;
  const found = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step) found.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return found;
}

function powers(low, high) {
  const found = [];
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / 4));
  for (let p = first; p <= last; p += stride) found.push(10 ** p);
  return found.length ? found : [low, high];
}

// Points for a curve of many steps: the lowest and the highest of each bucket, so that no spike is lost.
function thinned(xs, ys, limit = 600) {
  if (xs.length <= limit) return xs.map((x, i) => [x, ys[i]]);
  const size = Math.ceil((2 * xs.length) / limit);
  const points = [];
  for (let at = 0; at < xs.length; at += size) {
    const own = [];
    for (let i = at; i < Math.min(xs.length, at + size); i++) if (ys[i] !== null) own.push(i);
    if (!own.length) { points.push([xs[at], null]); continue; }
    const low = own.reduce((a, b) => (ys[b] < ys[a] ? b : a));
    const high = own.reduce((a, b) => (ys[b] > ys[a] ? b : a));
    for (const i of [...new Set([low, high])].sort((a, b) => a - b)) points.push([xs[i], ys[i]]);
  }
  return points;
}

function domain(spec) {
  if (spec.stacked) return { low: 0, high: spec.share ? 1 : Math.max(...totals(spec)) || 1, log: false };
  const values = spec.series.flatMap((s) => s.ys.filter((y) => y !== null));
  if (spec.share) {
    const most = Math.max(0, ...values);
    return { low: 0, high: most > 0.4 ? 1 : Math.max(0.02, most * 1.15), log: false };
  }
  if (!values.length) return { low: 0, high: 1, log: false };
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (low > 0 && high / low > 300) return { low: low / 1.3, high: high * 1.3, log: true };
  if (low >= 0 && low < 0.6 * high) low = 0;
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return { low: low === 0 ? 0 : low - room, high: high + room, log: false };
}

function totals(spec) {
  return spec.series[0] ? spec.series[0].ys.map((_, i) => spec.series.reduce((sum, s) => sum + (s.ys[i] || 0), 0)) : [0];
}

// spec: series [{label, xs, ys, color, dash}], unit, height, stacked, share, marks [{since, until, weight, title}], limits, pick(step)
function chart(spec) {
  const holder = el("div", { class: "plot" });
  const readout = el("div", { class: "legend" });
  const steps = [...new Set(spec.series.flatMap((s) => s.xs))].sort((a, b) => a - b);
  const shows = (value) => (spec.share ? percent(value) : number(value));
  const values = spec.series.map((s) => {
    const out = el("b", {});
    const key = el("span", { class: `key c${s.color}${spec.stacked ? " area" : ""}` });
    readout.append(el("span", { class: "entry" }, key, visible(s.label), " ", out));
    return { out, at: new Map(s.xs.map((x, i) => [x, s.ys[i]])), last: s.ys.findLast((y) => y !== null) };
  });
  const where = el("span", { class: "where" });
  readout.append(where);
  let line = null;
  let scale = null;
  const redraw = () => {
    const drawn = draw(spec, steps, holder.clientWidth || 480);
    ({ line, scale } = drawn);
    holder.replaceChildren(drawn.root);
    listen(drawn.root);
    follow(cursor.get());
  };
  const follow = (step) => {
    const known = step !== null && steps.includes(step);
    for (const v of values) v.out.textContent = shows(known ? v.at.get(step) : v.last);
    where.textContent = known ? `step ${step}` : "";
    if (!line) return;
    line.setAttribute("visibility", known ? "visible" : "hidden");
    if (known) for (const end of ["x1", "x2"]) line.setAttribute(end, scale(step));
  };
  const listen = (root) => {
    root.addEventListener("pointermove", (event) => {
      const x = event.clientX - root.getBoundingClientRect().left;
      cursor.set(steps.reduce((best, s) => (Math.abs(scale(s) - x) < Math.abs(scale(best) - x) ? s : best), steps[0]));
    });
    root.addEventListener("pointerleave", () => cursor.set(null));
    root.addEventListener("blur", () => cursor.set(null));
    root.addEventListener("click", () => spec.pick && cursor.get() !== null && spec.pick(cursor.get()));
    root.addEventListener("keydown", (event) => {
      const at = steps.indexOf(cursor.get());
      const to = { ArrowRight: at + 1, ArrowLeft: at < 0 ? steps.length - 1 : at - 1, Home: 0, End: steps.length - 1 }[event.key];
      if (to !== undefined) {
        event.preventDefault();
        cursor.set(steps[Math.max(0, Math.min(steps.length - 1, to))]);
      } else if (event.key === "Enter" && spec.pick && at >= 0) spec.pick(steps[at]);
    });
  };
  whenSized(holder, redraw);
  follow(null);
  cursor.follow((step) => holder.isConnected && follow(step));
  return el("div", { class: "drawn" }, readout, holder);
}

// Draws when the element has a width, and again when that changes.
const sized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (contentRect.width > 0 && Math.round(contentRect.width) !== target.drawnWidth) {
      target.drawnWidth = Math.round(contentRect.width);
      target.redraw();
    }
  }
});

function whenSized(holder, redraw) {
  holder.redraw = redraw;
  sized.observe(holder);
}

function draw(spec, steps, width) {
  const height = spec.height || 168;
  const box = { left: 46, right: width - 10, top: 8, bottom: height - 22 };
  const { low, high, log } = domain(spec);
  const first = steps[0] ?? 0;
  const last = steps[steps.length - 1] ?? 1;
  const x = (step) => box.left + ((step - first) / (last - first || 1)) * (box.right - box.left);
  const t = log ? Math.log10 : (v) => v;
  const y = (value) => box.bottom - ((t(value) - t(low)) / (t(high) - t(low) || 1)) * (box.bottom - box.top);
  const name = `${plain(spec.title)}: ${spec.series.map((s) => plain(s.label)).join(", ")}. Arrow keys move through the steps.`;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, tabindex: 0 });
  axes(root, spec, box, { x, y, low, high, log, first, last });
  (spec.marks || []).forEach((mark, n) => band(root, mark, n, box, x, last));
  if (spec.stacked) stack(root, spec, x, y);
  else for (const s of spec.series) curve(root, s, x, y, log, steps.length);
  const line = svg("line", { class: "cursor", y1: box.top, y2: box.bottom, visibility: "hidden" });
  root.append(line);
  return { root, line, scale: x };
}

function axes(root, spec, box, { x, y, low, high, log, first, last }) {
  const shows = (v) => (spec.share ? percent(v, v && high < 0.1 ? 1 : 0) : number(v));
  const lines = log ? powers(low, high) : ticks(low, high, (box.bottom - box.top) / 34);
  for (const v of lines) {
    root.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(v), y2: y(v) }));
    root.append(svg("text", { class: "tick", x: box.left - 6, y: y(v) + 3.5, "text-anchor": "end" }, shows(v)));
  }
  const marks = last - first < 1 ? [first] : ticks(first, last, (box.right - box.left) / 70).filter((v) => Number.isInteger(v));
  for (const v of marks) root.append(svg("text", { class: "tick", x: x(v), y: box.bottom + 15, "text-anchor": "middle" }, String(v)));
  root.append(svg("text", { class: "tick", x: box.left - 6, y: box.bottom + 15, "text-anchor": "end" }, "step"));
  for (const limit of spec.limits || []) {
    if (limit === null || limit === undefined || (log && limit <= 0) || limit < low || limit > high || limit === 0) continue;
    root.append(svg("line", { class: "limit", x1: box.left, x2: box.right, y1: y(limit), y2: y(limit) }, svg("title", {}, `healthy limit ${number(limit)}`)));
  }
}

// A finding is a bar above the curves, for as long as it held; what has weight shades the steps as well.
function band(root, mark, n, box, x, last) {
  const from = x(Math.max(mark.since, 0));
  const width = Math.max(3, x(Math.min(mark.until ?? last, last)) - from);
  const title = () => svg("title", {}, plain(mark.title));
  if (mark.weight !== "note") root.append(svg("rect", { class: `shade ${mark.weight}`, x: from, y: box.top, width, height: box.bottom - box.top }, title()));
  root.append(svg("rect", { class: `mark ${mark.weight}`, x: from, y: 1 + 4 * (n % 2), width, height: 3 }, title()));
}

function curve(root, s, x, y, log, total) {
  let path = "";
  let pen = false;
  for (const [step, value] of thinned(s.xs, s.ys)) {
    const drawn = value !== null && !(log && value <= 0);
    if (drawn) path += `${pen ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = drawn;
  }
  root.append(svg("path", { class: `curve c${s.color}`, d: path, "stroke-dasharray": DASHES[s.dash || 0] }));
  if (total > 1) return;
  s.xs.forEach((step, i) => s.ys[i] !== null && root.append(svg("circle", { class: `dot c${s.color}`, cx: x(step), cy: y(s.ys[i]), r: 3 })));
}

function stack(root, spec, x, y) {
  const xs = spec.series[0] ? spec.series[0].xs : [];
  let below = xs.map(() => 0);
  for (const s of spec.series) {
    const above = below.map((b, i) => b + (s.ys[i] || 0));
    const top = xs.map((step, i) => `${x(step).toFixed(1)} ${y(above[i]).toFixed(1)}`);
    const bottom = xs.map((step, i) => `${x(step).toFixed(1)} ${y(below[i]).toFixed(1)}`).reverse();
    root.append(svg("path", { class: `layer c${s.color}`, d: `M${[...top, ...bottom].join("L")}Z` }));
    below = above;
  }
}

// rows x columns of shares on a canvas: thousands of cells are too many elements.
function heatMap({ rows, columns, cells, label, pick }) {
  const canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": label });
  const readout = el("div", { class: "legend" });
  const holder = el("div", { class: "plot" }, canvas);
  const known = new Map(cells.map(([row, column, rate]) => [row * columns.length + column, rate]));
  let at = null;
  const height = Math.max(120, Math.min(340, rows.length * 8));
  const size = () => ({ w: (canvas.clientWidth || 1) / columns.length, h: height / rows.length });
  const show = () => {
    const rate = at && known.get(at.row * columns.length + at.column);
    readout.textContent = at ? `step ${columns[at.column]} · ${plain(rows[at.row], 90)} · ${rate === undefined ? "not sampled" : percent(rate, 0)}` : "point at a cell, or use the arrow keys";
  };
  const redraw = () => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = holder.clientWidth * ratio;
    canvas.height = height * ratio;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    const { w, h } = size();
    pen.scale(ratio, ratio);
    for (const [row, column, rate] of cells) {
      pen.fillStyle = shade(rate);
      pen.fillRect(column * w, row * h, Math.ceil(w) + 0.5, Math.ceil(h) + 0.5);
    }
    if (!at) return;
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.lineWidth = 2;
    pen.strokeRect(at.column * w, at.row * h, w, h);
  };
  const move = (row, column) => {
    at = { row: Math.max(0, Math.min(rows.length - 1, row)), column: Math.max(0, Math.min(columns.length - 1, column)) };
    show();
    redraw();
  };
  canvas.addEventListener("pointermove", (event) => {
    const area = canvas.getBoundingClientRect();
    move(Math.floor((event.clientY - area.top) / size().h), Math.floor((event.clientX - area.left) / size().w));
  });
  canvas.addEventListener("click", () => at && pick && pick(at.row, columns[at.column]));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (by) {
      event.preventDefault();
      move((at ? at.row : 0) + by[0], (at ? at.column : 0) + by[1]);
    } else if (event.key === "Enter" && at && pick) pick(at.row, columns[at.column]);
  });
  whenSized(holder, redraw);
  repaints.add(() => holder.isConnected && redraw());
  show();
  return el("div", { class: "drawn" }, readout, holder);
}

const repaints = new Set(); // after a change of theme

// Orange over grey to blue, which people who cannot tell red from green can tell apart.
function shade(rate) {
  const style = getComputedStyle(document.documentElement);
  const [low, middle, high] = ["--low", "--middle", "--high"].map((name) => style.getPropertyValue(name).trim());
  return rate < 0.5 ? mixed(low, middle, rate * 2) : mixed(middle, high, rate * 2 - 1);
}

function mixed(from, to, share) {
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [a, b] = [parts(from), parts(to)];
  return `rgb(${a.map((v, i) => Math.round(v + (b[i] - v) * share)).join(",")})`;
}
