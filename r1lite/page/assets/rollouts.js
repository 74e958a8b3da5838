// The list of rollouts, one of them in full, its group, and the same problem in two steps.

const PAGE = 40;
const MODES = { evidence: "evidence", logprob: "log-prob of tokens", advantage: "advantage", plain: "plain" };
const mode = signal("evidence");
let selected = null; // [run, row]
let limit = PAGE;

function rolloutsPart() {
  const list = el("div", { class: "rows", role: "listbox", "aria-label": "rollouts", tabindex: 0 });
  const found = el("p", { class: "quiet", role: "status", id: "found" });
  const detail = el("div", { class: "detail" });
  const part = section("rollouts", "Rollouts", held(), filters(), found, el("div", { class: "explorer" }, list, detail));
  const show = () => {
    const before = performance.now();
    const rows = search(tables, filter.get());
    part.dataset.milliseconds = (performance.now() - before).toFixed(1);
    found.textContent = `${count(rows.length)} of ${count(tables.reduce((n, t) => n + t.text.length, 0))} rollouts`;
    list.replaceChildren(...rows.slice(0, limit).map(line));
    if (rows.length > limit) list.append(el("button", { type: "button", class: "more", onclick: () => { limit += PAGE * 3; show(); } }, `show more (${count(rows.length - limit)})`));
    if (!selected || !rows.some(([run, row]) => run === selected[0] && row === selected[1])) selected = rows[0] || null;
    mark();
    open();
  };
  const mark = () => list.querySelectorAll(".row").forEach((node) => node.setAttribute("aria-selected", String(selected && node.dataset.at === selected.join("/"))));
  const open = () => detail.replaceChildren(...(selected ? [oneRollout(selected)] : [el("p", { class: "quiet" }, tables.length ? "No rollout fits the filter." : "This page holds no rollouts.")]));
  const select = (at) => { selected = at; mark(); open(); };
  list.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) select(row.dataset.at.split("/").map(Number));
  });
  list.addEventListener("keydown", (event) => {
    const lines = [...list.querySelectorAll(".row")];
    const at = lines.findIndex((node) => selected && node.dataset.at === selected.join("/"));
    const to = lines[{ ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 }[event.key]];
    if (!to) return;
    event.preventDefault();
    to.scrollIntoView({ block: "nearest" });
    select(to.dataset.at.split("/").map(Number));
  });
  filter.follow(() => { limit = PAGE; show(); });
  mode.follow(open);
  explorer.show = show;
  explorer.select = select;
  show();
  return part;
}

const explorer = {};

function held() {
  const all = data.runs.reduce((n, run) => n + run.rollouts, 0);
  const here = tables.reduce((n, table) => n + table.text.length, 0);
  if (!all) return "The run kept no rollouts.";
  if (here >= all) return `All ${count(all)} rollouts of the run.`;
  return `This page holds ${count(here)} of ${count(all)} rollouts: whole groups, spread evenly over the steps, those with failed verdicts first. The run directory keeps all.`;
}

function filters() {
  const set = (name) => (event) => filter.set({ ...filter.get(), [name]: event.target.value });
  const field = (label, node) => el("label", { class: "field" }, el("span", {}, label), node);
  const choose = (name, options) => {
    const node = el("select", { "data-filter": name, onchange: set(name) }, options.map(([value, text]) => el("option", { value, selected: filter.get()[name] === value }, plain(text, 80))));
    return node;
  };
  const type = (name, attributes) => el("input", { "data-filter": name, value: filter.get()[name], oninput: set(name), ...attributes });
  const stages = [...new Set(tables.flatMap((t) => [...new Set(t.stage)].map((s) => t.strings[s])))];
  const found = data.runs.flatMap((run, i) => run.findings.map((f, n) => [`${i}/${n}`, f.title]));
  const small = { type: "number", inputmode: "decimal", step: "any", class: "small" };
  return el("form", { class: "filters", onsubmit: (e) => e.preventDefault(), onreset: () => { filter.set({ ...NOTHING }); redrawFilters(); } },
    field("search", type("text", { type: "search", placeholder: "words in prompts, responses and reasons" })),
    data.runs.length > 1 && field("run", choose("run", [["", "all"], ...data.runs.map((run, i) => [String(i), run.name])])),
    field("stage", choose("stage", [["", "all"], ...stages.map((s) => [s, titleOf(s)])])),
    field("steps", el("span", { class: "pair" }, type("from", { ...small, placeholder: "from", "aria-label": "from step" }), type("to", { ...small, placeholder: "to", "aria-label": "to step" }))),
    field("problem", type("problem", { placeholder: "part of its name" })),
    field("reward", el("span", { class: "pair" }, type("low", { ...small, placeholder: "min", "aria-label": "lowest reward" }), type("high", { ...small, placeholder: "max", "aria-label": "highest reward" }))),
    field("outcome", choose("outcome", [["", "all"], ...Object.entries(OUTCOMES)])),
    found.length > 0 && field("finding", choose("finding", [["", "all"], ...found])),
    field("order", choose("sort", Object.entries(SORTS))),
    el("button", { type: "reset", class: "link" }, "clear"),
  );
}

