// What classes and nodes are called, and the formulas of nodes.

function className(label, { digits }) {
  return digits.classes[label] ?? String(label);
}

function nameOf(node) {
  if (node.kind === "logit") return `logit of ${node.called}`;
  if (isConstant(node)) return `constant of hidden state ${node.layer}`;
  if (node.kind === "form") return `form ${node.index} of hidden state ${node.layer}`;
  return `feature ${node.index} of layer ${node.layer}`;
}

/** What a node is called beside others of its column. */
function shortName(node) {
  if (isConstant(node)) return "constant 1";
  if (node.kind === "logit") return `logit ${node.called}`;
  return `${node.kind} ${node.index}`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

/** Write a node's value in a line, its strongest terms first. */
function formulaOf(node) {
  if (isConstant(node)) return "value = 1";
  const terms = byStrength(node.incoming)
    .slice(0, 3)
    .map((edge, place) => term(edge, place === 0));
  const more = node.incoming.length - terms.length;
  if (node.direction) terms.unshift(terms.length ? "d · x̃ " : "d · x̃");
  if (terms.length === 0) terms.push("0");
  const sum = terms.join(" ") + (more ? ` + … ${more} more` : "");
  return node.kind === "feature" ? `value = (${sum})²` : `value = ${sum}`;
}

function term(edge, first) {
  const sign = edge.weight < 0 ? "− " : "+ ";
  const name = isConstant(edge.source) ? "" : ` · ${shortName(edge.source)}`;
  return (first && edge.weight >= 0 ? "" : sign) + short(Math.abs(edge.weight)) + name;
}

function byStrength(edges) {
  return edges.toSorted((first, second) => second.strength - first.strength);
}
