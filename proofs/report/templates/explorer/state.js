// What the reader has chosen, kept in the address of the page.

const steps = [
  0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65,
  0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1,
];

const carries = [0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1];

const calm = 64; // features at a time, to begin with

/** Return the choices that the page begins with. */
function firstChoices(graph, digits) {
  const few = (threshold) =>
    [...shownAt(graph, threshold).nodes].filter((node) => node.kind === "feature").length <= calm;
  return {
    threshold: steps.find(few) ?? steps[steps.length - 1],
    carry: 0.8,
    edges: "digit",
    digit: digits.indices[0],
    ink: null,
    label: null,
    against: "next",
    layer: graph.depth,
    node: null,
    off: new Set(),
    scaled: new Map(), // factors by node
    names: new Map(), // of the reader's own, by node
    pinned: new Map(), // groups by node; "" is none
  };
}

/** Return a text as an address keeps it beside others. */
function plainText(text) {
  return text.replaceAll(/[~:]/g, " ").trim().slice(0, 60);
}

/** Read what an address says of single nodes; what is no node or has no sense is left out. */
function byNode(text, graph, read) {
  const found = new Map();
  for (const entry of (text ?? "").split("~")) {
    const [key, said = ""] = entry.split(":");
    const node = graph.byKey.get(key);
    const value = node && !isConstant(node) ? read(said, node) : null;
    if (value !== null) found.set(key, value);
  }
  return found;
}

/** Return the factor that a node is scaled by, if it can be. */
function factorIn(said, node) {
  const factor = said === "" ? NaN : Number(said);
  return Number.isFinite(factor) && Math.abs(factor) <= 100 && canBeSwitchedOff(node) ? factor : null;
}

/** Read choices from the address; what it does not say, or says wrongly, is as in the beginning. */
function choicesIn(address, first, graph, digits) {
  const said = new URLSearchParams(address.replace(/^#/, ""));
  const chosen = {
    ...first,
    off: new Set(),
    scaled: byNode(said.get("scaled"), graph, factorIn),
    names: byNode(said.get("names"), graph, (text) => plainText(text) || null),
    pinned: byNode(said.get("pinned"), graph, plainText),
  };
  const number = (name, allowed) => {
    const value = said.has(name) && said.get(name) !== "" ? Number(said.get(name)) : NaN;
    if (allowed(value)) chosen[name] = value;
  };
  const isClass = (value) => Number.isInteger(value) && value >= 0 && value < graph.logits.length;
  number("threshold", (value) => steps.includes(value));
  number("carry", (value) => carries.includes(value));
  number("digit", (value) => digits.places.has(value));
  number("layer", (value) => Number.isInteger(value) && value >= 1 && value <= graph.depth);
  number("label", isClass);
  number("against", (value) => isClass(value) && value !== chosen.label);
  const ink = said.get("ink");
  if (ink && canBeDrawn(digits.shape) && inkBytes(ink, digits.pixels[0].length)) {
    chosen.ink = ink;
  }
  if (said.get("against") === "none") chosen.against = null;
  if (["digit", "weights"].includes(said.get("edges"))) chosen.edges = said.get("edges");
  if (graph.byKey.has(said.get("node")) || said.get("node") === leftOut) chosen.node = said.get("node");
  for (const key of (said.get("off") ?? "").split(",")) {
    if (graph.byKey.has(key) && canBeSwitchedOff(graph.byKey.get(key))) chosen.off.add(key);
  }
  return chosen;
}

/** Write choices as an address; those of the beginning go without saying. */
function addressOf(chosen, first) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(chosen)) {
    if (value instanceof Set) {
      if (value.size) said.set(name, [...value].sort().join(","));
    } else if (value instanceof Map) {
      const entries = [...value].map(([key, text]) => `${key}:${text}`);
      if (value.size) said.set(name, entries.sort().join("~"));
    } else if (value !== first[name]) said.set(name, String(value ?? "none"));
  }
  return `#${said.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}
