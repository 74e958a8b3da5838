// The head of the page: what came out, what was found, what the run was made of.

const STATUS = { running: "running", finished: "finished", stopped: "stopped" };

function head() {
  return el("header", { class: "top" },
    el("div", { class: "brand" }, el("span", { class: "mark-r1" }, "r1lite"), el("nav", { "aria-label": "parts of the page" }, sections().map(([id, title]) => el("a", { href: `#${id}` }, title)))),
    el("button", { type: "button", class: "theme", id: "theme", onclick: switchTheme, "aria-label": "switch between light and dark" }, "◐"),
  );
}

function sections() {
  const some = (key) => data.runs.some((run) => Object.keys(run[key] || {}).length);
  return [
    ["results", "Results", true],
    ["findings", "Findings", true],
    ["training", "Training", some("metrics")],
    ["problems", "Problems", some("heat")],
    ["rollouts", "Rollouts", true],
    ["settings", "Settings", some("settings")],
    ["lineage", "Lineage", some("lineage")],
  ].filter(([, , present]) => present);
}

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  repaints.forEach((repaint) => repaint());
}

function verdicts() {
  return data.runs.map((run, i) =>
    el("div", { class: "verdict" },
      el("p", { class: "run" },
        data.runs.length > 1 && el("label", { class: `toggle c${i % HUES}` }, el("input", { type: "checkbox", checked: shown.get().has(i), onchange: (e) => toggle(i, e.target.checked) }), el("span", { class: `key c${i % HUES}` })),
        el("strong", {}, visible(run.name)),
        el("span", { class: `status ${run.status}` }, STATUS[run.status] || ""),
        run.control && el("span", { class: "status" }, "control: rewards shuffled"),
        run.seconds ? el("span", { class: "quiet" }, duration(run.seconds)) : null,
      ),
      run.verdict.map((sentence, n) => el("p", { class: n ? "second" : "first" }, visible(sentence))),
    ),
  );
}

function toggle(i, on) {
  const next = new Set(shown.get());
  if (on) next.add(i);
  else next.delete(i);
  shown.set(next);
}

// One table of all runs: a line for each stage that was evaluated.
function results() {
  const lines = data.runs.flatMap((run, i) => run.held_out.filter((s) => s.eval).map((stage) => ({ run, i, stage })));
  const body = lines.length ? [resultTable(lines), dots(lines)] : [el("p", { class: "quiet" }, "No stage has been evaluated on held-out problems yet.")];
  return section("results", "Held-out problems", null, ...body);
}

function resultTable(lines) {
  const k = lines[0].stage.eval.k;
  const splits = [...new Set(lines.flatMap(({ stage }) => Object.keys(stage).filter((key) => key.startsWith("eval_"))))];
  const heads = ["", "parameters", "pass@1", "greedy", `pass@${k}`, `maj@${k}`, "length", ...splits.map((s) => `${s.slice(5)} pass@1`), "seconds"];
  const best = Math.max(...lines.map(({ stage }) => stage.eval["pass@1"]));
  const row = ({ run, stage }) => {
    const own = stage.eval;
    const cells = [percent(own["pass@1"]), percent(own.greedy), percent(own[`pass@${own.k}`]), percent(own[`maj@${own.k}`]), number(own.length_mean)];
    const others = splits.map((split) => (stage[split] ? percent(stage[split]["pass@1"]) : ""));
    const name = data.runs.length > 1 ? `${run.name} · ${titleOf(stage.name)}` : titleOf(stage.name);
    return el("tr", { class: own["pass@1"] === best ? "best" : "" }, el("th", { scope: "row" }, visible(name)), [count(stage.parameters || 0), ...cells, ...others, number(stage.seconds)].map((c) => el("td", {}, c)));
  };
  return el("div", { class: "scroll" }, el("table", { class: "figures" }, el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col" }, plain(h))))), el("tbody", {}, lines.map(row))));
}

const TITLES = { base: "base model", cold_start: "cold start", rl: "RL", sft: "SFT", distill: "student", dpo: "DPO", pretrain: "pre-training" };
const titleOf = (stage) => TITLES[stage] || stage.replace(/^(\w+?)_(\d+)$/, (whole, kind, n) => (TITLES[kind] ? `${TITLES[kind]} ${n}` : whole));

// pass@1, maj@k and pass@k of each stage on one line: how far sampling more would help.
function dots(lines) {
  const holder = el("div", { class: "plot dots" });
  const legend = el("div", { class: "legend" }, [["pass@1", 0], ["majority", 1], ["pass@k", 2], ["pass@1 of harder splits", 3]].map(([label, c]) => el("span", { class: "entry" }, el("span", { class: `key round c${c}` }), label)));
  whenSized(holder, () => {
    const width = holder.clientWidth;
    const left = Math.min(190, width * 0.36);
    const x = (v) => left + v * (width - left - 18);
    const root = svg("svg", { width, height: lines.length * 26 + 26, role: "img", "aria-label": "scores of each stage" });
    for (const v of [0, 0.25, 0.5, 0.75, 1]) {
      root.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: 2, y2: lines.length * 26 + 4 }));
      root.append(svg("text", { class: "tick", x: x(v), y: lines.length * 26 + 19, "text-anchor": "middle" }, percent(v, 0)));
    }
    lines.forEach(({ run, stage }, n) => {
      const y = n * 26 + 16;
      const own = stage.eval;
      const name = data.runs.length > 1 ? `${run.name} · ${titleOf(stage.name)}` : titleOf(stage.name);
      const others = Object.keys(stage).filter((key) => key.startsWith("eval_")).map((key) => [stage[key]["pass@1"], 3, key.slice(5)]);
      const points = [[own[`pass@${own.k}`], 2, `pass@${own.k}`], [own[`maj@${own.k}`], 1, `maj@${own.k}`], [own["pass@1"], 0, "pass@1"], ...others].filter(([v]) => Number.isFinite(v));
      const places = points.map(([v]) => v);
      root.append(svg("text", { class: "name", x: left - 12, y: y + 4, "text-anchor": "end" }, plain(name, 26)));
      root.append(svg("line", { class: "span", x1: x(Math.min(...places)), x2: x(Math.max(...places)), y1: y, y2: y }));
      for (const [v, color, label] of points) root.append(shape(color, x(v), y, `${plain(label)} ${percent(v)}`));
    });
    holder.replaceChildren(root);
  });
  return el("div", { class: "drawn" }, legend, holder);
}

