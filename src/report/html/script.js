"use strict";
// Sorts and filters the matrix. Only rows in view are drawn, so that thousands are as quick as ten.
// Names are put in as text, never as markup. What is shown is said in the address behind `#`.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const [NAME, FILE, LATE, POINTS, SHARE, CELLS, MORE] = [0, 1, 2, 3, 4, 5, 6];
  const signs = new Map(data.signs.map(([letter, drawn, word]) => [letter, { drawn, word }]));
  const roles = new Map(data.roles);
  // What needs a look comes first.
  const ORDER = "fbmupn";
  const LINKED = "fbu";
  const AROUND = 8;
  const region = $("region");
  const table = $("matrix");
  const [head, body] = [table.tHead, table.tBodies[0]];
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const folded = data.rows.map((row) => fold(`${row[NAME]} ${row[MORE]}`));
  const element = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };

  const NONE = { text: "", role: "", requirement: "", verdict: "", cause: "", sort: "name" };
  let state = { ...NONE };
  let shown = [];     // rows, as indices, in order
  let columns = [];   // columns, as indices
  let active = 0;     // the row that the keyboard is on, as an index into `shown`
  let drawn = [0, 0]; // rows that are in the document
  let height = 0;     // of a row
  let whole = false;  // all rows are drawn, for print

  const key = (column) => `${column.role}/${column.id}`;
  const byKey = new Map(data.columns.map((column, index) => [key(column), index]));

  // Orders by name once: a collator is slow.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const rank = new Int32Array(data.rows.length);
  data.rows.map((_, index) => index)
    .sort((a, b) => collator.compare(data.rows[a][NAME], data.rows[b][NAME]) || a - b)
    .forEach((row, place) => { rank[row] = place; });

  const comparison = () => {
    const down = state.sort.startsWith("-");
    const by = down ? state.sort.slice(1) : state.sort;
    const sign = down ? -1 : 1;
    const tie = (a, b) => rank[a] - rank[b];
    if (by === "points") {
      const share = (row) => data.rows[row][SHARE] ?? -1;
      return (a, b) => sign * (share(a) - share(b)) || tie(a, b);
    }
    const column = byKey.get(by);
    if (column === undefined) return (a, b) => sign * tie(a, b);
    const place = (row) => ORDER.indexOf(data.rows[row][CELLS][column]);
    return (a, b) => sign * (place(a) - place(b)) || tie(a, b);
  };

  const select = () => {
    columns = data.columns.map((_, index) => index).filter((index) => {
      const column = data.columns[index];
      return (!state.role || column.role === state.role) && (!state.requirement || key(column) === state.requirement);
    });
    const words = fold(state.text).split(/\s+/).filter(Boolean);
    const cause = state.cause === "" ? null : new Set(data.causes[state.cause]?.rows ?? []);
    const fits = (row, index) => (!cause || cause.has(index))
      && words.every((word) => folded[index].includes(word))
      && (!state.verdict || columns.some((column) => row[CELLS][column] === state.verdict));
    shown = [];
    data.rows.forEach((row, index) => { if (fits(row, index)) shown.push(index); });
    shown.sort(comparison());
    active = Math.min(active, Math.max(0, shown.length - 1));
  };

  const sorter = (name, label, attributes, title) => {
    const button = element("button", { type: "button", "data-sort": name }, element("span", {}, label));
    if (title) button.title = title;
    return element("th", { scope: "col", ...attributes }, button);
  };

  const sortHead = () => {
    const [down, by] = [state.sort.startsWith("-"), state.sort.replace(/^-/, "")];
    for (const button of head.querySelectorAll("button")) {
      const sorted = button.dataset.sort === by ? (down ? "descending" : "ascending") : "none";
      if (button.parentElement.getAttribute("aria-sort") !== sorted) button.parentElement.setAttribute("aria-sort", sorted);
    }
  };

  // The head is made anew only for other columns: its upright names are dear to lay out.
  let headed = "";
  const drawHead = () => {
    const now = columns.join();
    if (now === headed) return sortHead();
    headed = now;
    const groups = element("tr", {}, element("td", { class: "corner" }), element("td"));
    for (let at = 0; at < columns.length;) {
      const role = data.columns[columns[at]].role;
      let end = at;
      while (end < columns.length && data.columns[columns[end]].role === role) end += 1;
      groups.append(element("th", { scope: "colgroup", colspan: end - at, class: "role" },
        element("span", {}, roles.get(role) ?? role)));
      at = end;
    }
    const names = element("tr", {}, sorter("name", "Submission", { class: "name" }),
      sorter("points", "Points", { class: "number" }));
    columns.forEach((index, place) => {
      const column = data.columns[index];
      const first = place > 0 && data.columns[columns[place - 1]].role !== column.role ? " first" : "";
      const note = `${column.extra ? " (extra)" : ""}${column.hidden ? " (hidden from students)" : ""}`;
      const kind = `column${first}${column.extra ? " extra" : ""}${column.hidden ? " hidden-one" : ""}`;
      names.append(sorter(key(column), column.id, { class: kind }, `${column.title}${note}`));
    });
    head.replaceChildren(groups, names);
    table.querySelector("colgroup").replaceChildren(element("col", { class: "col-name" }),
      element("col", { class: "col-points" }),
      ...(columns.length ? [element("col", { class: "col-cell", span: columns.length })] : []));
    table.style.setProperty("--columns", columns.length);
    table.setAttribute("aria-colcount", columns.length + 2);
    sortHead();
  };

  const templates = new Map([...signs].map(([letter, { drawn: mark, word }]) => {
    if (!LINKED.includes(letter)) return [letter, element("td", { class: letter, "aria-label": word }, mark)];
    return [letter, element("td", { class: letter }, element("a", { tabindex: -1, "aria-label": word }, mark))];
  }));

  const drawRow = (place) => {
    const row = data.rows[shown[place]];
    const page = `submissions/${row[FILE]}`;
    const link = element("a", { href: page, tabindex: place === active ? 0 : -1 }, element("bdi", {}, row[NAME]));
    const name = element("th", { scope: "row", title: row[NAME] }, link);
    if (row[LATE]) name.append(" ", element("span", { class: "tag late" }, "late"));
    const line = element("tr", { "aria-rowindex": place + 3 }, name,
      element("td", { class: "number" }, row[POINTS] === "" ? "–" : row[POINTS]));
    for (let at = 0; at < columns.length; at += 1) {
      const cell = templates.get(row[CELLS][columns[at]]).cloneNode(true);
      const column = data.columns[columns[at]];
      if (cell.firstElementChild) cell.firstElementChild.href = `${page}#${column.anchor}`;
      if (at > 0 && data.columns[columns[at - 1]].role !== column.role) cell.classList.add("first");
      line.append(cell);
    }
    line.dataset.place = place;
    return line;
  };

  const spacer = (rows) => {
    const cell = element("td", { colspan: columns.length + 2 });
    cell.style.height = `${rows * height}px`;
    return element("tr", { "aria-hidden": "true", class: "spacer" }, cell);
  };

  const measure = () => {
    if (!height && shown.length) {
      body.replaceChildren(drawRow(0));
      height = body.rows[0].getBoundingClientRect().height || 28;
    }
  };

  const draw = (again) => {
    measure();
    const first = Math.floor(region.scrollTop / (height || 28));
    // The region is never higher than the window, and lower while it is still empty.
    const fit = Math.ceil(window.innerHeight / (height || 28));
    const from = whole ? 0 : Math.max(0, first - AROUND);
    const to = whole ? shown.length : Math.min(shown.length, first + fit + AROUND);
    const close = Math.abs(from - drawn[0]) < AROUND / 2 && (to === drawn[1] || Math.abs(to - drawn[1]) < AROUND / 2);
    if (!again && close) return;
    const focused = body.contains(document.activeElement);
    drawn = [from, to];
    const rows = [];
    if (from > 0) rows.push(spacer(from));
    for (let place = from; place < to; place += 1) rows.push(drawRow(place));
    if (to < shown.length) rows.push(spacer(shown.length - to));
    body.replaceChildren(...rows);
    if (focused) (linkOf(active) ?? region).focus({ preventScroll: true });
  };

  const linkOf = (place) => body.querySelector(`tr[data-place="${place}"] th a`);

  const say = () => {
    const all = data.rows.length;
    $("status").textContent = shown.length === all ? `All ${all} submissions.`
      : `${shown.length} of ${all} submissions.`;
    const cause = state.cause === "" ? null : data.causes[state.cause];
    $("uncause").hidden = !cause;
    $("uncause").textContent = cause ? `Cause: ${cause.name} ✕` : "";
    $("uncause").setAttribute("aria-label", cause ? `Show all causes, not only: ${cause.name}` : "");
    table.setAttribute("aria-rowcount", shown.length + 2);
  };

  const apply = () => {
    select();
    // Rows first: it asks where the region is scrolled to, and after a change that would lay out all of it.
    draw(true);
    drawHead();
    say();
  };

  const write = () => {
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) if (value !== NONE[name]) words.set(name, value);
    const hash = words.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  const change = (part) => {
    state = { ...state, ...part };
    active = 0;
    region.scrollTop = 0;
    write();
    apply();
  };

  // What the address says; what it does not know is left out.
  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    const next = { ...NONE };
    for (const name of Object.keys(NONE)) if (words.has(name)) next[name] = words.get(name);
    if (!roles.has(next.role)) next.role = "";
    if (!byKey.has(next.requirement)) next.requirement = "";
    if (!signs.has(next.verdict)) next.verdict = "";
    if (!/^\d+$/.test(next.cause) || !data.causes[next.cause]) next.cause = "";
    state = next;
    for (const name of ["text", "role", "requirement", "verdict"]) $(name).value = state[name];
  };

  const fill = () => {
    const there = new Set(data.columns.map((column) => column.role));
    for (const [role, words] of data.roles) if (there.has(role)) $("role").append(new Option(words, role));
    for (const column of data.columns) {
      $("requirement").append(new Option(`${column.id} ${column.title}`, key(column)));
    }
  };

  const move = (place) => {
    active = Math.min(Math.max(place, 0), shown.length - 1);
    if (active < 0) return;
    const top = active * height;
    const room = region.clientHeight - head.getBoundingClientRect().height - height;
    if (top < region.scrollTop) region.scrollTop = top;
    if (top > region.scrollTop + room) region.scrollTop = top - room;
    draw(true);
    linkOf(active)?.focus({ preventScroll: true });
  };

  region.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const on = body.contains(event.target);
    const steps = { ArrowDown: on ? active + 1 : active, ArrowUp: active - 1, Home: 0, End: shown.length - 1 };
    if (event.key === "/") $("text").focus();
    else if (event.key in steps && !event.target.closest("button")) move(steps[event.key]);
    else return;
    event.preventDefault();
  });
  region.addEventListener("scroll", () => requestAnimationFrame(() => draw(false)), { passive: true });
  head.addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.sort;
    if (!name) return;
    // Points begin with the best, all else with the first.
    const first = name === "points" ? "-points" : name;
    const other = first.startsWith("-") ? name : `-${name}`;
    change({ sort: state.sort === first ? other : first });
    [...head.querySelectorAll("button")].find((button) => button.dataset.sort === name)?.focus();
  });
  $("text").addEventListener("input", (event) => change({ text: event.target.value }));
  for (const name of ["role", "requirement", "verdict"]) {
    $(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => change({ ...NONE, sort: state.sort }));
  $("uncause").addEventListener("click", () => { change({ cause: "" }); region.focus(); });
  window.addEventListener("hashchange", () => {
    // A place on the page is none of ours.
    if (location.hash && !location.hash.includes("=")) return;
    read();
    active = 0;
    region.scrollTop = 0;
    apply();
    if (state.cause !== "") $("submissions-h").focus();
  });
  window.addEventListener("resize", () => { height = 0; draw(true); });
  window.addEventListener("beforeprint", () => { whole = true; draw(true); });
  window.addEventListener("afterprint", () => { whole = false; draw(true); });

  document.documentElement.classList.add("scripted");
  fill();
  read();
  apply();
})();
