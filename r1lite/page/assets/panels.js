// Which charts a stage has.

const HUES = 6;
const SECONDS = ["sample", "score", "wait", "train", "check", "sync", "save"];

const runsWith = (stage) => data.runs.map((run, i) => ({ run, i })).filter(({ run, i }) => shown.get().has(i) && run.metrics[stage]);
const textOf = (name) => data.runs.map((run) => run.texts[name]).find(Boolean) || {};

// One series of each run. With several runs the colour is the run, and the dash tells metrics apart; a control is dotted.
function seriesOf(stage, names, labels = names) {
  const runs = runsWith(stage);
  return runs.flatMap(({ run, i }) =>
    names.flatMap((name, n) => {
      const { steps, values } = run.metrics[stage];
      if (!values[name]) return [];
      const label = data.runs.length > 1 ? `${names.length > 1 ? `${labels[n]} · ` : ""}${run.name}${run.control ? " (control)" : ""}` : labels[n];
      const many = data.runs.length > 1;
      return [{ label, xs: steps, ys: values[name], color: (many ? i : n) % HUES, dash: many ? (run.control ? 2 : n % 5) : n >= HUES ? 1 : 0 }];
    }),
  );
}

function ledgerSeries(stage, pairs) {
  const runs = data.runs.map((run, i) => ({ run, i })).filter(({ run, i }) => shown.get().has(i) && run.ledger[stage]);
  return runs.flatMap(({ run, i }) =>
    pairs.map(([label, values], n) => ({
      label: data.runs.length > 1 ? `${label} · ${run.name}` : label,
      xs: run.ledger[stage].steps,
      ys: values(run.ledger[stage]),
      color: data.runs.length > 1 ? i % HUES : n,
      dash: n,
    })),
  );
}

// A stacked chart shows one run: the first that is shown and has the numbers.
function layersOf(stage, from, find) {
  const run = data.runs.find((one, i) => shown.get().has(i) && one[from][stage]);
  if (!run) return [];
  const found = find(run[from][stage]);
  return found.map((layer) => ({ ...layer, label: data.runs.length > 1 ? `${layer.label} · ${run.name}` : layer.label }));
}

function marksOf(stage) {
  return data.runs.flatMap((run, i) => (shown.get().has(i) ? run.findings.filter((f) => f.stage === stage) : []));
}

function metricsOf(stage) {
  return [...new Set(runsWith(stage).flatMap(({ run }) => Object.keys(run.metrics[stage].values)))];
}

function panelsOf(stage) {
  const names = metricsOf(stage);
  const has = (...wanted) => wanted.filter((name) => names.includes(name));
  const rules = names.filter((name) => /^reward\/(?!mean$|std$)/.test(name));
  const used = new Set();
  const panels = [];
  const add = (title, metrics, spec = {}, strip = null) => {
    metrics.forEach((name) => used.add(name));
    const series = spec.series || seriesOf(stage, metrics, spec.labels || metrics);
    if (series.length) panels.push({ title, metrics, spec: { ...spec, series }, strip });
  };
  const share = (name) => ({ share: isShare(textOf(name).unit) || /share$/.test(name) });

  add("Reward by rule", has("reward/mean", ...rules), { labels: ["mean", ...rules.map((r) => r.slice(7))].slice(has("reward/mean").length ? 0 : 1) }, outcomes(stage));
  const groups = layersOf(stage, "ledger", groupLayers);
  if (groups.length) add("Groups with signal", has("zero_variance_share"), { series: groups, stacked: true, share: true });
  else add("Groups without signal", has("zero_variance_share"), { share: true, labels: ["all rewards equal"] });
  const exact = ledgerSeries(stage, [["strict: by the rules", (l) => l.strict], ["lenient: right answer in any form", (l) => l.lenient]]).filter((s) => s.ys.some((y) => y !== null));
  if (exact.length) add("Strict and lenient", [], { series: exact, share: true, help: LENIENT });
  const cut = has("response/clipped_share").length ? { series: seriesOf(stage, ["response/clipped_share"], ["cut off"]), share: true, height: 74, title: "cut off" } : null;
  add("Response length", has("response/length_mean"), { labels: ["mean"] }, cut);
  if (cut) used.add("response/clipped_share");
  for (const [title, name] of SINGLE) add(title, has(name), share(name));
  add("Time of a step", has("seconds/total"), { series: layersOf(stage, "metrics", secondLayers), stacked: true, unit: "seconds" });
  names.filter((n) => n.startsWith("seconds/") || n === "reward/std" || n.startsWith("outcome/")).forEach((n) => used.add(n));
  return { panels, rest: names.filter((name) => !used.has(name)) };
}

