// What is drawn of the graph: by weight what is strong anywhere, by share what made this answer.

/**
 * Return what is shown at a threshold of strength.
 *
 * The threshold is a share of the strongest edge that the same node reads by. An edge is shown where
 * it reaches that and both its ends are shown; a feature, where an edge out of it reaches it; forms
 * and logits always.
 */
function shownAt(graph, threshold) {
  const nodes = new Set(
    graph.nodes.filter(
      (node) =>
        node.kind !== "feature" ||
        threshold === 0 ||
        node.outgoing.some((edge) => edge.strength >= threshold),
    ),
  );
  const edges = graph.edges.filter(
    (edge) => edge.strength >= threshold && nodes.has(edge.source) && nodes.has(edge.target),
  );
  return { nodes, edges, size: (edge) => edge.strength };
}

/**
 * Return what is shown so that at least a part of a logit, or of a lead, is carried.
 *
 * The edges into the features of a layer are a step, and those into what it puts out. A picture
 * carries of a step what its edges add and take away there, over what all edges do; and of the logit
 * the least of all steps. Every line that is drawn leads from the input to the logit. None can be
 * left out: the picture would carry less than it has to.
 */
function carrying(graph, shares, part) {
  const edges = graph.edges.filter((edge) => shares.net[edge.number] !== 0);
  const steps = stepsOf(edges, shares);
  const size = (edge) => steps.part.get(edge) ?? 0;
  // All of it stands where it stands on any image, and need not be drawn anew.
  if (part >= 1) return { ...shownAt(graph, 0), carried: 1 };
  const ordered = edges.toSorted((first, second) => size(second) - size(first));
  let [few, enough] = [0, ordered.length];
  while (few < enough) {
    const middle = (few + enough) >> 1;
    if (new Picture(graph, steps, ordered.slice(0, middle)).carried >= part) enough = middle;
    else few = middle + 1;
  }
  const picture = new Picture(graph, steps, ordered.slice(0, enough));
  for (const edge of ordered.slice(0, enough).toReversed()) picture.leaveOut(edge, part);
  const drawn = [...picture.edges];
  const logits = graph.logits.filter(Boolean);
  const nodes = new Set([...logits, ...drawn.flatMap((edge) => [edge.source, edge.target])]);
  return { nodes, edges: drawn, carried: picture.carried, size };
}

/** Return of each edge which part it has of all that is added and taken away in its step. */
function stepsOf(edges, shares) {
  const totals = new Map();
  const size = (edge) => Math.abs(shares.net[edge.number]);
  for (const edge of edges) totals.set(stepOf(edge), (totals.get(stepOf(edge)) ?? 0) + size(edge));
  const part = new Map(edges.map((edge) => [edge, size(edge) / totals.get(stepOf(edge))]));
  return { keys: [...totals.keys()], part };
}

function stepOf({ target }) {
  return 2 * target.layer + (target.kind === "feature" ? 0 : 1);
}

/** Edges that are drawn, all on ways from the input to the logit. */
class Picture {
  constructor(graph, steps, edges) {
    this.steps = steps;
    this.edges = new Set(edges);
    this.sums = new Map(steps.keys.map((key) => [key, 0]));
    this.into = new Map(graph.nodes.map((node) => [node, 0]));
    this.outOf = new Map(graph.nodes.map((node) => [node, 0]));
    for (const edge of edges) this.#count(edge, 1);
    for (const edge of edges) if (this.#isLoose(edge)) this.#remove(edge);
  }

  /** Which part of the least step is drawn. */
  get carried() {
    return Math.min(1, ...this.sums.values());
  }

  /** Leave an edge out with all that then leads nowhere, if enough is carried without. */
  leaveOut(edge, part) {
    if (!this.edges.has(edge)) return;
    const removed = this.#remove(edge);
    if (this.carried >= part) return;
    for (const other of removed) {
      this.edges.add(other);
      this.#count(other, 1);
    }
  }

  #count(edge, sign) {
    const key = stepOf(edge);
    this.sums.set(key, this.sums.get(key) + sign * this.steps.part.get(edge));
    this.into.set(edge.target, this.into.get(edge.target) + sign);
    this.outOf.set(edge.source, this.outOf.get(edge.source) + sign);
  }

  #isLoose({ source, target }) {
    const starts = source.direction !== null || isConstant(source);
    return (
      (!starts && this.into.get(source) === 0) ||
      (target.kind !== "logit" && this.outOf.get(target) === 0)
    );
  }

  #remove(first) {
    const removed = [];
    const waiting = [first];
    while (waiting.length) {
      const edge = waiting.pop();
      if (!this.edges.delete(edge)) continue;
      this.#count(edge, -1);
      removed.push(edge);
      const near = [...edge.source.incoming, ...edge.target.outgoing];
      waiting.push(...near.filter((other) => this.edges.has(other) && this.#isLoose(other)));
    }
    return removed;
  }
}
