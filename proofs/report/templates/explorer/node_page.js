// The page of a node: what it looks for, what it reads, who reads it.

function nodePage(node, known) {
  const { data, digits, pictures, shown, pass, chosen, act } = known;
  const size = digits.shape;
  const off = pass.off.has(node.key);
  const close = element(
    "button",
    { type: "button", class: "close", "aria-label": "close", click: act.close },
    "×",
  );
  const parts = [
    element("header", {}, element("h3", { tabindex: "-1" }, capital(nameOf(node))), close),
    looks(node, pictures, size),
    element("p", { class: "formula" }, formulaOf(node)),
    meaning(node, pass, size),
    undetermined(node),
    ...ownWords(node, known),
  ];
  if (!shown.nodes.has(node)) parts.push(tooWeak(node, act));
  if (canBeSwitchedOff(node)) {
    const turn = () => act.toggle(node);
    parts.push(
      element(
        "button",
        { type: "button", class: "switch", "aria-pressed": String(off), click: turn },
        off ? "Switch on again" : "Switch off",
      ),
      scaling(node, known),
    );
  }
  parts.push(...here(node, known));
  if (!isConstant(node)) parts.push(...classMeans(node, known), ...histogram(node, pass, known));
  if (node.spectrum) parts.push(...spectrum(node));
  parts.push(...examples(node, known));
  parts.push(...edgeList("Reads", node.incoming, "source", pass, chosen, act));
  parts.push(...edgeList("Is read by", node.outgoing, "target", pass, chosen, act));
  parts.push(...claimsOn(data), inPython(node, chosen.scaled.get(node.key)));
  return parts.filter((part) => part !== null);
}

function tooWeak(node, act) {
  const show = () => act.reveal(node);
  return element(
    "p",
    { class: "small" },
    "It is too weak to be among what the graph shows. ",
    element("button", { type: "button", class: "link", click: show }, "Show more"),
  );
}

function looks(node, pictures, size) {
  if (isConstant(node)) return null;
  if (!node.patterns) {
    const label = `the ${size.part}s that ${nameOf(node)} reads`;
    const drawn = signedPicture(node.direction.subarray(1), size, label);
    const norm = node.direction.reduce((sum, weight) => sum + weight * weight, 0);
    const words =
      `Red and blue ${size.part}s are read with opposite signs; the square forgets which. Its ` +
      `spectrum is one eigenvalue, |d|² = ${short(norm)}.`;
    const list = namedInputs(node.direction.subarray(1), size);
    return element("div", { class: "looks" }, drawn, element("div", {}, element("p", {}, words), list));
  }
  const drawn = node.patterns.map(([sign, row]) => {
    const words = sign > 0 ? "adds most" : "takes most away";
    const label = `the pattern that ${words}`;
    return element(
      "figure",
      {},
      signedPicture(pictures[row], size, label),
      namedInputs(Float64Array.from(pictures[row], (part) => part / 127), size),
      element("figcaption", { class: sign > 0 ? "positive" : "negative" }, words),
    );
  });
  return element("div", { class: "looks" }, ...drawn);
}

function meaning(node, pass, size) {
  const value = exactly(pass.values[node.place], short(pass.values[node.place], 4));
  const [least, most] = node.range.map((end) => short(end));
  const where = node.direction
    ? `x̃ is 1 and the ${size.part}s after it, d the picture and ${short(node.direction[0])} for the 1. `
    : "";
  return element(
    "p",
    { class: "small" },
    `${where}On this ${size.noun} `,
    value,
    `; on all test ${size.noun}s from ${least} to ${most}.`,
  );
}

/** Draw the eigenvalues of a node's quadratic form, the largest in size first. */
function spectrum(node) {
  const largest = Math.abs(node.spectrum[0] ?? 0) || 1;
  const bars = node.spectrum.map((value) => {
    const made = element("i", { class: value < 0 ? "negative" : "positive", title: short(value) });
    made.style.height = `${((50 * Math.abs(value)) / largest).toFixed(1)}%`;
    made.style[value < 0 ? "top" : "bottom"] = "50%";
    return element("span", {}, made);
  });
  const what = node.kind === "feature" ? "what it reads" : "its quadratic form";
  const ends = node.spectrum.length ? `, ${signed(node.spectrum[0])} the largest in size` : "";
  return [
    element("h4", {}, "Spectrum"),
    element("div", { class: "spectrum", role: "img", "aria-label": `eigenvalues${ends}` }, ...bars),
    element(
      "p",
      { class: "small" },
      `Eigenvalues of ${what}: ${node.spectrum.length} of ${node.rank}${ends}.`,
    ),
  ];
}

/** Say with which other nodes only the span of this one is determined. */
function undetermined(node) {
  if (!node.undetermined) return null;
  const others = node.undetermined.map((index) => `${node.kind} ${index}`).join(", ");
  return element(
    "p",
    { class: "small", id: "undetermined" },
    `Only what it spans together with ${others} is determined: another basis of that would do as well.`,
  );
}

/** Show where on this image the node's value, and its share of the answer, come from. */
function here(node, { graph, digits, pass, shares }) {
  if (isConstant(node)) return [];
  const { shape } = digits;
  const value = pixelsOf(graph, pass, node, 1);
  const share = pixelsOf(graph, pass, node, shares.amounts[node.place]);
  const figure = (pixels, words) =>
    element(
      "figure",
      {},
      placePicture(pixels, pass.pixels, shape, words),
      namedInputs(pixels, shape),
      element("figcaption", {}, words),
    );
  return [
    element("h4", {}, `On this ${shape.noun}`),
    element(
      "div",
      { class: "here" },
      figure(value, `where its value ${short(pass.values[node.place])} comes from`),
      figure(share, `its share ${signed(shares.nodes[node.place])} of ${aim(shares, digits)}`),
    ),
  ];
}

function edgeList(title, edges, end, pass, chosen, act) {
  if (edges.length === 0) return [];
  const live = chosen.edges === "digit";
  const rows = edges.map((edge) => ({
    node: edge[end],
    amount: live ? contribution(edge, pass) : edge.weight,
    note: live
      ? `weight ${short(edge.weight)}`
      : `${Math.round(100 * edge.strength)} % of the strongest`,
  }));
  const scale = Math.max(...rows.map((row) => Math.abs(row.amount))) || 1;
  const what = live ? "what each edge adds here" : "weights";
  return [
    element("h4", {}, `${title} ${counted(edges.length, "node")}`),
    element("p", { class: "small" }, capital(what)),
    nodeList(rows, { scale, act }),
  ];
}

function claimsOn(data) {
  if (data.claims.length === 0) return [];
  const lines = data.claims.map((claim) =>
    element(
      "li",
      {},
      element("b", { class: claim.holds ? "holds" : "fails" }, claim.level),
      ` ${claim.statement}${claim.holds ? "" : " This fails."}`,
    ),
  );
  return [
    element("h4", {}, "Claims"),
    element(
      "p",
      { class: "small" },
      "No claim is about this node alone; these are about its graph.",
    ),
    element("ul", { class: "claims" }, ...lines),
  ];
}

function inPython(node, factor) {
  const numbers = node.key.split("-").slice(1).join(", ");
  const name = `("${node.kind}", ${numbers})`;
  const cut = factor === undefined ? `ablate(graph, ${name})` : `scale(graph, ${name}, ${factor})`;
  const words = canBeSwitchedOff(node) ? cut : `graph.in_edges(${name})`;
  return element("p", { class: "small" }, "In Python ", element("code", {}, words));
}