// Told apart by form as well as by colour.
function shape(color, x, y, title) {
  const forms = [
    () => svg("circle", { cx: x, cy: y, r: 5.5 }),
    () => svg("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }),
    () => svg("path", { d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z` }),
    () => svg("path", { d: `M${x - 5.5} ${y + 4.5}L${x + 5.5} ${y + 4.5}L${x} ${y - 5.5}Z` }),
  ];
  const node = forms[color]();
  node.setAttribute("class", `point c${color}`);
  node.append(svg("title", {}, title));
  return node;
}

function findingsPart() {
  const all = data.runs.flatMap((run, i) => run.findings.map((finding, n) => ({ run, i, finding, n })));
  const one = ({ run, finding, i, n }) =>
    el("article", { class: `finding ${finding.weight}` },
      el("h3", {}, el("span", { class: "weight" }, finding.weight), visible(finding.title)),
      el("p", { class: "quiet" }, data.runs.length > 1 && `${plain(run.name)} · `, `${plain(titleOf(finding.stage))}, from step ${finding.since}${finding.until === null ? " to the end" : ` to ${finding.until}`}`),
      el("p", {}, visible(finding.meaning)),
      Object.keys(finding.evidence).length > 0 && el("p", { class: "evidence" }, Object.entries(finding.evidence).map(([name, value]) => el("span", {}, el("code", {}, visible(name)), ` ${number(value)}`))),
      finding.overrides.length > 0 && el("p", { class: "override" }, "Try ", el("code", {}, visible(finding.overrides.join(" "))), copyButton(finding.overrides.join(" "))),
      el("button", { type: "button", class: "link", onclick: () => pickFinding(i, n) }, "Read its rollouts"),
    );
  const none = el("p", { class: "quiet" }, "Nothing was diagnosed in this run.");
  return section("findings", "Findings", null, all.length ? el("div", { class: "list" }, all.map(one)) : none);
}

function copyButton(text) {
  return el("button", { type: "button", class: "link", onclick: (event) => navigator.clipboard?.writeText(text).then(() => { event.target.textContent = "copied"; }) }, "copy");
}

function settingsPart() {
  const parts = data.runs.filter((run) => run.settings.length).map((run) => {
    const differ = run.settings.filter((row) => row[3]);
    const rest = run.settings.filter((row) => !row[3]);
    const table = (rows, withDefault) => el("div", { class: "scroll" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ["setting", "value", withDefault && "default"].filter(Boolean).map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, rows.map(([name, value, usual]) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, visible(name))), el("td", {}, visible(plain(value, 400))), withDefault && el("td", { class: "quiet" }, visible(plain(usual, 120))))))));
    const all = el("details", {}, el("summary", {}, `The other ${rest.length} settings, which have their defaults`));
    all.addEventListener("toggle", () => all.open && all.children.length === 1 && all.append(table(rest, false)));
    return el("div", {}, data.runs.length > 1 && el("h3", {}, visible(run.name)), differ.length ? table(differ, true) : el("p", { class: "quiet" }, "All settings have their defaults."), all);
  });
  return parts.length ? section("settings", "Settings", "What differs from the defaults comes first.", ...parts) : null;
}

function lineagePart() {
  const parts = data.runs.filter((run) => run.lineage.length).map((run) =>
    el("div", {},
      data.runs.length > 1 && el("h3", {}, visible(run.name)),
      el("div", { class: "scroll" }, el("table", { class: "plain" },
        el("thead", {}, el("tr", {}, ["stage", "starts from", "hash of its inputs", "leaves", "seconds"].map((h) => el("th", { scope: "col" }, h)))),
        el("tbody", {}, run.lineage.map((one) => el("tr", {},
          el("th", { scope: "row" }, visible(titleOf(one.stage))), el("td", {}, visible(one.start)), el("td", {}, el("code", {}, visible(one.inputs))),
          el("td", {}, one.done ? visible(one.weights) : el("em", {}, "not finished")), el("td", {}, one.seconds ? number(one.seconds) : "")))))),
      run.sources.length > 0 && el("details", {}, el("summary", {}, `Files that the run reads (${run.sources.length})`), el("ul", {}, run.sources.map(([file, hash]) => el("li", {}, visible(file), " ", el("code", {}, visible(hash))))))),
  );
  return parts.length ? section("lineage", "Lineage", "Each stage's initial weights and data, with the hash by which a resumed run recognises them.", ...parts) : null;
}

function notesPart() {
  const lines = [...data.notes, ...data.runs.flatMap((run) => run.notes.map((note) => (data.runs.length > 1 ? `${run.name}: ${note}` : note)))];
  return lines.length ? el("aside", { class: "notes", "aria-label": "notes" }, el("ul", {}, lines.map((line) => el("li", {}, visible(line))))) : null;
}