const SINGLE = [
  ["Loss", "loss"],
  ["Entropy", "entropy"],
  ["Clipped tokens", "ratio/clip_share"],
  ["Sampler mismatch", "mismatch/kl"],
  ["KL to the reference", "kl"],
  ["Gradient norm", "grad_norm"],
  ["Learning rate", "lr"],
];

const LENIENT = "Strict is the share of rollouts that the rule of correctness accepts. Lenient also counts responses that end with the right answer without the form that the rule asks for. If strict rises and lenient does not, the run taught the form, not the answers.";

function outcomes(stage) {
  const layers = layersOf(stage, "ledger", (ledger) =>
    Object.entries(ledger.outcomes).flatMap(([rule, kinds]) =>
      Object.entries(kinds).filter(([, ys]) => ys.some((y) => y > 0)).map(([kind, ys]) => ({ label: `${rule} ${kind.replace("_", " ")}`, xs: ledger.steps, ys })),
    ),
  );
  layers.forEach((layer, i) => { layer.color = (i + 1) % HUES; layer.dash = i; });
  return layers.length ? { series: layers, share: true, height: 90, title: "verdicts without a value" } : null;
}

function groupLayers(ledger) {
  const kinds = [["all right", "right", "right"], ["mixed", "mixed", "mixed"], ["all wrong", "wrong", "wrong"], ["without verdict", "unjudged", "unjudged"]];
  return kinds.filter(([, key]) => key !== "unjudged" || ledger.groups[key].some((v) => v > 0)).map(([label, key, color]) => ({ label, xs: ledger.steps, ys: ledger.groups[key], color: `-${color}` }));
}

function secondLayers({ steps, values }) {
  const parts = SECONDS.filter((part) => values[`seconds/${part}`]);
  const waits = parts.includes("wait"); // sampling and scoring happen inside of the wait
  const drawn = parts.filter((part) => !(waits && (part === "sample" || part === "score")));
  return drawn.map((part, i) => ({ label: part === "wait" ? "sample and score" : part, xs: steps, ys: values[`seconds/${part}`], color: i % HUES }));
}

function card(stage, { title, metrics, spec, strip }) {
  const text = textOf(metrics[0]);
  const pick = (step) => pickStep(stage, step);
  const marks = marksOf(stage);
  const limits = spec.stacked || data.runs.length > 1 ? [] : [text.low, text.high];
  const unit = spec.unit || (spec.share ? "share" : text.unit) || "";
  const figure = el("figure", { class: "card" }, el("figcaption", {}, helpButton(title, metrics, spec), unit && el("span", { class: "unit" }, unit)));
  figure.append(chart({ title, marks, limits, pick, ...spec }));
  if (strip) figure.append(chart({ marks, pick, ...strip }));
  return figure;
}

// The title of a chart. What the metric means appears when it is pointed at, focused or pressed.
function helpButton(title, metrics, spec) {
  const tip = el("div", { class: "tip", role: "tooltip", id: `tip-${(helpButton.count = (helpButton.count || 0) + 1)}` });
  if (spec.help) tip.append(el("p", {}, spec.help));
  for (const name of metrics) {
    const text = textOf(name);
    const own = spec.stacked ? null : spec.series.filter((s) => data.runs.length > 1 || metrics.length === 1 || s.label === (spec.labels || metrics)[metrics.indexOf(name)])[0];
    const facts = [text.healthy && `Healthy: ${text.healthy}.`, own && values(own.ys), text.watch].filter(Boolean).join(" ");
    tip.append(el("p", {}, el("code", {}, visible(name)), " ", text.meaning || "", " ", el("span", { class: "facts" }, facts)));
  }
  tip.append(el("p", { class: "facts" }, "Click on a step to read its rollouts."));
  return el("span", { class: "helped" }, el("button", { type: "button", class: "title", "aria-describedby": tip.id }, title), tip);
}

function values(ys) {
  const known = ys.filter((y) => y !== null);
  if (!known.length) return "";
  return `This run: ${number(known[0])} at first, ${number(known[known.length - 1])} at last, between ${number(Math.min(...known))} and ${number(Math.max(...known))}.`;
}

function training(stage) {
  const { panels, rest } = panelsOf(stage);
  const grid = el("div", { class: "grid" }, panels.map((panel) => card(stage, panel)));
  if (!rest.length) return [grid];
  const more = el("details", {}, el("summary", {}, `All other metrics of this stage (${rest.length})`));
  more.addEventListener("toggle", () => {
    if (more.open && more.children.length === 1) {
      more.append(el("div", { class: "grid" }, rest.map((name) => card(stage, { title: name, metrics: [name], spec: { series: seriesOf(stage, [name]), share: false } }))));
    }
  });
  return [grid, more];
}
