// The explorer: what was chosen, what follows from it, and who shows it.

async function explore() {
  const data = JSON.parse(byId("explorer-data").textContent);
  const inputs = data.sizes[0] - 1;
  const { neighbours } = data.digits;
  const [directions, patterns, pixels, outputs, ...near] = await Promise.all(
    [
      data.directions,
      data.pictures,
      data.digits.pixels,
      data.digits.outputs,
      neighbours.steps,
      neighbours.outputs,
    ].map(unpacked),
  );
  const graph = compiled(data, rowsOf(directions, inputs + 1));
  const pictures = rowsOf(patterns, inputs);
  const digits = {
    ...data.digits,
    called: (label) => className(label, data),
    places: new Map(data.digits.indices.map((index, place) => [index, place])),
    pixels: rowsOf(asFloats(pixels), inputs),
    outputs: rowsOf(outputs, graph.logits.length),
    neighbours: neighboursBy(neighbours, rowsOf(near[0], inputs), rowsOf(near[1], graph.logits.length)),
  };
  const first = firstChoices(graph, digits);
  let chosen = choicesIn(location.hash, first, graph, digits);
  let known = null; // what follows from the choices

  const thumbnails = new Map(); // drawn once, by node
  const act = {
    /** Take choices; a step is one that the browser's Back undoes. */
    choose(changes, { panel = true, step = false } = {}) {
      chosen = { ...chosen, ...changes };
      const address = addressOf(chosen, first);
      if (step && address !== location.hash) history.pushState(null, "", address);
      else if (panel) history.replaceState(null, "", address);
      act.refresh({ panel });
    },
    step: (changes) => act.choose(changes, { step: true }),
    /** Say something of a node in one of the maps of choices, or nothing any more. */
    set(name, node, value, options) {
      const changed = new Map(chosen[name]);
      if (value === null) changed.delete(node.key);
      else changed.set(node.key, typeof value === "string" ? plainText(value) : value);
      act.choose({ [name]: changed }, options);
    },
    save: { json: () => saveSubgraph(known), svg: () => saveDrawing(known) },
    /** Take ink for the image; a stroke that goes on is not yet in the address. */
    ink(bytes, { settled }) {
      const changes = { ink: inkText(bytes) };
      if (!chosen.ink) Object.assign(changes, { label: null, against: first.against });
      if (settled) return act.choose(changes, { step: changes.label === null });
      chosen = { ...chosen, ...changes };
      return act.refresh();
    },
    sheet: (bytes) => sheet.render(bytes),
    trace: (nodes) => view.trace(nodes),
    open(node) {
      act.step({ node: node.key });
      byId("panel").scrollTop = 0;
      byId("panel").querySelector("h3").focus({ preventScroll: !narrow.matches });
    },
    openResidual() {
      act.step({ node: leftOut });
      byId("panel").querySelector("h3").focus({ preventScroll: !narrow.matches });
    },
    close() {
      const node = graph.byKey.get(chosen.node);
      act.step({ node: null });
      if (node) view.focus(node);
    },
    toggle(node) {
      if (!canBeSwitchedOff(node)) return say(`The ${nameOf(node)} cannot be switched off.`);
      const off = new Set(chosen.off);
      if (!off.delete(node.key)) off.add(node.key);
      act.step({ off });
      return say(`${capital(nameOf(node))} is ${off.has(node.key) ? "off" : "on"}.`);
    },
    pick(index) {
      picker.turnTo(index);
      act.step({ digit: index, ink: null, label: null, against: first.against });
    },
    /** Open the node of a name or a number, of the layer that is listed before others. */
    find(text) {
      const wanted = text.trim().toLowerCase();
      const named = (node) => [nameOf(node), shortName(node), chosen.names.get(node.key) ?? ""];
      const numbered = (node) => String(node.index) === wanted && canBeSwitchedOff(node);
      const here = (node) => node.kind === "feature" && node.layer === chosen.layer;
      const found =
        graph.nodes.find((node) => named(node).some((name) => wanted && name.toLowerCase() === wanted)) ??
        graph.nodes.find((node) => numbered(node) && here(node)) ??
        graph.nodes.find(numbered);
      if (found) act.open(found);
      else say(`There is no node ${text}.`);
    },
    /** Show so much that a node is among it. */
    reveal(node) {
      const { shares } = known;
      if (chosen.edges === "digit") {
        act.choose({ carry: carries.find((part) => carrying(graph, shares, part).nodes.has(node)) });
      } else act.choose({ threshold: steps.findLast((least) => shownAt(graph, least).nodes.has(node)) });
    },
    digit: () => chosen.digit,
    ownName: (node) => chosen.names.get(node.key),
    thumbnail(node) {
      const pattern = isConstant(node) || node.kind === "logit" ? null : patternOf(node, pictures);
      return pattern
        ? copyOf(thumbnails, node, () => signedPicture(pattern.numbers, digits.shape))
        : element("span", { class: "blank" }, isConstant(node) ? "1" : String(node.index));
    },
    refresh({ panel = true } = {}) {
      const image = chosen.ink
        ? asFloats(inkBytes(chosen.ink, inputs))
        : digits.pixels[digits.places.get(chosen.digit)];
      const pass = forwardPass(graph, image, chosen.off, chosen.scaled);
      const whole = isChanged(pass) ? forwardPass(graph, image, new Set()) : pass;
      const { label, against } = questionOf(whole, chosen);
      const shares = sharesOf(graph, pass, label, against);
      const drawn =
        chosen.edges === "digit"
          ? carrying(graph, shares, chosen.carry)
          : shownAt(graph, chosen.threshold);
      const shown = withPins(graph, drawn, shares, chosen);
      known = { graph, data, digits, pictures, shown, pass, whole, shares, chosen, act };
      keepingFocus(() => {
        showControls(known);
        byId("answer").replaceChildren(...answerWords(known));
        picker.render(chosen);
        view.render(known);
        byId("effect").replaceChildren(...effectWords(known));
        if (panel) byId("panel").replaceChildren(...pageOf(known));
      });
    },
  };
  byId("explorer").hidden = false;
  const view = graphView(graph, pictures, digits.shape, act);
  const sheet = drawingSheet(digits.shape, act);
  const picker = digitPicker(graph, digits, act);
  listen(act, () => {
    if (document.getElementById(location.hash.slice(1))) return; // a place of the page
    chosen = choicesIn(location.hash, first, graph, digits);
    picker.turnTo(chosen.digit);
    act.refresh();
  });
  byId("known").append(
    ...graph.nodes.filter(canBeSwitchedOff).map((node) => element("option", { value: nameOf(node) })),
  );
  picker.turnTo(chosen.digit);
  act.refresh();
  if (location.hash.includes("=")) byId("explorer").scrollIntoView();
  byId("explorer").dataset.ready = "true";
}

