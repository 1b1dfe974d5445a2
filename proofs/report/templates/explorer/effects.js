// What switching off and scaling do, and what the graph leaves out of the network.

const leftOut = "residual"; // the node that stands for it

/** Say in a line what the changes do to what is explained. */
function effectWords({ graph, digits, pass, whole, shares }) {
  const changes = [
    ...[...pass.off].map((key) => `${shortName(graph.byKey.get(key))} off`),
    ...[...pass.scaled].map(([key, by]) => `${shortName(graph.byKey.get(key))} times ${short(by)}`),
  ];
  if (changes.length === 0) return [];
  const { called } = digits;
  const { label, against } = shares;
  const of = ({ logits }) => logits[label] - (against === null ? 0 : logits[against]);
  const what = against === null ? `the logit of ${called(label)}` : `the lead of ${aim(shares, digits)}`;
  const [before, after] = [predicted(whole.logits), predicted(pass.logits)];
  const many = changes.length > 3 ? `${changes.length} changes` : changes.join(", ");
  return [
    `With ${many}: ${what} goes from `,
    exactly(of(whole)),
    " to ",
    exactly(of(pass)),
    before === after
      ? `; the graph still says ${called(after)}.`
      : `; the graph says ${called(after)} instead of ${called(before)}.`,
  ];
}

function isChanged(pass) {
  return pass.off.size + pass.scaled.size > 0;
}

/** Return the slider that multiplies what a node gives. */
function scaling(node, { chosen, act }) {
  if (!canBeSwitchedOff(node) || chosen.off.has(node.key)) return null;
  const factor = chosen.scaled.get(node.key) ?? 1;
  const output = element("output", { for: "scale" }, `× ${factor.toFixed(1)}`);
  const read = (event) => {
    output.textContent = `× ${Number(event.target.value).toFixed(1)}`;
    const value = Number(event.target.value);
    return value === 1 ? null : value;
  };
  return element(
    "label",
    { class: "scaling" },
    "Scale what it gives ",
    element("input", {
      type: "range",
      id: "scale",
      min: "-2",
      max: "4",
      step: "0.1",
      value: String(factor),
      input: (event) => act.set("scaled", node, read(event), { panel: false }),
      change: (event) => act.set("scaled", node, read(event)),
    }),
    output,
  );
}

/** Return by logit what the network has beside the graph; of an image of the reader's own, nothing. */
function residuals({ digits, whole, chosen }) {
  if (chosen.ink) return null;
  const outputs = digits.outputs[digits.places.get(chosen.digit)];
  return Array.from(outputs, (output, label) => output - whole.logits[label]);
}

/** Return what of the residuals goes to what is explained. */
function residualShare(left, { label, against }) {
  return left[label] - (against === null ? 0 : left[against]);
}

/** The page of what the graph leaves out. */
function residualPage(known) {
  const { digits, whole, shares, act } = known;
  const left = residuals(known);
  const close = element(
    "button",
    { type: "button", class: "close", "aria-label": "close", click: act.close },
    "×",
  );
  const { noun } = digits.shape;
  const head = element("header", {}, element("h3", { tabindex: "-1" }, "What the graph leaves out"), close);
  if (!left) return [head, element("p", {}, `Not known of an ${noun} of your own.`)];
  const limit = limitOf(left);
  const rows = left.map((part, label) =>
    element(
      "li",
      {},
      element("span", { class: "what" }, digits.called(label)),
      bar(part / limit),
      element("span", { class: "number" }, exactly(part, signed(part))),
    ),
  );
  const of = (logits) => logits[shares.label] - (shares.against === null ? 0 : logits[shares.against]);
  const part = residualShare(left, shares);
  return [
    head,
    element(
      "p",
      {},
      `The network's logits on this ${noun} less those of the whole graph, by class. For `,
      `${aim(shares, digits)} the graph has `,
      exactly(of(whole.logits)),
      ", the network ",
      exactly(of(whole.logits) + part),
      ": left out is ",
      exactly(part, signed(part)),
      ".",
    ),
    element("ol", { class: "named means" }, ...rows),
  ];
}
