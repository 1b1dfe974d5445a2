// What the reader keeps: names for nodes, pins and groups, and files of what is drawn.

/** Return the field for a name of the reader's own, and the pin with its group. */
function ownWords(node, { chosen, act }) {
  if (isConstant(node)) return [];
  const field = (id, label, value, change) =>
    element(
      "label",
      {},
      `${label} `,
      element("input", {
        id,
        type: "text",
        value,
        maxlength: "60",
        change: (event) => change(event.target.value.trim()),
      }),
    );
  const pinned = chosen.pinned.has(node.key);
  const turn = () => act.set("pinned", node, pinned ? null : "");
  return [
    element(
      "div",
      { class: "own" },
      field("own-name", "Your name for it", chosen.names.get(node.key) ?? "", (text) =>
        act.set("names", node, text || null),
      ),
      element(
        "button",
        { type: "button", class: "tool", id: "pin", "aria-pressed": String(pinned), click: turn },
        pinned ? "Unpin" : "Pin to your subgraph",
      ),
      pinned
        ? field("group", "in the group", chosen.pinned.get(node.key), (text) =>
            act.set("pinned", node, text),
          )
        : null,
    ),
  ];
}

/** List what is pinned, group by group, with the share that each group has together. */
function pins({ graph, digits, shares, chosen, act }) {
  if (chosen.pinned.size === 0) return [];
  const groups = groupsOf(graph, chosen);
  const scale = limitOf([...chosen.pinned.keys()].map((key) => shares.nodes[graph.byKey.get(key).place]));
  const parts = [...groups].flatMap(([name, nodes]) => {
    const sum = nodes.reduce((total, node) => total + shares.nodes[node.place], 0);
    const rows = nodes.map((node) => ({ node, amount: shares.nodes[node.place] }));
    const title = [`${name || "in no group"}: together `, exactly(sum, signed(sum))];
    return [
      element("p", { class: "small group" }, ...title),
      nodeList(rows, { scale, act, few: rows.length }),
    ];
  });
  return [
    element("h4", {}, "Your subgraph"),
    element("p", { class: "small" }, `Shares of ${aim(shares, digits)}.`),
    ...parts,
  ];
}

function groupsOf(graph, chosen) {
  const groups = new Map();
  for (const [key, name] of chosen.pinned) {
    groups.set(name, [...(groups.get(name) ?? []), graph.byKey.get(key)]);
  }
  return groups;
}

/** Add what is pinned, and what is changed, to what is shown, with the edges that have a share. */
function withPins(graph, shown, shares, chosen) {
  const kept = [...chosen.pinned.keys(), ...chosen.off, ...chosen.scaled.keys()];
  if (kept.length === 0) return shown;
  const nodes = new Set([...shown.nodes, ...kept.map((key) => graph.byKey.get(key))]);
  const there = new Set(shown.edges);
  const touches = ({ source, target }) => chosen.pinned.has(source.key) || chosen.pinned.has(target.key);
  const more = graph.edges.filter(
    (edge) =>
      !there.has(edge) &&
      touches(edge) &&
      nodes.has(edge.source) &&
      nodes.has(edge.target) &&
      shares.net[edge.number] !== 0,
  );
  return { ...shown, nodes, edges: [...shown.edges, ...more] };
}

/** Return what is drawn, as others may read it: nodes and edges with values and shares. */
function subgraphOf({ graph, data, digits, shown, pass, shares, chosen }) {
  const name = (node) => (node.kind === "logit" ? ["logit", node.index] : [node.kind, node.layer, node.index]);
  const groups = [...groupsOf(graph, chosen)].filter(([group]) => group);
  return {
    format: "bilinear-features subgraph 1",
    network: data.network,
    graph: data.name,
    image: chosen.ink ? { pixels: [...pass.pixels] } : { test: chosen.digit },
    explained: { label: shares.label, against: shares.against, total: shares.total },
    carried: shown.carried ?? null,
    off: [...chosen.off],
    scaled: Object.fromEntries(chosen.scaled),
    nodes: [...shown.nodes].map((node) => ({
      name: name(node),
      value: pass.values[node.place],
      share: shares.nodes[node.place],
      label: chosen.names.get(node.key) ?? null,
      pinned: chosen.pinned.has(node.key),
    })),
    edges: shown.edges.map((edge) => ({
      source: name(edge.source),
      target: name(edge.target),
      weight: edge.weight,
      share: shares.edges[edge.number],
    })),
    groups: groups.map(([group, nodes]) => ({ name: group, nodes: nodes.map(name) })),
    names: [...chosen.names].map(([key, text]) => ({ node: name(graph.byKey.get(key)), text })),
  };
}

function saveSubgraph(known) {
  const text = `${JSON.stringify(subgraphOf(known), null, 1)}\n`;
  saveAs("subgraph.json", "application/json", text);
}

/** Save the drawn graph as a picture that needs nothing beside it. */
function saveDrawing({ chosen }) {
  const board = byId("nodes");
  const [width, height] = [board.offsetWidth, board.offsetHeight];
  const styles = getComputedStyle(document.body);
  const root = shape("svg", {
    viewBox: `-8 -8 ${width + 16} ${height + 16}`,
    width,
    height,
    "font-family": "sans-serif",
    "font-size": "13",
    fill: styles.color,
  });
  const ground = { x: -8, y: -8, width: width + 16, height: height + 16 };
  root.append(shape("rect", { ...ground, fill: getComputedStyle(byId("graph")).backgroundColor }));
  for (const line of document.querySelectorAll("#edges path")) {
    const copy = line.cloneNode();
    const { stroke, strokeDasharray } = getComputedStyle(line);
    copy.setAttribute("stroke", stroke);
    copy.setAttribute("stroke-dasharray", strokeDasharray);
    copy.setAttribute("fill", "none");
    root.append(copy);
  }
  for (const tile of document.querySelectorAll("#nodes .node")) root.append(...drawnTile(tile, chosen));
  for (const head of document.querySelectorAll("#nodes .heading")) {
    root.append(textAt(head.offsetLeft, 12, head.innerText.replaceAll("\n", " ")));
  }
  saveAs("subgraph.svg", "image/svg+xml", new XMLSerializer().serializeToString(root));
}

function drawnTile(tile, chosen) {
  const [width, height] = [tile.offsetWidth, tile.offsetHeight];
  const [x, y] = [tile.offsetLeft - width / 2, tile.offsetTop - height / 2];
  const round = tile.classList.contains("form") ? width / 2 : 6;
  const frame = { x, y, width, height, rx: round, fill: "none", stroke: "currentColor" };
  const made = [shape("rect", { ...frame, fill: getComputedStyle(tile).backgroundColor })];
  const canvas = tile.querySelector("canvas");
  if (canvas) {
    made.push(shape("image", { x, y, width, height, href: canvas.toDataURL(), "image-rendering": "pixelated" }));
  }
  const key = tile.dataset.node;
  const words = chosen.names.get(key) ?? (canvas ? key.split("-").at(-1) : tile.innerText.replaceAll("\n", " "));
  made.push(textAt(canvas ? x : x + 8, canvas ? y + height + 11 : y + height / 2 + 4, words));
  return made;
}

function textAt(x, y, words) {
  const made = shape("text", { x, y });
  made.textContent = words;
  return made;
}

/** Hand a file to the reader; nothing leaves the page for it. */
function saveAs(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
