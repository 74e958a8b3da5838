// Reads the data, draws the page, and asks for news if it is served.

let data = JSON.parse(document.getElementById("overview").textContent);
let tables = [];
const shown = signal(new Set(data.runs.map((_, i) => i))); // the runs in the charts
let stage = null;

function stagesWithCurves() {
  return [...new Set(data.runs.flatMap((run) => run.stages.map((s) => s.name).filter((name) => run.metrics[name])))];
}

function trainingPart() {
  const stages = stagesWithCurves();
  if (!stages.length) return null;
  if (!stages.includes(stage)) stage = stages.find((name) => /^rl/.test(name)) || stages[0];
  const body = el("div", {});
  const tabs = el("div", { class: "tabs", role: "tablist" });
  const choose = (name) => {
    stage = name;
    tabs.querySelectorAll("button").forEach((tab) => tab.setAttribute("aria-selected", String(tab.value === name)));
    body.replaceChildren(...training(name));
  };
  for (const name of stages) tabs.append(el("button", { type: "button", role: "tab", value: name, onclick: () => choose(name) }, plain(titleOf(name), 40)));
  const note = "Point at a title to learn what it means and what is healthy, and at a curve to read its values; click on a step to read its rollouts.";
  choose(stage);
  return section("training", "Training", note, tabs, body);
}

function problemsPart() {
  const maps = data.runs.flatMap((run, i) => (shown.get().has(i) ? Object.entries(run.heat).map(([name, heat]) => ({ run, i, name, heat })) : []));
  if (!maps.length) return null;
  const one = ({ run, i, name, heat }) => {
    const byProblem = heat.by === "problem";
    const rows = byProblem ? heat.rows : heat.rows.map((r) => `group ${r} from the hardest`);
    const text = byProblem ? `Each line is a problem, the hardest on top${heat.left_out ? `; ${count(heat.left_out)} others are left out` : ""}.` : "Hardly any problem comes twice, so each column has the step's groups in the order of their pass rates.";
    const pick = (row, step) => setFilter({ run: data.runs.length > 1 ? String(i) : "", stage: name, from: String(step), to: String(step), problem: byProblem ? heat.rows[row] : "" });
    return el("figure", { class: "card wide" },
      el("figcaption", {}, el("span", { class: "title" }, `${data.runs.length > 1 ? `${plain(run.name)} · ` : ""}${plain(titleOf(name))}: pass rate by ${byProblem ? "problem" : "group"} and step`), el("span", { class: "unit" }, "0% ", el("span", { class: "ramp" }), " 100%")),
      heatMap({ rows, columns: heat.steps, cells: heat.cells, label: "pass rates by problem and step", pick }),
      el("p", { class: "quiet" }, `Columns are steps ${heat.steps[0]} to ${heat.steps[heat.steps.length - 1]}. ${text}`));
  };
  return section("problems", "Problems", null, ...maps.map(one));
}

function setFilter(changes) {
  filter.set({ ...NOTHING, ...changes });
  redrawFilters();
  document.getElementById("rollouts").scrollIntoView({ behavior: "smooth" });
}

const pickStep = (name, step) => setFilter({ stage: name, from: String(step), to: String(step), sort: "surprise" });
const pickFinding = (run, n) => setFilter({ finding: `${run}/${n}`, sort: "surprise" });

function render() {
  document.title = `${data.runs.map((run) => plain(run.name, 40)).join(", ")} · r1lite`;
  const parts = [head(), ...verdicts(), notesPart(), results(), findingsPart(), trainingPart(), problemsPart(), rolloutsPart(), settingsPart(), lineagePart(), foot()];
  document.getElementById("page").replaceChildren(...parts.filter(Boolean));
}

function foot() {
  return el("footer", {}, data.live ? el("span", { id: "live" }, "live: read from the run directory as it grows") : `Made by r1lite ${plain(data.version)}. This file reads nothing else and sends nothing.`);
}

function replace(id, node) {
  const old = document.getElementById(id);
  if (old && node) old.replaceWith(node);
}

shown.follow(() => {
  replace("training", trainingPart());
  replace("problems", problemsPart());
});

async function embedded() {
  const text = document.getElementById("rollouts").textContent;
  return text ? unpacked(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))) : [];
}

// What a live page does not disturb: the reader's scroll position, filter, choice and open rollout.
async function refresh(tags) {
  const fresh = async (name) => {
    const answer = await fetch(name, { headers: tags[name] ? { "If-None-Match": tags[name] } : {}, cache: "no-store" });
    if (answer.status === 304) return null;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    tags[name] = answer.headers.get("ETag");
    return answer.json();
  };
  const [overview, rollouts] = [await fresh("overview"), await fresh("rollouts")];
  if (rollouts) tables = rollouts;
  if (overview) data = { ...overview, live: true };
  if (overview || rollouts) redraw(Boolean(rollouts));
}

function redraw(withRollouts) {
  const at = window.scrollY;
  const busy = document.activeElement?.closest("#rollouts, #training");
  const kept = document.getElementById("rollouts");
  if (!document.querySelector(".verdict")) render();
  else {
    document.querySelectorAll(".verdict").forEach((node, i) => i && node.remove());
    document.querySelector(".verdict").replaceWith(...verdicts());
    replace("results", results());
    replace("findings", findingsPart());
    if (!document.getElementById("training")) return render();
    if (!(busy && busy.id === "training")) replace("training", trainingPart());
    replace("problems", problemsPart());
    if (withRollouts && kept && !kept.contains(document.activeElement)) explorer.show();
  }
  window.scrollTo({ top: at });
  return undefined;
}

async function live() {
  const tags = {};
  const state = () => document.getElementById("live");
  for (;;) {
    try {
      await refresh(tags);
      if (state()) state().textContent = `live: read from the run directory at ${new Date().toLocaleTimeString()}`;
    } catch (error) {
      if (state()) state().textContent = "the server does not answer: this is the last that it said";
    }
    await new Promise((resume) => setTimeout(resume, document.hidden ? 10000 : 2000));
  }
}

(async () => {
  tables = await embedded();
  render();
  document.documentElement.dataset.ready = "true";
  setTimeout(() => prepare(tables), 50);
  if (data.live) live();
})();
