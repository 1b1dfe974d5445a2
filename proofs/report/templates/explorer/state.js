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
    label: null,
    against: "next",
    layer: graph.depth,
    node: null,
    off: new Set(),
  };
}

/** Read choices from the address; what it does not say, or says wrongly, is as in the beginning. */
function choicesIn(address, first, graph, digits) {
  const said = new URLSearchParams(address.replace(/^#/, ""));
  const chosen = { ...first, off: new Set() };
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
  if (said.get("against") === "none") chosen.against = null;
  if (["digit", "weights"].includes(said.get("edges"))) chosen.edges = said.get("edges");
  if (graph.byKey.has(said.get("node"))) chosen.node = said.get("node");
  for (const key of (said.get("off") ?? "").split(",")) {
    if (graph.byKey.has(key) && canBeSwitchedOff(graph.byKey.get(key))) chosen.off.add(key);
  }
  return chosen;
}

/** Write choices as an address; those of the beginning go without saying. */
function addressOf(chosen, first) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(chosen)) {
    if (name === "off" ? value.size : value !== first[name]) {
      said.set(name, name === "off" ? [...value].sort().join(",") : String(value ?? "none"));
    }
  }
  return `#${said.toString().replaceAll("%2C", ",")}`;
}
