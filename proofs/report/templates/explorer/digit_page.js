// The page of a digit: what the network and the graph say of it, and what that is made of.

function digitPage({ graph, data, digits, pass, whole, shares, chosen, act }) {
  const place = digits.places.get(chosen.digit);
  const outputs = digits.outputs[place];
  return [
    element("header", {}, element("h3", { tabindex: "-1" }, `Test ${digits.shape.noun} ${chosen.digit}`)),
    pair(digits, place, shares),
    facts(data, digits, place, outputs, pass, whole),
    ...explanation(graph, digits, pass, shares, chosen, act),
    ...logitTable(pass, whole, outputs, act, graph, digits),
  ];
}

function pair(digits, place, shares) {
  const { shape } = digits;
  const label = `labelled ${digits.called(digits.labels[place])}`;
  return element(
    "div",
    { class: "looks" },
    element(
      "figure",
      {},
      digitPicture(digits.pixels[place], shape, `the ${shape.noun}, ${label}`),
      namedInputs(digits.pixels[place], shape),
      element("figcaption", {}, label),
    ),
    element(
      "figure",
      {},
      signedPicture([...shares.pixels], shape, `the share of each ${shape.part}`),
      namedInputs(shares.pixels, shape),
      element("figcaption", {}, `${shape.part}s, for ${aim(shares, digits)}`),
    ),
  );
}

function aim({ label, against }, { called }) {
  return against === null ? called(label) : `${called(label)} over ${called(against)}`;
}

function facts(data, digits, place, outputs, pass, whole) {
  const says = (logits) => {
    const label = predicted([...logits]);
    const right = label === digits.labels[place];
    return element("b", { class: right ? "holds" : "fails" }, digits.called(label));
  };
  const changed = predicted(pass.logits) !== predicted(whole.logits);
  const rows = [
    ["network says", [says(outputs)]],
    ["graph says", [says(pass.logits), changed ? `, with all on ${digits.called(predicted(whole.logits))}` : ""]],
    ["radius", radius(data.digits, place)],
  ];
  const list = rows.flatMap(([name, values]) => [
    element("dt", {}, name),
    element("dd", {}, ...values),
  ]);
  return element("dl", { class: "facts" }, ...list);
}

/** Say how far the digit can be moved before the network may change its mind. */
function radius({ radii: { exact, values }, shape: { noun } }, place) {
  const found = values[place];
  const small = (text) => element("span", { class: "small" }, text);
  if (found === undefined) {
    const held = `in this page, ${counts.format(values.length)} ${noun}s have one`;
    return ["not computed", small(` for this ${noun}; ${held}`)];
  }
  if (found === null) return ["none needed", small(" no input anywhere has another class")];
  if (found === 0) return ["none", small(" its class leads by too little to be sure of")];
  const words = exact
    ? " is how far the nearest input of another class lies, computed and rounded down"
    : ": no nearer input gets another class from the network; the nearest one may lie further away";
  const proof = ". The command bilinear certify proves such distances";
  return [exactly(found, found.toFixed(4)), small(words + proof)];
}

function explanation(graph, digits, pass, shares, chosen, act) {
  const features = graph.nodes.filter(
    (node) => node.kind === "feature" && node.layer === chosen.layer,
  );
  const rows = features.map((node) => ({ node, amount: shares.nodes[node.place] }));
  const given = rows.reduce((sum, row) => sum + row.amount, 0);
  const scale = Math.max(...rows.map((row) => Math.abs(row.amount))) || 1;
  const around = shares.total - given;
  const rest = [
    element("span", { class: "what" }, "around them: constants, linear parts "),
    bar(around / scale),
    element("span", { class: "number" }, signed(around)),
  ];
  return [
    element("h4", {}, "What it is made of"),
    element("div", { class: "choose" }, ...choosers(graph, digits, pass, shares, chosen, act)),
    nodeList(rows, { scale, act, rest: Math.abs(around) > 1e-9 * scale ? rest : null }),
    element(
      "p",
      { class: "small" },
      `Exact shares, which sum to ${chosen.against === null ? "the logit" : "the lead"}, `,
      exactly(shares.total, short(shares.total, 4)),
      ".",
    ),
  ];
}

function choosers(graph, { called }, pass, shares, chosen, act) {
  const classes = graph.logits.map((_, label) => label);
  const best = predicted(pass.logits);
  const labels = [["", `the logit of ${called(best)}, the largest`]];
  labels.push(...classes.map((label) => [String(label), `the logit of ${called(label)}`]));
  const others = classes.filter((label) => label !== shares.label);
  const { against: next } = questionOf(pass, { label: chosen.label, against: "next" });
  const againsts = [["none", "as it is"], ...others.map((label) => [String(label), `over ${called(label)}`])];
  if (next !== null) againsts.unshift(["next", `over ${called(next)}, the runner-up`]);
  const layers = Array.from({ length: graph.depth }, (_, place) => {
    return [String(place + 1), `by feature of layer ${place + 1}`];
  });
  const read = (value) => (value === "" ? null : Number(value));
  const text = (value) => (value === null ? "" : String(value));
  return [
    chooser("label", "what is explained", labels, text(chosen.label), (value) =>
      act.choose({ label: read(value), against: "next" }),
    ),
    chooser("against", "against what", againsts, String(chosen.against ?? "none"), (value) =>
      act.choose({ against: value === "next" ? value : value === "none" ? null : Number(value) }),
    ),
    chooser("layer", "which features", layers, String(chosen.layer), (value) =>
      act.choose({ layer: Number(value) }),
    ),
  ];
}

function chooser(id, label, options, value, change) {
  const made = options.map(([key, text]) =>
    element("option", { value: key, selected: key === value }, text),
  );
  const listener = (event) => change(event.target.value);
  return element("select", { id, "aria-label": label, change: listener }, ...made);
}

function logitTable(pass, whole, outputs, act, graph, { called }) {
  const someOff = pass.off.size > 0;
  const head = ["", "graph", someOff ? "change" : null, "network"].filter((text) => text !== null);
  const rows = pass.logits.map((logit, label) => {
    const change = logit - whole.logits[label];
    const name = graph.logits[label]
      ? element(
          "button",
          { type: "button", class: "link", click: () => act.open(graph.logits[label]) },
          called(label),
        )
      : called(label);
    const cells = [
      element("td", { "data-logit": String(label) }, exactly(logit, level(logit))),
      someOff ? element("td", { class: sideOf(change) }, exactly(change, signed(change))) : null,
      element("td", {}, exactly(outputs[label], level(outputs[label]))),
    ];
    const best = predicted(pass.logits) === label;
    return element(
      "tr",
      { class: best ? "winner" : null },
      element("th", { scope: "row" }, name),
      ...cells.filter(Boolean),
    );
  });
  return [
    element("h4", {}, "Logits"),
    element(
      "table",
      { class: "logits" },
      element(
        "thead",
        {},
        element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))),
      ),
      element("tbody", {}, ...rows),
    ),
  ];
}

function sideOf(number) {
  if (number === 0) return "none";
  return number < 0 ? "negative" : "positive";
}
