// The book is whole without this file. It adds a search, and the meaning of the signs of a formula.
"use strict";
(() => {
  const { root } = document.documentElement.dataset;
  const language = document.documentElement.lang;
  const words = {
    en: { search: "Search", hint: "Search ( / )", none: "nothing found", found: "found" },
    ko: { search: "검색", hint: "검색 ( / )", none: "찾은 곳이 없습니다", found: "곳" },
  }[language];
  const make = (tag, properties, ...inside) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...inside);
    return element;
  };
  const typing = (event) => /^(INPUT|TEXTAREA)$/.test(event.target.tagName);

  // ---- search: the index is read when somebody begins to search ----
  const box = make("input", { id: "search", type: "search", placeholder: words.hint, autocomplete: "off" });
  box.setAttribute("aria-label", words.search);
  const count = make("p", { id: "count" });
  count.setAttribute("role", "status");
  const list = make("ol", { id: "found" });
  const form = make("form", { className: "search" }, box);
  form.setAttribute("role", "search");
  document.querySelector("header nav").after(form, count, list);

  let sections; // [page, address, title, heading, words] of each section
  const read = () => new Promise((done) => {
    if (window.book) return done();
    document.head.append(make("script", { src: root + "search.js", onload: done }));
  }).then(() => {
    sections = sections || window.book.pages.flatMap(([name, of, title, parts]) =>
      parts.map(([id, heading, text]) => ({
        name, of, title, heading, text, address: name + (id ? "#" + encodeURIComponent(id) : ""),
        head: (title + " " + heading).toLowerCase(), low: text.toLowerCase(),
      })));
  });
  const has = (text, word) => { // a Latin word from its beginning, any other word anywhere
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (!/^[a-z]/.test(word) || !/[a-z]/.test(text[at - 1] || " ")) return at;
    }
    return -1;
  };
  const score = (part, asked, parts, best) => {
    const term = best.indexOf(part.address);
    const inside = parts.every((word) => has(part.head, word) >= 0 || has(part.low, word) >= 0);
    if (term < 0 && !inside) return 0;
    let points = 1 + (part.of === language ? 40 : 0) + (/notes-/.test(part.name) ? 20 : 0);
    if (term >= 0) points += 500 - 20 * term;
    if (has(part.head, asked) >= 0) points += 100;
    if (has(part.low, asked) >= 0) points += 30;
    return points + 2 * Math.min(8, part.low.split(asked).length - 1);
  };
  const search = (text) => {
    const asked = text.toLowerCase().trim().replace(/\s+/g, " ");
    const parts = asked.split(" ").filter(Boolean);
    if (!parts.length) return [];
    const near = ([terms]) => {
      const names = terms.toLowerCase().split(" / ");
      return names.includes(asked) ? 2 : names.some((name) => asked.length > 2 && name.startsWith(asked)) ? 1 : 0;
    };
    const best = window.book.terms.map((term) => [near(term), term]).filter(([n]) => n)
      .sort((a, b) => b[0] - a[0]).flatMap(([, [, places]]) => places)
      .map((place) => language === "ko" && place.startsWith("notes-") ? "ko/" + place : place);
    return sections.map((part) => [score(part, asked, parts, best), part])
      .filter(([points]) => points).sort((a, b) => b[0] - a[0]).map(([, part]) => [part, parts]);
  };
  const sentence = (text, parts) => {
    const at = Math.max(0, ...parts.map((word) => has(text.toLowerCase(), word)));
    const from = Math.max(0, text.lastIndexOf(". ", at) + 1, at - 90);
    return (from ? "… " : "") + text.slice(from, from + 190).trim() + (from + 190 < text.length ? " …" : "");
  };
  const empty = () => { box.value = ""; count.textContent = ""; list.replaceChildren(); };
  const show = () => {
    const hits = search(box.value);
    count.textContent = !box.value.trim() ? "" : hits.length ? hits.length + " " + words.found : words.none;
    list.replaceChildren(...hits.slice(0, 12).map(([part, parts]) => {
      const where = part.heading ? part.title + " › " + part.heading : part.title;
      const text = make("span", {}, sentence(part.text, parts));
      return make("li", { lang: part.of }, make("a", { href: root + part.address }, where), " ", text);
    }));
  };
  box.addEventListener("focus", read);
  box.addEventListener("input", () => read().then(show));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    read().then(() => { show(); const first = list.querySelector("a"); if (first) first.click(); });
  });

  // ---- the meaning of the signs of a formula ----
  const told = make("div", { id: "told" });
  told.setAttribute("role", "status");
  document.body.append(told);
  const formulas = [...document.querySelectorAll("math[data-s]")];
  let open = null, later = 0;
  const hide = () => { clearTimeout(later); open = null; told.replaceChildren(); told.className = ""; };
  const tell = (math) => {
    clearTimeout(later);
    if (math === open) return;
    open = math;
    const rows = math.dataset.s.split(" ").map((n) => document.getElementById("s" + n));
    told.replaceChildren(make("dl", {}, ...rows.filter(Boolean).map((row) => {
      const copy = row.cloneNode(true);
      copy.removeAttribute("id");
      return copy;
    })));
    // beside the text where there is room, else at the edge of the window that is farther away
    const place = math.getBoundingClientRect();
    const right = document.querySelector("main").getBoundingClientRect().right;
    const room = document.documentElement.clientWidth - right - 16;
    const beside = room > 150;
    told.className = beside ? "beside" : place.top + place.bottom < innerHeight ? "bottom" : "top";
    told.style.left = beside ? right + 8 + "px" : "";
    told.style.maxWidth = beside ? room + "px" : "";
    told.style.top = beside
      ? Math.max(8, Math.min(place.top - 8, innerHeight - told.offsetHeight - 8)) + "px" : "";
  };
  const formulaOf = (event) => event.target.closest && event.target.closest("math[data-s]");
  document.addEventListener("mouseover", (event) => {
    const math = formulaOf(event);
    if (math) tell(math);
    else if (told.contains(event.target)) clearTimeout(later);
    else if (open) { clearTimeout(later); later = setTimeout(hide, 400); }
  });
  document.addEventListener("click", (event) => {
    const math = formulaOf(event);
    if (math) tell(math); else if (!told.contains(event.target)) hide();
  });
  // one stop for the key Tab: the first formula; the arrows lead to the others
  const stop = (math) => {
    for (const other of formulas) if (other.tabIndex === 0) other.tabIndex = -1;
    math.tabIndex = 0;
  };
  if (formulas.length) formulas[0].tabIndex = 0;
  document.addEventListener("focusin", (event) => {
    const math = formulaOf(event);
    if (math) { stop(math); tell(math); }
  });
  document.addEventListener("focusout", (event) => { if (formulaOf(event)) hide(); });

  // ---- keys ----
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { empty(); hide(); return; }
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event)) return;
    const math = formulaOf(event);
    if (event.key === "/") { event.preventDefault(); box.focus(); }
    if (math && /^Arrow(Left|Right)$/.test(event.key)) {
      event.preventDefault();
      const next = formulas[formulas.indexOf(math) + (event.key === "ArrowRight" ? 1 : -1)];
      for (let e = next; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
      if (next) { stop(next); next.focus(); }
    }
    if (event.key === "v") { // all values of a page at once
      const lines = [...document.querySelectorAll(".code details")];
      const closed = lines.some((line) => !line.open);
      for (const line of lines) line.open = closed;
    }
  });

  // in the contents beside the page, one's place is in sight
  const here = document.querySelector(".side [aria-current]");
  if (here) {
    const side = here.closest(".side");
    side.scrollTop = here.offsetTop - side.clientHeight / 2;
  }

  // what is wider than its box can be moved by the keys, too
  const reachable = () => {
    for (const wide of document.querySelectorAll("pre, .code, .wide, .long, .middling")) {
      if (wide.scrollWidth > wide.clientWidth + 1) wide.tabIndex = 0; else wide.removeAttribute("tabindex");
    }
  };
  reachable();
  addEventListener("resize", reachable);

  // on paper, every answer
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details.fold:not([open])")];
    for (const fold of unfolded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of unfolded) fold.open = false; });
})();
