// The page of a digit: what the network and the graph say of it, and what that is made of.

function digitPage(known) {
  const { data, digits, pass, whole, chosen, shares, act, graph } = known;
  const place = digits.places.get(chosen.digit);
  const outputs = chosen.ink ? null : digits.outputs[place];
  const { noun } = digits.shape;
  const title = chosen.ink ? `Your ${noun}` : `Test ${noun} ${chosen.digit}`;
  return [
    element("header", {}, element("h3", { tabindex: "-1" }, title)),
    looksOf(known, place),
    ...editing(known),
    facts(data, digits, place, outputs, pass, whole),
    ...explanation(known),
    ...pins(known),
    ...storyOf(known),
    ...nearestInput(known),
    ...nearestDigit(known),
    ...logitTable(pass, whole, outputs, act, graph, digits),
  ];
}

/** Show the image, where its answer comes from, and what would make it another class. */
function looksOf(known, place) {
  const { digits, pass, shares, chosen } = known;
  const { shape } = digits;
  const labelled = `labelled ${digits.called(digits.labels[place])}`;
  const label = chosen.ink ? `drawn over ${shape.noun} ${chosen.digit}` : labelled;
  const near = shape.names ? null : nearOf(known);
  const figure = (canvas, words, numbers) =>
    element("figure", {}, canvas, namedInputs(numbers, shape), element("figcaption", {}, words));
  const towards = near && `towards ${digits.called(near.reached)}: red is added`;
  return element(
    "div",
    { class: near ? "looks three" : "looks" },
    figure(digitPicture(pass.pixels, shape, `the ${shape.noun}, ${label}`), label, pass.pixels),
    figure(
      signedPicture(shares.pixels, shape, `the share of each ${shape.part}`),
      `${shape.part}s, for ${aim(shares, digits)}`,
      shares.pixels,
    ),
    near && figure(signedPicture(near.step, shape, "the step to another class"), towards, near.step),
  );
}

function aim({ label, against }, { called }) {
  return against === null ? called(label) : `${called(label)} over ${called(against)}`;
}

function facts(data, digits, place, outputs, pass, whole) {
  const says = (logits) => {
    const label = predicted([...logits]);
    const side = label === digits.labels[place] ? "holds" : "fails";
    return element("b", { class: outputs ? side : null }, digits.called(label));
  };
  const changed = predicted(pass.logits) !== predicted(whole.logits);
  const rows = [
    ["network says", outputs ? [says(outputs)] : [unknown(digits)]],
    ["graph says", [says(pass.logits), changed ? `, with all on ${digits.called(predicted(whole.logits))}` : ""]],
    ...(outputs ? [["radius", radius(data.digits, place)]] : []),
  ];
  const list = rows.flatMap(([name, values]) => [
    element("dt", {}, name),
    element("dd", {}, ...values),
  ]);
  return element("dl", { class: "facts" }, ...list);
}

function unknown({ shape: { noun } }) {
  const words = `not known: this page has the graph, and of the network what it says of test ${noun}s`;
  return element("span", { class: "small" }, words);
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
    ? " to the nearest input of another class, computed and rounded down"
    : " within which no input has another class; the nearest may lie further away";
  return [exactly(found, found.toFixed(4)), small(`${words}. bilinear certify proves it`)];
}

function explanation(known) {
  const { graph, digits, pass, shares, chosen, act } = known;
  const features = graph.nodes.filter(
    (node) => node.kind === "feature" && node.layer === chosen.layer,
  );
  const picture = (node) => () => {
    const pixels = pixelsOf(graph, pass, node, shares.amounts[node.place]);
    return placePicture(pixels, pass.pixels, digits.shape);
  };
  const rows = features.map((node) => {
    const note = mostOn(node, digits);
    return { node, amount: shares.nodes[node.place], picture: picture(node), note };
  });
  const given = rows.reduce((sum, row) => sum + row.amount, 0);
  const scale = Math.max(...rows.map((row) => Math.abs(row.amount))) || 1;
  const around = shares.total - given;
  const rest = Math.abs(around) > 1e-9 * scale ? restRow(around, scale) : null;
  return [
    element("h4", {}, "What it is made of"),
    element("div", { class: "choose" }, ...choosers(known)),
    element(
      "p",
      { class: "small" },
      `A feature, what it reads, the ${digits.shape.part}s of its share here, and the share; below it ` +
        "the classes on which its value is largest on average.",
    ),
    nodeList(rows, { scale, act, rest, name: "made" }),
    element(
      "p",
      { class: "small total" },
      `Exact shares, which sum to ${chosen.against === null ? "the logit" : "the lead"}, `,
      exactly(shares.total, short(shares.total, 4)),
      ".",
    ),
  ];
}

function choosers({ graph, digits: { called }, whole, shares, chosen, act }) {
  const classes = graph.logits.map((_, label) => label);
  const best = predicted(whole.logits);
  const labels = [["", `the logit of ${called(best)}, the largest`]];
  labels.push(...classes.map((label) => [String(label), `the logit of ${called(label)}`]));
  const others = classes.filter((label) => label !== shares.label);
  const { against: next } = questionOf(whole, { label: chosen.label, against: "next" });
  const againsts = [["none", "as it is"], ...others.map((label) => [String(label), `over ${called(label)}`])];
  if (next !== null) againsts.unshift(["next", `over ${called(next)}, the runner-up`]);
  const layers = Array.from({ length: graph.depth }, (_, place) => {
    return [String(place + 1), `by feature of layer ${place + 1}`];
  });
  const read = (value) => (value === "" ? null : Number(value));
  const text = (value) => (value === null ? "" : String(value));
  return [
    chooser("label", "what is explained", labels, text(chosen.label), (value) =>
      act.step({ label: read(value), against: "next" }),
    ),
    chooser("against", "against what", againsts, String(chosen.against ?? "none"), (value) =>
      act.step({ against: value === "next" ? value : value === "none" ? null : Number(value) }),
    ),
    chooser("layer", "which features", layers, String(chosen.layer), (value) =>
      act.step({ layer: Number(value) }),
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
  const someOff = isChanged(pass);
  const head = ["", "graph", someOff ? "change" : null, outputs ? "network" : null].filter(
    (text) => text !== null,
  );
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
      outputs ? element("td", {}, exactly(outputs[label], level(outputs[label]))) : null,
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
