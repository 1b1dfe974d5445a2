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

/** Compute all nodes; those that are off are cut out, and what reads them reads 0. */
function forwardPass(graph, pixels, off) {
  const readings = new Float64Array(graph.nodes.length);
  const values = new Float64Array(graph.nodes.length);
  for (const node of graph.nodes) {
    if (off.has(node.key)) continue;
    let reading = 0;
    if (node.direction) {
      reading = node.direction[0];
      for (let pixel = 0; pixel < pixels.length; pixel += 1) {
        reading += node.direction[pixel + 1] * pixels[pixel];
      }
    }
    for (const edge of node.incoming) reading += edge.weight * values[edge.source.place];
    readings[node.place] = reading;
    values[node.place] = node.kind === "feature" ? reading * reading : reading;
  }
  const logits = graph.logits.map((node) => (node ? values[node.place] : 0));
  return { pixels, off, readings, values, logits };
}

/** Return what an edge adds to the value of its target. */
function contribution(edge, pass) {
  if (pass.off.has(edge.target.key)) return 0;
  const unit = edge.target.kind === "feature" ? pass.readings[edge.target.place] : 1;
  return unit * edge.weight * pass.values[edge.source.place];
}

/** Return the class of the largest logit; of equal ones the first. */
function predicted(logits) {
  return logits.indexOf(Math.max(...logits));
}