function redrawFilters() {
  document.querySelector(".filters")?.replaceWith(filters());
}

function line([run, row]) {
  const t = tables[run];
  const kind = stateOf(t, row);
  return el("div", { class: "row", role: "option", "data-at": `${run}/${row}` },
    el("span", { class: `state ${kind.name}`, title: kind.title }, kind.sign),
    el("span", { class: "where" }, `${data.runs.length > 1 ? `${plain(data.runs[run].name, 14)} ` : ""}${plain(titleOf(t.strings[t.stage[row]]), 20)} ${t.step[row]}`),
    el("span", { class: "reward" }, number(t.reward[row])),
    el("span", { class: "start" }, visible(t.text[row].slice(0, 160).replace(/\s+/g, " "))),
  );
}

function stateOf(t, row) {
  if (hasOutcome(t, row, "unjudged")) return { name: "unjudged", sign: "?", title: "without a verdict" };
  return t.right[row] ? { name: "right", sign: "✓", title: "right" } : { name: "wrong", sign: "✗", title: "wrong" };
}

function oneRollout([run, row]) {
  const t = tables[run];
  const problem = t.problems[t.problem[row]];
  const group = t.group.flatMap((g, i) => (g === t.group[row] ? [i] : []));
  const others = t.problem.flatMap((p, i) => (p === t.problem[row] && t.group[i] !== t.group[row] && t.index[i] === 0 ? [i] : []));
  const beside = el("div", {});
  const compare = (rows) => beside.replaceChildren(el("div", { class: "columns" }, rows.map((r) => oneColumn(run, r))));
  const modes = el("fieldset", { class: "modes" }, el("legend", {}, "colours"), Object.entries(MODES).map(([value, label]) =>
    el("label", {}, el("input", { type: "radio", name: "mode", value, checked: mode.get() === value, onchange: () => mode.set(value) }), label)));
  return el("article", { class: "rollout" },
    el("h3", {}, visible(problem.id), el("span", { class: "quiet" }, ` ${plain(titleOf(t.strings[t.stage[row]]))}, step ${t.step[row]}, ${t.index[row] + 1} of its group`)),
    el("pre", { class: "prompt", dir: "auto" }, visible(problem.prompt)),
    el("p", {}, el("span", { class: "quiet" }, "expected answer "), el("b", {}, visible(problem.answer || "–"))),
    modes,
    oneColumn(run, row),
    el("div", { class: "actions" },
      el("button", { type: "button", id: "show-group", onclick: () => compare(group) }, `its group of ${group.length} side by side`),
      others.length
        ? el("label", { class: "field" }, el("span", {}, "the same problem in"), el("select", { id: "other-step", onchange: (e) => e.target.value && compare([row, Number(e.target.value)]) }, el("option", { value: "" }, "another step …"), others.map((i) => el("option", { value: i }, `${plain(titleOf(t.strings[t.stage[i]]))} step ${t.step[i]}`))))
        : el("span", { class: "quiet" }, "This problem is on the page once."),
    ),
    beside,
  );
}

