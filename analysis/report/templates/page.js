"use strict";
(() => {
  const root = document.documentElement;
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)");
  const plots = [...document.querySelectorAll(".plot")];
  const drawn = new Set();
  let printing = false;

  const remembered = () => {
    try { return localStorage.getItem("sweeper-theme"); } catch { return null; }
  };
  let choice = remembered();
  const theme = () => (printing ? "light" : choice || (system.matches ? "dark" : "light"));

  const recolour = (value) => {
    if (typeof value === "string") return settings.dark[value] ?? value;
    if (Array.isArray(value)) return value.map(recolour);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, recolour(one)]));
    }
    return value;
  };

  const narrow = (layout) => {
    const template = ((layout.template ??= {}).layout ??= {}); // a user's figure may have none
    (template.font ??= {}).size = 12;
    template.margin = { l: 48, r: 6, t: 12, b: 44 };
    ((template.legend ??= {}).font ??= {}).size = 11.5;
    for (const axis of [template.xaxis ??= {}, template.yaxis ??= {}]) {
      (axis.tickfont ??= {}).size = 11;
      ((axis.title ??= {}).font ??= {}).size = 12;
      axis.title.standoff = 6;
    }
    layout.height ??= 420;
    layout.height = printing ? Math.round(layout.height * 0.8) : layout.height > 480 ? Math.round(layout.height * 0.78) : layout.height;
  };

  const folded = (trace) => {
    if (trace.name?.length > 44) trace.name = trace.name.replace(/^(.{18,40}?[,)],?) /, "$1<br>");
  };

  const prepared = (plot) => {
    let figure = JSON.parse(plot.querySelector("script").textContent);
    if (theme() === "dark") figure = recolour(figure);
    const width = printing ? 640 : plot.clientWidth;
    if (width < 560 || printing) narrow(figure.layout);
    if (width < 560) figure.data.forEach(folded);
    figure.layout.width = width;
    if (coarse.matches) figure.layout.dragmode = false;
    return figure;
  };

  const config = {
    displaylogo: false, responsive: false, doubleClick: "reset",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  };

  const openRun = (event) => {
    const link = event.points[0]?.customdata;
    if (typeof link === "string" && /^https?:\/\//.test(link)) {
      window.open(link, "_blank", "noopener");
    }
  };

  const draw = (plot) => {
    const figure = prepared(plot);
    const target = plot.querySelector(".canvas");
    Plotly.react(target, figure.data, figure.layout, {
      ...config, displayModeBar: coarse.matches || plot.clientWidth < 560 ? false : "hover", toImageButtonOptions: { format: "svg", filename: plot.dataset.name },
    });
    if (!drawn.has(plot)) {
      target.on("plotly_click", openRun);
      drawn.add(plot);
      if (drawn.size === plots.length) root.dataset.ready = "true";
    }
    plot.dataset.width = String(plot.clientWidth);
    plot.style.minHeight = "0";
  };

  const drawRest = () => plots.filter((plot) => !drawn.has(plot)).forEach(draw);
  const redraw = () => drawn.forEach(draw);

  const paint = () => {
    root.dataset.theme = theme();
    const button = document.querySelector("button.theme");
    button.textContent = theme() === "dark" ? "Light page" : "Dark page";
  };

  const watchTheme = () => {
    document.querySelector("button.theme").addEventListener("click", () => {
      choice = theme() === "dark" ? "light" : "dark";
      try { localStorage.setItem("sweeper-theme", choice); } catch { /* a file: page */ }
      paint();
      redraw();
    });
    system.addEventListener("change", () => { paint(); redraw(); });
  };

  const watchPrint = () => {
    let folded = [];
    const turn = (on) => () => {
      printing = on;
      folded = on ? [...document.querySelectorAll("details:not([open])")] : folded;
      folded.forEach((one) => { one.open = on; });
      paint();
      drawRest();
      redraw();
    };
    window.addEventListener("beforeprint", turn(true));
    window.addEventListener("afterprint", turn(false));
  };

  const watchWidth = () => {
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        const changed = Number(target.dataset.width) !== target.clientWidth;
        if (drawn.has(target) && changed && !printing) draw(target);
      }
    });
    plots.forEach((plot) => observer.observe(plot));
  };

  const watchDials = () => {
    for (const input of document.querySelectorAll(".gallery .dial input")) {
      const gallery = input.closest(".gallery");
      const frames = [...gallery.querySelectorAll(".level")];
      const show = () => {
        frames.forEach((frame, index) => { frame.hidden = index !== Number(input.value); });
        gallery.querySelector("output").textContent = frames[Number(input.value)].dataset.label;
        input.setAttribute("aria-valuetext", frames[Number(input.value)].dataset.label);
      };
      input.addEventListener("input", show);
      show();
    }
  };

  const compare = (sign, value, wanted) => {
    if (value === null || wanted === "") return wanted === "" && value === null;
    const text = (one) => String(one).toLowerCase().replaceAll(" ", "");
    const [left, right] = [value, wanted].map(Number.isNaN(Number(wanted)) ? text : Number);
    return { "=": left === right, "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right }[sign];
  };

  // Which rows all terms of a filter hold of, and the first name in it that is no field.
  const matcher = ({ columns, hidden, constant }, filter) => {
    const places = [["values", columns], ["hidden", hidden], ["constant", constant]];
    let unknown = "";
    const tests = filter.trim().split(/\s+/).filter(Boolean).map((term) => {
      const [, name, sign, wanted] = term.match(/^([^=<>]+)(<=|>=|=|<|>)(.*)$/) ?? [];
      if (!name) return (row) => [row.label, ...row.values].join(" ").toLowerCase().includes(term.toLowerCase());
      for (const [place, fields] of places) {
        const index = fields.findIndex((one) => [one.name, one.title, one.field].includes(name));
        if (index >= 0) return (row) => compare(sign, row[place]?.[index] ?? fields[index].value ?? null, wanted);
      }
      unknown ||= name;
      return () => false;
    });
    return [(row) => tests.every((test) => test(row)), unknown];
  };

  const element = (name, text = "", properties = {}) =>
    Object.assign(document.createElement(name), { textContent: text, ...properties });

  const TICKS = Array.from({ length: 24 }, (_, power) => power - 12)
    .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));

  const curve = (row) => {
    const host = element("div", "", { className: "canvas" });
    const style = getComputedStyle(root);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const traces = Object.entries(row.curves).map(([name, [x, y]], index) => (
      { x, y, name, type: "scatter", mode: "lines+markers", marker: { size: 4 },
        line: { width: 1.5, color: colour(["accent", "bad"][index]) } }));
    setTimeout(() => window.Plotly?.newPlot(host, traces, {
      height: 260, margin: { l: 56, r: 8, t: 8, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("muted"), size: 12 }, legend: { orientation: "h", y: 1.16 },
      xaxis: { title: { text: "epoch" }, gridcolor: colour("rule") },
      yaxis: { type: "log", tickvals: TICKS, ticktext: TICKS.map(String), gridcolor: colour("rule") },
    }, { displayModeBar: false, responsive: true }));
    return host;
  };

  const detail = (row, width) => {
    const cell = element("td", "", { colSpan: width, className: "detail" });
    cell.append(element("p", row.label));
    if (row.link) cell.append(element("a", "MLflow run", { href: row.link, target: "_blank", rel: "noopener" }));
    if (row.run) cell.append(element("p", `MLflow run ${row.run}; sweeper ui shows it`));
    for (const { name, png } of row.pictures) {
      const strip = element("div", "", { className: "strip" });
      strip.append(element("span", name), element("img", "", { alt: name, src: `data:image/png;base64,${png}` }));
      cell.append(strip);
    }
    if (Object.keys(row.curves).length) cell.append(curve(row));
    const line = element("tr");
    line.append(cell);
    return line;
  };

  const watchTrials = () => {
    for (const box of document.querySelectorAll(".trials")) {
      const table = JSON.parse(box.querySelector("script").textContent);
      const { columns, rows } = table;
      const [find, body, count, more] = ["input", "tbody", "output", "button.more"].map((one) => box.querySelector(one));
      const heads = [...box.querySelectorAll("th button")];
      heads.forEach((head, index) => head.parentElement.classList.toggle(
        "number", rows.some((row) => typeof row.values[index] === "number")));
      const first = Number(box.dataset.first);
      let [by, down, limit] = [-1, false, first];
      const line = (row) => {
        const shown = element("tr", "", { tabIndex: 0 });
        row.values.forEach((value, index) => {
          const number = typeof value === "number";
          const text = number ? String(Number(value.toPrecision(4))).replace("-", "−") : String(value ?? "");
          shown.append(element("td", index ? text : text.slice(0, 8), { className: number ? "number" : "" }));
        });
        const turn = () => {
          if (shown.nextSibling?.querySelector?.(".detail")) shown.nextSibling.remove();
          else shown.after(detail(row, columns.length));
        };
        shown.addEventListener("click", turn);
        shown.addEventListener("keydown", (event) => { if (event.key === "Enter") turn(); });
        return shown;
      };
      const order = (one, two) => {
        const [left, right] = [one.values[by], two.values[by]];
        if (left === null || right === null) return (left === null) - (right === null);
        return (left < right ? -1 : left > right ? 1 : 0) * (down ? -1 : 1);
      };
      const show = () => {
        const [test, unknown] = matcher(table, find.value);
        const kept = rows.filter(test);
        if (by >= 0) kept.sort(order);
        body.replaceChildren(...kept.slice(0, limit).map(line));
        count.textContent = unknown ? `no field ${unknown}` : `${kept.length} of ${rows.length}`;
        more.hidden = kept.length <= limit;
        heads.forEach((head, index) => head.parentElement.setAttribute(
          "aria-sort", index !== by ? "none" : down ? "descending" : "ascending"));
      };
      heads.forEach((head, index) => head.addEventListener("click", () => {
        [by, down] = [index, by === index && !down];
        show();
      }));
      find.addEventListener("input", show);
      more.addEventListener("click", () => { limit = Infinity; show(); });
      show();
    }
  };

  // A term's first place in sight leads to its entry among the definitions.
  const linkTerms = () => {
    for (const entry of document.querySelectorAll("dt[data-say]")) {
      const said = new RegExp(`(?<![\\p{L}\\p{N}^−])(?:${entry.dataset.say})(?![\\p{L}\\p{N}])`, "u");
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const text = texts.currentNode;
        if (!text.parentElement.closest(".answer, .keys, .summary li, figcaption")
          || text.parentElement.closest("a, details, sup")) continue;
        const found = text.data.match(said);
        if (!found) continue;
        const link = element("a", found[0], { className: "term", href: `#${entry.id}` });
        link.addEventListener("click", () => { entry.closest("details").open = true; });
        text.splitText(found.index + found[0].length);
        text.splitText(found.index).replaceWith(link);
        break;
      }
    }
  };

  const watchContents = () => {
    const links = new Map([...document.querySelectorAll(".toc a")].map(
      (link) => [link.getAttribute("href").slice(1), link]));
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-10% 0px -75% 0px" });
    document.querySelectorAll("section[id]").forEach((section) => observer.observe(section));
  };

  const watchPlots = () => {
    const observer = new IntersectionObserver((entries) => {
      entries.filter((one) => one.isIntersecting && !drawn.has(one.target))
        .forEach((one) => draw(one.target));
    }, { rootMargin: "400px 0px" });
    plots.forEach((plot) => observer.observe(plot));
    const later = window.requestIdleCallback ?? ((task) => setTimeout(task, 50));
    const step = () => {
      const next = plots.find((plot) => !drawn.has(plot));
      if (next) { draw(next); later(step); }
    };
    later(step);
  };

  const loadPlotly = async () => {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = new Uint8Array(packed.length); // Uint8Array.from takes ten times as long
    for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };

  const watchSweep = () => {
    if (!settings.reload) return;
    const again = () => {
      const patience = 10000 * Math.max(1, settings.reload); // the next page may be a better one
      const drawing = !root.dataset.ready && performance.now() < patience;
      if (document.hidden || printing || drawing) setTimeout(again, 1000); else location.reload();
    };
    setTimeout(again, 1000 * settings.reload);
  };

  const start = async () => {
    watchSweep();
    paint();
    watchDials();
    watchTrials();
    linkTerms();
    watchContents();
    if (!window.DecompressionStream) {
      plots.forEach((plot) => { plot.textContent = "Figures need a browser from 2023 or later."; });
      root.dataset.ready = "true";
      return;
    }
    await new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)));
    if (plots.length) await loadPlotly(); else root.dataset.ready = "true";
    watchTheme();
    watchPrint();
    watchPlots();
    watchWidth();
  };

  start();
})();
