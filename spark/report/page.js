"use strict";
// One selection for map, pictures and projection; the page can be read without any of this.
(() => {
  const root = document.documentElement;
  const by = (id) => document.getElementById(id);
  const month = JSON.parse(by("month").textContent);
  const { cells, points, codes, passes } = month;
  const [width, height] = month.size;
  root.classList.add("js");

  // Light and dark
  const theme = by("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  const named = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); });
  systemDark.addEventListener("change", named);
  named();

  // Selection
  const squares = by("cells").children;
  const rings = by("points") ? by("points").children : [];
  const panels = ["rgb", "pca"].map(by);
  const where = by("where");
  const at = new Map();  // column and row in the pictures, to the map's square
  const place = (i) => (cells.at ? [cells.at[2 * i], cells.at[2 * i + 1]] : null);
  if (cells.at) for (let i = 0; i < cells.id.length; i += 1) at.set(place(i).join(), i);
  const pointsOf = new Map();
  points.cell.forEach((cell, p) => { if (!pointsOf.has(cell)) pointsOf.set(cell, p); });
  let chosen = -1;
  let ringed = null;

  const add = (parent, text, kind) => {
    const span = document.createElement("span");
    if (kind) {
      const key = document.createElement("i");
      key.className = `key ${kind}`;
      span.append(key);
    }
    span.append(text);
    parent.append(span);
    return span;
  };
  const describe = (i) => {
    where.replaceChildren();
    const strong = document.createElement("b");
    strong.textContent = month.block > 1 ? `block of ${cells.id[i]}` : `cell ${cells.id[i]}`;
    where.append(strong);
    if (month.block > 1 || !cells.seen) {
      add(where, `${cells.cells[i]} cells, ${cells.with_chip[i]} with a chip, ${cells.chips[i]} chips a cell`);
    } else {
      passes.forEach((pass, number) => {
        const code = cells.seen[i][number];
        if (code === ".") return;
        const { words, kind } = codes[parseInt(code, 36)];
        const share = cells.share[i][number];
        const clear = share === null ? "" : `, ${share}\u00a0% clear`;
        add(where, `${pass.start.slice(5, 10)} ${pass.pass.slice(0, 3)}: ${words}${clear}`, kind);
      });
      if (/^\.*$/.test(cells.seen[i])) add(where, "no pass was observed here");
    }
    const p = pointsOf.get(i);
    if (p !== undefined) {
      add(where, `vector: ${points.classes[points.class[p]]}${points.group.length ? `, group ${points.group[p] + 1}` : ""}`);
    }
    where.hidden = false;
  };
  const select = (i) => {
    if (i === chosen) return;
    chosen = i;
    by("chosen").setAttribute("d", i < 0 ? "" : squares[i].getAttribute("d"));
    const spot = i < 0 ? null : place(i);
    panels.forEach((panel) => {
      const rect = panel.querySelector("rect.chosen");
      rect.setAttribute("width", spot ? 1 : 0);
      rect.setAttribute("height", spot ? 1 : 0);
      if (spot) { rect.setAttribute("x", spot[0]); rect.setAttribute("y", spot[1]); }
    });
    if (ringed) ringed.classList.remove("chosen");
    const p = pointsOf.get(i);
    ringed = p === undefined ? null : rings[p];
    if (ringed) ringed.classList.add("chosen");
    if (i < 0) where.hidden = true; else describe(i);
  };
  const step = (key) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (!move) return false;
    if (chosen < 0) { select(Math.floor(cells.id.length / 2)); return true; }
    if (!cells.at) { select(Math.min(cells.id.length - 1, Math.max(0, chosen + move[0] + move[1]))); return true; }
    let [x, y] = place(chosen);
    for (let n = 0; n < Math.max(width, height); n += 1) {
      x += move[0];
      y += move[1];
      const found = at.get(`${x},${y}`);
      if (found !== undefined) { select(found); return true; }
    }
    return true;
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") select(-1); });

  // The map
  const atlas = by("atlas");
  const first = atlas.getAttribute("viewBox").split(" ").map(Number);
  let view = first.slice();
  const show = () => {
    atlas.setAttribute("viewBox", view.map((value) => value.toFixed(2)).join(" "));
    atlas.classList.toggle("near", view[2] < first[2] * 0.99);
  };
  const inMap = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(atlas.getScreenCTM().inverse());
    return [point.x, point.y];
  };
  const zoom = (factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) => {
    const wide = Math.min(first[2] * 12, Math.max(first[2] / 60, view[2] / factor));
    const by1 = wide / view[2];
    view = [x - (x - view[0]) * by1, y - (y - view[1]) * by1, wide, view[3] * by1];
    show();
  };
  by("in").addEventListener("click", () => zoom(1.6));
  by("out").addEventListener("click", () => zoom(1 / 1.6));
  by("whole").addEventListener("click", () => { view = first.slice(); show(); });
  atlas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== atlas) return;  // the page scrolls, until the map has the focus
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...inMap(event));
  }, { passive: false });
  const fingers = new Map();
  let moved = 0;
  atlas.addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, event); moved = 0; });
  atlas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      const i = Array.prototype.indexOf.call(squares, event.target);
      if (i >= 0) select(i);
      return;
    }
    const unit = 1 / atlas.getScreenCTM().a;
    if (fingers.size === 1) {
      moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      if (moved > 4) {
        view[0] -= (event.clientX - before.clientX) * unit;
        view[1] -= (event.clientY - before.clientY) * unit;
        if (!atlas.hasPointerCapture(event.pointerId)) atlas.setPointerCapture(event.pointerId);
        show();
      }
    } else {
      const other = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      zoom(apart(event) / apart(before), ...inMap(event));
    }
    fingers.set(event.pointerId, event);
  });
  ["pointerup", "pointercancel", "pointerleave"].forEach((kind) => atlas.addEventListener(kind, (event) => {
    if (kind === "pointerup" && moved <= 4) {
      const i = Array.prototype.indexOf.call(squares, event.target);
      if (i >= 0) select(i);
    }
    fingers.delete(event.pointerId);
  }));
  atlas.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") zoom(1.6);
    else if (event.key === "-") zoom(1 / 1.6);
    else if (event.key === "0") { view = first.slice(); show(); } else if (!step(event.key)) return;
    event.preventDefault();
  });

  // What the map's colours are
  const legend = by("map-legend");
  const chipsLegend = [...legend.children];
  const feet = [...by("feet").children];
  const shares = ["up to 20 %", "20 to 40 %", "40 to 60 %", "60 to 80 %", "80 to 100 % clear"];
  by("by").addEventListener("change", (event) => {
    const mode = event.target.value;
    const kinds = new Set();
    for (let i = 0; i < squares.length; i += 1) {
      let kind = "q0";
      if (mode === "chips") kind = `q${Math.min(5, Math.round(cells.chips[i]))}`;
      else if (mode === "clear") {
        if (cells.clear[i] !== null) kind = `q${Math.max(1, Math.ceil(cells.clear[i] / 20))}`;
      } else if (cells.seen[i][mode] !== ".") kind = codes[parseInt(cells.seen[i][mode], 36)].kind;
      squares[i].setAttribute("class", kind);
      kinds.add(kind);
    }
    legend.replaceChildren();
    if (mode === "chips") legend.append(...chipsLegend);
    else if (mode === "clear") {
      add(legend, "no chip", "q0");
      shares.forEach((text, number) => add(legend, text, `q${number + 1}`));
    } else {
      add(legend, "not covered", "q0");
      const words = new Map();
      codes.forEach((code) => { if (kinds.has(code.kind) && !words.has(code.kind)) words.set(code.kind, code.words); });
      words.forEach((text, kind) => add(legend, kind === "o-failed" ? "failed" : text, kind));
    }
    const one = passes[mode] ? passes[mode].pass : null;
    feet.forEach((path) => path.classList.toggle("off", one !== null && path.dataset.pass !== one));
  });

  // The two pictures
  panels.forEach((panel) => {
    const under = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(panel.getScreenCTM().inverse());
      const found = at.get(`${Math.floor(point.x)},${Math.floor(point.y)}`);
      if (found !== undefined) select(found);
    };
    panel.addEventListener("pointermove", under);
    panel.addEventListener("pointerdown", under);
    panel.addEventListener("keydown", (event) => { if (step(event.key)) event.preventDefault(); });
  });

  // The projection: thumbnails are cut from the true-colour picture
  const plot = by("points");
  const source = by("rgb-image");
  if (plot && source) {
    const canvas = by("thumbs");
    const picture = new Image();
    const draw = () => {
      const box = plot.getBoundingClientRect();
      const dense = window.devicePixelRatio || 1;
      canvas.width = Math.round(box.width * dense);
      canvas.height = Math.round(box.height * dense);
      const scale = canvas.width / plot.viewBox.baseVal.width;
      const paint = canvas.getContext("2d");
      const side = month.tile;
      for (let p = 0; p < rings.length; p += 1) {
        const ring = rings[p];
        const [x, y, wide] = ["x", "y", "width"].map((name) => ring[name].baseVal.value * scale);
        paint.drawImage(picture, points.at[2 * p] * side, points.at[2 * p + 1] * side, side, side, x, y, wide, wide);
      }
    };
    picture.addEventListener("load", () => { draw(); new ResizeObserver(draw).observe(plot); });
    picture.src = source.getAttribute("href");
    const over = (event) => {
      const p = Array.prototype.indexOf.call(rings, event.target);
      if (p >= 0) select(points.cell[p]);
    };
    plot.addEventListener("pointermove", over);
    plot.addEventListener("pointerdown", over);
    const inOrder = [...points.cell.keys()].sort((a, b) => points.xy[2 * a] - points.xy[2 * b]);
    plot.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!move || !inOrder.length) return;
      event.preventDefault();
      const now = inOrder.indexOf(pointsOf.get(chosen));
      const next = Math.min(inOrder.length - 1, Math.max(0, now < 0 ? 0 : now + move));
      select(points.cell[inOrder[next]]);
    });
  }
})();