function oneColumn(run, row) {
  const t = tables[run];
  const kind = stateOf(t, row);
  const facts = [`reward ${number(t.reward[row])}`, t.advantage[row] === null ? "" : `advantage ${number(t.advantage[row])}`, t.strings[t.finish[row]] === "length" ? "cut off" : "", t.trained[row] ? "trained on" : ""].filter(Boolean).join(" · ");
  return el("div", { class: "column" },
    el("p", { class: "facts" }, el("span", { class: `state ${kind.name}` }, kind.sign), ` ${kind.title} · ${facts} · step ${t.step[row]}`),
    el("pre", { class: `response ${mode.get()}`, dir: "auto" }, coloured(t, row)),
    el("table", { class: "plain verdicts" }, el("tbody", {}, t.verdicts[row].map(([rule, value, outcome, why], n) =>
      el("tr", { class: t.outcomes[outcome] }, el("th", { scope: "row" }, el("span", { class: `key evidence c${n % HUES}` }), visible(t.strings[rule])), el("td", {}, t.outcomes[outcome] === "scored" ? number(value) : t.outcomes[outcome].replace("_", " ")), el("td", { class: "why" }, visible(t.strings[why])))))),
  );
}

// The response in pieces: evidence of rules, or tokens. Offsets count characters, not the halves that JavaScript counts.
function coloured(t, row) {
  const text = t.text[row];
  const points = /[\ud800-\udfff]/.test(text) ? Array.from(text) : null;
  const slice = (start, end) => (points ? points.slice(start, end).join("") : text.slice(start, end));
  const length = points ? points.length : text.length;
  const pieces = mode.get() === "evidence" ? evidence(t, row, length) : mode.get() === "plain" ? [[0, length]] : tokens(t, row, length);
  const parts = document.createDocumentFragment();
  const cut = t.cut[row] ? t.cut[row][0] : -1;
  for (const [start, end, look, title] of pieces) {
    const edges = cut > start && cut < end ? [start, cut, end] : [start, end];
    for (let i = 0; i + 1 < edges.length; i++) {
      if (edges[i] === cut) parts.append(el("span", { class: "missing" }, `${count(t.cut[row][1])} characters are left out here; the run directory has them`));
      const node = el("span", { class: look ? look.name : null, title: title || null }, visible(slice(edges[i], edges[i + 1])));
      if (look && look.share !== undefined) node.style.setProperty("--share", look.share.toFixed(2));
      parts.append(node);
    }
  }
  return parts;
}

function evidence(t, row, length) {
  const spans = t.verdicts[row].flatMap(([rule, , , , own], n) => (own || []).map(([start, end]) => ({ start, end: Math.min(end, length), n, rule: t.strings[rule] })));
  const edges = [...new Set([0, length, ...spans.flatMap((s) => [s.start, s.end])])].filter((e) => e >= 0 && e <= length).sort((a, b) => a - b);
  return edges.slice(0, -1).map((start, i) => {
    const own = spans.filter((s) => s.start <= start && s.end > start);
    return own.length ? [start, edges[i + 1], { name: `evidence c${own[0].n % HUES}` }, `evidence of ${own.map((s) => plain(s.rule)).join(", ")}`] : [start, edges[i + 1]];
  });
}

const FIRST_CODE = 48;

function tokens(t, row, length) {
  const found = t.tokens[row];
  const advantage = t.advantage[row] || 0;
  const look = () => ({ name: advantage > 0 ? "token up" : advantage < 0 ? "token down" : "token", share: Math.min(1, Math.abs(advantage) / 2) });
  if (!found) return [[0, length, mode.get() === "advantage" ? look() : null]];
  const [before, lengths, levels, written] = found;
  const pieces = before ? [[0, before, { name: "token given" }, "written by the template"]] : [];
  let at = before;
  for (let i = 0; i < lengths.length; i++) {
    const end = at + lengths.charCodeAt(i) - FIRST_CODE;
    const x = (2 ** ((levels.charCodeAt(i) - FIRST_CODE) / 8) - 1) / 16;
    const own = !written || written[i] === "1";
    if (end > at) {
      if (!own) pieces.push([at, end, { name: "token given" }, "not written by the model"]);
      else if (mode.get() === "advantage") pieces.push([at, end, look(), `advantage ${number(advantage)}`]);
      else pieces.push([at, end, { name: "token unlikely", share: Math.min(1, x / 3) }, `log-prob ${number(-x)}, probability ${percent(Math.exp(-x))}`]);
    }
    at = end;
  }
  if (at < length) pieces.push([at, length]);
  return pieces;
}
