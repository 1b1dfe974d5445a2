// What the graph computes: the values of its nodes, and the shares of a logit.

/** Tie nodes and edges together; every node comes after what it reads. */
function compiled(data, directions) {
  const depth = data.sizes.length - 1;
  const nodes = data.nodes.map((described, place) => {
    const [kind, ...numbers] = described.name;
    return {
      ...described,
      place,
      kind,
      key: described.name.join("-"),
      layer: kind === "logit" ? depth : numbers[0],
      index: numbers[numbers.length - 1],
      called: kind === "logit" ? className(numbers[0], data) : null,
      direction: "direction" in described ? directions[described.direction] : null,
      incoming: [],
      outgoing: [],
    };
  });
  const edges = data.edges.source.map((source, number) => ({
    number,
    source: nodes[source],
    target: nodes[data.edges.target[number]],
    weight: data.edges.weight[number],
    strength: data.edges.strength[number],
  }));
  for (const edge of edges) {
    edge.source.outgoing.push(edge);
    edge.target.incoming.push(edge);
  }
  const classes = data.sizes[depth] - 1;
  const logits = Array.from({ length: classes }, (_, label) =>
    nodes.find((node) => node.kind === "logit" && node.index === label),
  );
  return { depth, nodes, edges, logits, byKey: new Map(nodes.map((node) => [node.key, node])) };
}

/** A node that nothing can be done to: the constant of a hidden state. */
function isConstant(node) {
  return node.kind === "form" && node.index === 0;
}

function canBeSwitchedOff(node) {
  return node.kind !== "logit" && !isConstant(node);
}

/**
 * Compute all nodes.
 *
 * Those that are off are cut out, and what reads them reads 0; what others give is multiplied by the
 * factors that they are scaled by.
 */
function forwardPass(graph, pixels, off, scaled = new Map()) {
  const readings = new Float64Array(graph.nodes.length);
  const values = new Float64Array(graph.nodes.length);
  for (const node of graph.nodes) {
    if (off.has(node.key)) continue;
    let reading = ownReading(node, { pixels });
    for (const edge of node.incoming) reading += edge.weight * values[edge.source.place];
    readings[node.place] = reading;
    const value = node.kind === "feature" ? reading * reading : reading;
    values[node.place] = value * (scaled.get(node.key) ?? 1);
  }
  const logits = graph.logits.map((node) => (node ? values[node.place] : 0));
  return { pixels, off, scaled, readings, values, logits };
}

/** Return what a node's value is per unit of what it reads: a square has one of its factors. */
function unitOf(node, pass) {
  const factor = pass.scaled.get(node.key) ?? 1;
  return node.kind === "feature" ? factor * pass.readings[node.place] : factor;
}

/** Return what a node reads of the input itself. */
function ownReading(node, pass) {
  if (!node.direction) return 0;
  let own = node.direction[0];
  for (let pixel = 0; pixel < pass.pixels.length; pixel += 1) {
    own += node.direction[pixel + 1] * pass.pixels[pixel];
  }
  return own;
}

/** Return what an edge adds to the value of its target. */
function contribution(edge, pass) {
  if (pass.off.has(edge.target.key)) return 0;
  return unitOf(edge.target, pass) * edge.weight * pass.values[edge.source.place];
}

/** Return the class of the largest logit; of equal ones the first. */
function predicted(logits) {
  return logits.indexOf(Math.max(...logits));
}
