// Elements, text and numbers. Text of a run reaches the page through `textContent` alone.

const SVG = "http://www.w3.org/2000/svg";

function put(node, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  return put(node, children);
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, String(value));
  return put(node, children);
}

// Characters that have no shape, or that change the order of others: shown by their number, never obeyed.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f" +
    "\\u3164\\ufe00-\\ufe0e\\ufeff\\ufff9-\\ufffb]|\\udb40[\\udc00-\\udfff]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]",
  "g",
);

// A text as nodes in which every hidden character can be seen.
function visible(text) {
  const parts = document.createDocumentFragment();
  let at = 0;
  for (const match of String(text).matchAll(HIDDEN)) {
    parts.append(text.slice(at, match.index));
    const number = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    parts.append(el("span", { class: "hidden-character", title: "a character that cannot be seen" }, `U+${number}`));
    at = match.index + match[0].length;
  }
  parts.append(String(text).slice(at));
  return parts;
}

// The same for places that hold no elements: options, titles, labels.
function plain(text, limit = 200) {
  const safe = String(text).slice(0, limit).replace(HIDDEN, (c) => `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  return String(text).length > limit ? `${safe}…` : safe;
}

function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

const count = (value) => Number(value).toLocaleString("en");
const percent = (value, digits = 1) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)}%`);

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${number(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const isShare = (unit) => /share/.test(unit || "");

// A value that parts of the page follow: the step pointed at, the chosen stage, the filter.
function signal(value) {
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const follower of followers) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

async function unpacked(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function section(id, title, note, ...children) {
  return el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), note && el("p", { class: "note" }, note), ...children);
}