function pageOf(known) {
  const node = known.graph.byKey.get(known.chosen.node);
  if (node) return nodePage(node, known);
  return known.chosen.node === leftOut ? residualPage(known) : digitPage(known);
}

/** Give the focus back to what takes the place of the element that had it. */
function keepingFocus(render) {
  const focused = document.activeElement;
  const part = focused.closest("#thumbs, #panel")?.id;
  let heir = focused.id && `#${focused.id}`;
  if (part && focused.dataset.digit) heir = `#${part} [data-digit="${focused.dataset.digit}"]`;
  if (part && focused.classList.contains("switch")) heir = "#panel .switch";
  render();
  if (heir && document.activeElement !== focused) {
    document.querySelector(heir)?.focus({ preventScroll: true });
  }
}

const narrow = matchMedia("(max-width: 60rem)");

/** The pixels as the network sees them: a byte over 255, in single precision. */
function asFloats(pixels) {
  return pixels instanceof Uint8Array
    ? Float32Array.from(pixels, (byte) => Math.fround(byte / 255))
    : pixels;
}

function say(words) {
  byId("said").textContent = words;
}

function listen(act, reread) {
  byId("threshold").addEventListener("input", (event) => {
    act.choose({ threshold: steps[Number(event.target.value)] });
  });
  byId("carry").addEventListener("input", (event) => {
    act.choose({ carry: carries[Number(event.target.value)] });
  });
  for (const choice of document.getElementsByName("meaning")) {
    choice.addEventListener("change", () => act.choose({ edges: choice.value }));
  }
  byId("on").addEventListener("click", () => {
    act.step({ off: new Set(), scaled: new Map() });
    document.querySelector(".controls [type=range]:not([hidden] *)").focus();
  });
  byId("explorer").addEventListener("keydown", (event) => {
    if (event.key === "Escape") act.close();
  });
  byId("find").addEventListener("change", (event) => act.find(event.target.value));
  byId("save-json").addEventListener("click", act.save.json);
  byId("save-svg").addEventListener("click", act.save.svg);
  addEventListener("hashchange", reread);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(act.refresh, 100);
  });
}

try {
  await explore();
} catch (error) {
  byId("explorer").hidden = true;
  byId("unexplored").hidden = false;
  throw error;
}
