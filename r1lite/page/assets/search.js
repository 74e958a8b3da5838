// Rollouts as columns, and the filter over them. A row is named by its run and its number: [run, row].

const NOTHING = { text: "", run: "", stage: "", from: "", to: "", problem: "", low: "", high: "", outcome: "", finding: "", sort: "step" };
const OUTCOMES = { right: "right", wrong: "wrong", cut: "cut off", unjudged: "without a verdict", failed: "a rule failed", timed_out: "a rule timed out", abstained: "a rule abstained", trained: "trained on", untrained: "not trained on" };
const SORTS = { step: "by step", late: "latest first", surprise: "surprising first", reward_up: "lowest reward", reward_down: "highest reward", long: "longest", short: "shortest" };

const filter = signal({ ...NOTHING });

function textAt(table, row) {
  return table.text[row];
}

// What the search looks through, in lower case; made once.
function haystack(table, row) {
  table.hay ||= new Array(table.text.length);
  if (table.hay[row] === undefined) {
    const problem = table.problems[table.problem[row]];
    const reasons = table.verdicts[row].map(([rule, , , why]) => `${table.strings[rule]} ${table.strings[why]}`).join("\n");
    table.hay[row] = `${problem.id}\n${problem.prompt}\n${table.text[row]}\n${reasons}`.toLowerCase();
  }
  return table.hay[row];
}

// What of all rows takes long to make: made while the browser has nothing else to do.
function prepare(tables) {
  for (const table of tables) {
    for (let row = 0; row < table.text.length; row++) haystack(table, row);
    rates(table);
  }
}

// The share of right rollouts in the group of each row.
function rates(table) {
  if (table.rates) return table.rates;
  const right = [];
  const all = [];
  table.group.forEach((group, row) => {
    right[group] = (right[group] || 0) + table.right[row];
    all[group] = (all[group] || 0) + 1;
  });
  table.rates = table.group.map((group) => right[group] / all[group]);
  return table.rates;
}

function hasOutcome(table, row, outcome) {
  const broken = (kinds) => table.verdicts[row].some((verdict) => kinds.includes(table.outcomes[verdict[2]]));
  switch (outcome) {
    case "": return true;
    case "right": return table.right[row] === 1;
    case "wrong": return table.right[row] === 0 && !broken(["failed", "timed_out"]);
    case "cut": return table.strings[table.finish[row]] === "length";
    case "unjudged": return broken(["failed", "timed_out"]);
    case "trained": return table.trained[row] === 1;
    case "untrained": return table.trained[row] === 0;
    default: return broken([outcome]);
  }
}

function limitsOf(f) {
  const bound = (text, usual) => (text === "" || Number.isNaN(Number(text)) ? usual : Number(text));
  const limits = { from: bound(f.from, -Infinity), to: bound(f.to, Infinity), low: bound(f.low, -Infinity), high: bound(f.high, Infinity), stage: f.stage, run: f.run };
  if (f.finding === "") return limits;
  const [run, n] = f.finding.split("/").map(Number);
  const finding = data.runs[run]?.findings[n];
  if (!finding) return limits;
  return { ...limits, run: String(run), stage: finding.stage, from: Math.max(limits.from, finding.since), to: Math.min(limits.to, finding.until ?? Infinity) };
}

function search(tables, f) {
  const limits = limitsOf(f);
  const words = f.text.toLowerCase();
  const wanted = f.problem.toLowerCase();
  const found = [];
  tables.forEach((table, run) => {
    if (limits.run !== "" && limits.run !== String(run)) return;
    const stage = limits.stage === "" ? -1 : table.strings.indexOf(limits.stage);
    const ids = wanted && table.problems.map((p) => p.id.toLowerCase().includes(wanted));
    for (let row = 0; row < table.text.length; row++) {
      if (limits.stage !== "" && table.stage[row] !== stage) continue;
      const step = table.step[row];
      if (step < limits.from || step > limits.to) continue;
      const reward = table.reward[row];
      if (reward === null ? limits.low !== -Infinity || limits.high !== Infinity : reward < limits.low || reward > limits.high) continue;
      if (wanted && !ids[table.problem[row]]) continue;
      if (!hasOutcome(table, row, f.outcome)) continue;
      if (words && !haystack(table, row).includes(words)) continue;
      found.push([run, row]);
    }
  });
  return sorted(tables, found, f.sort);
}

function sorted(tables, found, by) {
  const key = {
    late: (t, r) => -t.step[r],
    surprise: (t, r) => -Math.abs(t.right[r] - rates(t)[r]),
    reward_up: (t, r) => t.reward[r] ?? Infinity,
    reward_down: (t, r) => -(t.reward[r] ?? -Infinity),
    long: (t, r) => -(t.text[r].length + (t.cut[r] ? t.cut[r][1] : 0)),
    short: (t, r) => t.text[r].length,
  }[by];
  if (!key) return found;
  const keys = new Map(found.map((one) => [one, key(tables[one[0]], one[1])]));
  return found.sort((a, b) => keys.get(a) - keys.get(b));
}
